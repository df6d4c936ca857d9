/* unit: @sim -DMICA_RING_CHECK dom0-tools/back/device.c dom0-tools/back/handshake.c dom0-tools/back/keys.c dom0-tools/back/late.c dom0-tools/back/say.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a generated back end makes of a ring that one before it left: answers that were not published
 * go out as they are, requests are served, and only an answer that was half written is unknown.  Then
 * the same as a kill at every word of an answer would leave it.
 */
#include <errno.h>
#include <string.h>
#include <mica/io/xenbus.h>

#include "host.h"
#include "../../../docs/examples/echo/echo_back.c"
#include "../../../docs/examples/echo/echo_serve.c"
#include "sim/sim.h"

#define FRONT	"/local/domain/1/device/echo/0/"
#define BACK	"/local/domain/0/backend/echo/1/0/"
#define STEPS	1000000ull

struct guest {
	struct sim *sim;
	struct mica_io *io, *back_io;
	struct back *back;
	uint32_t ref, port, page_ref;
	union echo_ring_slot *slot;
	struct ring_header *header;
	uint8_t *page;
	unsigned heard;
};

static void key(struct mica_io *io, const char *dir, const char *name, unsigned value)
{
	char path[128], text[16];

	snprintf(path, sizeof(path), "%s%s", dir, name);
	snprintf(text, sizeof(text), "%u", value);
	assert_int_equal(io->ops->write(io, path, text), 0);
}

static void hear(void *ctx, uint32_t port)
{
	((struct guest *)ctx)->heard++;
}

/* Both ends are Connected already: the back end's process has died. */
static void lay_ring(void *ctx)
{
	struct guest *g = ctx;
	const struct mica_io_ops *ops = g->io->ops;

	g->io->driver.ctx = g;
	g->io->driver.event = hear;
	assert_int_equal(ops->lend(g->io, 0, 1, true, &g->ref, (void **)&g->header), 0);
	assert_int_equal(ops->lend(g->io, 0, 1, true, &g->page_ref, (void **)&g->page), 0);
	assert_int_equal(ops->port_offer(g->io, 0, &g->port), 0);
	g->slot = (void *)((uint8_t *)g->header + RING_HEADER_BYTES);
	key(g->io, FRONT, "ring-ref0", g->ref);
	key(g->io, FRONT, "version", ECHO_VERSION);
	key(g->io, FRONT, "event-channel", g->port);
	key(g->io, FRONT, "state", XenbusStateConnected);
	memset(g->header, 0, MICA_IO_PAGE_BYTES);
	g->header->req_event = g->header->rsp_event = 1;
}

static void start(void *ctx)
{
	struct guest *g = ctx;

	key(g->back_io, BACK, "state", XenbusStateConnected);
	assert_int_equal(back_open(&g->back, g->back_io, &echo_back_kind, &g->back), 0);
}

static void begin(struct guest *g)
{
	struct sim_options options = { .seed = 3 };

	memset(g, 0, sizeof(*g));
	g->sim = sim_open(&options);
	g->io = sim_domain(g->sim, 1);
	g->back_io = sim_domain(g->sim, 0);
	sim_device_add(g->sim, "echo", 1, 0, 0);
	sim_call(g->io, lay_ring, g);
	assert_int_equal(sim_run(g->sim, UINT64_MAX, STEPS), SIM_IDLE);
}

static void serve_rest(struct guest *g)
{
	sim_call(g->back_io, start, g);
	assert_int_equal(sim_run(g->sim, UINT64_MAX, STEPS), SIM_IDLE);
}

static void finish(struct guest *g)
{
	struct back_device *dev = back_first(g->back);

	echo_back_kind.remove(dev);
	back_close(g->back);
	sim_close(g->sim);
}

static struct echo_request request(struct guest *g, uint64_t id, uint16_t bytes)
{
	return (struct echo_request){ .id = id, .bytes = bytes, .gref = g->page_ref };
}

static struct echo_response sealed(uint64_t id, int16_t status, uint16_t bytes)
{
	return (struct echo_response){ .id = id | ECHO_ANSWER, .status = status, .bytes = bytes,
				       .seal = ~(id | ECHO_ANSWER) };
}

static void is(const struct guest *g, unsigned at, uint64_t id, int16_t status, uint16_t bytes)
{
	struct echo_response want = sealed(id, status, bytes);

	assert_memory_equal(&g->slot[at].rsp, &want, sizeof(want));
}

static void what_was_left(void **state)
{
	struct guest g;

	begin(&g);
	g.header->rsp_prod = 2;		/* published: never touched again */
	g.header->req_prod = 7;
	g.slot[1].rsp = sealed(1, -7, 1);
	g.slot[2].rsp = sealed(2, 0, 55);
	g.slot[3].rsp = sealed(3, -4, 0);
	g.slot[4].rsp = sealed(4, 0, 66);
	g.slot[4].rsp.seal = ~(40 | ECHO_ANSWER);	/* of the answer a lap ago */
	g.slot[5].req.req = request(&g, 5, 99);
	g.slot[6].req.req = request(&g, 6, ECHO_PAYLOAD_MAX + 1);
	serve_rest(&g);
	assert_int_equal(g.header->rsp_prod, 7);
	assert_true(g.heard > 0);
	is(&g, 1, 1, -7, 1);
	is(&g, 2, 2, 0, 55);
	is(&g, 3, 3, -4, 0);
	is(&g, 4, 4, ECHO_UNKNOWN, 0);
	is(&g, 5, 5, 0, 99);
	is(&g, 6, 6, ECHO_BAD_PAYLOAD, 0);
	finish(&g);
}

/* Killed when @words of the answer were written over the request. */
static void killed_at_every_word(void **state)
{
	enum { WORDS = sizeof(struct echo_response) / 8 };

	for (unsigned words = 0; words <= WORDS; words++) {
		struct echo_response whole = sealed(9, -3, 12);
		struct guest g;

		begin(&g);
		g.header->req_prod = 1;
		g.slot[0].req.req = request(&g, 9, 12);
		memcpy(&g.slot[0], &whole, 8 * words);
		serve_rest(&g);
		assert_int_equal(g.header->rsp_prod, 1);
		if (!words)
			is(&g, 0, 9, 0, 12);
		else
			is(&g, 0, 9, words == WORDS ? -3 : ECHO_UNKNOWN, words == WORDS ? 12 : 0);
		finish(&g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_left),
		cmocka_unit_test(killed_at_every_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
