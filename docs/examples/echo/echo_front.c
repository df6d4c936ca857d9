/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The front end of echo over libmicafront and <mica/ring.h>.
 *
 * Everything is lent for the life of a connection: the ring and one page of payload for each
 * request that can be open.  The back end may write anything into it at any time: answers are
 * copied out once, their ids are looked up, lengths are bounded.
 */
#include "front/env.h"
#include "echo_front.h"

struct echo_front {
	struct front front;
	const struct echo_front_ops *ops;
	void *ctx;
	struct echo_ring_front ring;
	void *shared;
	uint32_t port;
	struct mica_ids ids;
	struct mica_id_slot slots[ECHO_WINDOW];
	void *token[ECHO_WINDOW];
	uint8_t *page;			/* ECHO_WINDOW of them */
	uint32_t page_ref[ECHO_WINDOW];
	uint8_t copy[ECHO_PAYLOAD_MAX];
};

static void ring_bell(void *ctx, uint32_t port)
{
	struct mica_io *io = ctx;

	io->ops->port_notify(io, port);
}

static int write_keys(struct echo_front *e, const uint32_t refs[ECHO_RING_PAGES])
{
	int rc = front_write(&e->front, "version", "%u", ECHO_VERSION);

	for (unsigned i = 0; !rc && i < ECHO_RING_PAGES; i++) {
		char key[16];

		snprintf(key, sizeof(key), "ring-ref%u", i);
		rc = front_write(&e->front, key, "%u", refs[i]);
	}
	return rc ? rc : front_write(&e->front, "event-channel", "%u", e->port);
}

static int publish(struct front *f)
{
	struct echo_front *e = f->priv;
	uint32_t refs[ECHO_RING_PAGES];
	struct mica_bell bell = { .ring = ring_bell, .ctx = f->io };
	uint64_t version;
	int rc;

	e->shared = NULL;
	e->port = 0;
	e->page = NULL;
	rc = front_read_back_u64(f, &version, ECHO_VERSION, ECHO_VERSION, 0, "version");
	if (rc || !version)
		return rc ? rc : -EPROTONOSUPPORT;
	rc = front_lend(f, ECHO_RING_PAGES, refs, &e->shared);
	if (!rc)
		rc = front_lend(f, ECHO_WINDOW, e->page_ref, (void **)&e->page);
	if (!rc)
		rc = f->io->ops->port_offer(f->io, f->peer, &e->port);
	if (rc)
		return rc;
	bell.port = e->port;
	echo_ring_front_attach(&e->ring, e->shared, ECHO_RING_PAGES * MICA_IO_PAGE_BYTES, &bell);
	mica_ids_init(&e->ids, e->slots, ECHO_WINDOW);
	return write_keys(e, refs);
}

static int connect(struct front *f)
{
	struct echo_front *e = f->priv;

	e->ops->up(e->ctx);
	return 0;
}

static void disconnect(struct front *f)
{
	struct echo_front *e = f->priv;

	if (e->port)
		f->io->ops->port_close(f->io, e->port);
	front_reclaim(f, e->page, ECHO_WINDOW);
	e->page = NULL;
	front_reclaim(f, e->shared, ECHO_RING_PAGES);
	e->shared = NULL;
	e->port = 0;
	e->ops->down(e->ctx);
}

/* One answer.  False: it answers nothing we asked, so the back end cannot be trusted. */
static bool take_answer(struct echo_front *e, const struct echo_response *rsp)
{
	uint64_t id = rsp->id & ~ECHO_ANSWER;
	int64_t slot = mica_ids_lookup(&e->ids, id);
	void *token;

	if (slot < 0 || id == rsp->id)
		return false;
	if (rsp->bytes > ECHO_PAYLOAD_MAX)
		return false;
	memcpy(e->copy, e->page + slot * MICA_IO_PAGE_BYTES, rsp->bytes);
	token = e->token[slot];
	mica_ids_return(&e->ids, id);
	e->ops->answer(e->ctx, token, rsp, e->copy, rsp->bytes);
	return true;
}

static void event(struct front *f, uint32_t port)
{
	struct echo_front *e = f->priv;
	struct echo_response rsp;
	int rc;

	do {
		while ((rc = echo_ring_front_take(&e->ring, &rsp)) == 1) {
			if (!take_answer(e, &rsp)) {
				front_break(f);
				return;
			}
			if (!f->connected)
				return;		/* answer() closed the device */
		}
	} while (!rc && echo_ring_front_more(&e->ring));
	if (rc < 0)
		front_break(f);
}

static void timer(struct front *f)
{
	struct echo_front *e = f->priv;

	if (e->ops->timer)
		e->ops->timer(e->ctx);
}

static const struct front_kind kind = {
	.publish = publish, .connect = connect, .disconnect = disconnect, .event = event,
	.timer = timer,
};

int echo_front_open(struct echo_front **front, struct mica_io *io, const char *dir,
		      const struct echo_front_ops *ops, void *ctx)
{
	struct echo_front *e = env_alloc(sizeof(*e));
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

void echo_front_close(struct echo_front *e)
{
	front_close(&e->front);
}

bool echo_front_closed(struct echo_front *e)
{
	return front_closed(&e->front);
}

void echo_front_free(struct echo_front *e)
{
	env_free(e);
}

int echo_front_send(struct echo_front *e, struct echo_request *req, const void *data,
		      uint32_t bytes, void *token)
{
	union echo_message message;
	uint32_t slot;
	int rc;

	if (!e->front.connected)
		return -ENOTCONN;
	if (bytes > ECHO_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (!echo_ring_front_room(&e->ring))
		return -EBUSY;
	rc = mica_ids_take(&e->ids, &req->id);
	if (rc)
		return rc;
	slot = mica_ids_lookup(&e->ids, req->id);
	e->token[slot] = token;
	memcpy(e->page + (size_t)slot * MICA_IO_PAGE_BYTES, data, bytes);
	req->gref = e->page_ref[slot];
	req->bytes = bytes;
	memset(&message, 0, sizeof(message));
	message.req = *req;
	echo_ring_front_put(&e->ring, &message);
	return 0;
}

void echo_front_flush(struct echo_front *e)
{
	if (e->front.connected)
		echo_ring_front_push(&e->ring);
}

const char *echo_front_words(const struct echo_front *e)
{
	return e->front.words ? e->front.words : "not started";
}
