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

/* The entry at @slot, of the table that the batch has or takes now. */
static always_inline int leaf_slot(struct pt_batch *b, maddr_t slot, uint64_t **e)
{
	if (unlikely(!pt_has_table(b, slot) || b->table_kind != KIND_L1))
		return pt_take_leaf_slot(b, slot, e);
	*e = b->table_va + entry_index(slot);
	return 0;
}

/* What one entry @v holds on its target, once for the entry and once for the caller. */
static always_inline int take_twice(struct pt_batch *b, uint64_t v, const struct memspace *owner)
{
	struct frame *f = entry_frame(v);
	int rc;

	if (!entry_in_table(f) || owner->dying)
		return refuse(-EINVAL, "grant entry %lx: no frame of domain %u", v, owner->id);
	if (!(v & PTE_RW)) {
		if (!frame_get_fast(f, owner->id))
			return refuse(-EINVAL, "frame %x is not domain %u's", frame_nr(f), owner->id);
		atomic_add(&f->word.raw, WORD_REF);
		return 0;
	}
	rc = frame_write_fast(f, owner->id) ? 0 : frame_take(f, owner, KIND_WRITABLE, b->scan);
	if (!rc)
		atomic_add(&f->word.raw, WORD_TAKEN);
	return rc;
}

int pt_map_foreign(struct pt_batch *b, maddr_t slot, pte_t val, const struct memspace *owner)
{
	uint64_t *e, old, new = entry_adjust(val.v, 1);
	int rc = leaf_slot(b, slot, &e);

	if (rc)
		return rc;
	if (unlikely(!(new & PTE_P) || (new & b->forbidden)))
		return refuse(-EINVAL, "grant entry %lx: forbidden bits %lx", new,
			      new & b->forbidden);
	rc = take_twice(b, new, owner);
	if (unlikely(rc))
		return rc;
	old = read_once(*e);
	rc = pt_exchange(e, &old, new, PT_NORMAL, PT_TRIES);
	if (unlikely(rc)) {
		entry_drop_leaf(new);
		old = new;
	}
	if (old & PTE_P)
		entry_drop_leaf(old);
	return rc;
}

int pt_unmap_foreign(struct pt_batch *b, maddr_t slot, mfn_t expect, bool writable, pte_t to)
{
	uint64_t *e, old;
	int rc = leaf_slot(b, slot, &e);

	if (rc)
		return rc;
	old = read_once(*e);
	for (unsigned i = 0; i < PT_TRIES; i++) {
		if (!(old & PTE_P) || pte_mfn(pte(old)).n != expect.n || !(old & PTE_RW) == writable)
			return refuse(-EINVAL, "entry is %lx, not a mapping of %lx", old, expect.n);
		if (likely(atomic_cmpxchg(e, &old, to.v)))
			return 0;
	}
	return refuse(-EAGAIN, "entry changes under our hands");
}

void pt_drop_foreign(mfn_t m, bool writable)
{
	struct frame *f = frame_of(m);

	if (writable) {
		frame_end_use(f, 2 * WORD_TAKEN);
	} else {
		frame_put_fast(f);
		frame_put_fast(f);
	}
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
