/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Feeds: requests of a tx ring become packets.
 *
 * A frame is a chain of slots: the first names the size of the whole, extra infos follow it, then
 * the other pieces.  The chain is checked as it is taken, one copied slot at a time, and may come
 * in several rounds.  A chain that cannot be is the guest's fault and ends its device: a front end
 * that loses count would corrupt every frame from there on.
 *
 *	first --extra_info--> extra --flags more--> extra ... --more_data--> more ... --> complete
 *
 * Answers go back in the order of the requests, so that rsp_prod alone says where a successor of
 * this process has to go on: what was not answered is taken again.
 *
 * Answers are published at once, but the notification comes late (feed_owe(), feed_pay()): a
 * front end collects answers whenever it sends, so most of the time it has them before it is told,
 * and the sender is not woken between its frame and the answer to that.
 */
#include <stdlib.h>
#include <string.h>

#include "netd/net.h"

void feed_init(struct feed *f, struct port *p)
{
	memset(f, 0, sizeof(*f));
	f->port = p;
}

int feed_open(struct net *n, struct feed *f)
{
	struct mica_io *io = n->io;
	void *heads;

	f->guest = f->busy = true;
	f->self = io->ops->self(io);
	f->heads_lent = !io->ops->lend(io, f->self, HEAD_PAGES, true, f->head_ref, &heads);
	f->heads = f->heads_lent ? heads : calloc(HEAD_PAGES, MICA_IO_PAGE_BYTES);
	return f->heads ? 0 : -ENOMEM;
}

void feed_close(struct net *n, struct feed *f)
{
	if (f->owes)
		n->owing--;
	f->owes = false;
	if (f->heads_lent)
		n->io->ops->reclaim(n->io, f->heads, HEAD_PAGES);
	else
		free(f->heads);
	f->heads = NULL;
}

static uint8_t *head_room(const struct feed *f, const struct packet *p)
{
	return f->heads + (size_t)(p - f->packet) * FRAME_HEADER_BYTES;
}

struct mica_io_side feed_head(const struct packet *p, const uint8_t *bytes)
{
	const struct feed *f = p->feed;
	struct mica_io_side side = { .mem = (void *)bytes };
	uintptr_t at = (uintptr_t)bytes - (uintptr_t)f->heads;

	if (!f->heads_lent || at >= HEAD_PAGES * MICA_IO_PAGE_BYTES)
		return side;
	side.by_ref = true;
	side.domid = f->self;
	side.ref = f->head_ref[at / MICA_IO_PAGE_BYTES];
	side.offset = at % MICA_IO_PAGE_BYTES;
	return side;
}

static bool bad(struct feed *f, const char *why)
{
	port_break(f->port, why);
	return false;
}

static bool take_extra(struct feed *f, struct packet *p, const struct netif_extra_info *x)
{
	if (++p->extras > PACKET_EXTRAS)
		return bad(f, "more extra infos with one frame than there are kinds");
	if (x->type == XEN_NETIF_EXTRA_TYPE_NONE || x->type >= XEN_NETIF_EXTRA_TYPE_MAX)
		return bad(f, "an extra info of a kind nobody knows");
	f->extra[x->type] = *x;
	f->extra_types |= 1u << x->type;
	f->want_extra = x->flags & XEN_NETIF_EXTRA_FLAG_MORE;
	return true;
}

static bool take_first(struct feed *f, struct packet *p, const struct netif_tx_request *r)
{
	f->open = true;
	f->rest = 0;
	f->extra_types = 0;
	f->want_extra = r->flags & NETTXF_extra_info;
	f->want_more = r->flags & NETTXF_more_data;
	p->state = PACKET_HEADER;
	p->feed = f;
	p->slots = 0;
	p->extras = 0;
	p->first = f->taken;
	p->length = r->size;
	p->buffer = p->cut = NULL;
	p->drain = NULL;
	p->status = NETIF_RSP_OKAY;
	p->offload = (struct offload){
		.blank = r->flags & NETTXF_csum_blank,
		.valid = r->flags & (NETTXF_data_validated | NETTXF_csum_blank),
	};
	return true;
}

static bool take_more(struct feed *f, struct packet *p, const struct netif_tx_request *r)
{
	if (p->slots - p->extras >= PACKET_SLOTS)
		return bad(f, "a frame of more pieces than any can have");
	if (r->flags & NETTXF_extra_info)
		return bad(f, "an extra info in the middle of a frame");
	if (!r->size || r->offset + r->size > MICA_IO_PAGE_BYTES)
		return bad(f, "a piece of a frame that is empty or crosses its page");
	f->rest += r->size;
	f->want_more = r->flags & NETTXF_more_data;
	return true;
}

/*
 * A process that is killed while it answers leaves answers that nobody was told of, each over its
 * request's reference: that would name a page the guest never meant to send.  They are the oldest, and
 * an answer repeats the id, which stands elsewhere in the request; who chose ids that are references
 * may lose a frame here.
 */
__attribute__((cold)) static bool was_answered(const struct feed *f, const union nettx_request *r)
{
	const struct netif_tx_response *rsp = (const void *)r;
	bool status = rsp->status == NETIF_RSP_OKAY || rsp->status == NETIF_RSP_ERROR ||
		rsp->status == NETIF_RSP_DROPPED;

	return (int32_t)(nettx_back_req_cons(&f->ring) - f->again_until) <= 0 && status &&
		rsp->id == r->req.id;
}

/* The rest of such a frame, of which only the flags are needed; an answered extra has none. */
__attribute__((cold)) static bool skip_slot(struct feed *f, struct packet *p, const union nettx_request *r)
{
	const struct netif_tx_response *rsp = (const void *)r;

	if (p->slots >= PACKET_SLOTS + PACKET_EXTRAS)
		return bad(f, "a frame of more pieces than any can have");
	if (!f->want_extra)
		f->want_more = r->req.flags & NETTXF_more_data;
	else if (rsp->status == NETIF_RSP_NULL && rsp->id == r->req.id)
		f->want_extra = false;
	else
		f->want_extra = r->extra.flags & XEN_NETIF_EXTRA_FLAG_MORE;
	return true;
}

/* The guest's own list of groups; no frame. */
static void groups(struct net *n, struct feed *f, struct packet *p)
{
	unsigned port = f->port->number;

	if (f->extra_types & 1u << XEN_NETIF_EXTRA_TYPE_MCAST_ADD &&
	    !switch_group_add(&n->sw, port, f->extra[XEN_NETIF_EXTRA_TYPE_MCAST_ADD].u.mcast.addr))
		p->status = NETIF_RSP_ERROR;
	if (f->extra_types & 1u << XEN_NETIF_EXTRA_TYPE_MCAST_DEL)
		switch_group_del(&n->sw, port, f->extra[XEN_NETIF_EXTRA_TYPE_MCAST_DEL].u.mcast.addr);
	p->state = PACKET_DONE;
}

/* Copies of its first bytes. */
static void fetch_head(struct net *n, struct feed *f, struct packet *p)
{
	unsigned want = p->length < FRAME_HEADER_BYTES ? p->length : FRAME_HEADER_BYTES, done = 0;
	unsigned batched = n->batch->pieces;

	for (unsigned i = 0; done < want && i < p->slots; i++) {
		const struct slot *s = &f->slot[(p->first + i) % NET_SLOTS];
		unsigned bytes = s->size < want - done ? s->size : want - done;
		struct mica_io_copy *c;

		if (s->extra)
			continue;
		c = batch_add(n);
		c->from = (struct mica_io_side){ .by_ref = true, .domid = f->port->domid,
						 .ref = s->gref, .offset = s->offset };
		c->to = feed_head(p, head_room(f, p) + done);
		c->bytes = bytes;
		done += bytes;
	}
	p->head = head_room(f, p);
	p->head_bytes = p->skip = want;
	batch_pending(n, p, batched);
}

static bool complete(struct net *n, struct feed *f, struct packet *p)
{
	struct slot *first = &f->slot[p->first % NET_SLOTS];
	const struct netif_extra_info *gso = &f->extra[XEN_NETIF_EXTRA_TYPE_GSO];

	f->open = false;
	f->newest++;
	if (f->again) {
		p->state = PACKET_DONE;
		return true;
	}
	if (f->extra_types & (1u << XEN_NETIF_EXTRA_TYPE_MCAST_ADD |
			      1u << XEN_NETIF_EXTRA_TYPE_MCAST_DEL)) {
		groups(n, f, p);
		return true;
	}
	if (p->length <= f->rest)
		return bad(f, "a frame smaller than its pieces");
	first->size = (uint16_t)(p->length - f->rest);
	if (first->offset + first->size > MICA_IO_PAGE_BYTES)
		return bad(f, "a frame whose first piece crosses its page");
	if (f->extra_types & 1u << XEN_NETIF_EXTRA_TYPE_GSO) {
		if (!gso->u.gso.size || (gso->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV4 &&
					 gso->u.gso.type != XEN_NETIF_GSO_TYPE_TCPV6))
			return bad(f, "segments of no size or of a protocol nobody knows");
		p->offload.gso_type = gso->u.gso.type;
		p->offload.gso_size = gso->u.gso.size;
	}
	if (p->length < FRAME_ETH_BYTES) {
		switch_count(&n->sw, f->port->number, COUNT_drop_short, 1);
		p->status = NETIF_RSP_ERROR;
		p->state = PACKET_DONE;
		return true;
	}
	bucket_take(&f->port->rate, p->length, n->now_ns);
	fetch_head(n, f, p);
	return true;
}

/* One slot; false when the chain is broken. */
static bool take_slot(struct net *n, struct feed *f, const union nettx_request *r)
{
	struct packet *p = feed_packet(f, f->newest);
	struct slot *s = &f->slot[f->taken % NET_SLOTS];
	bool ok;

	*s = (struct slot){ .gref = r->req.gref, .offset = r->req.offset, .size = r->req.size,
			    .id = r->req.id };
	if (!f->open) {
		f->again = f->again && was_answered(f, r);
		ok = take_first(f, p, &r->req);
		if (f->again)
			p->status = ((const struct netif_tx_response *)(const void *)r)->status;
	} else if (f->again) {
		s->extra = f->want_extra;
		ok = skip_slot(f, p, r);
	} else if (f->want_extra) {
		s->extra = true;
		ok = take_extra(f, p, &r->extra);
	} else {
		ok = take_more(f, p, &r->req);
	}
	f->taken++;
	p->slots++;
	if (ok && !f->want_extra && !f->want_more)
		ok = complete(n, f, p);
	return ok;
}

unsigned feed_take(struct net *n, struct feed *f, unsigned budget)
{
	unsigned taken = 0;
	union nettx_request r;
	int rc = 0;

	while (taken < budget && !f->port->broken && batch_room(n) &&
	       (f->open || bucket_open(&f->port->rate, n->now_ns))) {
		rc = nettx_back_take(&f->ring, &r);
		if (rc != 1)
			break;
		taken++;
		if (!take_slot(n, f, &r))
			break;
	}
	if (rc < 0)
		port_break(f->port, "a tx ring with an impossible request index");
	return taken;
}

bool feed_sleep(struct feed *f)
{
	f->busy = nettx_back_more(&f->ring);
	return f->busy;
}

static void answer_slots(struct feed *f, const struct packet *p)
{
	for (unsigned i = 0; i < p->slots; i++) {
		const struct slot *s = &f->slot[(p->first + i) % NET_SLOTS];
		struct netif_tx_response rsp = { .id = s->id, .status = (int16_t)p->status };

		if (s->extra)
			rsp.status = NETIF_RSP_NULL;
		nettx_back_answer(&f->ring, &rsp);
	}
}

void feed_answer(struct net *n, struct feed *f)
{
	while (f->oldest != f->newest) {
		struct packet *p = feed_packet(f, f->oldest);

		if (p->state != PACKET_DONE)
			break;
		buffer_put(n, p->buffer);
		buffer_put(n, p->cut);
		p->buffer = p->cut = NULL;
		if (f->guest)
			answer_slots(f, p);
		f->owes_bytes += p->length;
		n->moved += p->length;
		f->oldest++;
	}
	if (!f->guest)
		return;
	nettx_back_push(&f->ring);	/* its bell is feed_owe() */
	if (f->owes_bytes >= BELL_LATE_BYTES)
		feed_pay(n, f);
}

void feed_owe(struct net *n, struct feed *f)
{
	if (!f->owes)
		n->owing++;
	f->owes = true;
	f->owes_since = n->now_ns;
}

void feed_pay(struct net *n, struct feed *f)
{
	const struct ring_header *shared = f->ring.end.shared;
	uint32_t beyond = mica_shared_load(&shared->rsp_event) - nettx_back_rsp_prod(&f->ring);

	f->owes_bytes = 0;
	if (!f->owes)
		return;
	f->owes = false;
	n->owing--;
	/* It has looked meanwhile, and asks to hear of answers that are still to come. */
	if (beyond && beyond <= NET_SLOTS)
		return;
	n->io->ops->port_notify(n->io, f->ring.end.bell.port);
	n->bells++;
}

struct packet *feed_new(struct feed *f)
{
	struct packet *p = feed_packet(f, f->newest);

	if (f->newest - f->oldest == NET_SLOTS)
		return NULL;
	f->newest++;
	memset(p, 0, offsetof(struct packet, tagged));
	p->feed = f;
	return p;
}
