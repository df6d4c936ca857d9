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
#include "mm/entry.h"
#include "mm/heap.h"
#include "mm/hvmap.h"
#include "mm/scan.h"
#include "mm/space.h"

#define LEAF_SHIFT		15		/* frames per leaf: one page of bits */
#define LEAF_WORDS		(PAGE_SIZE / sizeof(uint64_t))

struct memspace *(*space_of)(domid_t id);
void (*space_emptied)(struct memspace *m);
static uint64_t claimed_total;			/* atomic; sum of memspace.claimed */

static uint64_t nr_leaves(void)
{
	return DIV_UP(max_mfn, 1ul << LEAF_SHIFT);
}

int space_init(struct memspace *m, domid_t id, uint64_t max_frames)
{
	*m = (struct memspace){
		.id = id, .max_frames = max_frames, .undo_head = FRAME_LINK_NONE,
	};
	lock_init(&m->lock, RANK_SPACE);
	lock_init(&m->scan_lock, RANK_SCAN);
	m->owned = kmalloc(nr_leaves() * sizeof(uint64_t *));
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
	kfree(m->owned);
	m->owned = NULL;
}

/* The word of the bitmap with the bit of frame @n, in a leaf that exists. */
static uint64_t *owned_word(const struct memspace *m, uint64_t n)
{
	return &read_once(m->owned[n >> LEAF_SHIFT])[(n & MASK(LEAF_SHIFT)) / 64];
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

static bool now_empty(const struct memspace *m) NEEDS(m->lock)
{
	return unlikely(m->abandoned) && !m->tot_frames;
}

/* The caller's last use of @m when that is dying. */
static void uncharge(struct memspace *m, uint64_t n, uint64_t used)
{
	bool empty;

	lock_take(&m->lock);
	m->tot_frames -= n;
	m->claimed += used;
	atomic_add(&claimed_total, used);
	empty = now_empty(m);
	lock_drop(&m->lock);
	if (empty)
		space_emptied(m);
}

/* The frames become @m's: bitmap, owner, M2P, and last of all the reference that lets others in. */
static int hand_over(struct memspace *m, struct frame *f, uint64_t n)
{
	const union frame_word fresh = { .refs = 1, .allocated = 1 };
	uint64_t first = frame_mfn(f).n;
	int rc;

	lock_take(&m->lock);
	rc = m->dying ? -EINVAL : mark(m, first, n, true);
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

/* True: that was the last one of an abandoned space. */
static bool forget_frame(struct memspace *m, struct frame *f)
{
	bool empty;

	m2p_set(frame_mfn(f), M2P_INVALID);
	f->owner = DOMID_INVALID;
	f->flags |= FRAME_DIRTY;
	lock_take(&m->lock);
	(void)mark(m, frame_mfn(f).n, 1, false);
	m->tot_frames--;
	empty = now_empty(m);
	lock_drop(&m->lock);
	return empty;
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
	if (forget_frame(m, f))
		space_emptied(m);
	return 0;
}

void space_frame_gone(struct frame *f)
{
	struct memspace *m = space_of(f->owner);
	bool empty;

	bug_on(!m);
	empty = forget_frame(m, f);
	heap_free(f, 0);
	if (empty)
		space_emptied(m);
}

int space_claim(struct memspace *m, uint64_t frames)
{
	uint64_t sum;
	int rc = 0;

	lock_take(&m->lock);
	/* Added first and looked at then: two claims at once may both fail, but not both succeed. */
	sum = atomic_add(&claimed_total, frames - m->claimed) + frames - m->claimed;
	if (frames && (m->dying || m->tot_frames + frames > m->max_frames))
		rc = refuse(-EINVAL, "claim of %lu frames is over the limit", frames);
	else if (frames && heap_free_frames() < sum)
		rc = refuse(-ENOMEM, "claim of %lu frames", frames);
	if (rc)
		atomic_sub(&claimed_total, frames - m->claimed);
	else
		m->claimed = frames;
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

/* First frame at or above @from in the bitmap; max_mfn or more when there is none. */
static uint64_t next_owned(const struct memspace *m, uint64_t from)
{
	for (; from < max_mfn; from = ALIGN_DOWN(from, 64ul) + 64) {
		uint64_t bits;

		if (!read_once(m->owned[from >> LEAF_SHIFT])) {
			from |= MASK(LEAF_SHIFT);
			continue;
		}
		if (!(from % (32 * 64)) && !entry_any32(owned_word(m, from))) {
			from += 31 * 64;
			continue;
		}
		bits = read_once(*owned_word(m, from)) >> (from & 63);
		if (bits)
			return from + (unsigned)__builtin_ctzl(bits);
	}
	return max_mfn;
}

void space_begin_dying(struct memspace *m)
{
	lock_take(&m->lock);
	m->dying = true;
	atomic_sub(&claimed_total, m->claimed);
	m->claimed = 0;
	lock_drop(&m->lock);
}

bool space_abandon(struct memspace *m)
{
	bool empty;

	lock_take(&m->lock);
	empty = !m->tot_frames;
	m->abandoned = !empty;
	lock_drop(&m->lock);
	return empty;
}

static uint64_t ones(unsigned order)
{
	return order == 6 ? ~0ul : MASK(1u << order);
}

void space_free_group(struct memspace *m, uint64_t first, uint64_t bits)
{
	while (bits) {
		unsigned at = (unsigned)__builtin_ctzl(bits), order = at ? (unsigned)__builtin_ctz(at) : 6;
		uint64_t run = bits >> at, n = first + at;
		struct frame *f = frame_of(mfn(n));

		while ((run & ones(order)) != ones(order))
			order--;
		bits &= ~(ones(order) << at);
		lock_take(&m->lock);
		*owned_word(m, first) &= ~(ones(order) << at);
		m->tot_frames -= 1ul << order;
		lock_drop(&m->lock);
		for (uint64_t i = 0; i < 1ul << order; i++) {
			m2p_set(mfn(n + i), M2P_INVALID);
			f[i].owner = DOMID_INVALID;
			f[i].flags = FRAME_DIRTY;
		}
		heap_free_dirty(f, order);
	}
}

/*
 * Of the 64 frames from @first on, those that only their allocation keeps go to the heap together; the
 * bits of the rest are returned.  A frame whose bit is set under the lock may be coming or going, but is not
 * somebody else's, so its word can be exchanged for "free" without holding a reference.
 */
static uint64_t free_idle(struct memspace *m, uint64_t first)
{
	const union frame_word idle = { .refs = 1, .allocated = 1 };
	uint64_t bits, idle_bits = 0;

	lock_take(&m->lock);
	bits = *owned_word(m, first);
	for (uint64_t left = bits; left; left &= left - 1) {
		struct frame *f = frame_of(mfn(first + (uint64_t)__builtin_ctzl(left)));
		uint64_t now = atomic_read(&f->word.raw);

		if ((now & ~WORD_KIND) == idle.raw && atomic_cmpxchg(&f->word.raw, &now, 0))
			idle_bits |= left & -left;
	}
	lock_drop(&m->lock);
	if (idle_bits)
		space_free_group(m, first, idle_bits);
	return bits & ~idle_bits;
}

/* Takes the allocation off a frame of a dying space that others refer to.  False: not now. */
static bool give_up(struct memspace *m, struct frame *f)
{
	while (!frame_get(f, m)) {
		if (!space_owns(m, frame_mfn(f)))
			return true;
		if (frame_word(f).refs)
			return false;		/* the count is full */
		cpu_relax_poll();		/* just coming, or going */
	}
	if (frame_word(f).allocated)
		(void)frame_release_allocation(f);
	frame_put(f);
	return true;
}

/* The first round: the pins among 64 frames. */
static int unpin_group(struct memspace *m, uint64_t first)
{
	for (uint64_t left = read_once(*owned_word(m, first)); left; left &= left - 1) {
		struct frame *f = frame_of(mfn(first + (unsigned)__builtin_ctzl(left)));

		if (!(atomic_read(&f->word.raw) & WORD_PINNED) || !frame_get(f, m))
			continue;
		(void)frame_unpin(f, m);
		frame_put(f);
	}
	return 0;
}

/* The second: what nobody else keeps is free, the rest is not the domain's any more. */
static int free_group(struct memspace *m, uint64_t first)
{
	for (uint64_t left = free_idle(m, first); left; left &= left - 1)
		if (!give_up(m, frame_of(mfn(first + (unsigned)__builtin_ctzl(left)))))
			return RESTART;
	return 0;
}

/* Goes on with @group for the frames in the bitmap, as long as @count says that there is something. */
static int relinquish_round(struct memspace *m, int (*group)(struct memspace *m, uint64_t first),
			    uint64_t *count)
{
	uint64_t n;

	while (atomic_read(count) && (n = next_owned(m, m->relinquish_next)) < max_mfn) {
		m->relinquish_next = ALIGN_DOWN(n, 64ul);
		if (group(m, m->relinquish_next))
			return RESTART;
		m->relinquish_next += 64;
		if (preempt_due())
			return RESTART;
	}
	m->relinquish_next = 0;
	return 0;
}

/*
 * Two rounds over the bitmap.  The first unpins, and what the tables that fall had mapped last is freed as
 * they are undone; the second frees the rest, and lets others keep what they need without us.
 */
int space_relinquish(struct memspace *m)
{
	if (!m->relinquish_late) {
		if (relinquish_round(m, unpin_group, &m->pins) || scan_drain(m) || atomic_read(&m->pins))
			return RESTART;
		m->relinquish_late = true;
	}
	if (relinquish_round(m, free_group, &m->tot_frames))
		return RESTART;
	return read_once(m->tot_frames) ? -EBUSY : 0;
}
