/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A lab guest's way to the store: one request at a time over the ring, watch events noted in
 * passing.
 */
#ifndef LAB_XS_H
#define LAB_XS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mica/io/xenstore.h>

void xs_start(void);
/*
 * Ask and wait; the payload is two strings, the second without its NUL if @raw, or not there if
 * NULL.  Returns the answer's type, XS_ERROR with the error's name in @reply.
 */
unsigned int xs_ask(unsigned int type, const char *a, const char *b, bool raw, char *reply,
		    size_t size);
/* Something lies in the ring that nobody has looked at. */
bool xs_waiting(void);
/* Take what came by itself.  True: a watch has fired since this was last called. */
bool xs_fired(void);
/* The parts, for who floods the ring: bytes without a notification, one message of any type. */
void xs_put(const void *data, size_t len);
unsigned int xs_message(char *text, size_t size, uint32_t *len);

/* 0, or -ENOENT for any error.  An empty @value is one that could not be read. */
int xs_read(const char *dir, const char *key, char *value, size_t size);
int xs_write(const char *dir, const char *key, const char *value);
int xs_write_number(const char *dir, const char *key, uint64_t value);
int xs_remove(const char *dir, const char *key);
int xs_watch(const char *dir, const char *key);
/* A decimal number, @otherwise when the key is not there or is none. */
uint64_t xs_read_number(const char *dir, const char *key, uint64_t otherwise);

#endif
