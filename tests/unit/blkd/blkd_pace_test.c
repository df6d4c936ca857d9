/* unit: dom0-tools/blkd/bounce.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a disk asks to be told, against guests simulated in steps of a microsecond: few notifications
 * at a high rate, and no guest that waits for answers is kept waiting often.  And buffers.
 */
#include <string.h>

#include "host.h"
#include "blkd/bounce.h"
#include "blkd/pace.h"

#define US	1000ull

struct guest {
	unsigned depth;			/* requests it has under way at most */
	unsigned us;			/* between two of them */
	unsigned lying, open, notified;
	uint64_t sent, waited_us;	/* microseconds in which it could send nothing */
};

/* A back end that answers at once: what lies there, at a notification or when it is due. */
static void run(struct guest *g, struct pace *p, uint64_t us)
{
	uint32_t asked = pace_next(p, 0, 16, p->since_ns);
	uint64_t from = p->since_ns / US, next = from;

	for (uint64_t now = from; now < from + us; now++) {
		if (g->open == g->depth)
			g->waited_us++;
		if (g->open < g->depth && now >= next) {
			g->open++;
			g->lying++;
			g->sent++;
			next = now + g->us;
		}
		if (g->lying >= asked)
			g->notified++;
		else if (asked == 1 || now * US < pace_due(p))
			continue;
		asked = pace_next(p, g->lying, 16, now * US);
		g->open -= g->lying;
		g->lying = 0;
	}
}

static void test_many_under_way(void **state)
{
	struct guest g = { .depth = 32, .us = 20 };
	struct pace p = { .since_ns = US };

	run(&g, &p, 1000000);
	assert_in_range(g.sent, 49000, 51000);
	assert_true(g.notified * 8 < g.sent);
	assert_int_equal(g.waited_us, 0);
}

/* Whatever their number, a guest that waits for its answers loses little. */
static void test_few_under_way(void **state)
{
	for (unsigned depth = 1; depth <= 32; depth++) {
		struct guest g = { .depth = depth, .us = 20 };
		struct pace p = { .since_ns = US };

		run(&g, &p, 2000000);
		assert_true(g.waited_us < 2000000 / 50);
	}
}

/* A slow guest is answered at once. */
static void test_slow(void **state)
{
	struct guest g = { .depth = 32, .us = 1000 };
	struct pace p = { .since_ns = US };

	run(&g, &p, 1000000);
	assert_int_equal(g.notified, g.sent);
	assert_int_equal(p.n, 1);
}

/* After a burst the next one waits once, then no more. */
static void test_end_of_burst(void **state)
{
	struct guest g = { .depth = 32, .us = 20 };
	struct pace p = { .since_ns = US };

	run(&g, &p, 100000);
	assert_true(p.n > 8);
	g.us = 5000;
	run(&g, &p, 20000);
	assert_int_equal(p.n, 1);
	assert_int_equal(g.lying, 0);
}

static void test_never_more_than_half(void **state)
{
	struct pace p = { .since_ns = US };
	uint64_t now = US, random = 1;

	for (unsigned i = 0; i < 10000; i++) {
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		now += (random >> 33) % 100 * US;
		assert_in_range(pace_next(&p, (uint32_t)(random >> 40) % 40, 4, now), 1, 4);
	}
}

static void test_buffers(void **state)
{
	struct bounce b;
	void *at[200];
	static const size_t sizes[] = { 512, 4096, 4097, BOUNCE_LARGE, BOUNCE_LARGE + 1, 1 << 20 };

	assert_int_equal(bounce_open(&b), 0);
	for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		for (unsigned round = 0; round < 2; round++) {
			for (unsigned i = 0; i < 200; i++) {
				at[i] = bounce_take(&b, sizes[s]);
				assert_non_null(at[i]);
				assert_int_equal((uintptr_t)at[i] % 4096, 0);
				memset(at[i], (int)i, sizes[s]);
			}
			for (unsigned i = 0; i < 200; i++) {
				char *c = at[i];

				assert_int_equal((uint8_t)c[0], i);
				assert_int_equal((uint8_t)c[sizes[s] - 1], i);
				bounce_give(&b, c);
			}
		}
	}
	bounce_close(&b);
	/* Not opened: all from the heap. */
	at[0] = bounce_take(&b, 4096);
	assert_non_null(at[0]);
	bounce_give(&b, at[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_under_way),
		cmocka_unit_test(test_few_under_way),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_end_of_burst),
		cmocka_unit_test(test_never_more_than_half),
		cmocka_unit_test(test_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
