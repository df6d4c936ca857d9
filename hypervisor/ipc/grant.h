/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grant tables: a domain lets another map or copy its frames (abi-inventory 4.3).  One lock per domain's
 * table, RANK_GRANT; the table's pages are ours, shared with the guest.  Each mapping is a maptrack
 * entry of the mapping domain.  Per-element results are GNTST_*; these functions never return -E for
 * what one element got wrong.
 */
#ifndef IPC_GRANT_H
#define IPC_GRANT_H

#include <mica/grant.h>
#include "dom/vcpu.h"
#include "mm/pt.h"

void grant_map(struct vcpu *v, struct pt_batch *b, struct gnttab_map_grant_ref *op);
void grant_unmap(struct vcpu *v, struct pt_batch *b, struct gnttab_unmap_grant_ref *op);
void grant_unmap_and_replace(struct vcpu *v, struct pt_batch *b, struct gnttab_unmap_and_replace *op);
void grant_copy(struct vcpu *v, struct gnttab_copy *op);
/* Grows @d's table to @nr frames; frame numbers through grant_frame(). GNTST_*. */
int16_t grant_setup(struct domain *d, unsigned nr);
mfn_t grant_frame(struct domain *d, unsigned i);	/* shared frame i, or none */
mfn_t grant_status_frame(struct domain *d, unsigned i);
unsigned grant_nr_frames(struct domain *d);
unsigned grant_max_frames(struct domain *d);
unsigned grant_nr_status_frames(struct domain *d);
int grant_set_version(struct domain *d, uint32_t version);	/* -EINVAL, -EBUSY, -ENOMEM */
uint32_t grant_version(struct domain *d);
int16_t grant_swap(struct domain *d, uint32_t a, uint32_t b);
int grant_cache_flush(struct vcpu *v, const void *op);

#endif
