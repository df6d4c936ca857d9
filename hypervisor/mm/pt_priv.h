/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of writing an entry that mm/pt.c and mm/pt_foreign.c share. */
#ifndef MM_PT_PRIV_H
#define MM_PT_PRIV_H

#include <mica/errno.h>
#include "cpu/log.h"
#include "mm/pt.h"

#define PT_TRIES	64		/* lost races before we give up on an entry */

/* Makes frame @m the batch's table, as the kind it has.  Unfinished business of the batch's vCPU and
 * space comes first.  0, RESTART, -EINVAL, -EBUSY. */
int pt_take_table(struct pt_batch *b, mfn_t m);
/* The same for the table of @slot, which must be a level-1 table in use; *e is the entry. */
int pt_take_leaf_slot(struct pt_batch *b, maddr_t slot, uint64_t **e);

/* Is @slot an (aligned) entry of the table the batch has? */
static inline bool pt_has_table(const struct pt_batch *b, maddr_t slot)
{
	return !((slot.a - b->table_maddr) & ~0xff8ul) && b->table_kind != KIND_NONE;
}

/* The value to store for @val over @old. */
static inline uint64_t pt_merge(uint64_t val, uint64_t old, enum pt_write_how how)
{
	return how == PT_KEEP_AD ? val | (old & (PTE_A | PTE_D)) : val;
}

/* Stores @new, whose references we hold, over *old, which becomes what stood there, its references
 * now ours. */
static always_inline int pt_exchange(uint64_t *e, uint64_t *old, uint64_t new, enum pt_write_how how,
				     unsigned tries)
{
	while (tries--)
		if (atomic_cmpxchg(e, old, pt_merge(new, *old, how)))
			return 0;
	return refuse(-EAGAIN, "entry changes under our hands");
}

#endif
