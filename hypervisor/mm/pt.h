/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing one guest page-table entry, each write checked.  The order is always: take the table, check
 * the flags, take the new target, store by cmpxchg, drop the old target.
 *
 * A pt_batch carries whose tables are written, whose frames may be mapped, and what is remembered
 * between the writes of one hypercall (the last table taken).
 */
#ifndef MM_PT_H
#define MM_PT_H

#include "mm/audit.h"
#include "mm/scan.h"
#include "mm/space.h"

/* Whose frames the level-1 entries of a table may name. */
struct entry_rights {
	const struct memspace *tables;	/* owner of the table */
	const struct memspace *frames;	/* owner of the targets; NULL: none */
	domid_t owner;			/* targets of this owner need no further look; DOMID_INVALID: all do */
	bool readonly_foreign;		/* exported frames of ours, read-only */
};

struct pt_batch {
	struct memspace *tables;	/* owner of the tables written */
	struct memspace *frames;	/* owner of the frames mapped; NULL: only MMIO (DOMID_IO) */
	bool readonly_foreign;		/* DOMID_XEN: map anything of ours that is exported, read-only */
	struct scan *scan;		/* of the vCPU that asks */

	/* mm/pt.c: the last table taken */
	enum frame_kind table_kind;	/* KIND_NONE = none taken */
	struct frame *table;
	uint64_t table_maddr;
	uint64_t *table_va;
	uint64_t forbidden;		/* bits its present entries must not have */
	struct entry_rights rights;
};

/* The caller may set b->readonly_foreign between this and the first write. */
void pt_batch_begin(struct pt_batch *b, struct memspace *tables, struct memspace *frames,
		    struct scan *scan);
/* Lets go of the table and undoes tables that lost their last use, as far as preemption allows. */
void pt_batch_end(struct pt_batch *b);

enum pt_write_how { PT_NORMAL, PT_KEEP_AD };
/*
 * NORMAL_PT_UPDATE: writes @val into the entry at machine address @slot.  The frame's kind decides the
 * level; a plain writable frame is just written.
 * -EINVAL misaligned, not a frame of b->tables, forbidden flags or target; -EPERM target not allowed;
 * -EBUSY target in use as another kind; -EAGAIN lost too many races; RESTART: end the batch and call
 * again, nothing was changed.
 */
int pt_write(struct pt_batch *b, maddr_t slot, pte_t val, enum pt_write_how how);

/*
 * The level-1 entry that maps @va under the root table @root (a KIND_L4 frame in use): fills *slot.
 * -EINVAL when an upper level is not present or @va is not the guest's.
 */
int pt_find_slot(mfn_t root, uint64_t va, maddr_t *slot);
/* Full translation through a guest's tables for emulation and debugging: -EFAULT when not mapped. */
int pt_walk(mfn_t root, uint64_t va, pte_t *leaf, unsigned *level);

/*
 * A guest's own store to a level-1 table faulted (writable page tables).  @old is compared first when
 * @compare (cmpxchg semantics on the whole 8-byte entry); *seen gets the value found.
 * As pt_write, and -EAGAIN when the comparison failed.
 */
int pt_store(struct pt_batch *b, maddr_t slot, pte_t old, pte_t val, bool compare, pte_t *seen);

/*
 * Grant mappings, level 1 only.  pt_map_foreign installs @val, which names a frame of @owner's, and takes
 * a reference (and a writable use if RW) on it twice: for the entry and for the caller.  The entry replaced
 * is dropped.  The flags are checked as always.  As pt_write; on failure nothing is taken.
 */
int pt_map_foreign(struct pt_batch *b, maddr_t slot, pte_t val, const struct memspace *owner);
/* Replaces an entry that must still map @expect with the same RW, else -EINVAL, by @to: 0, or what
 * pt_move_out gave (its references move in with it; on failure they stay with the caller).  What the entry
 * held is the caller's then. */
int pt_unmap_foreign(struct pt_batch *b, maddr_t slot, mfn_t expect, bool writable, pte_t to);
/* Gives back what pt_map_foreign took, both times, after pt_unmap_foreign and a flush. */
void pt_drop_foreign(mfn_t m, bool writable);
/* Clears a level-1 entry and hands it, with its references, to the caller, who passes it on to
 * pt_unmap_foreign or back in by pt_move_in (which then drops what stands there). */
int pt_move_out(struct pt_batch *b, maddr_t slot, pte_t *moved);
int pt_move_in(struct pt_batch *b, maddr_t slot, pte_t moved);

/* MMUEXT_PIN_Ln_TABLE / UNPIN.  0, -EINVAL (not @m's / already pinned / not pinned / not valid / dying), -EBUSY,
 * RESTART: call again.  pt_unpin may answer RESTART before it unpins, never after. */
int pt_pin(struct memspace *m, struct frame *f, enum frame_kind level, struct scan *s);
int pt_unpin(struct memspace *m, struct frame *f);

/* The 16 hypervisor slots that every level-4 table carries. */
extern uint64_t pt_hv_slots[16];

/* Frames that are not RAM (and the first MiB): may a may_map_io space map it, and how?  boot/ or call/
 * installs it; without it nothing may.  LAPIC, IO-APIC denied; MSI-X tables read-only. */
enum io_verdict { IO_DENY, IO_READONLY, IO_ALLOW };
extern enum io_verdict (*pt_io_check)(mfn_t m);

#endif
