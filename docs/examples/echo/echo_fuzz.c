/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that speaks echo as badly as it can: a connected ring whose slots, indices and payload are
 * random, changed while the back end looks.  echo-fuzz ROUNDS [SEED].  The back end must serve or
 * cut off, and let go of everything; the sanitizers see the rest.  TRACE=1 in the environment shows
 * what it says to each round.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <mica/io/xenbus.h>

#include "echo_back.h"
#include "sim/sim.h"

#define DIR	"/local/domain/1/device/echo/0/"
#define STEPS	1000000ull

struct guest {
	struct mica_io *io, *back_io;
	struct back *back;
	uint64_t random;
	uint32_t refs[ECHO_RING_PAGES], port, page_ref;
	uint8_t *ring, *page;
	unsigned left;
};

static uint64_t draw(struct guest *g)
{
	g->random ^= g->random << 13;
	g->random ^= g->random >> 7;
	g->random ^= g->random << 17;
	return g->random;
}

static void put(struct guest *g, const char *key, unsigned value)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), DIR "%s", key);
	snprintf(text, sizeof(text), "%u", value);
	g->io->ops->write(g->io, path, text);
}

/* Rung by the back end; all it does it does by itself. */
static void hear(void *ctx, uint32_t port)
{
}

/* Good keys, so that the back end connects; what is on the ring is another matter. */
static void connect_guest(void *ctx)
{
	struct guest *g = ctx;
	const struct mica_io_ops *ops = g->io->ops;
	char key[16];

	g->io->driver.event = hear;
	if (ops->lend(g->io, 0, ECHO_RING_PAGES, true, g->refs, (void **)&g->ring) ||
	    ops->lend(g->io, 0, 1, true, &g->page_ref, (void **)&g->page) ||
	    ops->port_offer(g->io, 0, &g->port))
		abort();
	for (unsigned i = 0; i < ECHO_RING_PAGES; i++) {
		snprintf(key, sizeof(key), "ring-ref%u", i);
		put(g, key, g->refs[i]);
	}
	put(g, "version", ECHO_VERSION);
	put(g, "event-channel", g->port);
	put(g, "state", XenbusStateInitialised);
}

static void scribble(void *ctx)
{
	struct guest *g = ctx;
	struct ring_header *h = (struct ring_header *)g->ring;
	size_t bytes = ECHO_RING_PAGES * 4096ul;

	for (unsigned i = 0; i < 64; i++)
		g->ring[RING_HEADER_BYTES + draw(g) % (bytes - RING_HEADER_BYTES)] = draw(g);
	/* Some slots name a page that is really there. */
	for (unsigned i = 0; i < RING_ENTRIES(bytes, sizeof(union echo_ring_slot)); i++) {
		struct echo_request *req = (void *)(g->ring + RING_HEADER_BYTES +
						  i * sizeof(union echo_ring_slot));

		if (draw(g) % 2)
			req->gref = g->page_ref;
		if (draw(g) % 2)
			req->bytes = draw(g) % (ECHO_PAYLOAD_MAX + 2);
	}
	if (draw(g) % 16)
		h->req_prod = h->rsp_prod + draw(g) % 8;
	else
		h->req_prod = draw(g);
	h->rsp_event = draw(g);
	g->io->ops->port_notify(g->io, g->port);
	if (g->left--)
		sim_call(g->io, scribble, g);
}

/* That a guest was cut off is what every other round is for. */
static void note(void *ctx, const struct back_device *dev, const char *line)
{
	if (getenv("TRACE"))
		fprintf(stderr, "%s\n", line);
}

static void start_back(void *ctx)
{
	static struct back_kind kind;
	struct guest *g = ctx;

	kind = echo_back_kind;
	kind.note = note;
	if (back_open(&g->back, g->back_io, &kind, &g->back))
		abort();
}

static void leave(void *ctx)
{
	put(ctx, "state", XenbusStateClosed);
}

static int round_of(uint64_t seed)
{
	struct sim_options options = { .seed = seed, .stay = 100 };
	struct guest g = { .random = seed * 2654435761u + 1, .left = 20 };
	struct sim *sim = sim_open(&options);
	struct sim_holds holds;
	enum sim_end end;

	g.io = sim_domain(sim, 1);
	g.back_io = sim_domain(sim, 0);
	sim_device_add(sim, "echo", 1, 0, 0);
	sim_call(g.back_io, start_back, &g);
	sim_run(sim, UINT64_MAX, STEPS);
	sim_call(g.io, connect_guest, &g);
	sim_run(sim, UINT64_MAX, STEPS);
	sim_call(g.io, scribble, &g);
	end = sim_run(sim, UINT64_MAX, STEPS);
	sim_call(g.io, leave, &g);
	if (end == SIM_IDLE)
		end = sim_run(sim, UINT64_MAX, STEPS);
	holds = sim_holds(g.back_io);
	for (struct back_device *dev = back_first(g.back); dev; dev = dev->next)
		if (dev->priv)
			echo_back_kind.remove(dev);
	back_close(g.back);
	sim_close(sim);
	if (end == SIM_IDLE && !holds.ports && !holds.mapped)
		return 0;
	fprintf(stderr, "seed %llu: end %d, %u ports and %u pages held\n",
		(unsigned long long)seed, end, holds.ports, holds.mapped);
	return 1;
}

int main(int argc, char **argv)
{
	unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 1000;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	unsigned failed = 0;

	for (unsigned long i = 0; i < rounds; i++)
		failed += round_of(seed + i);
	printf("%lu passed, %u failed\n", rounds - failed, failed);
	return failed ? 1 : 0;
}
