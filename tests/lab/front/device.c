/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The front end's half of a device's life, by the table of <mica/bus.h>, and what is lent to the
 * back end: grants of version 1, an unbound port.
 *
 * All that is done here twice changes nothing the second time, as the table wants.
 */
#include "front.h"
#include "../guest/con.h"
#include "../guest/xs.h"
#include "event.h"
#include "grant.h"
#include "hyper.h"
#include "mm.h"
#include "print.h"
#include "result.h"

#define STEPS_MAX	16
#define FIRST_REF	8
#define NO_REFS		400		/* up to MORE_REFS: attacks name these, nobody gives them */
#define MORE_REFS	520
#define LAST_REF	1023		/* of two pages of version 1 */

struct dev *devices[DEVICES_MAX];
unsigned nr_devices;
static uint32_t next_ref = FIRST_REF;

/* --- pages and ports --- */

uint32_t ref_new(void)
{
	if (next_ref == NO_REFS)
		next_ref = MORE_REFS;
	if (next_ref > LAST_REF)
		test_error("no grant reference left");
	return next_ref++;
}

void ref_give(uint32_t ref, const void *page, unsigned flags)
{
	grant_give(ref, mfn_of(page), flags);
}

bool ref_take(uint32_t ref)
{
	uint16_t *flags = &grant_v1(ref)->flags;
	uint16_t now = __atomic_load_n(flags, __ATOMIC_SEQ_CST);

	do {
		if (now & (GTF_reading | GTF_writing))
			return false;
	} while (!__atomic_compare_exchange_n(flags, &now, 0, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_SEQ_CST));
	return true;
}

long port_new(void)
{
	struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = 0 };

	must(hc_evtchn(EVTCHNOP_alloc_unbound, &op));
	event_unmask(op.port);
	return op.port;
}

void port_ring(void *ctx, uint32_t port)
{
	event_send(port);
}

/* --- the handshake --- */

static void disconnect(struct dev *d)
{
	d->connected = false;
	if (d->published)
		d->kind->disconnect(d);
	d->published = false;
}

static int act(struct dev *d, unsigned action)
{
	int rc = 0;

	switch (action) {
	case MICA_BUS_PUBLISH:
		disconnect(d);
		rc = d->kind->publish(d);
		d->published = !rc;
		break;
	case MICA_BUS_CONNECT:
		if (d->connected)
			break;
		rc = d->published ? d->kind->connect(d) : -ENXIO;
		d->connected = !rc;
		d->lives += !rc;
		break;
	case MICA_BUS_DISCONNECT:
	case MICA_BUS_REMOVE:
		disconnect(d);
		break;
	}
	if (rc && rc != -EAGAIN)
		disconnect(d);
	return rc;
}

static unsigned state_at(const char *dir)
{
	char text[8];

	return xs_read(dir, "state", text, sizeof(text)) ? XenbusStateUnknown :
							    mica_bus_parse(text);
}

static unsigned next_of(const struct dev *d, const struct mica_bus_rule *rule)
{
	if (d->kind->eager && rule->next == XenbusStateInitialised)
		return XenbusStateConnected;
	return rule->next;
}

void dev_step(struct dev *d)
{
	if (d->by_hand)
		return;
	for (int i = 0; i < STEPS_MAX; i++) {
		const struct mica_bus_rule *rule;
		int rc;

		d->peer = state_at(d->back);
		d->state = state_at(d->dir);
		rule = mica_bus_step(MICA_BUS_FRONT, d->state, d->peer, d->will);
		d->words = rule->words;
		rc = act(d, rule->action);
		if (rc == -EAGAIN)
			return;
		if (rc) {
			bad("%s: step %s failed: %d", d->dir, mica_bus_action_name(rule->action),
			    rc);
			d->will = MICA_BUS_BROKEN;
			continue;
		}
		if (next_of(d, rule) == d->state)
			return;
		xs_write_number(d->dir, "state", next_of(d, rule));
	}
}

static bool is_up(void *ctx)
{
	struct dev *d = ctx;

	return d->connected && d->state == XenbusStateConnected;
}

bool dev_up(struct dev *d)
{
	d->by_hand = d->raw = false;
	d->will = MICA_BUS_UP;
	dev_step(d);
	if (wait_until(is_up, d, LONG_S))
		return true;
	return bad("%s is %s, its back end %s: %s", d->dir, mica_bus_state_name(d->state),
		   mica_bus_state_name(d->peer), d->words);
}

static bool is_down(void *ctx)
{
	struct dev *d = ctx;

	return !d->published && d->state == XenbusStateClosed &&
	       (d->peer == XenbusStateClosed || d->peer == XenbusStateInitWait);
}

bool dev_down(struct dev *d)
{
	d->by_hand = d->raw = false;
	d->will = MICA_BUS_DOWN;
	dev_step(d);
	if (wait_until(is_down, d, LONG_S))
		return true;
	return bad("%s stays %s, its back end %s: %s", d->dir, mica_bus_state_name(d->state),
		   mica_bus_state_name(d->peer), d->words);
}

struct await {
	struct dev *d;
	unsigned state;
};

static bool peer_is(void *ctx)
{
	struct await *a = ctx;

	a->d->peer = state_at(a->d->back);
	return a->d->peer == a->state;
}

bool dev_await_peer(struct dev *d, unsigned state)
{
	struct await a = { d, state };

	if (wait_until(peer_is, &a, LONG_S))
		return true;
	return bad("the back end of %s is %s, not %s", d->dir, mica_bus_state_name(d->peer),
		   mica_bus_state_name(state));
}

bool dev_open(struct dev *d, const struct dev_kind *kind, unsigned handle)
{
	d->kind = kind;
	d->handle = handle;
	text_print(d->dir, sizeof(d->dir), "device/%s/%u", kind->class, handle);
	if (xs_read(d->dir, "backend", d->back, sizeof(d->back)))
		return false;
	if (nr_devices == DEVICES_MAX)
		test_error("too many devices");
	devices[nr_devices++] = d;
	return !xs_watch(d->back, "state");
}
