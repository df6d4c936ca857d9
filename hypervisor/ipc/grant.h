/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grant tables: a domain lets another map or copy its frames (abi-inventory 4.3).  One lock per
 * domain's table, RANK_GRANT; the table's pages are ours, shared with the guest.  Each mapping is a
 * maptrack entry of the mapping domain.  Per-element results are GNTST_*; these functions never
 * return -E for what one element got wrong.
 *
 */
#ifndef IPC_GRANT_H
#define IPC_GRANT_H

#include <mica/grant.h>
#include "dom/vcpu.h"
#include "mm/pt.h"

/* One end of a copy, kept from one element to the next while they name the same frame. */
struct copy_end {
	struct domain *peer;		/* whose table or frame, referenced; NULL: none yet */
	uint32_t whom;			/* that domain as the guest named it, and whether by reference */
	bool held;			/* frame m is taken, and its reference pinned */
	uint16_t off, len;		/* part of it that may be touched */
	uint64_t name;			/* reference or frame number as the guest gave it */
	mfn_t m;
};

/* What the elements of one hypercall share. */
#define GRANT_CHUNK		32	/* elements of one call of grant_map and the like */
#define GRANT_UNMAPS		256	/* that wait for one flush */
struct grant_batch {
	struct vcpu *v;
	struct grant_table *mine;	/* of its domain */
	struct pt_batch pt;
	uint32_t left;			/* elements to come when it began */
	int why;			/* a list ended early: RESTART unless said */
	int result;			/* of a call whose elements all went back */
	/* map */
	struct domain *peer;		/* the last one mapped from, referenced; NULL: none */
	uint32_t spare, spare_end;	/* chain of free handles that are ours; NO_HANDLE: none */
	uint64_t va, entries;		/* machine address of the level-1 table from @va on; 0: none yet */
	/* unmapped, but the flush is still to come: until then the frames stay held */
	unsigned nr_unmapped;
	uint32_t unmapped[GRANT_UNMAPS];
	/* copy */
	struct copy_end from, to;
};

/* @count: of elements, about. */
void grant_batch_begin(struct grant_batch *b, struct vcpu *v, uint32_t count);
/* To be called before the guest goes on: one TLB flush, then frames that were unmapped are let go
 * and the granters see it. */
void grant_batch_end(struct grant_batch *b);
/*
 * A list of @n elements (at most GRANT_CHUNK), of the operation's structure: does the first ones, sets
 * their status, and says how many.  Fewer than @n: b->why is RESTART, and the rest is for another batch;
 * or an error that ends the whole call.
 */
typedef uint32_t grant_list_fn(struct grant_batch *b, void *ops, uint32_t n);
grant_list_fn grant_map, grant_unmap, grant_unmap_and_replace, grant_copy, grant_swap;
/* x86 caches are coherent: only the checks.  -EINVAL, -EPERM. */
grant_list_fn grant_cache_flush;

/* Grows @d's table to @nr frames; frame numbers through grant_frame(). GNTST_*. */
int16_t grant_setup(struct domain *d, unsigned nr);
mfn_t grant_frame(struct domain *d, unsigned i);	/* shared frame i, or none */
mfn_t grant_status_frame(struct domain *d, unsigned i);
unsigned grant_nr_frames(struct domain *d);
unsigned grant_max_frames(struct domain *d);
unsigned grant_nr_status_frames(struct domain *d);
/* -EINVAL no such version, -ENOSYS not offered, -EBUSY grants in use, -ERANGE an entry that version
 * 1 cannot say, -ENOMEM. */
int grant_set_version(struct domain *d, uint32_t version);
uint32_t grant_version(struct domain *d);

#endif
