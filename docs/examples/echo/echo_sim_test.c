/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * echo in the simulator: both ends, some requests, under ECHO_SEEDS interleavings; then a back end
 * that is killed in the middle and started again, and a front end that closes.  No hypervisor, no
 * root.  A failing seed fails again when it is given as the only argument; with TRACE=1 in the
 * environment every step is shown.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "echo_back.h"
#include "echo_front.h"
#include "sim/sim.h"

#define ECHO_SEEDS	100
#define REQUESTS	64
#define FRONT_DIR	"/local/domain/1/device/echo/0"
#define STEPS		20000000ull

struct run {
	struct sim *sim;
	struct mica_io *front_io, *back_io;
	struct echo_front *front;
	struct back *back;
	unsigned sent, answered, bad, kill_at;
	unsigned char seen[REQUESTS];
	bool up;
	uint8_t data[ECHO_PAYLOAD_MAX];
};

#define REQUIRE(what)	do {								\
	if (!(what)) {									\
		fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);	\
		return false;								\
	}										\
} while (0)

static uint32_t payload_make(uint8_t *data, unsigned long nr)
{
	uint32_t bytes = 1 + nr * 37 % ECHO_PAYLOAD_MAX;

	for (uint32_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)(nr * 31 + i);
	return bytes;
}

static bool send_one(struct run *r, unsigned long nr)
{
	struct echo_request req = { 0 };
	uint32_t bytes = payload_make(r->data, nr);

	return !echo_front_send(r->front, &req, r->data, bytes, (void *)nr);
}

static void send_more(struct run *r)
{
	while (r->up && r->sent < REQUESTS && send_one(r, r->sent))
		r->sent++;
	echo_front_flush(r->front);
}

static void up(void *ctx)
{
	struct run *r = ctx;

	r->up = true;
	send_more(r);
}

static void down(void *ctx)
{
	struct run *r = ctx;

	r->up = false;
}

static void answer(void *ctx, void *token, const struct echo_response *rsp,
		       const void *data, uint32_t bytes)
{
	struct run *r = ctx;
	unsigned long nr = (unsigned long)token;
	bool good = !rsp->status && nr < REQUESTS && !r->seen[nr];

	uint8_t want[ECHO_PAYLOAD_MAX];
	uint32_t n = payload_make(want, nr);

	good = good && n == bytes && !memcmp(want, data, n);
	if (good)
		r->seen[nr] = 1;
	r->bad += !good;
	r->answered++;
	if (r->answered == r->kill_at)
		sim_stop(r->front_io);
	send_more(r);
}

static const struct echo_front_ops front_ops = { .up = up, .down = down, .answer = answer };

static void start_back(void *ctx)
{
	struct run *r = ctx;

	if (back_open(&r->back, r->back_io, &echo_back_kind, &r->back))
		abort();
}

static void start_front(void *ctx)
{
	struct run *r = ctx;

	if (echo_front_open(&r->front, r->front_io, FRONT_DIR, &front_ops, r))
		abort();
}

static void stop_front(void *ctx)
{
	struct run *r = ctx;

	echo_front_close(r->front);
}

/* The process died: what it held in memory goes with it. */
static void drop_back(void *ctx)
{
	struct run *r = ctx;

	for (struct back_device *dev = back_first(r->back); dev; dev = dev->next)
		if (dev->priv)
			echo_back_kind.remove(dev);
	back_close(r->back);
	r->back = NULL;
}

static void begin(struct run *r, uint64_t seed)
{
	struct sim_options options = {
		.seed = seed, .stay = 128, .trace = getenv("TRACE") ? stderr : NULL,
	};

	r->sim = sim_open(&options);
	r->front_io = sim_domain(r->sim, 1);
	r->back_io = sim_domain(r->sim, 0);
	sim_device_add(r->sim, "echo", 1, 0, 0);
	sim_call(r->back_io, start_back, r);
	sim_call(r->front_io, start_front, r);
}

static bool all_answered(const struct run *r)
{
	if (r->answered != REQUESTS)
		fprintf(stderr, "%u of %u answered; %s\n", r->answered, REQUESTS,
			echo_front_words(r->front));
	REQUIRE(r->answered == REQUESTS);
	REQUIRE(r->bad == 0);
	return true;
}

/* Kill the back end after @kill_at answers and start another; nothing may be lost or doubled. */
static bool run_killed(struct run *r)
{
	REQUIRE(sim_run(r->sim, UINT64_MAX, STEPS) == SIM_STOPPED);
	sim_on_kill(r->back_io, drop_back, r);
	sim_kill(r->back_io);
	REQUIRE(sim_run(r->sim, sim_now(r->sim) + 1000000, STEPS) != SIM_STEPS);
	sim_revive(r->back_io);
	sim_call(r->back_io, start_back, r);
	return true;
}

static bool run_whole(struct run *r)
{
	struct sim_holds holds;

	if (r->kill_at && !run_killed(r))
		return false;
	REQUIRE(sim_run(r->sim, UINT64_MAX, STEPS) == SIM_IDLE);
	if (!all_answered(r))
		return false;
	sim_call(r->front_io, stop_front, r);
	REQUIRE(sim_run(r->sim, UINT64_MAX, STEPS) == SIM_IDLE);
	REQUIRE(echo_front_closed(r->front));
	holds = sim_holds(r->front_io);
	REQUIRE(holds.ports == 0 && holds.lent == 0);
	holds = sim_holds(r->back_io);
	REQUIRE(holds.ports == 0 && holds.mapped == 0);
	return true;
}

static bool run_seed(uint64_t seed, unsigned kill_at)
{
	struct run r = { .kill_at = kill_at };
	bool good;

	begin(&r, seed);
	good = run_whole(&r);
	if (r.back)
		drop_back(&r);
	echo_front_free(r.front);
	sim_close(r.sim);
	if (!good)
		fprintf(stderr, "seed %llu, back end killed after %u answers\n",
			(unsigned long long)seed, kill_at);
	return good;
}

int main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t last = argc > 1 ? first : ECHO_SEEDS;
	unsigned passed = 0, failed = 0;

	for (uint64_t seed = first; seed <= last; seed++) {
		run_seed(seed, 0) ? passed++ : failed++;
		run_seed(seed, 1 + seed % (REQUESTS - 1)) ? passed++ : failed++;
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed ? 1 : 0;
}
