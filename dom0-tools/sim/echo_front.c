/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The echo device's front end.  It believes a back end as little as that believes it: an answer
 * must name an open request by its full id, once, and be right.
 *
 * A request that is out for a second makes it look again and ring once more, which mends a lost
 * notification on either side; out for ten seconds, it cuts the device off.  What the peer still
 * has mapped when the device closes is kept and taken back later.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/echo.h"

#define KICK_NS		1000000000ull
#define GIVE_UP_NS	10000000000ull
#define TRIES		4			/* of a request that fails */
#define CONNECTS	6			/* before it stops trying */

static struct echo_front_dev *front_of(struct echo_end *e)
{
	return (struct echo_front_dev *)e;
}

static void ring_bell(void *ctx, uint32_t port)
{
	struct mica_io *io = ctx;

	io->ops->port_notify(io, port);
}

/* --- requests --- */

static uint8_t pattern(uint64_t id, unsigned i)
{
	return (uint8_t)(id * 13 + (id >> 32) * 7 + i * 3);
}

static uint8_t *data_of(struct echo_front_dev *f, const struct echo_request *req)
{
	return (uint8_t *)f->data + req->offset;
}

static void fill(struct echo_front_dev *f, struct echo_request *req, unsigned slot)
{
	req->gref = f->data_ref;
	if (req->op != ECHO_TURN)
		return;
	req->offset = (uint16_t)(slot * 256);
	req->bytes = 128;
	for (unsigned i = 0; i < req->bytes; i++) {
		data_of(f, req)[i] = pattern(req->id, i);
		data_of(f, req)[req->bytes + i] = 0;
	}
}

static void send_one(struct echo_front_dev *f, unsigned slot)
{
	struct echo_open *o = &f->open[slot];

	o->since_ns = f->end.io->ops->now_ns(f->end.io);
	fill(f, &o->request, slot);
	echo_front_put(&f->ring, &o->request);
}

static void send_new(struct echo_front_dev *f)
{
	uint64_t id;

	while (f->sent < f->total && echo_front_room(&f->ring) && !mica_ids_take(&f->ids, &id)) {
		unsigned slot = (unsigned)mica_ids_lookup(&f->ids, id);

		memset(&f->open[slot], 0, sizeof(f->open[slot]));
		f->open[slot].request = (struct echo_request){
			.id = id, .value = f->sent, .op = f->sent % 3 ? ECHO_ADD : ECHO_TURN };
		f->sent++;
		send_one(f, slot);
	}
}

static bool right(struct echo_front_dev *f, const struct echo_request *req,
		  const struct echo_response *rsp)
{
	if (rsp->value != req->value + 1)
		return false;
	for (unsigned i = 0; req->op == ECHO_TURN && i < req->bytes; i++)
		if ((data_of(f, req)[req->bytes + i] ^ pattern(req->id, i)) != 0xff)
			return false;
	return true;
}

/* -errno: cut off. */
static int take_one(struct echo_front_dev *f, const struct echo_response *rsp)
{
	int64_t slot = mica_ids_lookup(&f->ids, rsp->id);

	if (slot == -EEXIST) {
		echo_broken(&f->end, "the back end has answered a request twice");
		return -EPROTO;
	}
	if (slot < 0) {
		echo_broken(&f->end, "the back end has answered a request that was never made");
		return -EPROTO;
	}
	if (rsp->status) {
		if (++f->open[slot].tries < TRIES && echo_front_room(&f->ring)) {
			f->retries++;
			send_one(f, (unsigned)slot);
			return 0;
		}
		echo_broken(&f->end, "the back end keeps failing a request");
		return -EIO;
	}
	if (!right(f, &f->open[slot].request, rsp)) {
		echo_broken(&f->end, "the back end has answered wrongly");
		return -EIO;
	}
	mica_ids_return(&f->ids, rsp->id);
	f->good++;
	return 0;
}

static void work(struct echo_front_dev *f)
{
	struct echo_response rsp;
	int rc;

	if (!f->running)
		return;
	do {
		while ((rc = echo_front_take(&f->ring, &rsp)) == 1)
			if (take_one(f, &rsp))
				return;
		send_new(f);
		echo_front_push(&f->ring);
	} while (rc == 0 && echo_front_more(&f->ring));
	if (echo_front_dead(&f->ring))
		echo_broken(&f->end, "the back end's response index is impossible");
	else if (f->good == f->total)
		f->end.will = MICA_BUS_DOWN;
}

/* The oldest request's age decides whether to look and ring again, or to give up. */
static void check_ages(struct echo_front_dev *f)
{
	uint64_t now = f->end.io->ops->now_ns(f->end.io), oldest = now;

	if (!f->running || !f->ids.busy)
		return;
	for (unsigned i = 0; i < ECHO_WINDOW; i++)
		if (f->slots[i].next == MICA_ID_BUSY && f->open[i].since_ns < oldest)
			oldest = f->open[i].since_ns;
	if (now - oldest > GIVE_UP_NS) {
		echo_broken(&f->end, "the back end has not answered for 10 seconds");
	} else if (now - oldest > KICK_NS && now - f->kicked_ns > KICK_NS) {
		f->kicks++;
		f->kicked_ns = now;
		mica_ring_kick(&f->ring.end);
	}
}

/* --- connection --- */

static void take_back(struct echo_front_dev *f)
{
	struct mica_io *io = f->end.io;

	for (unsigned i = 0; i < 16; i++)
		if (f->left[i].where &&
		    io->ops->reclaim(io, f->left[i].where, f->left[i].n) != -EBUSY)
			f->left[i].where = NULL;
}

static bool holds_back(const struct echo_front_dev *f)
{
	for (unsigned i = 0; i < 16; i++)
		if (f->left[i].where)
			return true;
	return false;
}

static void leave(struct echo_front_dev *f, void **where)
{
	for (unsigned i = 0; i < 16 && *where; i++)
		if (!f->left[i].where) {
			f->left[i].where = *where;
			f->left[i].n = 1;
			*where = NULL;
		}
}

static void disconnect(struct echo_front_dev *f)
{
	struct mica_io *io = f->end.io;

	f->running = false;
	f->end.resources = false;
	if (f->port)
		io->ops->port_close(io, f->port);
	f->port = 0;
	leave(f, &f->ring_page);
	leave(f, &f->data);
	take_back(f);
}

static int write_keys(struct echo_end *e, void *ctx)
{
	struct echo_front_dev *f = front_of(e);
	char text[16];
	int rc;

	snprintf(text, sizeof(text), "%u", f->ring_ref);
	rc = echo_write(e, "ring-ref", text);
	snprintf(text, sizeof(text), "%u", f->port);
	return rc ? rc : echo_write(e, "event-channel", text);
}

static int publish(struct echo_front_dev *f, const char **why)
{
	struct echo_end *e = &f->end;
	const struct mica_io_ops *ops = e->io->ops;
	int rc;

	*why = "the back end closes every connection";
	if (++f->connects > CONNECTS)
		return -EIO;
	*why = "no page for the ring";
	rc = ops->lend(e->io, e->peer_id, 1, true, &f->ring_ref, &f->ring_page);
	if (!rc)
		rc = ops->lend(e->io, e->peer_id, 1, true, &f->data_ref, &f->data);
	if (rc)
		return rc;
	*why = "no event channel";
	rc = ops->port_offer(e->io, e->peer_id, &f->port);
	if (rc)
		return rc;
	f->bell = (struct mica_bell){ .ring = ring_bell, .ctx = e->io, .port = f->port };
	echo_front_attach(&f->ring, f->ring_page, MICA_IO_PAGE_BYTES, &f->bell);
	*why = "the store refuses the front end's keys";
	return echo_transaction(e, write_keys, NULL);
}

/* Requests of an earlier connection are asked again, with the ids they had. */
static void start(struct echo_front_dev *f)
{
	f->running = true;
	for (unsigned i = 0; i < ECHO_WINDOW; i++)
		if (f->slots[i].next == MICA_ID_BUSY)
			send_one(f, i);
	work(f);
}

static int act(struct echo_end *e, enum mica_bus_action action)
{
	struct echo_front_dev *f = front_of(e);
	const char *why;

	switch (action) {
	case MICA_BUS_PUBLISH:
		disconnect(f);
		if (publish(f, &why)) {
			echo_broken(e, why);
			disconnect(f);
			return -EIO;
		}
		e->resources = true;
		return 0;
	case MICA_BUS_CONNECT:
		if (!f->running && e->resources)
			start(f);
		return 0;
	case MICA_BUS_DISCONNECT:
		disconnect(f);
		return 0;
	case MICA_BUS_REMOVE:		/* not before everything that was lent is back */
		disconnect(f);
		return holds_back(f) ? -EBUSY : 0;
	default:
		return 0;
	}
}

static void idle(struct echo_end *e)
{
	struct echo_front_dev *f = front_of(e);
	uint64_t now = e->io->ops->now_ns(e->io);

	take_back(f);
	f->finished = e->will != MICA_BUS_UP && (e->removed ||
		(e->rule && e->rule->own == XenbusStateClosed));
	if (f->running && f->ids.busy)
		e->io->ops->timer_set(e->io, now + KICK_NS);
}

/* --- callbacks --- */

static void step(struct echo_front_dev *f)
{
	enum mica_bus_will before = f->end.will;

	work(f);
	check_ages(f);
	if (f->end.will != before)
		echo_settle(&f->end);
}

static void on_event(void *ctx, uint32_t port)
{
	struct echo_front_dev *f = ctx;

	if (port == f->port && f->port)
		step(f);
}

static void on_changed(void *ctx, const char *path, const char *token)
{
	struct echo_front_dev *f = ctx;

	step(f);
	echo_settle(&f->end);
}

static void on_timer(void *ctx)
{
	on_changed(ctx, NULL, NULL);
}

void echo_front_resumed(void *ctx)
{
	struct echo_front_dev *f = ctx;

	disconnect(f);
	echo_settle(&f->end);
}

void echo_front_start(struct echo_front_dev *f, struct mica_io *io, unsigned number,
		      uint64_t total)
{
	struct echo_end *e = &f->end;

	f->total = total;
	mica_ids_init(&f->ids, f->slots, ECHO_WINDOW);
	e->io = io;
	e->role = MICA_BUS_FRONT;
	e->act = act;
	e->idle = idle;
	snprintf(e->own, sizeof(e->own), "/local/domain/%u/device/echo/%u", io->ops->self(io),
		 number);
	snprintf(e->peer, sizeof(e->peer), "/local/domain/0/backend/echo/%u/%u",
		 io->ops->self(io), number);
	io->driver = (struct mica_io_driver){ .ctx = f, .event = on_event, .changed = on_changed,
					      .timer = on_timer, .resumed = echo_front_resumed };
	io->ops->watch(io, e->own, "own");
	io->ops->watch(io, e->peer, "peer");
	io->ops->timer_set(io, io->ops->now_ns(io) + 1000000000ull);
}
