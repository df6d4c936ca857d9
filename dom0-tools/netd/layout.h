/* SPDX-License-Identifier: BSD-2-Clause */
/* How a frame's pieces are laid over the receiver's pages. */
#ifndef MICA_NETD_LAYOUT_H
#define MICA_NETD_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>
#include "io/io.h"

#define LAYOUT_SLOTS	18u	/* pages of one frame any front end takes */
#define LAYOUT_PARTS	32u	/* pieces a frame comes in: heads and slots */
#define LAYOUT_PIECES	(LAYOUT_PARTS + LAYOUT_SLOTS)

/* A run of the frame's bytes. */
struct layout_part {
	struct mica_io_side from;	/* a grant never beyond its page */
	uint32_t bytes;
	bool joins;			/* goes on in the page of the one before, if it fits */
};

struct layout_piece {
	struct mica_io_side from;
	uint32_t bytes;
	uint16_t slot, offset;		/* where to */
};

struct layout {
	unsigned slots, pieces;
	uint16_t size[LAYOUT_SLOTS];	/* bytes in each */
	struct layout_piece piece[LAYOUT_PIECES];
};

/*
 * Fill @l.  A part of its own page each when that costs no more than one page over the least
 * (one piece per part: nothing is cut in two), else packed.  At most @most slots; false: no fit.
 */
bool layout_make(struct layout *l, const struct layout_part *parts, unsigned n, unsigned most);

#endif
