/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * make bench-sim: how fast the simulator is.
 *
 *	handshakes	one device attached, connected, closed and detached, one after the other in
 *			one world, by the echo pair and the table
 *	ring operations	a message put or taken by the ring library in a running pair: four to an
 *			answered request; once with a scheduling point at every access to the ring,
 *			once with points at calls only
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/echo.h"
#include "sim/sim.h"

struct pair {
	struct sim *world;
	struct mica_io *front_io, *back_io;
	struct echo_front_dev front;
	struct echo_back_dev back;
	struct echo_journal journal;
	uint64_t total;
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void start_front(void *ctx)
{
	struct pair *p = ctx;

	echo_front_start(&p->front, p->front_io, 0, p->total);
}

static void start_back(void *ctx)
{
	struct pair *p = ctx;

	echo_back_start(&p->back, p->back_io, 1, 0, &p->journal);
}

/* Until @front has finished, or is removed with the back end. */
static void run_until(struct pair *p, bool removed)
{
	while (removed ? !(p->front.end.removed && p->back.end.removed) : !p->front.finished)
		if (sim_run(p->world, sim_now(p->world) + 10000000, UINT64_MAX / 2) == SIM_TIME)
			sim_skip(p->world, 1000000);
}

/* One device's life with @total requests in between. */
static void live(struct pair *p, uint64_t total)
{
	memset(&p->front, 0, sizeof(p->front));
	memset(&p->back, 0, sizeof(p->back));
	p->total = total;
	sim_device_add(p->world, "echo", 1, 0, 0);
	sim_call(p->back_io, start_back, p);
	sim_call(p->front_io, start_front, p);
	run_until(p, false);
	if (p->front.good != total) {
		fprintf(stderr, "mica-sim-bench: %s\n", p->front.end.reason);
		exit(1);
	}
	sim_device_detach(p->world, "echo", 1, 0, 0);
	run_until(p, true);
	sim_run(p->world, sim_now(p->world) + 1000000, UINT64_MAX / 2);
}

static struct pair *open_pair(bool plain)
{
	struct sim_options options = { .seed = 1, .stay = 200, .plain_maps = plain };
	struct pair *p = calloc(1, sizeof(*p));

	p->world = sim_open(&options);
	p->front_io = sim_domain(p->world, 1);
	p->back_io = sim_domain(p->world, 0);
	return p;
}

static void close_pair(struct pair *p)
{
	sim_close(p->world);
	free(p);
}

int main(void)
{
	struct pair *p = open_pair(true);
	double start = seconds(), took;
	uint64_t n = 0;

	for (; seconds() - start < 5; n++)
		live(p, 0);
	took = seconds() - start;
	close_pair(p);
	printf("handshakes a minute                        %12.0f\n", (double)n / took * 60);

	for (int plain = 0; plain < 2; plain++) {
		p = open_pair(plain);
		n = plain ? 2000000 : 200000;
		start = seconds();
		live(p, n);
		took = seconds() - start;
		close_pair(p);
		printf("ring operations a minute, %-16s %12.0f\n",
		       plain ? "points at calls" : "points at access", 4.0 * (double)n / took * 60);
	}
	return 0;
}
