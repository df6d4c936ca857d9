/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's frames: how many, which, and giving them all up at the end.
 *
 * A frame of the space is in the bitmap and counted from before its allocation reference exists until
 * after the last reference went, so whoever looks must expect frames in it that are just coming or
 * going (no references, or another owner).  Counters and bitmap: space lock.
 *
 * Claims: staked frames are a number per space and their sum here; an allocation for somebody else
 * must leave that many frames free.
 */
#include <mica/errno.h>
#include "cpu/log.h"
#include "cpu/smp.h"
#include "cpu/softirq.h"
#include "cpu/tlb.h"
#include "lib/bug.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/hvmap.h"
#include "mm/kind.h"
#include "mm/scan.h"
#include "mm/space.h"

#define LEAF_SHIFT		15		/* frames per leaf: one page of bits */
#define LEAF_WORDS		(PAGE_SIZE / sizeof(uint64_t))
#define LOOK_EVERY		64		/* frames between two looks at the clock */

struct memspace *(*space_of)(domid_t id);
static uint64_t claimed_total;			/* atomic; sum of memspace.claimed */

static uint64_t nr_leaves(void)
{
	return DIV_UP(max_mfn, 1ul << LEAF_SHIFT);
}

static unsigned index_order(void)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < nr_leaves() * sizeof(uint64_t *))
		order++;
	return order;
}

/* The index of leaves is small on small machines, whole pages on large ones. */
static bool index_is_small(void)
{
	return nr_leaves() * sizeof(uint64_t *) <= PAGE_SIZE / 2;
}

int space_init(struct memspace *m, domid_t id, uint64_t max_frames)
{
	*m = (struct memspace){
		.id = id, .max_frames = max_frames, .undo_head = FRAME_LINK_NONE,
	};
	lock_init(&m->lock, RANK_SPACE);
	lock_init(&m->scan_lock, RANK_SCAN);
	m->owned = index_is_small() ? kmalloc(nr_leaves() * sizeof(uint64_t *))
				    : hv_pages_alloc(index_order());
	return m->owned ? 0 : -ENOMEM;
}

void space_fini(struct memspace *m)
{
	bug_on(m->tot_frames || m->undo_head != FRAME_LINK_NONE);
	lock_take(&m->lock);			/* whoever freed the last frame has left */
	atomic_sub(&claimed_total, m->claimed);
	m->claimed = 0;
	lock_drop(&m->lock);
	for (uint64_t i = 0; m->owned && i < nr_leaves(); i++)
		hv_page_free(m->owned[i]);
	if (index_is_small())
		kfree(m->owned);
	else
		hv_pages_free(m->owned, index_order());
	m->owned = NULL;
}

/* Sets or clears the bits of @n frames from @first on.  Setting may need memory for a leaf. */
static int mark(struct memspace *m, uint64_t first, uint64_t n, bool owned) NEEDS(m->lock)
{
	uint64_t run;

	for (; n; first += run, n -= run) {
		uint64_t bit = first & 63, **leaf = &m->owned[first >> LEAF_SHIFT], bits, *word;

		run = MIN(64 - bit, n);
		bits = run == 64 ? ~0ul : MASK(run) << bit;
		if (!*leaf && !owned)
			continue;
		if (!*leaf && !(*leaf = hv_page_alloc()))
			return -ENOMEM;
		word = &(*leaf)[(first & MASK(LEAF_SHIFT)) / 64];
		*word = owned ? *word | bits : *word & ~bits;
	}
	return 0;
}

/* Enough left when others' claims are honoured? */
static bool heap_allows(const struct memspace *m, uint64_t n)
{
	uint64_t others = atomic_read(&claimed_total) - m->claimed;

	return !others || heap_free_frames() >= others + n;
}

/* Counts @n more frames for @m, out of its claim if it has one; *used is what came out of the claim. */
static int charge(struct memspace *m, uint64_t n, bool from_heap, uint64_t *used)
{
	int rc = 0;

	lock_take(&m->lock);
	*used = 0;
	if (m->dying) {
		rc = -EINVAL;
	} else if (m->tot_frames + n > m->max_frames || (from_heap && !heap_allows(m, n))) {
		rc = -ENOMEM;
	} else {
		m->tot_frames += n;
		*used = MIN(m->claimed, n);
		m->claimed -= *used;
		atomic_sub(&claimed_total, *used);
	}
	lock_drop(&m->lock);
	return rc;
}

static void uncharge(struct memspace *m, uint64_t n, uint64_t used)
{
	lock_take(&m->lock);
	m->tot_frames -= n;
	m->claimed += used;
	atomic_add(&claimed_total, used);
	lock_drop(&m->lock);
}

/* The frames become @m's: bitmap, owner, M2P, and last of all the reference that lets others in. */
static int hand_over(struct memspace *m, struct frame *f, uint64_t n)
{
	const union frame_word fresh = { .refs = 1, .allocated = 1 };
	uint64_t first = frame_mfn(f).n;
	int rc;

	lock_take(&m->lock);
	rc = mark(m, first, n, true);
	if (rc)
		(void)mark(m, first, n, false);
	lock_drop(&m->lock);
	if (rc)
		return rc;
	for (uint64_t i = 0; i < n; i++) {
		f[i].owner = m->id;
		m2p_set(mfn(first + i), M2P_INVALID);
		atomic_release(&f[i].word.raw, fresh.raw);
	}
	return 0;
}

struct frame *space_alloc(struct memspace *m, unsigned order, unsigned flags)
{
	uint64_t n = 1ul << order, used;
	struct frame *f;

	if (charge(m, n, true, &used))
		return NULL;
	f = flags & SPACE_NO_SCRUB ? heap_alloc_dirty(order, SPACE_ADDR_BITS(flags))
				   : heap_alloc(order, SPACE_ADDR_BITS(flags));
	if (f && hand_over(m, f, n)) {
		heap_free(f, order);
		f = NULL;
	}
	if (!f)
		uncharge(m, n, used);
	return f;
}

int space_assign(struct memspace *m, struct frame *f)
{
	uint64_t used;
	int rc = charge(m, 1, false, &used);

	if (rc)
		return rc;
	if (f->flags & FRAME_STALE)
		tlb_flush_since(cpus_online, f->link);
	f->flags &= (uint8_t)~FRAME_STALE;
	rc = hand_over(m, f, 1);
	if (rc)
		uncharge(m, 1, used);
	return rc;
}

static void forget_frame(struct memspace *m, struct frame *f)
{
	m2p_set(frame_mfn(f), M2P_INVALID);
	f->owner = DOMID_INVALID;
	f->flags |= FRAME_DIRTY;
	lock_take(&m->lock);
	(void)mark(m, frame_mfn(f).n, 1, false);
	m->tot_frames--;
	lock_drop(&m->lock);
}

int space_steal(struct memspace *m, struct frame *f)
{
	union frame_word now = frame_word(f);

	do {
		if (f->owner != m->id || now.refs != 1 || !now.allocated || now.busy ||
		    now.kind == KIND_SHARED)
			return refuse(-EBUSY, "frame %x is in use", frame_nr(f));
	} while (!atomic_cmpxchg(&f->word.raw, &now.raw, 0));
	f->link = tlb_now();
	f->flags |= FRAME_STALE;
	forget_frame(m, f);
	return 0;
}

void space_frame_gone(struct frame *f)
{
	struct memspace *m = space_of(f->owner);

	bug_on(!m);
	forget_frame(m, f);
	heap_free(f, 0);
}

int space_claim(struct memspace *m, uint64_t frames)
{
	int rc = 0;

	lock_take(&m->lock);
	if (frames && (m->dying || m->tot_frames + frames > m->max_frames))
		rc = refuse(-EINVAL, "claim of %lu frames is over the limit", frames);
	else if (frames && !heap_allows(m, frames))
		rc = refuse(-ENOMEM, "claim of %lu frames", frames);
	if (!rc) {
		atomic_add(&claimed_total, frames - m->claimed);
		m->claimed = frames;
	}
	lock_drop(&m->lock);
	return rc;
}

uint64_t space_claimed_total(void)
{
	return atomic_read(&claimed_total);
}

bool space_owns(struct memspace *m, mfn_t n)
{
	uint64_t *leaf = n.n < max_mfn ? read_once(m->owned[n.n >> LEAF_SHIFT]) : NULL;

	return leaf && (read_once(leaf[(n.n & MASK(LEAF_SHIFT)) / 64]) >> (n.n & 63) & 1);
}

/* First frame at or above @from in the bitmap; max_mfn when there is none. */
static uint64_t next_owned(struct memspace *m, uint64_t from)
{
	while (from < max_mfn) {
		const uint64_t *leaf = read_once(m->owned[from >> LEAF_SHIFT]);
		uint64_t bits;

		if (!leaf) {
			from = ALIGN_DOWN(from, 1ul << LEAF_SHIFT) + (1ul << LEAF_SHIFT);
			continue;
		}
		bits = read_once(leaf[(from & MASK(LEAF_SHIFT)) / 64]) >> (from & 63);
		if (bits)
			return from + (uint64_t)__builtin_ctzl(bits);
		from = ALIGN_DOWN(from, 64ul) + 64;
	}
	return max_mfn;
}

int space_for_each(struct memspace *m, int (*fn)(struct frame *f, void *arg), void *arg)
{
	for (uint64_t n = next_owned(m, 0); n < max_mfn; n = next_owned(m, n + 1)) {
		int rc = fn(frame_of(mfn(n)), arg);

		if (rc)
			return rc;
	}
	return 0;
}

/* Takes pin and allocation off a frame of a dying space. */
static void give_up(struct memspace *m, struct frame *f)
{
	union frame_word w;

	if (!frame_get(f, m))
		return;				/* just coming or going */
	if (atomic_and(&f->word.raw, ~WORD_PINNED) & WORD_PINNED)
		frame_drop(f, (enum frame_kind)frame_word(f).kind);
	w = frame_word(f);
	if (w.allocated)
		(void)frame_release_allocation(f);
	frame_put(f);
}

int space_relinquish(struct memspace *m)
{
	unsigned looked = 0;
	uint64_t n;

	for (n = next_owned(m, m->relinquish_next); n < max_mfn; n = next_owned(m, n + 1)) {
		give_up(m, frame_of(mfn(n)));
		m->relinquish_next = n + 1;
		if (++looked % LOOK_EVERY == 0 && preempt_due())
			return RESTART;
	}
	if (scan_drain(m))
		return RESTART;
	if (!read_once(m->tot_frames))
		return 0;
	m->relinquish_next = 0;			/* frames that came late are found next time */
	return -EBUSY;
}
