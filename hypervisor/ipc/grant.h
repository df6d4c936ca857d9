/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grant tables: a domain lets another map or copy its frames (abi-inventory 4.3).  One lock per
 * domain's table, RANK_GRANT; the table's pages are ours, shared with the guest.  Each mapping is a
 * maptrack entry of the mapping domain.  Per-element results are GNTST_*; these functions never
 * return -E for what one element got wrong.
 *
 * Functions that return int give 0 when op->status is set, or RESTART: nothing was changed, end the
 * batch and do this element again.
 */
#ifndef IPC_GRANT_H
#define IPC_GRANT_H

#include <mica/grant.h>
#include "dom/vcpu.h"
#include "mm/pt.h"

/* Unmapped, but the flush is still to come: until then the frames stay held.  One per hypercall. */
#define GRANT_UNMAPS		32
struct grant_unmaps {
	unsigned n;
	uint32_t handle[GRANT_UNMAPS];
};

int grant_map(struct vcpu *v, struct pt_batch *b, struct gnttab_map_grant_ref *op);
/* @u must have room; whoever passes it calls grant_unmaps_finish before the guest goes on. */
int grant_unmap(struct vcpu *v, struct pt_batch *b, struct grant_unmaps *u,
		struct gnttab_unmap_grant_ref *op);
int grant_unmap_and_replace(struct vcpu *v, struct pt_batch *b, struct grant_unmaps *u,
			    struct gnttab_unmap_and_replace *op);
static inline bool grant_unmaps_full(const struct grant_unmaps *u) { return u->n == GRANT_UNMAPS; }
/* One TLB flush, then the frames are let go and the granters see it. */
void grant_unmaps_finish(struct vcpu *v, struct grant_unmaps *u);

/* One end of a copy, kept from one element to the next while they name the same frame. */
struct copy_end {
	struct domain *peer;		/* whose table, referenced; NULL: nothing held */
	bool by_ref, write;
	domid_t domid;
	uint64_t name;			/* reference or frame number as the guest gave it */
	mfn_t m;
	uint16_t off, len;		/* part of the frame that may be touched */
};
struct grant_copier {
	struct copy_end from, to;	/* zero at the start */
};
int grant_copy(struct vcpu *v, struct grant_copier *c, struct gnttab_copy *op);
void grant_copier_finish(struct grant_copier *c);

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
int16_t grant_swap(struct domain *d, uint32_t a, uint32_t b);
/* x86 caches are coherent: only the checks.  0, -EINVAL, -EPERM. */
int grant_cache_flush(struct vcpu *v, const struct gnttab_cache_flush *op);

#endif
