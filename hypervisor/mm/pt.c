/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing one guest page-table entry.  tour:mm/3
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

static const uint64_t no_table = ~0ul;

void pt_batch_begin(struct pt_batch *b, struct memspace *tables, struct memspace *frames,
		    struct scan *scan)
{
	*b = (struct pt_batch){
		.tables = tables, .frames = frames, .scan = scan, .table_mfn = no_table,
	};
}

static void let_go_of_table(struct pt_batch *b)
{
	if (!b->table)
		return;
	frame_drop(b->table, b->table_kind);
	b->table = NULL;
	b->table_mfn = no_table;
}

void pt_batch_end(struct pt_batch *b)
{
	let_go_of_table(b);
	(void)scan_drain(b->tables);		/* what is left waits for the next call */
}

/* What a write to @f must take it as: the table it is, or plain memory. */
static enum frame_kind kind_to_write(struct frame *f)
{
	union frame_word w = frame_word(f);

	if (kind_is_table(w.kind) && w.users && w.busy != BUSY_UNDOING)
		return (enum frame_kind)w.kind;
	return KIND_WRITABLE;
}

/* Makes frame @m the batch's table.  Unfinished business of this vCPU and space comes first. */
int pt_take_table(struct pt_batch *b, mfn_t m)
{
	struct frame *f = frame_of(m);
	enum frame_kind kind;
	int rc;

	let_go_of_table(b);
	if (scan_busy(b->scan) && scan_continue(b->scan))
		return RESTART;
	if (scan_drain(b->tables))
		return RESTART;
	if (!frame_valid(m))
		return refuse(-EINVAL, "table %lx is not RAM", m.n);
	kind = kind_to_write(f);
	rc = kind == KIND_WRITABLE ? frame_take(f, b->tables, kind, b->scan)
				   : frame_ask(f, b->tables, kind, b->scan);
	if (rc == 1) {				/* it lost its last use just now: plain memory after all */
		undo_unfinished(f, 0);
		return RESTART;
	}
	if (rc)
		return rc;
	b->table = f;
	b->table_mfn = m.n;
	b->table_kind = kind;
	b->table_va = mfn_to_virt(m);
	return 0;
}

/* A level-1 write that needs no new reference.  1: it does need one. */
static always_inline int write_in_place(uint64_t *e, uint64_t *old, uint64_t new,
					enum pt_write_how how, unsigned tries)
{
	while (tries--) {
		uint64_t diff = *old ^ new;

		if (!(*old & PTE_P) || (diff & PTE_ADDR) || (diff & new & PTE_RW))
			return 1;
		if (!atomic_cmpxchg(e, old, pt_merge(new, *old, how)))
			continue;
		if ((diff & PTE_RW) && frame_valid(pte_mfn(pte(new))))
			frame_drop_use(frame_of(pte_mfn(pte(new))));
		return 0;
	}
	return -EAGAIN;
}

/*
 * Stores @new over *old, which is what we believe stands there; *old becomes what did.  @tries 1: only
 * over exactly *old.
 */
static always_inline int write_leaf(struct pt_batch *b, uint64_t *e, uint64_t *old, uint64_t new,
				    enum pt_write_how how, unsigned tries)
{
	const struct entry_rights rights = {
		.tables = b->tables, .frames = b->readonly_foreign ? NULL : b->frames,
		.readonly_foreign = b->readonly_foreign,
	};
	uint64_t forbidden = entry_forbidden(b->tables, 1), drop;
	int rc;

	if (new & PTE_P) {
		if (unlikely(new & forbidden))
			return refuse(-EINVAL, "L1 entry %lx: forbidden bits %lx", new, new & forbidden);
		new = entry_adjust(new, 1);
		rc = write_in_place(e, old, new, how, tries);
		if (rc <= 0)
			return rc;
		if (unlikely(b->frames != b->tables) && b->frames && b->frames->dying)
			return refuse(-EPERM, "domain %u is being destroyed", b->frames->id);
		rc = entry_take_leaf(&rights, &new, b->scan);
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
	if (b->table_mfn != maddr_mfn(slot).n) {
		rc = pt_take_table(b, maddr_mfn(slot));
		if (rc)
			return rc;
	}
	if (b->table_kind != KIND_L1)
		return refuse(-EINVAL, "frame %lx is no L1 table", b->table_mfn);
	*e = b->table_va + entry_index(slot);
	return 0;
}

/* Takes the table that @new, an entry of level @level, names. */
static int take_child(struct pt_batch *b, uint64_t new, unsigned level)
{
	mfn_t m = pte_mfn(pte(new));
	uint64_t forbidden = entry_forbidden(b->tables, level);
	struct frame *f = frame_of(m);

	if (new & forbidden)
		return refuse(-EINVAL, "L%u entry %lx: forbidden bits %lx", level, new, new & forbidden);
	if (b->frames != b->tables || b->readonly_foreign)
		return refuse(-EINVAL, "L%u entry may only name its own domain's tables", level);
	if (!frame_valid(m) || f == b->table)
		return refuse(-EINVAL, "L%u entry names %lx", level, m.n);
	return frame_take(f, b->tables, (enum frame_kind)(level - 1), b->scan);
}

static int write_upper(struct pt_batch *b, uint64_t *e, uint64_t new, enum pt_write_how how)
{
	unsigned level = kind_level(b->table_kind);
	uint64_t old = read_once(*e), forbidden = entry_forbidden(b->tables, level);
	int rc;

	if (entry_is_hv_slot(level, (unsigned)(e - b->table_va)))
		return new == old ? 0 : refuse(-EINVAL, "L4 slot of the hypervisor");
	if (scan_drain(b->tables))		/* before we add to it */
		return RESTART;
	if (new & PTE_P) {
		new = entry_adjust(new, level);
		while ((old & PTE_P) && !((old ^ new) & PTE_ADDR) && !(new & forbidden))
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

int pt_write(struct pt_batch *b, maddr_t slot, pte_t val, enum pt_write_how how)
{
	uint64_t *e, old;
	int rc;

	if (slot.a & 7)
		return refuse(-EINVAL, "entry address %lx is not aligned", slot.a);
	if (b->table_mfn != maddr_mfn(slot).n) {
		rc = pt_take_table(b, maddr_mfn(slot));
		if (rc)
			return rc;
	}
	e = b->table_va + entry_index(slot);
	if (b->table_kind == KIND_L1) {
		old = read_once(*e);
		return write_leaf(b, e, &old, val.v, how, PT_TRIES);
	}
	if (b->table_kind != KIND_WRITABLE)
		return write_upper(b, e, val.v, how);
	write_once(*e, val.v);
	return 0;
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
