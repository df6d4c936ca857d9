/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffers for data between a guest's pages and the image.  Those of requests without indirect
 * segments come from one fixed area, which an engine may have the kernel pin once and for all;
 * larger ones, and what does not fit, from the heap.
 */
#ifndef MICA_BLKD_BOUNCE_H
#define MICA_BLKD_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>

#define BOUNCE_SMALL		4096u
#define BOUNCE_SMALLS		128u
#define BOUNCE_LARGE		(11u * 4096)	/* a request without indirect segments */
#define BOUNCE_LARGES		32u
#define BOUNCE_BYTES		((size_t)BOUNCE_SMALLS * BOUNCE_SMALL + \
				 (size_t)BOUNCE_LARGES * BOUNCE_LARGE)

struct bounce {
	char *base;			/* of BOUNCE_BYTES; NULL: all from the heap */
	void *small, *large;		/* free, chained by their first word */
};

/* 0 or -ENOMEM, which leaves it with the heap. */
int bounce_open(struct bounce *b);
void bounce_close(struct bounce *b);
/* Aligned to a page; NULL: no memory. */
void *bounce_take(struct bounce *b, size_t bytes);
void bounce_give(struct bounce *b, void *at);

#endif
