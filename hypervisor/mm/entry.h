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

/* The frame an entry names; a place in the frame table only when entry_in_table() says so. */
static always_inline struct frame *entry_frame(uint64_t v)
{
	_Static_assert(PAGE_SIZE / sizeof(struct frame) == 256, "address >> 8 is the offset");
	return (struct frame *)(FRAME_TABLE_BASE + ((v & PTE_ADDR) >> 8));
}

static always_inline bool entry_in_table(const struct frame *f)
{
	return f < frame_table_end;
}

/* Unusual targets: not RAM, foreign, of another kind.  May clear RW in *v.  0 or -errno or RESTART. */
int entry_take_slow(const struct entry_rights *r, uint64_t *v, struct scan *s);

/* Takes what the present level-1 entry @v, a domain's own frame, needs; false: entry_take_slow. */
static always_inline bool entry_take_fast(uint64_t v, domid_t owner)
{
	struct frame *f = entry_frame(v);

	if (unlikely(!entry_in_table(f)))
		return false;
	return v & PTE_RW ? frame_write_fast(f, owner) : frame_get_fast(f, owner);
}

/* Takes what the present level-1 entry *v needs; flags are checked already. */
static always_inline int entry_take_leaf(const struct entry_rights *r, uint64_t *v, struct scan *s)
{
	return entry_take_fast(*v, r->owner) ? 0 : entry_take_slow(r, v, s);
}

/* Gives back what a present level-1 entry holds. */
static always_inline void entry_drop_leaf(uint64_t v)
{
	struct frame *f = entry_frame(v);

	if (unlikely(!entry_in_table(f) || frame_owner(f) == DOMID_IO))
		return;
	if (v & PTE_RW)
		frame_drop_writable(f);
	else
		frame_put_fast(f);
}

/* Gives back what a present entry of @level 2-4 holds. */
static inline void entry_drop_table(uint64_t v, unsigned level)
{
	frame_drop(frame_of(pte_mfn(pte(v))), (enum frame_kind)(level - 1));
}

#endif
