/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The echo device's back end.  Everything a front end says is checked: keys are numbers, indices
 * are the ring library's business, lengths fit a page, and a grant that cannot be copied is an
 * error in the answer to that one request.
 *
 * Restart: the journal holds how many requests were taken and a copy of each that may not have
 * been answered where the front end can see it.  An answer overwrites its request's slot before
 * it is published, so the ring alone is not enough.  A back end that finds itself Connected
 * without a ring maps it again, goes on after the last published answer, and answers once more
 * what its journal says was taken.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/echo.h"

static struct echo_back_dev *back_of(struct echo_end *e)
{
	return (struct echo_back_dev *)e;
}

static void ring_bell(void *ctx, uint32_t port)
{
	struct mica_io *io = ctx;

	io->ops->port_notify(io, port);
}

/* --- requests --- */

static int turn_over(struct echo_back_dev *b, const struct echo_request *req)
{
	struct mica_io *io = b->end.io;
	uint8_t bytes[ECHO_MAX_BYTES];
	uint32_t half = req->bytes / 2;
	struct mica_io_copy in[2], out[2];

	if (!req->bytes || req->bytes > ECHO_MAX_BYTES || req->bytes % 2 ||
	    req->offset > MICA_IO_PAGE_BYTES - 2u * req->bytes)
		return -EINVAL;
	memset(in, 0, sizeof(in));
	memset(out, 0, sizeof(out));
	for (unsigned i = 0; i < 2; i++) {
		struct mica_io_side theirs = { .by_ref = true, .domid = b->end.peer_id,
			.ref = req->gref, .offset = req->offset + i * half };
		struct mica_io_side ours = { .mem = bytes + i * half };

		in[i].from = theirs;
		theirs.offset += req->bytes;
		out[i].to = theirs;
		in[i].to = out[i].from = ours;
		in[i].bytes = out[i].bytes = half;
	}
	if (io->ops->copy(io, in, 2))
		return -EIO;
	for (unsigned i = 0; i < req->bytes; i++)
		bytes[i] ^= 0xff;
	return io->ops->copy(io, out, 2) ? -EIO : 0;
}

static void serve(struct echo_back_dev *b, unsigned slot)
{
	const struct echo_request *req = &b->journal->open[slot].request;
	struct echo_response rsp = { .id = req->id, .value = req->value + 1 };

	switch (req->op) {
	case ECHO_ADD:
		break;
	case ECHO_TURN:
		rsp.status = turn_over(b, req);
		break;
	default:
		rsp.status = -EOPNOTSUPP;
	}
	b->errors += rsp.status != 0;
	b->served++;
	b->journal->open[slot].answered_at = b->ring.end.prod;
	__atomic_store_n(&b->journal->open[slot].answered, true, __ATOMIC_RELEASE);
	echo_back_answer(&b->ring, &rsp);
}

/* Journal entries whose answers the front end can see are free again. */
static void forget_published(struct echo_back_dev *b)
{
	uint32_t published = echo_back_rsp_prod(&b->ring);

	for (unsigned i = 0; i < ECHO_SLOTS; i++)
		if (b->journal->open[i].used && b->journal->open[i].answered &&
		    (int32_t)(published - b->journal->open[i].answered_at) > 0)
			b->journal->open[i].used = false;
}

/*
 * A request was taken.  This may end between any two stores: an entry counts only once it is
 * used, and one beyond req_cons is still in the ring and will be taken again.
 */
static void note_taken(struct echo_back_dev *b, unsigned slot, const struct echo_request *req)
{
	uint32_t cons = echo_back_req_cons(&b->ring);

	b->journal->open[slot].request = *req;
	b->journal->open[slot].answered = false;
	b->journal->open[slot].taken_at = cons - 1;
	__atomic_store_n(&b->journal->open[slot].used, true, __ATOMIC_RELEASE);
	__atomic_store_n(&b->journal->req_cons, cons, __ATOMIC_RELEASE);
}

static unsigned journal_room(const struct echo_journal *j)
{
	for (unsigned i = 0; i < ECHO_SLOTS; i++)
		if (!j->open[i].used)
			return i;
	return ECHO_SLOTS;
}

static void work(struct echo_back_dev *b)
{
	struct echo_request req;
	int rc;

	if (!b->ring_page)
		return;
	do {
		while ((rc = echo_back_take(&b->ring, &req)) == 1) {
			unsigned slot = journal_room(b->journal);

			note_taken(b, slot, &req);
			serve(b, slot);
			if (journal_room(b->journal) == ECHO_SLOTS) {
				echo_back_push(&b->ring);
				forget_published(b);
			}
		}
		echo_back_push(&b->ring);
		forget_published(b);
	} while (rc == 0 && echo_back_more(&b->ring));
	if (echo_back_dead(&b->ring) && b->end.will == MICA_BUS_UP)
		echo_cut(&b->end, "the front end's request index is impossible");
}

/* --- connection --- */

static void disconnect(struct echo_back_dev *b)
{
	struct mica_io *io = b->end.io;

	if (b->port)
		io->ops->port_close(io, b->port);
	b->port = 0;
	if (b->ring_page)
		io->ops->unmap(io, b->ring_page, 1);
	b->ring_page = NULL;
	b->end.resources = false;
	__atomic_store_n(&b->journal->valid, false, __ATOMIC_RELEASE);
	memset(b->journal, 0, sizeof(*b->journal));
}

/* Go on where the journal says another process stopped; -EPROTO: the ring cannot be so. */
static int resume(struct echo_back_dev *b)
{
	int rc = echo_back_resume(&b->ring, b->ring_page, MICA_IO_PAGE_BYTES, &b->bell,
				  b->journal->req_cons);

	if (rc)
		return rc;
	b->resumes++;
	forget_published(b);
	for (unsigned i = 0; i < ECHO_SLOTS; i++)
		if ((int32_t)(b->journal->open[i].taken_at - b->journal->req_cons) >= 0)
			b->journal->open[i].used = false;
	/* Exactly the requests taken and not answered may be left, or somebody has cheated. */
	for (unsigned i = 0; i < ECHO_SLOTS; i++)
		if (b->journal->open[i].used && echo_back_open(&b->ring))
			serve(b, i);
	return echo_back_open(&b->ring) ? -EPROTO : 0;
}

static int connect_rings(struct echo_back_dev *b, const char **why)
{
	struct mica_io *io = b->end.io;
	uint32_t ref, remote;
	int rc;

	*why = "the front end's ring-ref or event-channel is no number";
	rc = echo_read_number(&b->end, b->end.peer, "ring-ref", &ref);
	if (!rc)
		rc = echo_read_number(&b->end, b->end.peer, "event-channel", &remote);
	if (rc)
		return rc;
	*why = "the front end's ring cannot be mapped";
	rc = io->ops->map(io, b->end.peer_id, &ref, 1, true, &b->ring_page);
	if (rc) {
		b->ring_page = NULL;
		return rc;
	}
	*why = "the front end's event channel cannot be bound";
	rc = io->ops->port_bind(io, b->end.peer_id, remote, &b->port);
	if (rc) {
		b->port = 0;
		return rc;
	}
	b->bell = (struct mica_bell){ .ring = ring_bell, .ctx = io, .port = b->port };
	*why = "the ring is not as the back end left it";
	if (b->journal->valid)
		return resume(b);
	echo_back_attach(&b->ring, b->ring_page, MICA_IO_PAGE_BYTES, &b->bell);
	__atomic_store_n(&b->journal->valid, true, __ATOMIC_RELEASE);
	return 0;
}

static int fail(struct echo_back_dev *b, const char *why)
{
	echo_broken(&b->end, why);
	disconnect(b);
	echo_write(&b->end, "error", why);
	return -EIO;
}

static int act(struct echo_end *e, enum mica_bus_action action)
{
	struct echo_back_dev *b = back_of(e);
	const char *why;

	switch (action) {
	case MICA_BUS_PROBE:
		disconnect(b);			/* whatever an earlier life of the guest left */
		return echo_write(e, "feature-turn", "1") ?
			fail(b, "the store refuses the back end's features") : 0;
	case MICA_BUS_CONNECT:
		if (b->ring_page)
			return 0;
		if (connect_rings(b, &why))
			return fail(b, why);
		e->resources = true;
		b->connects++;
		work(b);
		return 0;
	case MICA_BUS_DISCONNECT:
		disconnect(b);
		return 0;
	case MICA_BUS_REMOVE:
		disconnect(b);
		e->io->ops->remove(e->io, e->own);
		return 0;
	default:
		return 0;
	}
}

/* --- callbacks --- */

static void on_event(void *ctx, uint32_t port)
{
	struct echo_back_dev *b = ctx;

	b->events++;
	if (port == b->port && b->port)
		work(b);
	if (b->end.will == MICA_BUS_BROKEN && b->ring_page)
		echo_settle(&b->end);
}

static void on_changed(void *ctx, const char *path, const char *token)
{
	echo_settle(&((struct echo_back_dev *)ctx)->end);
}

static void on_timer(void *ctx)
{
	work(ctx);
	echo_settle(&((struct echo_back_dev *)ctx)->end);
}

static void on_resumed(void *ctx)
{
	on_timer(ctx);
}

void echo_back_start(struct echo_back_dev *b, struct mica_io *io, domid_t front, unsigned number,
		     struct echo_journal *journal)
{
	struct echo_end *e = &b->end;

	b->journal = journal;
	e->io = io;
	e->role = MICA_BUS_BACK;
	e->peer_id = front;
	e->act = act;
	snprintf(e->own, sizeof(e->own), "/local/domain/%u/backend/echo/%u/%u",
		 io->ops->self(io), front, number);
	snprintf(e->peer, sizeof(e->peer), "/local/domain/%u/device/echo/%u", front, number);
	io->driver = (struct mica_io_driver){ .ctx = b, .event = on_event, .changed = on_changed,
					      .timer = on_timer, .resumed = on_resumed };
	io->ops->watch(io, e->own, "own");
	io->ops->watch(io, e->peer, "peer");
	io->ops->timer_set(io, io->ops->now_ns(io) + 1000000000ull);
}
