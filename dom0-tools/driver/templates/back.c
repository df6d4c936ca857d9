/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The back end of @name@ over libmicaback and <mica/ring.h>: one struct for each device.
 *
 * Requests are served in order and answered at once, each answer in its request's place.  So a back
 * end that is killed and started again goes on at the first answer that was not published: answers
 * it finds there it publishes as they are, and requests it serves, the one that was being served a
 * second time.  Only where an answer was half written nobody knows it: @NAME@_UNKNOWN.
 * A guest that breaks the ring's rules is cut off; one that floods it is served BUDGET requests
 * at a time, then the others get their turn.
 */
#include "front/env.h"
#include "@name@_back.h"

#define BUDGET	256

struct @name@_back {
	struct back_device *dev;
	struct @name@_ring_back ring;
	void *shared;
	uint32_t port;
	uint64_t served;
@if payload@
	uint8_t data[@NAME@_PAYLOAD_MAX];
@end@
};

static void ring_bell(void *ctx, uint32_t port)
{
	struct mica_io *io = ctx;

	io->ops->port_notify(io, port);
}

static int probe(struct back_device *dev)
{
	struct @name@_back *b = env_alloc(sizeof(*b));
	int rc;

	if (!b)
		return -ENOMEM;
	b->dev = dev;
	dev->priv = b;
	rc = back_write(dev, "version", "%u", @NAME@_VERSION);
	if (!rc)		/* for mica ring, which shows what lies in slots */
		rc = back_write(dev, "slot-bytes", "%u", (unsigned)sizeof(union @name@_ring_slot));
@back_keys@	return rc;
}

static int read_keys(struct back_device *dev, uint32_t refs[@NAME@_RING_PAGES], uint32_t *port)
{
	uint64_t value;
	int rc = back_read_front_u64(dev, &value, @NAME@_VERSION, @NAME@_VERSION, "version");

	for (unsigned i = 0; !rc && i < @NAME@_RING_PAGES; i++) {
		rc = back_read_front_u64(dev, &value, 0, UINT32_MAX, "ring-ref%u", i);
		refs[i] = value;
	}
	if (!rc)
		rc = back_read_front_u64(dev, &value, 1, UINT32_MAX, "event-channel");
	*port = value;
	return rc;
}

static int attach(struct @name@_back *b)
{
	struct mica_io *io = back_io(b->dev->back);
	struct mica_bell bell = { .ring = ring_bell, .ctx = io, .port = b->port };
	size_t bytes = @NAME@_RING_PAGES * MICA_IO_PAGE_BYTES;

	if (!b->dev->resuming) {
		@name@_ring_back_attach(&b->ring, b->shared, bytes, &bell);
		return 0;
	}
	return @name@_ring_back_resume(&b->ring, b->shared, bytes, &bell,
				       mica_shared_load(&((struct ring_header *)b->shared)->rsp_prod));
}

static int disconnect(struct back_device *dev)
{
	struct @name@_back *b = dev->priv;
	struct mica_io *io = back_io(dev->back);

	if (b->port)
		back_unbind(dev, b->port);
	if (b->shared)
		io->ops->unmap(io, b->shared, @NAME@_RING_PAGES);
	b->port = 0;
	b->shared = NULL;
	return 0;
}

static void work(struct @name@_back *b);

static int connect(struct back_device *dev)
{
	struct @name@_back *b = dev->priv;
	struct mica_io *io = back_io(dev->back);
	uint32_t refs[@NAME@_RING_PAGES], port;
	int rc = read_keys(dev, refs, &port);

	if (rc)
		return back_fail(dev, rc, "DEV-003", NULL,
				 "the guest's keys of the device are missing or wrong");
	rc = io->ops->map(io, dev->domid, refs, @NAME@_RING_PAGES, true, &b->shared);
	if (!rc)
		rc = back_bind(dev, port, &b->port);
	if (!rc)
		rc = attach(b);
	if (rc) {
		disconnect(dev);
		return back_fail(dev, rc, "DEV-003", NULL,
				 "the guest's ring or event channel cannot be used");
	}
	work(b);
	return 0;
}

static void remove_device(struct back_device *dev)
{
	env_free(dev->priv);
	dev->priv = NULL;
}

@if payload@
/* Copy the payload in or out; false: the guest's page cannot be had. */
static bool copy_payload(struct @name@_back *b, uint32_t ref, uint32_t bytes, bool in)
{
	struct mica_io *io = back_io(b->dev->back);
	struct mica_io_side theirs = { .by_ref = true, .domid = b->dev->domid, .ref = ref };
	struct mica_io_side ours = { .mem = b->data };
	struct mica_io_copy piece = {
		.from = in ? theirs : ours, .to = in ? ours : theirs, .bytes = bytes,
	};

	return !bytes || !io->ops->copy(io, &piece, 1);
}

static void serve(struct @name@_back *b, const struct @name@_request *req,
		  struct @name@_response *rsp)
{
	uint32_t bytes = req->@payload_bytes@;

	if (bytes > @NAME@_PAYLOAD_MAX || !copy_payload(b, req->@payload_grant@, bytes, true)) {
		rsp->status = @NAME@_BAD_PAYLOAD;
		return;
	}
	@name@_serve(b->dev, req, b->data, &bytes, rsp);
	if (bytes > @NAME@_PAYLOAD_MAX || !copy_payload(b, req->@payload_grant@, bytes, false)) {
		rsp->status = @NAME@_BAD_PAYLOAD;
		bytes = 0;
	}
	rsp->@payload_bytes@ = bytes;
}
@else@
static void serve(struct @name@_back *b, const struct @name@_request *req,
		  struct @name@_response *rsp)
{
	@name@_serve(b->dev, req, rsp);
}
@end@

/* What goes into the place of @m. */
static void answer(struct @name@_back *b, const union @name@_message *m, struct @name@_response *rsp)
{
	*rsp = (struct @name@_response){ .id = m->req.id | @NAME@_ANSWER };
	if (!(m->req.id & @NAME@_ANSWER))
		serve(b, &m->req, rsp);
	else if (m->rsp.seal == ~m->rsp.id)
		*rsp = m->rsp;
	else
		rsp->status = @NAME@_UNKNOWN;
	rsp->seal = ~rsp->id;
}

static void work(struct @name@_back *b)
{
	union @name@_message message;
	struct @name@_response rsp;
	struct mica_io *io = back_io(b->dev->back);
	unsigned done = 0;
	int rc = 0;

	do {
		while (done < BUDGET && (rc = @name@_ring_back_take(&b->ring, &message)) == 1) {
			answer(b, &message, &rsp);
			@name@_ring_back_answer(&b->ring, &rsp);
			done++;
		}
		@name@_ring_back_push(&b->ring);
		if (done == BUDGET) {		/* the timer comes back for the rest */
			back_timer_set(b->dev->back, io->ops->now_ns(io) + 1);
			break;
		}
	} while (!rc && @name@_ring_back_more(&b->ring));
	b->served += done;
	if (@name@_ring_back_dead(&b->ring))
		back_cut_off(b->dev, "its request index names requests that cannot be there");
}

static void event(struct back_device *dev, uint32_t port)
{
	work(dev->priv);
}

static void timer(void *ctx)
{
	struct back *const *back = ctx;

	for (struct back_device *dev = back_first(*back); dev; dev = dev->next) {
		struct @name@_back *b = dev->priv;

		if (b && b->shared)
			work(b);
	}
}

/* Open it with the address of the struct back pointer as context: the timer looks there. */
const struct back_kind @name@_back_kind = {
	.dir = "@name@", .probe = probe, .connect = connect, .disconnect = disconnect,
	.remove = remove_device, .event = event, .timer = timer,
};
