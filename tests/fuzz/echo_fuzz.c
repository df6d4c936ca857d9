/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest that does anything against a back end that is written as the kit says: any value under
 * any key of its directory, any bytes in any page it lent, pages taken back at any time, events in
 * storms.  The back end must not crash, not spin, not hold anything once the device is gone, and
 * must be there for a guest that behaves afterwards.
 *
 * tests/unit/sim/echo_fuzz_test.c runs it for a bounded time; for a long one:
 *	clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -DMICA_RING_CHECK -Iabi \
 *	    -Idom0-tools tests/fuzz/echo_fuzz.c $(ls dom0-tools/sim/[!_]*.c | grep -v _main) \
 *	    -ljansson -o echo_fuzz
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/echo.h"
#include "sim/sim.h"

#define FUZZ_NAME	"echo_fuzz"
#include "fuzz.h"

#define FRONT_DIR	"/local/domain/1/device/echo/0"
#define STEPS		200000		/* of one act; an event storm is not that many */

static struct {
	struct sim *world;
	struct mica_io *guest, *dom0;
	struct echo_back_dev back;
	struct echo_journal journal;
	struct echo_front_dev good;
	uint8_t *page[4];
	uint32_t ref[4], port;
} *stage;

static void nothing(void *ctx) { }
static void on_event(void *ctx, uint32_t port) { }
static void on_changed(void *ctx, const char *path, const char *token) { }

static void write_key(const char *key, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), FRONT_DIR "/%s", key);
	stage->guest->ops->write(stage->guest, path, value);
}

static void write_something(void)
{
	static const char *const keys[] = { "state", "ring-ref", "event-channel", "state" };
	static const char *const odd[] = { "", "-1", "4294967296", "99999999999999999999", "4x",
		"0x10", "%n%n", "/", "9", "08" };
	const char *key = keys[byte() & 3];
	uint8_t how = byte();
	char text[16];

	if (how < 160 && !strcmp(key, "state"))
		snprintf(text, sizeof(text), "%u", how % 7);
	else if (how < 160)
		snprintf(text, sizeof(text), "%u", key[0] == 'r' ? stage->ref[how & 3] : stage->port);
	else if (how < 220)
		snprintf(text, sizeof(text), "%u", word());
	else
		snprintf(text, sizeof(text), "%s", odd[how % 10]);
	if (how == 255)
		stage->guest->ops->remove(stage->guest, FRONT_DIR);
	else
		write_key(key, text);
}

static void write_page(void)
{
	uint8_t *page = stage->page[byte() & 3];
	uint8_t how = byte();

	if (!page)
		return;
	if (how < 100) {
		((uint32_t *)(void *)page)[how & 3] += how >> 2;
	} else if (how < 140) {
		((uint32_t *)(void *)page)[how & 3] = word();
	} else {
		struct echo_request req = { .id = word(), .value = word(), .offset = (uint16_t)word(),
			.gref = stage->ref[byte() & 3], .bytes = (uint16_t)word(), .op = byte() & 3 };

		memcpy(page + 64 + (how % 64) * sizeof(req), &req, sizeof(req));
	}
}

static void lend_or_take_back(void)
{
	uint8_t i = byte() & 3;
	void *where;

	if (stage->page[i]) {
		if (!stage->guest->ops->reclaim(stage->guest, stage->page[i], 1))
			stage->page[i] = NULL;
		return;
	}
	if (!stage->guest->ops->lend(stage->guest, 0, 1, byte() & 3, &stage->ref[i], &where))
		stage->page[i] = where;
}

static void act(void)
{
	switch (byte() % 8) {
	case 0:
		write_something();
		break;
	case 1:
	case 2:
		write_page();
		break;
	case 3:
		lend_or_take_back();
		break;
	case 4:
		stage->guest->ops->port_close(stage->guest, stage->port);
		stage->guest->ops->port_offer(stage->guest, 0, &stage->port);
		break;
	case 5:
		for (unsigned n = byte(); n; n--)
			stage->guest->ops->port_notify(stage->guest, stage->port);
		break;
	case 6:			/* the usual way in, so that the deep ends are reached */
		write_key("state", "1");
		must(sim_run(stage->world, sim_now(stage->world) + 2000000, STEPS) != SIM_STEPS,
		     "the back end spins");
		stage->guest->ops->port_close(stage->guest, stage->port);
		stage->guest->ops->port_offer(stage->guest, 0, &stage->port);
		write_key("ring-ref", "8");
		write_key("event-channel", "1");
		write_key("state", "3");
		break;
	default:
		sim_skip(stage->world, 100000000);
	}
	must(sim_run(stage->world, sim_now(stage->world) + 2000000, STEPS) != SIM_STEPS,
	     "the back end spins");
}

static void start_good(void *ctx)
{
	echo_front_start(&stage->good, stage->guest, 0, 5);
}

static void run_for(uint64_t ns)
{
	uint64_t end = sim_now(stage->world) + ns;

	while (sim_now(stage->world) < end) {
		enum sim_end how = sim_run(stage->world, sim_now(stage->world) + 50000000, STEPS);

		must(how != SIM_STEPS, "the back end spins");
		if (how == SIM_IDLE)
			return;
		if (how == SIM_TIME)
			sim_skip(stage->world, 50000000);
	}
}

/* Gone is gone; and the next guest is served. */
static void finish(void)
{
	struct sim_holds holds;

	stage->guest->ops->remove(stage->guest, FRONT_DIR);
	sim_device_detach(stage->world, "echo", 1, 0, 0);
	run_for(100000000000ull);
	must(stage->back.end.removed, "the device is gone and the back end is not");
	holds = sim_holds(stage->dom0);
	must(!holds.ports && !holds.mapped && !holds.watches, "the back end holds on");
	memset(&stage->back, 0, sizeof(stage->back));
	memset(&stage->journal, 0, sizeof(stage->journal));
	for (unsigned i = 0; i < 4; i++)
		if (stage->page[i])
			must(!stage->guest->ops->reclaim(stage->guest, stage->page[i], 1),
			     "a page does not come back");
	sim_device_add(stage->world, "echo", 1, 0, 0);
	echo_back_start(&stage->back, stage->dom0, 1, 0, &stage->journal);
	sim_call(stage->guest, start_good, NULL);
	run_for(20000000000ull);
	must(stage->good.good == 5, "a good guest is not served after a bad one");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sim_options options = { .seed = 1, .stay = 200 };

	input_from(data, size);
	stage = calloc(1, sizeof(*stage));
	stage->world = sim_open(&options);
	stage->guest = sim_domain(stage->world, 1);
	stage->dom0 = sim_domain(stage->world, 0);
	stage->guest->driver = (struct mica_io_driver){ .event = on_event, .changed = on_changed,
		.timer = nothing, .resumed = nothing };
	sim_device_add(stage->world, "echo", 1, 0, 0);
	echo_back_start(&stage->back, stage->dom0, 1, 0, &stage->journal);
	for (unsigned i = 0; i < 4; i++) {
		void *where;

		stage->guest->ops->lend(stage->guest, 0, 1, i != 3, &stage->ref[i], &where);
		stage->page[i] = where;
	}
	((uint32_t *)(void *)stage->page[0])[1] = ((uint32_t *)(void *)stage->page[0])[3] = 1;
	stage->guest->ops->port_offer(stage->guest, 0, &stage->port);
	while (left)
		act();
	finish();
	sim_close(stage->world);
	free(stage);
	return 0;
}
