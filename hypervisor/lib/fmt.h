/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * printf without locale, allocation or floating point: %s %c %d %u %x %p %% with l and z, a width,
 * the '0' flag and, for strings, a precision.
 */
#ifndef LIB_FMT_H
#define LIB_FMT_H

#include <stdarg.h>
#include "lib/util.h"

/* Both return the length the whole text would have; the result is always terminated when size > 0. */
int fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int fmt_snprintf(char *buf, size_t size, const char *fmt, ...) printf_like(3, 4);

/* Parses a number as operators write it: decimal, 0x hex, 0 octal.  *end is set past the last digit
 * (to @s itself when there was none). */
uint64_t fmt_parse_u64(const char *s, const char **end);
/* The same with a size suffix B, K (default), M, G, T; the result is in bytes. */
uint64_t fmt_parse_size(const char *s, const char **end);

#endif
