/* unit: @sim -DMICA_RING_CHECK tests/unit/sim/pair.c tests/unit/netd/sim_card.c dom0-tools/back/device.c dom0-tools/back/handshake.c dom0-tools/back/keys.c dom0-tools/back/late.c dom0-tools/back/say.c dom0-tools/netd/path.c dom0-tools/netd/deliver.c dom0-tools/netd/batch.c dom0-tools/netd/feed.c dom0-tools/netd/drain.c dom0-tools/netd/drain_resume.c dom0-tools/netd/port.c dom0-tools/netd/config.c dom0-tools/netd/switch.c dom0-tools/netd/mac.c dom0-tools/netd/bucket.c dom0-tools/netd/frame.c dom0-tools/netd/guard.c dom0-tools/netd/offload.c dom0-tools/netd/layout.c dom0-tools/netd/capture.c dom0-tools/netd/control.c dom0-tools/netd/multicast.c dom0-tools/netd/staging.c dom0-tools/netd/steer.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica-netd's own code, over libmicaback, under every fault plan of the simulator: two guests ask each
 * other questions through the switch.  Both end with all answers, every frame as it was sent, or cut
 * off with a reason, never hung, and nothing is left behind.
 *
 * UNIT_PLAN=NAME UNIT_SEED=n repeats one that failed; UNIT_STEPS=n makes so many seeds of each.
 */
#include <string.h>

#include "host.h"
#include "sim_card.h"

#define QUESTIONS	40
#define ROUNDS		10000		/* in a row; more is for ever */

static struct card cards[PAIR_GUESTS];
static struct pair pair;
static struct net *net;
static struct mica_io_driver lib;	/* libmicaback's callbacks */

/* --- no uplink: the simulator has a tap.c of its own --- */

unsigned tap_take(struct net *n, unsigned budget) { return 0; }
void tap_send(struct net *n, const struct iovec *parts, unsigned n_parts, unsigned length,
	      const struct offload *o) { }
struct feed *tap_feed(struct net *n) { return NULL; }
int tap_fd(struct net *n) { return -1; }
bool tap_blocked(struct net *n) { return true; }

/* --- the worker --- */

static void serve(void)
{
	unsigned rounds = 0;
	uint64_t due;

	while (path_round(net))
		if (++rounds > ROUNDS)
			fail_msg("UNIT_SEED=%llu: the switch spins", (unsigned long long)pair.seed);
	due = path_due(net);
	if (due)
		back_timer_set(net->back, due);
}

static void on_event(void *ctx, uint32_t port)
{
	lib.event(lib.ctx, port);
	serve();
}

static void on_changed(void *ctx, const char *path, const char *token)
{
	lib.changed(lib.ctx, path, token);
	serve();
}

static void on_timer(void *ctx)
{
	lib.timer(lib.ctx);
	serve();
}

static void note_line(void *ctx, const struct back_device *dev, const char *line)
{
	if (!strncmp(line, "error", 5))
		snprintf(pair.back_words, sizeof(pair.back_words), "%.199s", line);
}

static void due(void *ctx)
{
}

static void start_back(struct pair *p)
{
	static struct back_kind kind;

	net = calloc(1, sizeof(*net));
	strcpy(net->name, "lan");
	net->io = p->back_io;
	switch_init(&net->sw, 99);
	assert_int_equal(batch_init(net), 0);
	kind = net_kind;
	kind.note = note_line;
	kind.timer = due;
	assert_int_equal(back_open(&net->back, net->io, &kind, net), 0);
	lib = net->io->driver;
	net->io->driver = (struct mica_io_driver){ .event = on_event, .changed = on_changed,
						   .timer = on_timer, .resumed = on_timer };
}

/* A process that is killed frees nothing. */
static void bury_back(struct pair *p)
{
	free(net);		/* the largest of it */
	net = NULL;
}

static bool back_is_gone(struct pair *p)
{
	return net && net->back && !back_first(net->back);
}

/* --- the guests --- */

static void make_keys(struct pair *p, unsigned guest)
{
	pair_key(p, guest, true, "network", "lan");
	pair_key(p, guest, true, "mac", guest ? "02:00:00:00:00:02" : "02:00:00:00:00:01");
	pair_key(p, guest, true, "handle", "0");
}

static void start_front(struct pair *p, unsigned guest)
{
	cards[guest].other = &cards[!guest];
	card_start(&cards[guest], p->front_io[guest], p->kind, p->number, guest, QUESTIONS, p->seed);
}

static struct pair pair = {
	.kind = "mnet", .ring_key = "tx-ring-ref", .number = 0, .guests = 2,
	.front = { &cards[0].front, &cards[1].front }, .front_bytes = sizeof(cards[0]),
	.make_keys = make_keys, .start_front = start_front, .start_back = start_back,
	.bury_back = bury_back, .back_is_gone = back_is_gone,
};

/* --- tests --- */

static void without_faults(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct pair_result r = pair_run(&pair, seed, NULL);

		if (r.verdict != PAIR_HEALTHY)
			fail_msg("UNIT_SEED=%llu: %s: %s", (unsigned long long)seed,
				 pair_verdict_name(r.verdict), r.reason);
		for (unsigned g = 0; g < PAIR_GUESTS; g++)
			assert_int_equal(cards[g].good, QUESTIONS);
		assert_int_equal(r.connects, 2);
	}
}

/* Nobody connects again, and all is answered. */
static void kills_are_not_noticed(void **state)
{
	struct sim_plan *plan = pair_plan(&pair, "kill-back-often.json");

	for (uint64_t seed = 1; seed <= dice_steps(30); seed++) {
		struct pair_result r = pair_run(&pair, seed, plan);

		if (r.verdict != PAIR_HEALTHY || r.connects != 2)
			fail_msg("UNIT_SEED=%llu: %s, %u connections: %s", (unsigned long long)seed,
				 pair_verdict_name(r.verdict), r.connects, r.reason);
	}
	sim_plan_free(plan);
}

static void every_plan_ends_well(void **state)
{
	static const struct pair_exception not_so[] = {
		/* It may begin anew, and this one does. */
		{ "ring-index-back-front", "told" }, { "ring-index-jump-front", "told" },
		{ "ring-index-wrap-front", "either" }, { "ring-index-overflow-front", "either" },
		/* Ids are echoed and mean nothing; pieces of two frames are one that is wrong. */
		{ "ring-stale", "own" }, { "ring-doubled-front", "own" },
		{ "ring-reordered-front", "own" }, { "ring-mutated-by-front", "own" },
		/* With two queues the keys are others. */
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

	return cmocka_run_group_tests(tests, NULL, NULL);
}
