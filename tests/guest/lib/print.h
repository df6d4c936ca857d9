/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Printing through console_io, and the small part of the C library a test kernel needs.
 *
 * print() knows %s %c %d %u %x %lx %ld %lu %p %%, a width and the flag 0.
 */
#ifndef GUEST_PRINT_H
#define GUEST_PRINT_H
#include <stdarg.h>
#include <stddef.h>

void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int format(char *out, size_t size, const char *fmt, va_list args);

void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
void *memmove(void *to, const void *from, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);

#endif
