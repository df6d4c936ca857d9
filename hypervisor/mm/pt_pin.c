/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whole tables: pinning and unpinning them, and walking them by virtual address.
 *
 * A pin is a use that the guest holds without having the table loaded or linked anywhere; the word's
 * pinned bit says that one of its uses is the pin.  Walks hold nothing: tables may change under them,
 * so what a walk returns is only a place to look, and mm/pt.c takes the table it names again.
 */
#include <mica/errno.h>
#include "cpu/log.h"
#include "mm/entry.h"
#include "mm/space.h"

uint64_t pt_hv_slots[HV_SLOT_LAST - HV_SLOT_FIRST + 1];

int pt_pin(struct memspace *m, struct frame *f, enum frame_kind level, struct scan *s)
{
	int rc;

	bug_on(!kind_is_table(level));
	if (scan_drain(m))
		return RESTART;
	atomic_add(&m->pins, 1);	/* first: who tears the space down sees it, or we see that it is dying */
	rc = m->dying ? refuse(-EINVAL, "domain %u is being destroyed", m->id) : frame_take(f, m, level, s);
	if (!rc && atomic_or(&f->word.raw, WORD_PINNED) & WORD_PINNED) {
		frame_drop(f, level);
		rc = refuse(-EINVAL, "frame %x is pinned already", frame_nr(f));
	}
	if (rc)
		atomic_sub(&m->pins, 1);
	return rc;
}

int pt_unpin(struct memspace *m, struct frame *f)
{
	bool was;

	if (scan_drain(m))			/* one tree at most waits to be undone */
		return RESTART;
	if (!frame_get(f, m))
		return refuse(-EINVAL, "frame %x is not domain %u's", frame_nr(f), m->id);
	was = frame_unpin(f, m);
	if (was)
		(void)scan_drain(m);
	frame_put(f);
	return was ? 0 : refuse(-EINVAL, "frame %x is not pinned", frame_nr(f));
}

/* The level-1 entry that translates @va, found from table @t of level 4.  False: nothing there. */
static bool find_leaf(mfn_t t, uint64_t va, maddr_t *slot)
{
	pte_t e;

	if (!va_canonical(va) || entry_is_hv_slot(PT_LEVELS, pt_index(va, PT_LEVELS)))
		return false;
	for (unsigned level = PT_LEVELS; frame_valid(t); level--) {
		*slot = maddr(mfn_maddr(t).a + pt_index(va, level) * sizeof(uint64_t));
		if (level == 1)
			return true;
		e = pte(read_once(*(const uint64_t *)maddr_to_virt(*slot)));
		if (!pte_present(e))
			return false;
		t = pte_mfn(e);
	}
	return false;
}

int pt_find_slot(mfn_t root, uint64_t va, maddr_t *slot)
{
	return find_leaf(root, va, slot) ? 0 : refuse(-EINVAL, "no L1 table for %lx", va);
}

int pt_walk(mfn_t root, uint64_t va, pte_t *leaf, unsigned *level)
{
	maddr_t slot;

	if (!find_leaf(root, va, &slot))
		return -EFAULT;
	*leaf = pte(read_once(*(uint64_t *)maddr_to_virt(slot)));
	*level = 1;
	return pte_present(*leaf) ? 0 : -EFAULT;
}
