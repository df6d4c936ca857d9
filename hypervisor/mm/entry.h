/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one page-table entry may hold, and the references it stands for.  Used by the writer of single
 * entries (mm/pt.c) and the checker of whole tables (mm/scan.c) alike.
 *
 *   level 1      an existence reference on the target, and a writable use when RW is set;
 *                nothing when the target is not RAM
 *   level 2-4    one use of the target as a table one level down
 */
#ifndef MM_ENTRY_H
#define MM_ENTRY_H

#include "cpu/features.h"
#include "mm/frame_priv.h"
#include "mm/hvmap.h"
#include "mm/pt.h"
#include "mm/space.h"

/* Bits a present entry of @level must not have, for a table of @m (abi-inventory 3.2). */
static inline uint64_t entry_forbidden(const struct memspace *m, unsigned level)
{
	if (level == 1)
		return cpu.pte_reserved | (m->cache_attrs ? 0 : PTE_CACHE);
	return cpu.pte_reserved | PTE_PSE | PTE_G | PTE_PWT | PTE_PCD;
}

/* Is any of the 8 entries at @t not zero?  Empty slots are most of all slots. */
static always_inline uint64_t entry_any8(const uint64_t *t)
{
	return t[0] | t[1] | t[2] | t[3] | t[4] | t[5] | t[6] | t[7];
}

static always_inline uint64_t entry_any32(const uint64_t *t)
{
	return entry_any8(t) | entry_any8(t + 8) | entry_any8(t + 16) | entry_any8(t + 24);
}

/* Index of the entry at machine address @slot in its table. */
static inline unsigned entry_index(maddr_t slot)
{
	return (slot.a & ~PAGE_MASK) / sizeof(uint64_t);
}

/* What we store for what the guest wrote: user-accessible, since guest kernels run in ring 3, and
 * never global. */
static inline uint64_t entry_adjust(uint64_t v, unsigned level)
{
	return (level == 1 ? v & ~PTE_G : v) | PTE_US;
}

/* Level 4 only: is @index one of the hypervisor's slots? */
static inline bool entry_is_hv_slot(unsigned level, unsigned index)
{
	return level == PT_LEVELS && index - HV_SLOT_FIRST <= HV_SLOT_LAST - HV_SLOT_FIRST;
}

/* Unusual targets: not RAM, foreign, of another kind.  May clear RW in *v.  0 or -errno or RESTART. */
int entry_take_slow(const struct entry_rights *r, uint64_t *v, struct scan *s);

/* Takes what the present level-1 entry *v needs; flags are checked already. */
static always_inline int entry_take_leaf(const struct entry_rights *r, uint64_t *v, struct scan *s)
{
	mfn_t m = pte_mfn(pte(*v));
	struct frame *f = frame_of(m);

	if (likely(m.n < max_mfn) &&
	    (*v & PTE_RW ? frame_write_fast(f, r->owner) : frame_get_fast(f, r->owner)))
		return 0;
	return entry_take_slow(r, v, s);
}

/* Gives back what a present level-1 entry holds. */
static always_inline void entry_drop_leaf(uint64_t v)
{
	mfn_t m = pte_mfn(pte(v));

	if (unlikely(!frame_valid(m)))
		return;
	if (v & PTE_RW)
		frame_drop_writable(frame_of(m));
	else
		frame_put_fast(frame_of(m));
}

/* Gives back what a present entry of @level 2-4 holds. */
static inline void entry_drop_table(uint64_t v, unsigned level)
{
	frame_drop(frame_of(pte_mfn(pte(v))), (enum frame_kind)(level - 1));
}

#endif
