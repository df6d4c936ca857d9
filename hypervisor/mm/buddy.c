/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buddy allocator: all free frames, in naturally aligned blocks of 2^order.
 *
 * A free block is on one list, by zone (how many address bits its frames need), order, and whether
 * some of it may be dirty.  Lists are doubly linked through the struct frame of the block's first
 * frame: next in link, back link in bits 29-60 of the word, whose low bits (refs) stay 0.
 *
 *   used --heap_free--> quarantine --all CPUs flushed--> free --heap_alloc--> used
 *
 * Quarantine: a guest may still have a freed frame in some CPU's TLB.  Freed blocks wait in one list
 * with the stamp of the youngest; when there are many, or the heap runs dry, all CPUs that have not
 * flushed since do so and the whole list moves on.  So frames on the free lists are safe to hand out
 * without looking.
 *
 * Lock: RANK_HEAP for lists and counts.  It is dropped while CPUs flush and while frames are scrubbed;
 * `away` counts the blocks that are then on no list, so an allocation that finds nothing waits for them.
 */
#include "cpu/lock.h"
#include "cpu/smp.h"
#include "cpu/tlb.h"
#include "lib/bug.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/hvmap.h"

#define NR_ORDERS		(HEAP_MAX_ORDER + 1)
#define NR_ZONES		4
#define QUARANTINE_MAX		512	/* frames: bounds the work of one free */
#define SCRUB_ORDER		6	/* largest block an idle CPU scrubs at once */
#define BACK_SHIFT		29

static const uint8_t zone_bits[NR_ZONES] = { 24, 30, 32, 64 };

static struct {
	struct spinlock lock;		/* RANK_HEAP, guards: */
	uint32_t head[NR_ZONES][2][NR_ORDERS];	/* [zone][may be dirty][order]; frame number + 1, 0 = none */
	uint32_t filled[NR_ZONES][2];	/* bit per order: list not empty */
	uint64_t free_frames, total_frames;
	uint32_t quarantine;		/* first block, number + 1 */
	uint32_t quarantine_stamp;
	uint64_t quarantine_frames;
	unsigned away;
	unsigned coalesced;		/* nothing to merge below this order since the last insert() */
} heap = { .lock = SPINLOCK_INIT(RANK_HEAP) };

static unsigned zone_of(uint64_t n)
{
	unsigned zone = 0;

	while ((n >> (zone_bits[zone] - PAGE_SHIFT)) != 0)
		zone++;
	return zone;
}

static uint32_t back_link(const struct frame *f)
{
	return (uint32_t)(f->word.raw >> BACK_SHIFT);
}

static void set_back_link(struct frame *f, uint32_t to)
{
	atomic_set(&f->word.raw, (uint64_t)to << BACK_SHIFT);
}

static void list_in(struct frame *f, unsigned order, bool dirty)
{
	unsigned zone = zone_of(frame_mfn(f).n);
	uint32_t *head = &heap.head[zone][dirty][order];

	f->flags = (uint8_t)((f->flags & FRAME_DIRTY) | FRAME_HEAD | (dirty ? FRAME_SOME_DIRTY : 0));
	f->order = (uint8_t)order;
	f->link = *head;
	set_back_link(f, 0);
	if (*head)
		set_back_link(frame_of(mfn(*head - 1)), frame_nr(f) + 1);
	*head = frame_nr(f) + 1;
	heap.filled[zone][dirty] |= 1u << order;
}

static void list_out(struct frame *f)
{
	bool dirty = f->flags & FRAME_SOME_DIRTY;
	unsigned zone = zone_of(frame_mfn(f).n);
	uint32_t *head = &heap.head[zone][dirty][f->order], back = back_link(f);

	if (back)
		frame_of(mfn(back - 1))->link = f->link;
	else
		*head = f->link;
	if (f->link)
		set_back_link(frame_of(mfn(f->link - 1)), back);
	if (!*head)
		heap.filled[zone][dirty] &= ~(1u << f->order);
	f->flags &= (uint8_t)~(FRAME_HEAD | FRAME_SOME_DIRTY);
	set_back_link(f, 0);
}

/* The free block of the same order that @n's block can merge with, or NULL. */
static struct frame *free_buddy(uint64_t n, unsigned order)
{
	uint64_t other = n ^ (1ul << order);
	struct frame *f = frame_of(mfn(other));

	if (order >= HEAP_MAX_ORDER || other >= max_mfn || !(f->flags & FRAME_HEAD))
		return NULL;
	return f->order == order && f->owner == DOMID_INVALID && zone_of(other) == zone_of(n) ? f : NULL;
}

/* Puts a block on the free lists, merged with its neighbours as far as they are free and as clean. */
static void insert(uint64_t n, unsigned order, bool dirty)
{
	struct frame *buddy;

	heap.free_frames += 1ul << order;
	heap.coalesced = 0;
	while ((buddy = free_buddy(n, order)) && !(buddy->flags & FRAME_SOME_DIRTY) == !dirty) {
		list_out(buddy);
		n &= ~(1ul << order);
		order++;
	}
	list_in(frame_of(mfn(n)), order, dirty);
}

/* Merges clean with dirty blocks too, up to @order: when nothing large enough is left otherwise. */
static void coalesce_zone(unsigned zone, unsigned order)
{
	for (unsigned o = 0; o < order; o++) {
		uint32_t next = heap.head[zone][true][o];

		while (next) {
			struct frame *f = frame_of(mfn(next - 1)), *buddy = free_buddy(next - 1, o);

			next = f->link;
			if (!buddy)
				continue;
			if (buddy->flags & FRAME_SOME_DIRTY && next == frame_nr(buddy) + 1)
				next = buddy->link;
			list_out(f);
			list_out(buddy);
			list_in(MIN(f, buddy), o + 1, true);
		}
	}
}

static void coalesce(unsigned order)
{
	for (unsigned zone = 0; zone < NR_ZONES; zone++)
		coalesce_zone(zone, order);
	heap.coalesced = order;
}

void heap_add(mfn_t start, mfn_t end)
{
	for (uint64_t n = start.n; n < end.n; n++)
		*frame_of(mfn(n)) = (struct frame){ .owner = DOMID_INVALID, .flags = FRAME_DIRTY };
	lock_take(&heap.lock);
	for (uint64_t n = start.n; n < end.n;) {
		unsigned order = n ? (unsigned)__builtin_ctzl(n) : HEAP_MAX_ORDER;

		order = MIN(order, HEAP_MAX_ORDER);
		while (n + (1ul << order) > end.n || zone_of(n + (1ul << order) - 1) != zone_of(n))
			order--;
		insert(n, order, true);
		heap.total_frames += 1ul << order;
		n += 1ul << order;
	}
	lock_drop(&heap.lock);
}

/* The smallest block of at least @order in @zone: of the preferred cleanliness if there is one. */
static struct frame *find_in_zone(unsigned zone, unsigned order, bool want_dirty)
{
	for (unsigned i = 0; i < 2; i++) {
		bool dirty = want_dirty != (i == 1);
		uint32_t orders = heap.filled[zone][dirty] >> order;

		if (orders)
			return frame_of(mfn(heap.head[zone][dirty][order +
						   (unsigned)__builtin_ctz(orders)] - 1));
	}
	return NULL;
}

/* Takes a block off the lists and gives back what is too much. */
static struct frame *take_block(unsigned order, unsigned addr_bits, bool want_dirty)
{
	for (unsigned zone = NR_ZONES; zone--;) {
		struct frame *f;
		unsigned have;
		bool dirty;

		if (addr_bits && zone_bits[zone] > addr_bits)
			continue;
		f = find_in_zone(zone, order, want_dirty);
		if (!f)
			continue;
		dirty = f->flags & FRAME_SOME_DIRTY;
		have = f->order;
		list_out(f);
		while (have-- > order)
			list_in(f + (1ul << have), have, dirty);
		heap.free_frames -= 1ul << order;
		return f;
	}
	return NULL;
}

/* All quarantined blocks become free, after the CPUs that need it flushed.  False: there were none. */
static bool end_quarantine(void)
{
	uint32_t next, stamp;

	lock_take(&heap.lock);
	next = heap.quarantine;
	stamp = heap.quarantine_stamp;
	heap.quarantine = 0;
	heap.free_frames -= heap.quarantine_frames;	/* insert() counts them again */
	heap.quarantine_frames = 0;
	heap.away += next != 0;
	lock_drop(&heap.lock);
	if (!next)
		return false;
	tlb_flush_since(cpus_online, stamp);
	lock_take(&heap.lock);
	while (next) {
		struct frame *f = frame_of(mfn(next - 1));

		bool dirty = f->flags & FRAME_SOME_DIRTY;

		next = f->link;
		f->flags &= (uint8_t)~FRAME_SOME_DIRTY;
		insert(frame_mfn(f).n, f->order, dirty);
	}
	heap.away--;
	lock_drop(&heap.lock);
	return true;
}

static struct frame *alloc(unsigned order, unsigned addr_bits, bool want_dirty)
{
	struct frame *f;
	unsigned away;

	if (order > HEAP_MAX_ORDER)
		return NULL;
	for (;;) {
		lock_take(&heap.lock);
		f = take_block(order, addr_bits, want_dirty);
		if (!f && order > heap.coalesced) {
			coalesce(order);
			f = take_block(order, addr_bits, want_dirty);
		}
		away = heap.away + heap.quarantine;	/* another CPU may end that before we do */
		lock_drop(&heap.lock);
		if (f)
			return f;
		if (!end_quarantine()) {
			if (!away)
				return NULL;
			cpu_relax_poll();	/* another CPU brings some back */
		}
	}
}

struct frame *heap_alloc_dirty(unsigned order, unsigned addr_bits)
{
	return alloc(order, addr_bits, true);
}

struct frame *heap_alloc(unsigned order, unsigned addr_bits)
{
	struct frame *f = alloc(order, addr_bits, false);

	if (f)
		heap_scrub(f, order);
	return f;
}

void heap_scrub(struct frame *f, unsigned order)
{
	for (uint64_t i = 0; i < 1ul << order; i++) {
		if (!(f[i].flags & FRAME_DIRTY))
			continue;
		page_clear(frame_to_virt(&f[i]));
		f[i].flags &= (uint8_t)~FRAME_DIRTY;
	}
}

/* As if never used, except for being dirty; returns whether any frame is. */
static bool reset(struct frame *f, unsigned order)
{
	uint8_t flags = 0;

	for (uint64_t i = 0; i < 1ul << order; i++) {
		debug_bug_on(f[i].word.refs || (f[i].flags & FRAME_HEAD) || f[i].owner == DOMID_IO);
		f[i].owner = DOMID_INVALID;
		f[i].flags &= FRAME_DIRTY;
		flags |= f[i].flags;
		atomic_set(&f[i].word.raw, 0);
	}
	return flags & FRAME_DIRTY;
}

static void to_quarantine(struct frame *f, unsigned order, bool dirty)
{
	bool full;

	f->flags |= dirty ? FRAME_SOME_DIRTY : 0;
	f->order = (uint8_t)order;
	lock_take(&heap.lock);
	f->link = heap.quarantine;
	heap.quarantine = frame_nr(f) + 1;
	heap.quarantine_stamp = tlb_now();
	heap.quarantine_frames += 1ul << order;
	heap.free_frames += 1ul << order;
	full = heap.quarantine_frames >= QUARANTINE_MAX;
	lock_drop(&heap.lock);
	if (full)
		(void)end_quarantine();
}

void heap_free(struct frame *f, unsigned order)
{
	to_quarantine(f, order, reset(f, order));
}

void heap_free_dirty(struct frame *f, unsigned order)
{
	to_quarantine(f, order, true);
}

/* Pages only the hypervisor had mapped: no TLB to fear. */
static void free_own(struct frame *f, unsigned order)
{
	bool dirty = reset(f, order);

	lock_take(&heap.lock);
	insert(frame_mfn(f).n, order, dirty);
	lock_drop(&heap.lock);
}

uint64_t heap_free_frames(void)
{
	return read_once(heap.free_frames);
}

uint64_t heap_total_frames(void)
{
	return read_once(heap.total_frames);
}

/* Takes at most 2^SCRUB_ORDER frames of a dirty block off the lists. */
static struct frame *take_dirty(unsigned *order)
{
	for (unsigned zone = NR_ZONES; zone--;) {
		uint32_t orders = heap.filled[zone][true];

		if (!orders)
			continue;
		*order = MIN((unsigned)__builtin_ctz(orders), SCRUB_ORDER);
		return take_block(*order, zone_bits[zone], true);
	}
	return NULL;
}

/* A look without the lock: idle CPUs ask often. */
static bool any_dirty(void)
{
	uint32_t orders = 0;

	for (unsigned zone = 0; zone < NR_ZONES; zone++)
		orders |= read_once(heap.filled[zone][true]);
	return orders;
}

bool heap_scrub_some(void)
{
	struct frame *f;
	unsigned order;

	if (!any_dirty() || !lock_try(&heap.lock))
		return false;
	f = take_dirty(&order);
	heap.away += f != NULL;
	lock_drop(&heap.lock);
	if (!f)
		return false;
	heap_scrub(f, order);
	lock_take(&heap.lock);
	insert(frame_mfn(f).n, order, false);
	heap.away--;
	lock_drop(&heap.lock);
	return true;
}

void *hv_pages_alloc(unsigned order)
{
	const union frame_word ours = { .refs = 1, .allocated = 1 };
	struct frame *f = heap_alloc(order, 0);

	if (!f)
		return NULL;
	for (uint64_t i = 0; i < 1ul << order; i++) {
		f[i].owner = DOMID_XEN;
		f[i].flags = FRAME_DIRTY;	/* from now on */
		atomic_release(&f[i].word.raw, ours.raw);
	}
	return frame_to_virt(f);
}

void hv_pages_free(void *p, unsigned order)
{
	struct frame *f;

	if (!p)
		return;
	f = frame_of(virt_to_mfn(p));
	for (uint64_t i = 0; i < 1ul << order; i++) {
		bug_on(frame_word(&f[i]).refs != 1 || f[i].owner != DOMID_XEN);
		atomic_set(&f[i].word.raw, 0);
	}
	free_own(f, order);
}

void *hv_page_alloc(void)
{
	return hv_pages_alloc(0);
}

void hv_page_free(void *page)
{
	hv_pages_free(page, 0);
}
