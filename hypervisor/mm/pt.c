/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing one guest page-table entry.  tour:mm/2
 *
 * The order is always: take the table, check the flags, take the new target, store by cmpxchg, drop
 * the old target.  The cmpxchg hands us the old entry with its references: whoever replaced it gives
 * them back, so two vCPUs that write one entry never count a target twice.  A cmpxchg that fails lost
 * against another vCPU or against the CPU setting A or D; the new target stays taken and we try again.
 *
 * Changes that leave target, P and RW alone need no references; RW to read-only of the same target
 * gives up just the writable use.
 *
 * The table last written stays taken in the batch, as the kind it has: nobody can turn it into
 * something else while we write to it.
 */
#include <mica/errno.h>
#include "cpu/log.h"
#include "mm/entry.h"
#include "mm/pt_priv.h"
#include "mm/undo.h"

void pt_batch_begin(struct pt_batch *b, struct memspace *tables, struct memspace *frames,
		    struct scan *scan)
{
	b->tables = tables;
	b->frames = frames;
	b->readonly_foreign = false;
	b->scan = scan;
	b->table_kind = KIND_NONE;
	b->rights = (struct entry_rights){
		.tables = tables, .frames = frames,
		.owner = frames == tables ? tables->id : DOMID_INVALID,
	};
}

static inline void let_go_of_table(struct pt_batch *b)
{
	if (b->table_kind == KIND_NONE)
		return;
	if (b->table_kind == KIND_WRITABLE || !frame_drop_fast(b->table))
		frame_drop(b->table, b->table_kind);
	b->table_kind = KIND_NONE;
}

void pt_batch_end(struct pt_batch *b)
{
	let_go_of_table(b);
	if (space_undo_pending(b->tables))
		(void)scan_drain(b->tables);	/* what is left waits for the next call */
}

/* @f is the batch's table now, taken as @kind. */
static always_inline void use_table(struct pt_batch *b, struct frame *f, enum frame_kind kind)
{
	b->table = f;
	b->table_kind = kind;
	b->table_maddr = mfn_maddr(frame_mfn(f)).a;
	b->table_va = frame_to_virt(f);
	b->forbidden = entry_forbidden(b->tables, kind_level(kind));
	if (unlikely(b->readonly_foreign))
		b->rights = (struct entry_rights){
			.tables = b->tables, .owner = DOMID_INVALID, .readonly_foreign = true,
		};
}

/* Not a table that is in use: plain memory, or busy, or not ours. */
static noinline int take_other(struct pt_batch *b, struct frame *f)
{
	union frame_word w = frame_word(f);
	bool table = kind_is_table(w.kind) && w.users && w.busy != BUSY_UNDOING;
	enum frame_kind kind = table ? (enum frame_kind)w.kind : KIND_WRITABLE;
	int rc = table ? frame_ask(f, b->tables, kind, b->scan, NULL)
		       : frame_take(f, b->tables, kind, b->scan);

	if (rc == 1) {				/* it lost its last use just now: plain memory after all */
		undo_unfinished(f, 0);
		return RESTART;
	}
	if (!rc)
		use_table(b, f, kind);
	return rc;
}

int pt_take_table(struct pt_batch *b, mfn_t m)
{
	struct frame *f = frame_of(m);
	enum frame_kind kind;

	let_go_of_table(b);
	if (scan_busy(b->scan) && scan_continue(b->scan))
		return RESTART;
	if (space_undo_pending(b->tables) && scan_drain(b->tables))
		return RESTART;
	if (!frame_valid(m))
		return refuse(-EINVAL, "table %lx is not RAM", m.n);
	kind = frame_table_fast(f, b->tables->id);
	if (unlikely(kind == KIND_NONE))
		return take_other(b, f);
	use_table(b, f, kind);
	return 0;
}

/* Does *@old to @new need no new reference?  RW may only be given up. */
static always_inline bool stays_in_place(uint64_t old, uint64_t new)
{
	uint64_t diff = old ^ new;

	return (old & new & PTE_P) && !(diff & PTE_ADDR) && !(diff & new & PTE_RW);
}

/* The same target went from writable to read-only, perhaps: its writable use ends, its reference stays. */
static always_inline void drop_writable_of_change(uint64_t old, uint64_t new)
{
	struct frame *f = entry_frame(old);

	if (((old ^ new) & PTE_RW) && entry_in_table(f) && frame_owner(f) != DOMID_IO)
		frame_end_use(f, WORD_USE);
}

/* Stores the present @new over *old where that needs no new reference.  1: it does need one. */
static always_inline int write_in_place(uint64_t *e, uint64_t *old, uint64_t new,
					enum pt_write_how how, unsigned tries)
{
	for (; tries--;) {
		if (!stays_in_place(*old, new))
			return 1;
		if (!atomic_cmpxchg(e, old, pt_merge(new, *old, how)))
			continue;
		drop_writable_of_change(*old, new);
		return 0;
	}
	return -EAGAIN;
}

/*
 * Stores @new over *old, which is what we believe stands there; *old becomes what did.  @tries 1: only
 * over exactly *old.
 */
static noinline int write_leaf(struct pt_batch *b, uint64_t *e, uint64_t *old, uint64_t new,
			       enum pt_write_how how, unsigned tries)
{
	uint64_t drop;
	int rc;

	if (new & PTE_P) {
		if (unlikely(new & b->forbidden))
			return refuse(-EINVAL, "L1 entry %lx: forbidden bits %lx", new,
				      new & b->forbidden);
		new = entry_adjust(new, 1);
		rc = write_in_place(e, old, new, how, tries);
		if (rc <= 0)
			return rc;
		rc = entry_take_leaf(&b->rights, &new, b->scan);
		if (unlikely(rc))
			return rc;
	} else {
		how = PT_NORMAL;
	}
	rc = pt_exchange(e, old, new, how, tries);
	drop = rc ? new : *old;
	if (drop & PTE_P)
		entry_drop_leaf(drop);
	return rc;
}

int pt_take_leaf_slot(struct pt_batch *b, maddr_t slot, uint64_t **e)
{
	int rc;

	if (slot.a & 7)
		return refuse(-EINVAL, "entry address %lx is not aligned", slot.a);
	if (!pt_has_table(b, slot)) {
		rc = pt_take_table(b, maddr_mfn(slot));
		if (rc)
			return rc;
	}
	if (b->table_kind != KIND_L1)
		return refuse(-EINVAL, "frame %lx is no L1 table", maddr_mfn(slot).n);
	*e = b->table_va + entry_index(slot);
	return 0;
}

/* Takes the table that @new, an entry of level @level, names. */
static int take_child(struct pt_batch *b, uint64_t new, unsigned level)
{
	mfn_t m = pte_mfn(pte(new));
	struct frame *f = frame_of(m);

	if (new & b->forbidden)
		return refuse(-EINVAL, "L%u entry %lx: forbidden bits %lx", level, new,
			      new & b->forbidden);
	if (b->frames != b->tables || b->readonly_foreign)
		return refuse(-EINVAL, "L%u entry may only name its own domain's tables", level);
	if (!frame_valid(m) || f == b->table)
		return refuse(-EINVAL, "L%u entry names %lx", level, m.n);
	return frame_take(f, b->tables, (enum frame_kind)(level - 1), b->scan);
}

static int write_upper(struct pt_batch *b, uint64_t *e, uint64_t new, enum pt_write_how how)
{
	unsigned level = kind_level(b->table_kind);
	uint64_t old = read_once(*e);
	int rc;

	if (entry_is_hv_slot(level, (unsigned)(e - b->table_va)))
		return new == old ? 0 : refuse(-EINVAL, "L4 slot of the hypervisor");
	if (space_undo_pending(b->tables) && scan_drain(b->tables))	/* before we add to it */
		return RESTART;
	if (new & PTE_P) {
		new = entry_adjust(new, level);
		while ((old & PTE_P) && !((old ^ new) & PTE_ADDR) && !(new & b->forbidden))
			if (atomic_cmpxchg(e, &old, pt_merge(new, old, how)))
				return 0;	/* same table, other flags */
		rc = take_child(b, new, level);
		if (rc)
			return rc;
	} else {
		how = PT_NORMAL;
	}
	rc = pt_exchange(e, &old, new, how, PT_TRIES);
	if (rc)
		old = new;
	if (old & PTE_P)
		entry_drop_table(old, level);
	return rc;
}

/* Everything that pt_write does not do itself. */
static noinline int write_other(struct pt_batch *b, maddr_t slot, uint64_t val, enum pt_write_how how)
{
	uint64_t *e = b->table_va + entry_index(slot), old;

	if (b->table_kind == KIND_L1) {
		old = read_once(*e);
		return write_leaf(b, e, &old, val, how, PT_TRIES);
	}
	if (b->table_kind != KIND_WRITABLE)
		return write_upper(b, e, val, how);
	write_once(*e, val);
	return 0;
}

/*
 * The common writes to a level-1 table that the batch has, without detours: clear an entry, fill an
 * empty one, change flags.
 */
static always_inline int write_common(struct pt_batch *b, uint64_t *e, maddr_t slot, uint64_t val,
				      enum pt_write_how how)
{
	uint64_t old, new = entry_adjust(val, 1);

	if (!(val & PTE_P)) {
		old = atomic_xchg(e, val);
		if (old & PTE_P)
			entry_drop_leaf(old);
		return 0;
	}
	old = read_once(*e);
	if (!(old & PTE_P)) {
		if (!entry_take_fast(new, b->rights.owner))
			return write_other(b, slot, val, how);
		if (likely(atomic_cmpxchg(e, &old, pt_merge(new, old, how))))
			return 0;
		entry_drop_leaf(new);
	} else if (stays_in_place(old, new)) {
		if (likely(atomic_cmpxchg(e, &old, pt_merge(new, old, how)))) {
			drop_writable_of_change(old, new);
			return 0;
		}
	}
	return write_other(b, slot, val, how);
}

/* Takes the table first. */
static noinline int write_first(struct pt_batch *b, maddr_t slot, pte_t val, enum pt_write_how how)
{
	int rc;

	if (slot.a & 7)
		return refuse(-EINVAL, "entry address %lx is not aligned", slot.a);
	rc = pt_take_table(b, maddr_mfn(slot));
	return rc ? rc : pt_write(b, slot, val, how);
}

int pt_write(struct pt_batch *b, maddr_t slot, pte_t val, enum pt_write_how how)
{
	if (!pt_has_table(b, slot))
		return write_first(b, slot, val, how);
	if (unlikely(b->table_kind != KIND_L1 || ((val.v & PTE_P) && (val.v & b->forbidden))))
		return write_other(b, slot, val.v, how);
	return write_common(b, b->table_va + entry_index(slot), slot, val.v, how);
}

int pt_store(struct pt_batch *b, maddr_t slot, pte_t old, pte_t val, bool compare, pte_t *seen)
{
	uint64_t *e;
	int rc = pt_take_leaf_slot(b, slot, &e);

	if (rc)
		return rc;
	seen->v = compare ? old.v : read_once(*e);
	return write_leaf(b, e, &seen->v, val.v, PT_NORMAL, compare ? 1 : PT_TRIES);
}
