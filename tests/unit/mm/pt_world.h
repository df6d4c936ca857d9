/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The small world of the page-table tests: two domains with a few dozen frames, so that random
 * programs collide all the time, and generators of entries that are often good and sometimes evil.
 */
#ifndef PT_WORLD_H
#define PT_WORLD_H

#include "unit.h"
#include "mm/audit.h"
#include "mm/heap.h"
#include "mm/hvmap.h"
#include "mm/kind.h"
#include "mm/pt.h"

#define WORLD_FRAMES	1024
#define A_FRAMES	40		/* 8 meant for each level of table, 8 for data */
#define B_FRAMES	6
#define IO_DENIED	0xa0		/* one frame of the first MiB nobody may map */
#define IO_RO		0xb0
#define SEGDESC_SLOT	9		/* a page of descriptors is bad when bit 0 of this entry is set */

extern struct memspace space_a, space_b;
extern struct frame *a_frames[A_FRAMES], *b_frames[B_FRAMES];
extern struct frame *exported;		/* ours, mappable read-only */
extern uint64_t world_free;		/* frames in the heap before the domains got theirs */

bool world_segdesc_ok(uint64_t *page);
void world_make(void);
/* Gives everything up again; fails unless every frame comes back and the audit is clean. */
void world_end(struct scan *scans, unsigned n);

/* Index into a_frames of a frame meant as a table of @level; 0 = data. */
unsigned world_pick(unsigned level);
unsigned world_slot(void);		/* an entry index: few different ones */
uint64_t world_entry(unsigned level);	/* an entry for a table of @level */
static inline maddr_t slot_of(struct frame *f, unsigned i)
{
	return maddr(mfn_maddr(frame_mfn(f)).a + i * 8);
}
static inline uint64_t *entry_at(struct frame *f, unsigned i)
{
	return (uint64_t *)frame_to_virt(f) + i;
}

#endif
