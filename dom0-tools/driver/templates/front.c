/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The front end of @name@ over libmicafront and <mica/ring.h>.
 *
 * Everything is lent for the life of a connection: the ring@if payload@ and one page of payload for each
 * request that can be open@end@.  The back end may write anything into it at any time: answers are
 * copied out once, their ids are looked up, lengths are bounded.
 */
#include "front/env.h"
#include "@name@_front.h"

struct @name@_front {
	struct front front;
	const struct @name@_front_ops *ops;
	void *ctx;
	struct @name@_ring_front ring;
	void *shared;
	uint32_t port;
	struct mica_ids ids;
	struct mica_id_slot slots[@NAME@_WINDOW];
	void *token[@NAME@_WINDOW];
@if payload@
	uint8_t *page;			/* @NAME@_WINDOW of them */
	uint32_t page_ref[@NAME@_WINDOW];
	uint8_t copy[@NAME@_PAYLOAD_MAX];
@end@
};

static void ring_bell(void *ctx, uint32_t port)
{
	struct mica_io *io = ctx;

	io->ops->port_notify(io, port);
}

static int write_keys(struct @name@_front *e, const uint32_t refs[@NAME@_RING_PAGES])
{
	int rc = front_write(&e->front, "version", "%u", @NAME@_VERSION);

	for (unsigned i = 0; !rc && i < @NAME@_RING_PAGES; i++) {
		char key[16];

		snprintf(key, sizeof(key), "ring-ref%u", i);
		rc = front_write(&e->front, key, "%u", refs[i]);
	}
@front_keys@	return rc ? rc : front_write(&e->front, "event-channel", "%u", e->port);
}

static int publish(struct front *f)
{
	struct @name@_front *e = f->priv;
	uint32_t refs[@NAME@_RING_PAGES];
	struct mica_bell bell = { .ring = ring_bell, .ctx = f->io };
	uint64_t version;
	int rc;

	e->shared = NULL;
	e->port = 0;
@if payload@
	e->page = NULL;
@end@
	rc = front_read_back_u64(f, &version, @NAME@_VERSION, @NAME@_VERSION, 0, "version");
	if (rc || !version)
		return rc ? rc : -EPROTONOSUPPORT;
	rc = front_lend(f, @NAME@_RING_PAGES, refs, &e->shared);
@if payload@
	if (!rc)
		rc = front_lend(f, @NAME@_WINDOW, e->page_ref, (void **)&e->page);
@end@
	if (!rc)
		rc = f->io->ops->port_offer(f->io, f->peer, &e->port);
	if (rc)
		return rc;
	bell.port = e->port;
	@name@_ring_front_attach(&e->ring, e->shared, @NAME@_RING_PAGES * MICA_IO_PAGE_BYTES, &bell);
	mica_ids_init(&e->ids, e->slots, @NAME@_WINDOW);
	return write_keys(e, refs);
}

static int connect(struct front *f)
{
	struct @name@_front *e = f->priv;

	e->ops->up(e->ctx);
	return 0;
}

static void disconnect(struct front *f)
{
	struct @name@_front *e = f->priv;

	if (e->port)
		f->io->ops->port_close(f->io, e->port);
@if payload@
	front_reclaim(f, e->page, @NAME@_WINDOW);
	e->page = NULL;
@end@
	front_reclaim(f, e->shared, @NAME@_RING_PAGES);
	e->shared = NULL;
	e->port = 0;
	e->ops->down(e->ctx);
}

/* One answer.  False: it answers nothing we asked, so the back end cannot be trusted. */
static bool take_answer(struct @name@_front *e, const struct @name@_response *rsp)
{
	uint64_t id = rsp->id & ~@NAME@_ANSWER;
	int64_t slot = mica_ids_lookup(&e->ids, id);
	void *token;

	if (slot < 0 || id == rsp->id)
		return false;
@if payload@
	if (rsp->@payload_bytes@ > @NAME@_PAYLOAD_MAX)
		return false;
	memcpy(e->copy, e->page + slot * MICA_IO_PAGE_BYTES, rsp->@payload_bytes@);
@end@
	token = e->token[slot];
	mica_ids_return(&e->ids, id);
	e->ops->answer(e->ctx, token, rsp@payload_answer@);
	return true;
}

static void event(struct front *f, uint32_t port)
{
	struct @name@_front *e = f->priv;
	struct @name@_response rsp;
	int rc;

	do {
		while ((rc = @name@_ring_front_take(&e->ring, &rsp)) == 1) {
			if (!take_answer(e, &rsp)) {
				front_break(f);
				return;
			}
			if (!f->connected)
				return;		/* answer() closed the device */
		}
	} while (!rc && @name@_ring_front_more(&e->ring));
	if (rc < 0)
		front_break(f);
}

static void timer(struct front *f)
{
	struct @name@_front *e = f->priv;

	if (e->ops->timer)
		e->ops->timer(e->ctx);
}

static const struct front_kind kind = {
	.publish = publish, .connect = connect, .disconnect = disconnect, .event = event,
	.timer = timer,
};

int @name@_front_open(struct @name@_front **front, struct mica_io *io, const char *dir,
		      const struct @name@_front_ops *ops, void *ctx)
{
	struct @name@_front *e = env_alloc(sizeof(*e));
	int rc;

	if (!e)
		return -ENOMEM;
	e->ops = ops;
	e->ctx = ctx;
	*front = e;
	rc = front_open(&e->front, io, dir, &kind, e);
	if (rc) {
		env_free(e);
		*front = NULL;
	}
	return rc;
}

void @name@_front_close(struct @name@_front *e)
{
	front_close(&e->front);
}

bool @name@_front_closed(struct @name@_front *e)
{
	return front_closed(&e->front);
}

void @name@_front_free(struct @name@_front *e)
{
	env_free(e);
}

int @name@_front_send(struct @name@_front *e, struct @name@_request *req@payload_args@, void *token)
{
	union @name@_message message;
	uint32_t slot;
	int rc;

	if (!e->front.connected)
		return -ENOTCONN;
@if payload@
	if (bytes > @NAME@_PAYLOAD_MAX)
		return -EMSGSIZE;
@end@
	if (!@name@_ring_front_room(&e->ring))
		return -EBUSY;
	rc = mica_ids_take(&e->ids, &req->id);
	if (rc)
		return rc;
	slot = mica_ids_lookup(&e->ids, req->id);
	e->token[slot] = token;
@if payload@
	memcpy(e->page + (size_t)slot * MICA_IO_PAGE_BYTES, data, bytes);
	req->@payload_grant@ = e->page_ref[slot];
	req->@payload_bytes@ = bytes;
@end@
	memset(&message, 0, sizeof(message));
	message.req = *req;
	@name@_ring_front_put(&e->ring, &message);
	return 0;
}

void @name@_front_flush(struct @name@_front *e)
{
	if (e->front.connected)
		@name@_ring_front_push(&e->ring);
}

const char *@name@_front_words(const struct @name@_front *e)
{
	return e->front.words ? e->front.words : "not started";
}
