/* unit: @mm */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Buddy allocator and kmalloc: random programs, nothing overlaps, nothing is lost, limits hold. */
#include "unit.h"
#include "mm/heap.h"
#include "mm/hvmap.h"

#define FRAMES		20000		/* two zones: the border is at frame 4096 */
#define SLOTS		300

static struct { struct frame *f; unsigned order; } held[SLOTS];
static uint8_t taken[FRAMES];

static int setup(void **state)
{
	fake_cpus(2);
	fake_ram(FRAMES, true);
	return 0;
}

static void note(struct frame *f, unsigned order, bool take)
{
	uint64_t n = frame_mfn(f).n;

	assert_int_equal(n & MASK(order), 0);
	for (uint64_t i = n; i < n + (1ul << order); i++) {
		assert_int_equal(taken[i], !take);
		taken[i] = take;
	}
}

static void scribble(struct frame *f, unsigned order)
{
	for (uint64_t i = 0; i < 1ul << order; i++) {
		*(uint64_t *)frame_to_virt(&f[i]) = 0x5ec5e7;
		f[i].flags |= FRAME_DIRTY;
	}
}

static void check_zero(struct frame *f, unsigned order)
{
	for (uint64_t i = 0; i < 1ul << order; i++) {
		const uint64_t *p = frame_to_virt(&f[i]);

		assert_int_equal(p[0] | p[100] | p[511], 0);
		assert_int_equal(f[i].owner, DOMID_INVALID);
		assert_int_equal(frame_word(&f[i]).refs, 0);
	}
}

static void random_program(void **state)
{
	uint64_t all = heap_free_frames(), out = 0, steps = unit_steps(60000);

	unit_seed("heap");
	for (uint64_t step = 0; step < steps; step++) {
		unsigned i = (unsigned)unit_below(SLOTS);

		if (held[i].f) {
			note(held[i].f, held[i].order, false);
			out -= 1ul << held[i].order;
			heap_free(held[i].f, held[i].order);
			held[i].f = NULL;
		} else {
			unsigned order = (unsigned)unit_below(unit_one_in(30) ? 10 : 4);
			unsigned bits = unit_one_in(4) ? 24 : 0;
			struct frame *f = heap_alloc(order, bits);

			if (!f)
				continue;
			if (bits)
				assert_true(frame_mfn(f).n + (1ul << order) <= 4096);
			check_zero(f, order);
			note(f, order, true);
			scribble(f, order);
			held[i].f = f;
			held[i].order = order;
			out += 1ul << order;
		}
		if (unit_one_in(50))
			heap_scrub_some();
		assert_int_equal(heap_free_frames(), all - out);
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		if (!held[i].f)
			continue;
		note(held[i].f, held[i].order, false);
		heap_free(held[i].f, held[i].order);
		held[i].f = NULL;
	}
	assert_int_equal(heap_free_frames(), all);
	fake_lock_check_none();
}

/* Whatever happened, free memory is one piece again: the largest aligned blocks can be had. */
static void merges_back(void **state)
{
	struct frame *a = heap_alloc(12, 0), *b = heap_alloc(12, 0), *c = heap_alloc(11, 24);

	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	heap_free(a, 12);
	heap_free(b, 12);
	heap_free(c, 11);
	assert_null(heap_alloc(18, 0));
	assert_null(heap_alloc(19, 0));
	assert_null(heap_alloc(0, 16));
}

/* High memory goes first; low memory is still there when high memory is gone. */
static void zones(void **state)
{
	struct frame *list[FRAMES] = { NULL };
	unsigned n = 0;
	bool low = false;

	while (n < FRAMES && (list[n] = heap_alloc_dirty(0, 0))) {
		bool is_low = frame_mfn(list[n]).n < 4096;

		assert_true(is_low || !low);
		low |= is_low;
		n++;
	}
	assert_true(low);
	assert_int_equal(heap_free_frames(), 0);
	assert_null(heap_alloc(0, 24));
	while (n--)
		heap_free(list[n], 0);
	assert_non_null(list[0] = heap_alloc(3, 24));
	heap_free(list[0], 3);
}

/* A frame that was freed is given out again only after every CPU flushed. */
static void flushed_before_reuse(void **state)
{
	uint64_t all = heap_free_frames();
	struct frame **list = calloc(all + 1, sizeof(*list));
	uint64_t n = 0;
	uint32_t stamp;

	while ((list[n] = heap_alloc_dirty(0, 0)))
		n++;
	heap_free(list[--n], 0);
	stamp = 0;
	for (unsigned c = 0; c < 2; c++)
		stamp = MAX(stamp, (uint32_t)percpu_of(c)->tlb_stamp);
	list[n] = heap_alloc(0, 0);
	assert_non_null(list[n]);
	for (unsigned c = 0; c < 2; c++)
		assert_false(fake_tlb_may_hold(c, stamp));
	n++;
	while (n--)
		heap_free(list[n], 0);
	assert_int_equal(heap_free_frames(), all);
	free(list);
}

static void scrub_all(void **state)
{
	uint64_t before = heap_free_frames();
	unsigned blocks = 0;

	while (heap_scrub_some())
		assert_true(++blocks < FRAMES);
	assert_false(heap_scrub_some());
	assert_int_equal(heap_free_frames(), before);
	merges_back(state);
}

/* Blocks that are clean and blocks that are dirty still make a large one when it is asked for. */
static void clean_and_dirty_merge(void **state)
{
	struct frame *a;

	while (heap_scrub_some())
		;
	a = heap_alloc(12, 0);
	assert_non_null(a);
	for (unsigned i = 0; i < 4096; i++) {
		if (i & 1)
			scribble(a + i, 0);
		heap_free(a + i, 0);
	}
	/* Three aligned blocks of this order exist above the border: all must be found. */
	struct frame *b[3];

	for (unsigned i = 0; i < 3; i++) {
		b[i] = heap_alloc(12, 0);
		assert_non_null(b[i]);
		check_zero(b[i], 12);
	}
	for (unsigned i = 0; i < 3; i++)
		heap_free(b[i], 12);
}

static void kmalloc_random(void **state)
{
	static struct { uint8_t *p; size_t n; uint8_t fill; } obj[500];
	uint64_t steps = unit_steps(60000), free = heap_free_frames();

	unit_seed("kmalloc");
	for (uint64_t step = 0; step < steps; step++) {
		unsigned i = (unsigned)unit_below(ARRAY_SIZE(obj));

		if (obj[i].p) {
			for (size_t k = 0; k < obj[i].n; k++)
				assert_int_equal(obj[i].p[k], obj[i].fill);
			kfree(obj[i].p);
			obj[i].p = NULL;
			continue;
		}
		obj[i].n = 1 + unit_below(unit_one_in(50) ? 65536 : unit_one_in(4) ? 4096 : 200);
		obj[i].p = kmalloc(obj[i].n);
		assert_non_null(obj[i].p);
		assert_int_equal((uint64_t)obj[i].p % (obj[i].n >= 64 ? 64 : 16), 0);
		for (size_t k = 0; k < obj[i].n; k++)
			assert_int_equal(obj[i].p[k], 0);
		obj[i].fill = (uint8_t)unit_random();
		memset(obj[i].p, obj[i].fill, obj[i].n);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(obj); i++)
		kfree(obj[i].p);
	kfree(NULL);
	assert_null(kmalloc((512 << 10) + 1));
	/* At most one empty page per class stays behind. */
	assert_true(kmalloc_pages() <= 16);
	assert_int_equal(heap_free_frames() + kmalloc_pages(), free);
	fake_lock_check_none();
}

/* Another CPU looks for what there is not, just before our @when-th lock from here on: it ends the quarantine. */
static unsigned when;

void lock_take(struct spinlock *l)
{
	if (when && !--when)
		assert_null(heap_alloc(HEAP_MAX_ORDER, 0));
	assert_false(fake_lock_held(l));
	assert_true(lock_try(l));
}

/* The only free frame is found although another CPU takes it out of quarantine between our two looks. */
static void quarantine_ended_by_another(void **state)
{
	static struct frame *all[FRAMES];
	unsigned n = 0;

	while ((all[n] = heap_alloc_dirty(0, 0)))
		n++;
	assert_int_equal(heap_free_frames(), 0);
	for (unsigned at = 1; at <= 2; at++) {
		heap_free(all[n - 1], 0);
		when = at;
		assert_ptr_equal(heap_alloc(0, 0), all[n - 1]);
		when = 0;
	}
	while (n)
		heap_free(all[--n], 0);
	fake_lock_check_none();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(merges_back), cmocka_unit_test(random_program),
		cmocka_unit_test(merges_back), cmocka_unit_test(zones),
		cmocka_unit_test(flushed_before_reuse), cmocka_unit_test(scrub_all),
		cmocka_unit_test(clean_and_dirty_merge), cmocka_unit_test(kmalloc_random),
		cmocka_unit_test(quarantine_ended_by_another),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
