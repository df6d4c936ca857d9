/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory and string functions.  The compiler may call the first four by itself, so they keep the
 * standard names.  page_clear and page_copy work on whole, aligned pages with 8-byte stores.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include "lib/util.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
const char *strstr(const char *s, const char *word);
/* Copies at most @size - 1 bytes, always terminates, and zeroes the rest of @dst (so that nothing
 * old leaks to whoever reads the whole buffer).  Returns false when @src did not fit. */
bool str_copy(char *dst, size_t size, const char *src);
void page_clear(void *page);
void page_copy(void *dst, const void *src);

#endif
