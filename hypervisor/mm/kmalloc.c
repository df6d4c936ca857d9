/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small objects for the hypervisor.  Sizes are rounded up to a class; objects of a class are cut from
 * whole pages, each with a 64-byte header in front:
 *
 *   page: | struct slab | object | object | ... |     free objects are linked through their first word
 *
 * Objects never start at a page boundary, which tells kfree() that something larger than the largest
 * class (which has pages of its own, their order in frame.order) is not one of them.
 *
 * Pages with free objects are on their class's list; full ones are on none; empty ones go back to the
 * heap, except that each class keeps one.  Lock: RANK_HEAP, dropped around calls to the page allocator.
 */
#include "cpu/lock.h"
#include "lib/bug.h"
#include "lib/list.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/hvmap.h"

#define HEADER			64
#define LARGEST			(512ul << 10)	/* a space's index needs 320 KiB on 5 TiB */

struct slab {				/* head of a page */
	struct list link;		/* on its class's list, or empty */
	void *free;			/* first free object */
	uint16_t class, used;
};
_Static_assert(sizeof(struct slab) <= HEADER, "slab header");

/* Multiples of 64 from 64 up, chosen so that little of a page is left over. */
static const uint16_t sizes[] = {
	16, 32, 48, 64, 128, 192, 256, 320, 448, 576, 768, 960, 1344, 1984,
};
#define NR_CLASSES		ARRAY_SIZE(sizes)

static struct {
	struct spinlock lock;		/* RANK_HEAP, guards: */
	struct list partial[NR_CLASSES];
	uint64_t pages;
} km = { .lock = SPINLOCK_INIT(RANK_HEAP) };

static unsigned class_of(size_t bytes)
{
	unsigned class = 0;

	while (sizes[class] < bytes)
		class++;
	return class;
}

static void count_pages(int64_t n)
{
	lock_take(&km.lock);
	km.pages += (uint64_t)n;
	lock_drop(&km.lock);
}

static void *alloc_large(size_t bytes)
{
	unsigned order = heap_order(bytes);
	void *p = hv_pages_alloc(order);

	if (!p)
		return NULL;
	frame_of(virt_to_mfn(p))->order = (uint8_t)order;
	count_pages(1l << order);
	return p;
}

static void free_large(void *p)
{
	unsigned order = frame_of(virt_to_mfn(p))->order;

	hv_pages_free(p, order);
	count_pages(-(1l << order));
}

/* A new page cut into objects of @class. */
static struct slab *new_slab(unsigned class)
{
	struct slab *slab = hv_page_alloc();
	size_t size = sizes[class];

	if (!slab)
		return NULL;
	list_init(&slab->link);
	slab->class = (uint16_t)class;
	for (char *o = (char *)slab + HEADER; o + size <= (char *)slab + PAGE_SIZE; o += size) {
		*(void **)o = slab->free;
		slab->free = o;
	}
	return slab;
}

static struct list *list_of_class(unsigned class)
{
	struct list *l = &km.partial[class];

	if (!l->next)
		list_init(l);
	return l;
}

/* Takes an object from the class's first page, or NULL. */
static void *take_object(unsigned class)
{
	struct list *l = list_of_class(class);
	struct slab *slab;
	void *o;

	if (list_empty(l))
		return NULL;
	slab = list_first(l, struct slab, link);
	o = slab->free;
	slab->free = *(void **)o;
	slab->used++;
	if (!slab->free)
		list_del(&slab->link);
	return o;
}

void *kmalloc(size_t bytes)
{
	unsigned class;
	struct slab *slab;
	void *o;

	if (bytes > sizes[NR_CLASSES - 1])
		return bytes <= LARGEST ? alloc_large(bytes) : NULL;
	class = class_of(bytes);
	lock_take(&km.lock);
	o = take_object(class);
	lock_drop(&km.lock);
	if (!o) {
		slab = new_slab(class);
		if (!slab)
			return NULL;
		lock_take(&km.lock);
		list_add_head(list_of_class(class), &slab->link);
		km.pages++;
		o = take_object(class);
		lock_drop(&km.lock);
	}
	return memset(o, 0, sizes[class]);
}

void kfree(void *p)
{
	struct slab *slab = (struct slab *)((uint64_t)p & PAGE_MASK), *empty = NULL;
	struct list *l;

	if (!p)
		return;
	if ((void *)slab == p) {
		free_large(p);
		return;
	}
	lock_take(&km.lock);
	debug_bug_on(slab->class >= NR_CLASSES || !slab->used ||
		     ((char *)p - (char *)slab - HEADER) % sizes[slab->class]);
	l = list_of_class(slab->class);
	if (!slab->free)
		list_add_tail(l, &slab->link);
	*(void **)p = slab->free;
	slab->free = p;
	if (!--slab->used && (l->next != &slab->link || l->prev != &slab->link)) {
		list_del(&slab->link);		/* not the class's only page with room */
		km.pages--;
		empty = slab;
	}
	lock_drop(&km.lock);
	hv_page_free(empty);
}

uint64_t kmalloc_pages(void)
{
	return read_once(km.pages);
}
