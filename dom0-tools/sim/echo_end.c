/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handshake of the echo device, for either end: look both states up, do what the table of
 * <mica/bus.h> says, write the next one, until nothing changes.
 *
 * Watches only make it quicker.  A timer looks again every second while the device is on its way
 * and every five while it runs, so a watch that is lost, late, or comes twice changes nothing.
 * The next state is written in a transaction that checks our own is what we think it is: the
 * toolstack writes it too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/echo.h"

#define LOOK_NS		1000000000ull		/* on the way */
#define LOOK_IDLE_NS	5000000000ull
#define APPEAR_NS	30000000000ull
#define TRIES		50			/* of a transaction */
#define STORE_ERRORS	20			/* in a row, a second apart */

void echo_broken(struct echo_end *e, const char *why)
{
	if (!e->reasons++)
		snprintf(e->reason, sizeof(e->reason), "%s", why);
	e->will = MICA_BUS_BROKEN;
}

void echo_cut(struct echo_end *e, const char *why)
{
	echo_broken(e, why);
	e->cut = true;
}

int echo_read(struct echo_end *e, const char *dir, const char *key, char *value, size_t room)
{
	char path[256];

	snprintf(path, sizeof(path), "%.127s/%.64s", dir, key);
	return e->io->ops->read(e->io, path, value, room);
}

int echo_write(struct echo_end *e, const char *key, const char *value)
{
	char path[256];

	snprintf(path, sizeof(path), "%.127s/%.64s", e->own, key);
	return e->io->ops->write(e->io, path, value);
}

int echo_read_number(struct echo_end *e, const char *dir, const char *key, uint32_t *number)
{
	char text[16], *end;
	unsigned long n;
	int rc = echo_read(e, dir, key, text, sizeof(text));

	if (rc)
		return rc;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || n > 0xffffffff)
		return -EINVAL;
	*number = (uint32_t)n;
	return 0;
}

int echo_transaction(struct echo_end *e, int (*fn)(struct echo_end *e, void *ctx), void *ctx)
{
	for (unsigned i = 0; i < TRIES; i++) {
		int rc = e->io->ops->begin(e->io);

		if (rc)
			return rc;
		rc = fn(e, ctx);
		if (rc) {
			e->io->ops->end(e->io, false);
			return rc;
		}
		rc = e->io->ops->end(e->io, true);
		if (rc != -EAGAIN)
			return rc;
	}
	return -EBUSY;
}

struct turn {
	unsigned own, next;
};

/* -ESTALE: our own state is not what the decision was made on. */
static int write_state(struct echo_end *e, void *ctx)
{
	struct turn *turn = ctx;
	char text[16];
	int rc = echo_read(e, e->own, "state", text, sizeof(text));

	if (rc == -ENOENT || (!rc && mica_bus_parse(text) != turn->own))
		return -ESTALE;
	if (rc)
		return rc;
	snprintf(text, sizeof(text), "%u", turn->next);
	return echo_write(e, "state", text);
}

/* A state; a key that is not there is one, too.  Other errors are the store's. */
static int look(struct echo_end *e, const char *dir, unsigned *state)
{
	char text[16];
	int rc = echo_read(e, dir, "state", text, sizeof(text));

	*state = rc ? XenbusStateUnknown : mica_bus_parse(text);
	if (rc == -ERANGE) {
		*state = MICA_BUS_NONSENSE;
		rc = 0;
	}
	return rc == -ENOENT ? 0 : rc;
}

static void look_at_online(struct echo_end *e)
{
	char text[8];

	/* What is broken goes, too, when the toolstack says so. */
	if (e->role == MICA_BUS_BACK && e->will != MICA_BUS_DOWN &&
	    !echo_read(e, e->own, "online", text, sizeof(text)) && !strcmp(text, "0"))
		e->will = MICA_BUS_DOWN;
}

/* Has something changed that gives a broken back end another chance? */
static void look_for_change(struct echo_end *e, unsigned own, unsigned peer)
{
	bool anew = own == XenbusStateInitialising && e->last_own != own;
	bool again = own == XenbusStateClosed && peer == XenbusStateInitialising &&
		     e->last_peer != peer;

	if (e->role == MICA_BUS_BACK && e->will == MICA_BUS_BROKEN &&
	    (anew || (again && !e->cut))) {
		e->will = MICA_BUS_UP;
		e->cut = false;
	}
	e->last_own = (uint8_t)own;
	if (own == XenbusStateClosed || peer != XenbusStateInitialising)
		e->last_peer = (uint8_t)peer;
}

static void wait_in(struct echo_end *e, const struct mica_bus_rule *rule)
{
	if (rule == e->rule)
		return;
	e->rule = rule;
	e->since_ns = e->io->ops->now_ns(e->io);
	e->told = false;
}

/* The toolstack may still be writing the directory; for ever it is not. */
static void not_made_yet(struct echo_end *e)
{
	uint64_t now = e->io->ops->now_ns(e->io);

	if (!e->since_ns)
		e->since_ns = now;
	if (now - e->since_ns < APPEAR_NS)
		return;
	echo_broken(e, "the device's directory does not appear in the store");
	e->removed = true;
}

/* One step; false: nothing more to do now. */
static bool step(struct echo_end *e)
{
	unsigned own, peer;
	const struct mica_bus_rule *rule;
	struct turn turn;
	int rc;

	rc = look(e, e->own, &own);
	if (!rc)
		rc = look(e, e->peer, &peer);
	if (rc)
		goto store;
	if (!e->found && own == XenbusStateUnknown) {
		not_made_yet(e);
		return false;
	}
	e->found = true;
	look_for_change(e, own, peer);
	look_at_online(e);
	rule = mica_bus_step(e->role, own, peer, e->will);
	wait_in(e, rule);
	rc = e->act(e, rule->action);
	if (rule->action == MICA_BUS_REMOVE) {
		if (e->will == MICA_BUS_UP)
			echo_broken(e, rule->words);
		e->removed = !rc;
		return false;
	}
	if (rc)
		return true;			/* it has called echo_broken() */
	if (rule->next == own) {
		e->store_errors = 0;
		return false;
	}
	turn = (struct turn){ .own = own, .next = rule->next };
	rc = echo_transaction(e, write_state, &turn);
	if (!rc || rc == -ESTALE)
		return true;
store:
	if (++e->store_errors > STORE_ERRORS && e->will != MICA_BUS_BROKEN)
		echo_broken(e, "the store keeps refusing to read or write the device's state");
	return false;
}

/* The table's patience with the peer is over. */
static void be_late(struct echo_end *e)
{
	struct turn turn = { .own = e->rule->own, .next = e->rule->late };

	e->told = true;
	if (e->role == MICA_BUS_FRONT && e->will == MICA_BUS_UP)
		echo_broken(e, e->rule->words);	/* this driver does not wait any longer */
	if (e->rule->late == e->rule->own)
		return;
	e->act(e, MICA_BUS_DISCONNECT);
	echo_transaction(e, write_state, &turn);
}

void echo_settle(struct echo_end *e)
{
	uint64_t now;
	bool done = false;

	if (e->removed)
		return;
	for (unsigned i = 0; i < 12 && !done; i++) {
		done = !step(e);
		now = e->io->ops->now_ns(e->io);
		if (done && e->rule && e->rule->timeout_s && !e->told &&
		    now - e->since_ns > e->rule->timeout_s * 1000000000ull) {
			be_late(e);
			done = false;
		}
	}
	if (e->removed) {
		e->io->ops->unwatch(e->io, e->own, "own");
		e->io->ops->unwatch(e->io, e->peer, "peer");
		e->io->ops->timer_set(e->io, 0);
		return;
	}
	now = e->io->ops->now_ns(e->io);
	e->io->ops->timer_set(e->io, now + (e->rule && !e->rule->timeout_s && !e->store_errors ?
					    LOOK_IDLE_NS : LOOK_NS));
	if (e->idle)
		e->idle(e);
}
