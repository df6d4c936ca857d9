/* unit: @sim -DMICA_RING_CHECK tests/unit/sim/pair.c tests/unit/blkd/sim_front.c tests/unit/blkd/sim_back.c dom0-tools/back/device.c dom0-tools/back/handshake.c dom0-tools/back/keys.c dom0-tools/back/late.c dom0-tools/back/say.c dom0-tools/blkd/vbd.c dom0-tools/blkd/image.c dom0-tools/blkd/disk.c dom0-tools/blkd/queue.c dom0-tools/blkd/job.c dom0-tools/blkd/request.c dom0-tools/blkd/pages.c dom0-tools/blkd/bounce.c dom0-tools/blkd/journal.c dom0-tools/blkd/engine.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica-blkd's own code under every fault plan of the simulator: a guest ends with every block as it
 * was acknowledged, or cut off with a reason, never hung, and nothing is left behind.
 *
 * UNIT_PLAN=NAME UNIT_SEED=n repeats one that failed; UNIT_STEPS=n makes so many seeds of each.
 */
#include <string.h>

#include "host.h"
#include "sim_disk.h"

#define REQUESTS	80

static struct sim_front front;

static void start_front(struct pair *p, unsigned guest)
{
	sim_front_start(&front, p->front_io[guest], p->kind, p->number, REQUESTS, p->seed);
}

static struct pair pair = { .kind = "mblk", .number = 51712, .guests = 1,
			    .start_front = start_front, .front = { &front.front },
			    .front_bytes = sizeof(front) };

static void without_faults(void **state)
{
	for (uint64_t seed = 1; seed <= 36; seed++) {
		struct pair_result r = pair_run(&pair, seed, NULL);

		if (r.verdict != PAIR_HEALTHY)
			fail_msg("UNIT_SEED=%llu: %s: %s", (unsigned long long)seed,
				 pair_verdict_name(r.verdict), r.reason);
		assert_int_equal(front.good, REQUESTS);
		assert_int_equal(front.failed, 0);
		assert_int_equal(r.kicks, 0);		/* no notification was missing */
		assert_int_equal(r.connects, 1);
	}
}

/* Supervisor and process are killed anywhere while requests are under way: one connection, no error. */
static void kills_are_not_noticed(void **state)
{
	static const char *const plans[] = { "kill-back-often.json", "kill-back-lost-events.json" };

	for (unsigned i = 0; i < 2; i++) {
		struct sim_plan *plan = pair_plan(&pair, plans[i]);

		for (uint64_t seed = 1; seed <= 30; seed++) {
			struct pair_result r = pair_run(&pair, seed, plan);

			if (r.verdict != PAIR_HEALTHY || r.connects != 1 || front.failed)
				fail_msg("%s, UNIT_SEED=%llu: %s, %u connections, %llu requests failed: %s",
					 plans[i], (unsigned long long)seed, pair_verdict_name(r.verdict),
					 r.connects, (unsigned long long)front.failed, r.reason);
			assert_int_equal(front.good, REQUESTS);
		}
		sim_plan_free(plan);
	}
}

static void every_plan_ends_well(void **state)
{
	static const struct pair_exception not_so[] = {
		/* It may begin anew, and this one does. */
		{ "ring-index-back-front", "told" }, { "ring-index-jump-front", "told" },
		{ "ring-index-wrap-front", "told" }, { "ring-index-overflow-front", "either" },
		/* Rings of several pages have other keys. */
		{ "store-garbage-ring-ref", "either" }, { "store-vanish-ring-ref", "either" },
		/* A connection that failed is told, and tried again when the guest says something. */
		{ "grant-revoked-before-map", "either" }, { "grant-bad-reference", "either" },
		{ "grant-read-only", "either" }, { "grant-refused", "either" },
		{ "event-bind-fails", "either" }, { "store-garbage-port", "either" },
		/* A store loses no watch event; nothing here looks without one. */
		{ "watch-lost-back", NULL }, { "watch-lost-half-back", NULL },
		{ "mixed-events-and-watches", NULL },
		{ NULL, NULL },
	};

	pair_every_plan(&pair, 3, not_so);
}

static int use(void **state)
{
	sim_back_use(&pair);
	return 0;
}

static int end(void **state)
{
	sim_back_end();
	return 0;
}

/* Processes that are killed free nothing. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_faults),
		cmocka_unit_test(kills_are_not_noticed),
		cmocka_unit_test(every_plan_ends_well),
	};

	return cmocka_run_group_tests(tests, use, end);
}
