/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The back end of echo over libmicaback and <mica/ring.h>: one struct for each device.
 *
 * Requests are served in order and answered at once, each answer in its request's place.  So a back
 * end that is killed and started again goes on at the first answer that was not published: answers
 * it finds there it publishes as they are, and requests it serves, the one that was being served a
 * second time.  Only where an answer was half written nobody knows it: ECHO_UNKNOWN.
 * A guest that breaks the ring's rules is cut off; one that floods it is served BUDGET requests
 * at a time, then the others get their turn.
 */
#include "front/env.h"
#include "echo_back.h"

#define BUDGET	256

struct echo_back {
	struct back_device *dev;
	struct echo_ring_back ring;
	void *shared;
	uint32_t port;
	uint64_t served;
	uint8_t data[ECHO_PAYLOAD_MAX];
};

static void ring_bell(void *ctx, uint32_t port)
{
	struct mica_io *io = ctx;

	io->ops->port_notify(io, port);
}

static int probe(struct back_device *dev)
{
	struct echo_back *b = env_alloc(sizeof(*b));
	int rc;

	if (!b)
		return -ENOMEM;
	b->dev = dev;
	dev->priv = b;
	rc = back_write(dev, "version", "%u", ECHO_VERSION);
	if (!rc)		/* for mica ring, which shows what lies in slots */
		rc = back_write(dev, "slot-bytes", "%u", (unsigned)sizeof(union echo_ring_slot));
	if (!rc)
		rc = back_write(dev, "max-bytes", "%u", 4096u);
	if (!rc)
		rc = back_write(dev, "feature-order", "%u", 1u);
	return rc;
}

static int read_keys(struct back_device *dev, uint32_t refs[ECHO_RING_PAGES], uint32_t *port)
{
	uint64_t value;
	int rc = back_read_front_u64(dev, &value, ECHO_VERSION, ECHO_VERSION, "version");

	for (unsigned i = 0; !rc && i < ECHO_RING_PAGES; i++) {
		rc = back_read_front_u64(dev, &value, 0, UINT32_MAX, "ring-ref%u", i);
		refs[i] = value;
	}
	if (!rc)
		rc = back_read_front_u64(dev, &value, 1, UINT32_MAX, "event-channel");
	*port = value;
	return rc;
}

static int attach(struct echo_back *b)
{
	struct mica_io *io = back_io(b->dev->back);
	struct mica_bell bell = { .ring = ring_bell, .ctx = io, .port = b->port };
	size_t bytes = ECHO_RING_PAGES * MICA_IO_PAGE_BYTES;

	if (!b->dev->resuming) {
		echo_ring_back_attach(&b->ring, b->shared, bytes, &bell);
		return 0;
	}
	return echo_ring_back_resume(&b->ring, b->shared, bytes, &bell,
				       mica_shared_load(&((struct ring_header *)b->shared)->rsp_prod));
}

static int disconnect(struct back_device *dev)
{
	struct echo_back *b = dev->priv;
	struct mica_io *io = back_io(dev->back);

	if (b->port)
		back_unbind(dev, b->port);
	if (b->shared)
		io->ops->unmap(io, b->shared, ECHO_RING_PAGES);
	b->port = 0;
	b->shared = NULL;
	return 0;
}

static void work(struct echo_back *b);

static int connect(struct back_device *dev)
{
	struct echo_back *b = dev->priv;
	struct mica_io *io = back_io(dev->back);
	uint32_t refs[ECHO_RING_PAGES], port;
	int rc = read_keys(dev, refs, &port);

	if (rc)
		return back_fail(dev, rc, "DEV-003", NULL,
				 "the guest's keys of the device are missing or wrong");
	rc = io->ops->map(io, dev->domid, refs, ECHO_RING_PAGES, true, &b->shared);
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

/* Copy the payload in or out; false: the guest's page cannot be had. */
static bool copy_payload(struct echo_back *b, uint32_t ref, uint32_t bytes, bool in)
{
	struct mica_io *io = back_io(b->dev->back);
	struct mica_io_side theirs = { .by_ref = true, .domid = b->dev->domid, .ref = ref };
	struct mica_io_side ours = { .mem = b->data };
	struct mica_io_copy piece = {
		.from = in ? theirs : ours, .to = in ? ours : theirs, .bytes = bytes,
	};

	return !bytes || !io->ops->copy(io, &piece, 1);
}

static void serve(struct echo_back *b, const struct echo_request *req,
		  struct echo_response *rsp)
{
	uint32_t bytes = req->bytes;

	if (bytes > ECHO_PAYLOAD_MAX || !copy_payload(b, req->gref, bytes, true)) {
		rsp->status = ECHO_BAD_PAYLOAD;
		return;
	}
	echo_serve(b->dev, req, b->data, &bytes, rsp);
	if (bytes > ECHO_PAYLOAD_MAX || !copy_payload(b, req->gref, bytes, false)) {
		rsp->status = ECHO_BAD_PAYLOAD;
		bytes = 0;
	}
	rsp->bytes = bytes;
}

/* What goes into the place of @m. */
static void answer(struct echo_back *b, const union echo_message *m, struct echo_response *rsp)
{
	*rsp = (struct echo_response){ .id = m->req.id | ECHO_ANSWER };
	if (!(m->req.id & ECHO_ANSWER))
		serve(b, &m->req, rsp);
	else if (m->rsp.seal == ~m->rsp.id)
		*rsp = m->rsp;
	else
		rsp->status = ECHO_UNKNOWN;
	rsp->seal = ~rsp->id;
}

static void work(struct echo_back *b)
{
	union echo_message message;
	struct echo_response rsp;
	struct mica_io *io = back_io(b->dev->back);
	unsigned done = 0;
	int rc = 0;

	do {
		while (done < BUDGET && (rc = echo_ring_back_take(&b->ring, &message)) == 1) {
			answer(b, &message, &rsp);
			echo_ring_back_answer(&b->ring, &rsp);
			done++;
		}
		echo_ring_back_push(&b->ring);
		if (done == BUDGET) {		/* the timer comes back for the rest */
			back_timer_set(b->dev->back, io->ops->now_ns(io) + 1);
			break;
		}
	} while (!rc && echo_ring_back_more(&b->ring));
	b->served += done;
	if (echo_ring_back_dead(&b->ring))
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
		struct echo_back *b = dev->priv;

		if (b && b->shared)
			work(b);
	}
}

/* Open it with the address of the struct back pointer as context: the timer looks there. */
const struct back_kind echo_back_kind = {
	.dir = "echo", .probe = probe, .connect = connect, .disconnect = disconnect,
	.remove = remove_device, .event = event, .timer = timer,
};
