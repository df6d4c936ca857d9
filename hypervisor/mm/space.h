/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's frames: which it owns, how many it may own, and what else it may map.  This is the part of
 * struct domain that mm/ knows.
 *
 * Which frames: a sparse bitmap (one 4 KiB leaf per 128 MiB of machine memory that the domain touches),
 * so that teardown finds them without a link in every frame.
 */
#ifndef MM_SPACE_H
#define MM_SPACE_H

#include <mica/types.h>
#include "cpu/lock.h"
#include "mm/frame.h"

struct memspace {
	domid_t id;
	bool cache_attrs;		/* may use PWT/PCD/PAT in its level-1 entries */
	bool may_map_io;		/* may map frames that are not RAM (hardware domain) */
	bool dying;			/* no new frames, nor new references to them through grants or foreign
					 * maps; written under the lock, read without */
	cpumask_t dirty_cpus;		/* CPUs that run it now (dom/ sets on switch-in, clears on -out) */

	struct spinlock lock;		/* RANK_SPACE, guards: */
	uint64_t tot_frames;		/* frames owned now */
	uint64_t max_frames;		/* allowed */
	uint64_t claimed;		/* staked frames not yet allocated (XENMEM_claim_pages) */
	uint64_t **owned;		/* leaves of the bitmap, index mfn >> 15 */

	bool abandoned;			/* the last frame that goes calls space_emptied; under the lock */
	bool relinquish_late;		/* teardown: the second round */
	uint64_t relinquish_next;	/* teardown: first frame not yet looked at */
	uint64_t pins;			/* tables pinned, or about to be; atomic */

	struct spinlock scan_lock;	/* RANK_SCAN, guards: */
	uint32_t undo_head;		/* frame number of the first table to undo, FRAME_LINK_NONE = none */
	uint64_t undoing;		/* tables off the list that a CPU works on; goes down without the lock */
};

int space_init(struct memspace *m, domid_t id, uint64_t max_frames);	/* -ENOMEM */
void space_fini(struct memspace *m);	/* all frames are gone */

/* flags of space_alloc */
#define SPACE_ADDR_BITS(n)	((n) & 0xff)	/* all frames below 2^n; 0 = any */
#define SPACE_NO_SCRUB		0x100		/* the caller overwrites it all */

/*
 * 2^order contiguous frames for @m, each with refs 1 (the allocation), kind none, M2P invalid, contents
 * zeroed unless SPACE_NO_SCRUB.  NULL: the heap is empty, max_frames is reached, or @m is dying.
 */
struct frame *space_alloc(struct memspace *m, unsigned order, unsigned flags);
/*
 * A frame as heap_alloc or space_steal returned it becomes @m's: refs 1 (the allocation), M2P invalid.
 * -ENOMEM max_frames reached or no memory for the bitmap, -EINVAL when @m is dying.
 */
int space_assign(struct memspace *m, struct frame *f);
/*
 * Takes a frame from its owner if nothing but the allocation refers to it (a reference the caller
 * took itself must be put before).  The caller then has it as from heap_alloc (refs 0), except for its
 * contents: it is marked FRAME_DIRTY.  Pass it to space_assign or heap_free.  -EBUSY otherwise.
 */
int space_steal(struct memspace *m, struct frame *f);
/* frame.c: the last reference of a domain's frame went. */
void space_frame_gone(struct frame *f);
/* XENMEM_claim_pages: @frames more than it owns now are staked for @m; 0 takes the claim back. -ENOMEM. */
int space_claim(struct memspace *m, uint64_t frames);
uint64_t space_claimed_total(void);
/* Does the bitmap say that @m owns the frame? */
bool space_owns(struct memspace *m, mfn_t n);
/* No frame comes to @m from here on. */
void space_begin_dying(struct memspace *m);
/*
 * Teardown, after space_begin_dying and scan_abort for every vCPU: unpins and gives up frames, some at
 * a time.  0 no frame is left, RESTART more to do, -EBUSY when only frames that others still refer to are
 * left.
 */
int space_relinquish(struct memspace *m);
/* undo.c: those in @bits of the 64 frames from @first on, whose words are 0 now, go to the heap.  Never the last
 * ones of @m. */
void space_free_group(struct memspace *m, uint64_t first, uint64_t bits);
/* The rest goes by itself: true when nothing is left already; otherwise whoever drops the last frame
 * calls space_emptied, and @m is not touched after that. */
bool space_abandon(struct memspace *m);
extern void (*space_emptied)(struct memspace *m);

/* Are there tables to undo?  (scan_drain) */
static inline bool space_undo_pending(const struct memspace *m)
{
	return unlikely(read_once(m->undo_head) != FRAME_LINK_NONE);
}

/* Finds the memspace of a domid: dom/domain.c registers it (one way up, a hook). */
extern struct memspace *(*space_of)(domid_t id);

#endif
