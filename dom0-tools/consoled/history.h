/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last bytes of one console, for any number of readers.
 *
 * A stream with an absolute position for each byte; the youngest `size` of them are kept.  A reader
 * is no more than a position.  One that falls behind jumps to the oldest byte kept, so readers
 * cost nothing and memory is bounded by `size`, however many there are and however slow.
 */
#ifndef MICA_CONSOLED_HISTORY_H
#define MICA_CONSOLED_HISTORY_H

#include <stddef.h>
#include <stdint.h>

struct history {
	char *bytes;		/* allocated with the first byte */
	size_t size;		/* a power of two */
	uint64_t end;		/* position behind the youngest byte */
};

/* @size is rounded down to a power of two, at least 1024. */
void history_init(struct history *h, size_t size);
void history_free(struct history *h);
/* Without memory the bytes are dropped: the log has them. */
void history_add(struct history *h, const char *from, size_t n);
/* The oldest position kept. */
uint64_t history_start(const struct history *h);
/*
 * What stands at *at, which is moved forward if that is gone: a run in a row of at most what is
 * there.  *run is 0 at the end.
 */
const char *history_at(const struct history *h, uint64_t *at, size_t *run);

#endif
