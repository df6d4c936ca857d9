/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lab guest's console ring: text out, lines in, and the words of its command line.
 */
#ifndef LAB_CON_H
#define LAB_CON_H
#include <stdbool.h>
#include <stddef.h>

/* The value behind "WORD=" or after WORD in the command line, or NULL. */
const char *word(const char *want);
void con_start(void);
/* Waits while the ring is full. */
void con_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Something has been typed that con_line() has not seen. */
bool con_typed(void);
/* The next whole line that was typed, without its end; false: none yet. */
bool con_line(char *line, size_t size);
void text_print(char *to, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
