/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every machine frame: who owns it, how many things refer to it, and what it may be used as.
 *
 * Safety, in one paragraph.  A frame's *kind* is what it may be used as: a page table of level 1-4,
 * segment descriptors, writable, shared with the hypervisor, or none.  Its *users* count the uses of
 * that kind; the kind changes only while users is zero.  So a frame is writable by a guest or a page
 * table, never both.  A table's first user is granted only after all 512 entries were checked and a
 * reference was taken on each target; undoing is exact.  *refs* counts everything that needs the frame
 * to go on existing: its owner's allocation, each mapping, each use.  At zero it goes back to the heap.
 *
 * refs, users, kind and the busy bits are one 64-bit word changed atomically (mm/kind.c has the
 * pure decision functions and the drawing of its states).
 */
#ifndef MM_FRAME_H
#define MM_FRAME_H

#include <mica/types.h>
#include "cpu/layout.h"
#include "cpu/types.h"

struct memspace;
struct scan;

enum frame_kind {
	KIND_NONE,			/* nobody uses it as anything */
	KIND_L1, KIND_L2, KIND_L3, KIND_L4,
	KIND_SEGDESC,			/* page of a guest's GDT or LDT */
	KIND_WRITABLE,			/* a guest may write it */
	KIND_SHARED,			/* ours, lent to the guest (shared_info, grant table): writable by both,
					 * for ever; never a table, never given away */
};

union frame_word {
	uint64_t raw;
	struct {
		uint64_t refs : 29;	/* existence; 0 = free */
		uint64_t users : 28;	/* uses as @kind */
		uint64_t kind : 3;	/* enum frame_kind */
		uint64_t pinned : 1;	/* one of users (and refs) is the guest's pin */
		uint64_t busy : 2;	/* enum frame_busy */
		uint64_t allocated : 1;	/* one of refs is the owner's allocation */
	};
};

enum frame_busy { BUSY_NO, BUSY_CHECKING, BUSY_UNDOING };

/* Counts are refused from half their range on, so one test of two bits says "full", and the few
 * unchecked ones (mm/pt_foreign.c) have room. */
#define FRAME_REFS_MAX		BIT(28)
#define FRAME_USERS_MAX		BIT(27)

struct frame {				/* 16 bytes: 0.4 % of RAM */
	union frame_word word;		/* free: the list's back link in bits 29-60 (mm/buddy.c) */
	uint16_t owner;			/* domid; DOMID_XEN (ours), DOMID_INVALID (free), DOMID_IO (not RAM);
					 * changes only while refs is 0, or when frame_unshare makes an
					 * orphan of it (DOMID_XEN), which no taker takes for its own */
	uint8_t flags;			/* FRAME_* below; written by whoever holds the only reference */
	uint8_t order;			/* free: order of the block this frame heads */
	uint32_t link;			/* free: next of the list; table being undone: worklist (frame number);
					 * otherwise: TLB stamp of the last time a use ended */
};
_Static_assert(sizeof(struct frame) == 16, "struct frame");

#define FRAME_DIRTY		1	/* contents are not known to be zero */
#define FRAME_HEAD		2	/* heads a free block */
#define FRAME_SOME_DIRTY	4	/* of a head: frames of the block may be dirty */
#define FRAME_EXPORTED		8	/* ours, and guests may map it read-only (M2P) */
#define FRAME_STALE		16	/* stolen: link is the stamp to flush for before a new owner uses it */

#define FRAME_LINK_NONE		(~0u)	/* end of a list through link */

/*
 * The frame table is sparse: pages of it without RAM are one shared page whose frames belong to
 * DOMID_IO, so every frame below max_mfn can be looked at.  The first MiB belongs to DOMID_IO too,
 * except what the hypervisor uses.
 */
#define frame_table		((struct frame *)FRAME_TABLE_BASE)
extern uint64_t max_mfn;		/* one past the highest RAM frame */
extern struct frame *frame_table_end;	/* &frame_table[max_mfn] */
void frame_set_max(uint64_t mfns);	/* boot: sets both */

/* A page is to hold a guest's segment descriptors: makes its 512 entries harmless or says false.  Nobody
 * else can write it meanwhile.  A hook: dom/segdesc.c registers it. */
extern bool (*segdesc_check)(uint64_t *page);

static inline struct frame *frame_of(mfn_t m) { return &frame_table[m.n]; }
static inline mfn_t frame_mfn(const struct frame *f) { return mfn((uint64_t)(f - frame_table)); }
static inline uint32_t frame_nr(const struct frame *f) { return (uint32_t)(f - frame_table); }

/* Is @m RAM that has an owner or is free?  Never changes for a frame.  Everything else is MMIO. */
static inline bool frame_valid(mfn_t m)
{
	return m.n < max_mfn && read_once(frame_of(m)->owner) != DOMID_IO;
}

/* Existence.  Fails (false) when @f is free, its owner is not @owner, or the count is full. */
bool must_check frame_get(struct frame *f, const struct memspace *owner);
void frame_put(struct frame *f);
/* Puts back the owner's allocation reference: the guest gives the frame up.  -EINVAL if not allocated.
 * The caller holds a reference (frame_get), so that the owner is known. */
int frame_release_allocation(struct frame *f);

/*
 * Existence and use as @want in one step.  The first user of a table kind has it checked (mm/scan.c);
 * that may take long, so @s, the scan of the vCPU that asks, carries the progress.  @s may be NULL
 * when @want is no table and no vCPU's hypercall asks.
 * 0; -EINVAL not @owner's, free, or its contents are not a valid table; -EBUSY in use as another kind
 * or count full; RESTART preempted, or another CPU is checking it: call again.
 *
 * KIND_SEGDESC: segdesc_check() looks at all descriptors before the first use is granted (-EINVAL);
 * whoever writes single descriptors later, while holding a use, checks what it writes.
 * KIND_WRITABLE of a KIND_SHARED frame is granted (and counted); no other kind is.
 */
int must_check frame_take(struct frame *f, const struct memspace *owner, enum frame_kind want,
			  struct scan *s);
/* Ends one use and its reference.  The last use of a table puts it on its owner's undo worklist. */
void frame_drop(struct frame *f, enum frame_kind kind);
/* Ends the use that is the guest's pin; false: there is none.  The caller holds a reference. */
bool frame_unpin(struct frame *f, struct memspace *owner);
const char *frame_kind_name(enum frame_kind kind);

/* Snapshot of the word, for reports and tests. */
static inline union frame_word frame_word(const struct frame *f)
{
	return (union frame_word){ .raw = atomic_read(&f->word.raw) };
}

/*
 * Pages of ours (hv_page_alloc, nobody else knows them yet) that a guest sees too: kind SHARED for
 * ever, owned by @owner for mapping purposes, not counted in its tot_frames.
 */
void frame_share(struct frame *f, const struct memspace *owner);
/* Teardown: waits for nothing; freed when the last mapping goes, and nobody's until then, so that it may
 * outlive its domain.  Our pointer to it is dead. */
void frame_unshare(struct frame *f);

#endif
