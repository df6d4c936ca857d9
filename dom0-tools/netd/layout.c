/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Laying out a frame.  Each piece is one copy for the hypervisor, so what matters is how few there
 * are: a sender's page that goes to the start of a receiver's page is one, a packed layout cuts
 * nearly every page in two.  Pure.
 */
#include "netd/layout.h"

static bool fill(struct layout *l, const struct layout_part *parts, unsigned n, unsigned most,
		 bool packed)
{
	unsigned used = MICA_IO_PAGE_BYTES;	/* of the slot in hand; none yet */

	l->slots = l->pieces = 0;
	for (unsigned i = 0; i < n; i++) {
		struct mica_io_side from = parts[i].from;
		uint32_t left = parts[i].bytes;

		if (!packed && !parts[i].joins)
			used = MICA_IO_PAGE_BYTES;
		while (left) {
			uint32_t take;

			if (used == MICA_IO_PAGE_BYTES) {
				if (l->slots == most || l->slots == LAYOUT_SLOTS)
					return false;
				l->size[l->slots++] = 0;
				used = 0;
			}
			if (l->pieces == LAYOUT_PIECES)
				return false;
			take = MICA_IO_PAGE_BYTES - used < left ? MICA_IO_PAGE_BYTES - used : left;
			l->piece[l->pieces++] = (struct layout_piece){
				from, take, (uint16_t)(l->slots - 1), (uint16_t)used };
			used += take;
			l->size[l->slots - 1] = (uint16_t)used;
			left -= take;
			if (from.by_ref)
				from.offset += take;
			if (from.mem)	/* ours, by reference or not */
				from.mem = (uint8_t *)from.mem + take;
		}
	}
	return l->slots != 0;
}

/* As most frames are: in one piece that fits a page. */
static void one(struct layout *l, const struct layout_part *part)
{
	l->slots = l->pieces = 1;
	l->size[0] = (uint16_t)part->bytes;
	l->piece[0] = (struct layout_piece){ part->from, part->bytes, 0, 0 };
}

bool layout_make(struct layout *l, const struct layout_part *parts, unsigned n, unsigned most)
{
	uint32_t total = 0;
	unsigned least;

	if (n == 1 && most && parts->bytes && parts->bytes <= MICA_IO_PAGE_BYTES) {
		one(l, parts);
		return true;
	}
	for (unsigned i = 0; i < n; i++)
		total += parts[i].bytes;
	least = (total + MICA_IO_PAGE_BYTES - 1) / MICA_IO_PAGE_BYTES;
	if (fill(l, parts, n, most < least + 1 ? most : least + 1, false))
		return true;
	return fill(l, parts, n, most, true);
}
