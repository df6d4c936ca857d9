/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between a driver's ring library and its rings: with MICA_RING_CHECK every access to an index
 * or a slot comes through here.  Each is a point of the scheduler, and the place where a plan's
 * "ring" faults make a peer write what no good driver would.
 *
 * The producer indices of a ring page are at offsets 0 (requests) and 8 (responses); a store
 * there publishes the slots put since the last one, which a fault may change just before.
 */
#define MICA_RING_CHECK 1
#include <stdlib.h>
#include <string.h>

#include "sim/sim_priv.h"

#define TAP_PUTS	8
#define TAP_BYTES	256

struct tap_put {
	void *where;
	size_t bytes;
	uint8_t message[TAP_BYTES];
};

/* What each domain put last, newest at [count - 1]; fresh of them are not yet published. */
struct sim_tap {
	struct {
		struct tap_put put[TAP_PUTS];
		unsigned count, fresh;
	} of[SIM_DOMS];
};

static struct sim *tapped;	/* one world at a time has the hooks */

static struct sim_dom *here(void)
{
	return tapped ? tapped->current : NULL;
}

static unsigned index_of(const struct sim_dom *d)
{
	for (unsigned i = 0; i < tapped->doms; i++)
		if (tapped->dom[i] == d)
			return i;
	return 0;
}

static uint32_t tap_load(const uint32_t *from)
{
	struct sim_dom *d = here();

	if (d)
		sim_point(d);
	return __atomic_load_n(from, __ATOMIC_SEQ_CST);
}

static void overwrite(struct sim_dom *d, struct tap_put *to, const struct tap_put *from)
{
	unsigned page, offset;

	/* Only where the slot is still memory of this domain's. */
	if (to->bytes == from->bytes && hub_locate(d, to->where, &page, &offset))
		memcpy(to->where, from->message, to->bytes);
}

static void spoil_messages(struct sim_dom *d)
{
	unsigned i = index_of(d), n = tapped->tap->of[i].count;
	struct tap_put *put = tapped->tap->of[i].put;

	if (n >= 2 && sim_fault(tapped, d, SIM_RING_STALE, NULL))
		overwrite(d, &put[n - 1], &put[0]);
	if (tapped->tap->of[i].fresh < 2)
		return;
	if (sim_fault(tapped, d, SIM_RING_DOUBLE, NULL))
		overwrite(d, &put[n - 1], &put[n - 2]);
	if (sim_fault(tapped, d, SIM_RING_REORDER, NULL)) {
		overwrite(d, &put[n - 1], &put[n - 2]);
		overwrite(d, &put[n - 2], &put[n - 1]);
	}
}

/* False: this index is not to be written at all. */
static bool spoil_index(struct sim_dom *d, uint32_t *to, unsigned offset, uint32_t *value)
{
	struct sim_fault *f;

	spoil_messages(d);
	tapped->tap->of[index_of(d)].fresh = 0;
	if (sim_fault(tapped, d, SIM_RING_STUCK, NULL))
		return false;
	f = sim_fault(tapped, d, SIM_RING_JUMP, NULL);
	if (f)
		*value += (uint32_t)f->by;
	if (sim_fault(tapped, d, SIM_RING_PARTIAL, NULL))
		*value -= 1;
	if (sim_fault(tapped, d, SIM_RING_SCRIBBLE, NULL))
		to[offset ? -2 : 2] = (uint32_t)sim_dice(tapped, 1ull << 32);
	return true;
}

static void tap_store(uint32_t *to, uint32_t value, int full)
{
	struct sim_dom *d = here();
	unsigned page, offset;

	if (d) {
		sim_point(d);
		if (!hub_locate(d, to, &page, &offset))
			page = SIM_PAGES;
		if (page < SIM_PAGES && (offset == 0 || offset == 8) &&
		    !spoil_index(d, to, offset, &value))
			return;
		sim_trace(tapped, "ring page %u +%u = %u", page, offset, value);
	}
	__atomic_store_n(to, value, full ? __ATOMIC_SEQ_CST : __ATOMIC_RELEASE);
}

static void tap_get(void *to, const void *from, size_t bytes)
{
	struct sim_dom *d = here();
	unsigned page, offset;

	if (d)
		sim_point(d);
	memcpy(to, from, bytes);
	if (!d || !tapped->options.plan || !hub_locate(d, from, &page, &offset))
		return;
	for (unsigned i = 0; i < tapped->doms; i++)	/* by whoever shares the page */
		if (tapped->dom[i] != d && sim_fault(tapped, tapped->dom[i], SIM_RING_MUTATE, NULL))
			memset((void *)(uintptr_t)from, 0x5a, bytes);
}

static void tap_put(void *to, const void *from, size_t bytes)
{
	struct sim_dom *d = here();
	struct tap_put *put;
	unsigned i;

	if (d)
		sim_point(d);
	memcpy(to, from, bytes);
	if (!d || bytes > TAP_BYTES || !tapped->options.plan)
		return;
	i = index_of(d);
	if (tapped->tap->of[i].count == TAP_PUTS) {
		memmove(tapped->tap->of[i].put, tapped->tap->of[i].put + 1,
			(TAP_PUTS - 1) * sizeof(*put));
		tapped->tap->of[i].count--;
	}
	put = &tapped->tap->of[i].put[tapped->tap->of[i].count++];
	put->where = to;
	put->bytes = bytes;
	memcpy(put->message, from, bytes);
	tapped->tap->of[i].fresh++;
}

static const struct mica_ring_memory hooks = {
	.load = tap_load, .store = tap_store, .get = tap_get, .put = tap_put,
};

void tap_open(struct sim *w)
{
	w->tap = calloc(1, sizeof(*w->tap));
	if (w->quiet)
		return;
	tapped = w;
	mica_ring_memory = &hooks;
}

void tap_close(struct sim *w)
{
	free(w->tap);
	if (tapped == w) {
		tapped = NULL;
		mica_ring_memory = NULL;
	}
}
