/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Level-1 entries whose targets come with references of their own: grant mappings, and entries that
 * move from one slot to another.
 *
 * The same rules as in mm/pt.c: the table stays taken while we write, the cmpxchg decides who gives
 * back the old target.
 */
#include "mm/entry.h"
#include "mm/pt_priv.h"

/* One more of what the caller holds on the target of @v. */
static int hold_again(uint64_t v)
{
	struct frame *f = frame_of(pte_mfn(pte(v)));

	if (frame_word(f).raw & WORD_FULL)
		return refuse(-EBUSY, "frame %x has too many references", frame_nr(f));
	if (v & PTE_RW)
		frame_take_again(f);
	else
		frame_get_again(f);
	return 0;
}

int pt_map_foreign(struct pt_batch *b, maddr_t slot, pte_t val)
{
	uint64_t *e, old, new = entry_adjust(val.v, 1);
	int rc = pt_take_leaf_slot(b, slot, &e);

	if (rc)
		return rc;
	if (!(new & PTE_P) || (new & b->forbidden) || !frame_valid(pte_mfn(pte(new))))
		return refuse(-EINVAL, "grant entry %lx: forbidden bits %lx", new,
			      new & b->forbidden);
	rc = hold_again(new);
	if (rc)
		return rc;
	old = read_once(*e);
	rc = pt_exchange(e, &old, new, PT_NORMAL, PT_TRIES);
	if (rc)
		old = new;
	if (old & PTE_P)
		entry_drop_leaf(old);
	return rc;
}

int pt_unmap_foreign(struct pt_batch *b, maddr_t slot, mfn_t expect, bool writable, pte_t to)
{
	uint64_t *e, old;
	int rc = pt_take_leaf_slot(b, slot, &e);

	if (rc)
		return rc;
	old = read_once(*e);
	for (unsigned i = 0; i < PT_TRIES; i++) {
		if (!(old & PTE_P) || pte_mfn(pte(old)).n != expect.n || !(old & PTE_RW) == writable)
			return refuse(-EINVAL, "entry is %lx, not a mapping of %lx", old, expect.n);
		if (!atomic_cmpxchg(e, &old, to.v))
			continue;
		entry_drop_leaf(old);
		return 0;
	}
	return refuse(-EAGAIN, "entry changes under our hands");
}

int pt_move_out(struct pt_batch *b, maddr_t slot, pte_t *moved)
{
	uint64_t *e;
	int rc = pt_take_leaf_slot(b, slot, &e);

	if (!rc)
		moved->v = atomic_xchg(e, 0);
	return rc;
}

int pt_move_in(struct pt_batch *b, maddr_t slot, pte_t moved)
{
	uint64_t *e, old;
	int rc = pt_take_leaf_slot(b, slot, &e);

	if (rc)
		return rc;
	old = atomic_xchg(e, moved.v);
	if (old & PTE_P)
		entry_drop_leaf(old);
	return 0;
}
