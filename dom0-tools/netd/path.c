/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data path, in rounds over all rings of the network:
 *
 *	take requests --heads to be copied--+
 *	packets decided in the last round --+--> one copy call --> settle: answer what arrived,
 *	packets that waited for pages ------+                      decide on new heads (their copies
 *	                                                           are the next round's)
 *	push every ring once
 *
 * So a round has one copy call and at most one notification per ring whatever the number of
 * frames, and under load the payload of one round is copied together with the heads of the next;
 * a few packets are delivered in the round they came in.
 * Every feed may have so many slots a round (BUDGET) and the first port changes each time, so no
 * guest can keep the others waiting.
 *
 * A feed that gave nothing is put to sleep by the ring's final check; then its guest's next
 * request is an event.
 */
#include <time.h>

#include "netd/net.h"

#define BUDGET		128u	/* slots of one feed in a round */
#define UPLINK_BUDGET	64u	/* frames */
#define FEW_PIECES	8u	/* which do not wait for those of the next round */
#define FEW_SLOTS	8u	/* after more, look again before sleeping */

/* --- settling a batch --- */

static bool copied(const struct batch *b, unsigned first, unsigned pieces)
{
	for (unsigned i = first; i < first + pieces; i++)
		if (b->piece[i].status)
			return false;
	return true;
}

/* Whose grant was it?  The sender's is tried alone; one that fails now is the sender's fault. */
static void blame(struct net *n, const struct batch *b, const struct delivery *v)
{
	uint8_t scrap[MICA_IO_PAGE_BYTES];
	struct port *from = v->packet->feed->port;

	switch_count(&n->sw, v->drain->port->number, COUNT_drop_copy, 1);
	for (unsigned i = v->first; i < v->first + v->pieces; i++) {
		struct mica_io_copy c = b->piece[i];

		if (!c.status || !c.from.by_ref || c.from.mem)	/* .mem: our own */
			continue;
		c.to = (struct mica_io_side){ .mem = scrap };
		n->io->ops->copy(n->io, &c, 1);
		if (c.status && ++from->strikes >= STRIKES_MOST)
			port_break(from, "it takes grants away while they are copied from");
		return;
	}
}

static void settle_delivery(struct net *n, struct batch *b, struct delivery *v)
{
	bool ok = copied(b, v->first, v->pieces);
	unsigned to = v->drain->port->number;

	if (ok) {
		switch_count(&n->sw, to, COUNT_out_frames, 1);
		switch_count(&n->sw, to, COUNT_out_bytes, v->length);
		if (v->packet->buffer || v->packet->cut)
			switch_count(&n->sw, to, COUNT_copied_through, 1);
	} else {
		blame(n, b, v);
	}
	drain_answer(v->drain, v, ok);
	v->packet->state = PACKET_DONE;
}

static void decide(struct net *n, struct packet *p)
{
	unsigned in = p->feed->port->number;
	unsigned look = p->head_bytes < FRAME_HEADER_BYTES ? p->head_bytes : FRAME_HEADER_BYTES;

	switch_decide(&n->sw, in, p->head, look, p->length, n->now_ns, &p->verdict);
	if (!p->verdict.outs) {
		p->state = PACKET_DONE;
		return;
	}
	if (p->verdict.untag) {
		frame_untag(p->head);
		p->head += FRAME_TAG_BYTES;
		p->head_bytes -= FRAME_TAG_BYTES;
		p->length -= FRAME_TAG_BYTES;
	}
	deliver(n, p);
}

static void settle_pending(struct net *n, struct batch *b, struct pending *w)
{
	struct packet *p = w->packet;

	if (!copied(b, w->first, w->pieces)) {
		p->status = NETIF_RSP_ERROR;
		deliver_drop(n, p, p->feed->port->number, COUNT_drop_copy);
	} else if (p->state == PACKET_FETCH) {
		deliver_fetched(n, p);
	} else {
		decide(n, p);
	}
}

/* Copy and settle what is in hand.  False: nothing was. */
static bool run_batch(struct net *n)
{
	struct batch *b = n->batch;

	if (!b->pieces)
		return false;
	n->batch = b == &n->batches[0] ? &n->batches[1] : &n->batches[0];
	n->batch->pieces = n->batch->deliveries = n->batch->pendings = 0;
	staging_copy(n, b->piece, b->pieces);
	n->copies++;
	n->copied_pieces += b->pieces;
	for (unsigned i = 0; i < b->deliveries; i++)
		settle_delivery(n, b, &b->delivery[i]);
	for (unsigned i = 0; i < b->pendings; i++)
		settle_pending(n, b, &b->pending[i]);
	b->pieces = b->deliveries = b->pendings = 0;
	return true;
}

/* --- one round --- */

/* Returns the slots taken. */
static unsigned take_all(struct net *n)
{
	unsigned top = n->sw.top, taken = 0;

	for (unsigned i = 0; i < top; i++) {
		struct port *p = n->port[(n->turn + i) % top];

		for (unsigned q = 0; p && p->connected && q < p->queues; q++)
			if (p->queue[q]->feed.busy)
				taken += feed_take(n, &p->queue[q]->feed, BUDGET);
	}
	n->turn = top ? (n->turn + 1) % top : 0;
	if (taken)
		n->idle_since = n->now_ns;
	return taken;
}

/* From here on its guest tells when there is something.  True: there is, or we look for it. */
static bool rest(struct net *n, struct feed *f)
{
	if (!f->busy)
		return false;
	/* Not asked to wait for the guest: held back by a limit. */
	if (!bucket_open(&f->port->rate, n->now_ns) || f->port->broken || !batch_room(n))
		return false;
	if (n->poll_ns && n->now_ns - n->idle_since < n->poll_ns)
		return true;
	return feed_sleep(f);
}

static bool pay(struct net *n, struct feed *f)
{
	if (f->owes && n->now_ns - f->owes_since >= BELL_LATE_NS)
		feed_pay(n, f);
	return false;
}

static bool each_feed(struct net *n, bool (*what)(struct net *n, struct feed *f))
{
	bool any = false;

	for (unsigned i = 0; i < n->sw.top; i++) {
		struct port *p = n->port[i];

		for (unsigned q = 0; p && p->connected && q < p->queues; q++)
			any |= what(n, &p->queue[q]->feed);
	}
	return any;
}

/* Frames from the TAP device are in memory: they are decided on at once. */
static bool take_uplink(struct net *n)
{
	struct feed *f = tap_feed(n);
	uint32_t from;

	if (!f || !batch_room(n))
		return false;
	from = f->newest;
	if (!tap_take(n, UPLINK_BUDGET))
		return false;
	for (; from != f->newest; from++)
		decide(n, feed_packet(f, from));
	return true;
}

static void give_up(struct net *n, struct drain *d)
{
	d->stalled = true;
	while (d->wait_first) {
		struct packet *p = d->wait_first;

		drain_unpark(n, p);
		deliver_drop(n, p, d->port->number, COUNT_drop_stalled);
	}
}

/* Packets that wait for this drain's pages. */
static bool serve_waiting(struct net *n, struct drain *d)
{
	bool moved = false;
	unsigned pages;

	while (d->wait_first && batch_room(n)) {
		if (deliver_parked(n, d->wait_first)) {
			moved = true;
			d->waits_since = n->now_ns;
			continue;
		}
		if (!netrx_back_more(&d->ring) || netrx_back_dead(&d->ring))
			break;		/* the guest will tell about the next page */
		/* It will not while it has told, or lent one as we asked: perhaps they are enough. */
		pages = d->taken - d->used;
		if (drain_pages(d, LAYOUT_SLOTS + RX_EXTRAS) == pages)
			break;
	}
	if (d->wait_first && n->now_ns - d->waits_since > STALL_NS)
		give_up(n, d);
	return moved;
}

static bool each_drain(struct net *n, bool (*what)(struct net *n, struct drain *d))
{
	bool any = false;

	for (unsigned i = 0; i < n->sw.top; i++) {
		struct port *p = n->port[i];

		for (unsigned q = 0; p && p->connected && q < p->queues; q++)
			any |= what(n, &p->queue[q]->drain);
	}
	return any;
}

static bool push_drain(struct net *n, struct drain *d)
{
	if (d->dirty && netrx_back_push(&d->ring))
		n->bells++;
	d->dirty = false;
	return false;
}

static void answer_all(struct net *n)
{
	struct feed *up = tap_feed(n);

	if (up)
		feed_answer(n, up);
	for (unsigned i = 0; i < n->sw.top; i++) {
		struct port *p = n->port[i];

		for (unsigned q = 0; p && p->connected && q < p->queues; q++)
			feed_answer(n, &p->queue[q]->feed);
	}
	each_drain(n, push_drain);
}

static void cut_off_broken(struct net *n)
{
	for (unsigned i = 0; i < SWITCH_PORTS; i++)
		if (n->port[i] && n->port[i]->broken)
			port_cut_off(n, n->port[i]);
}

static void clocks(struct net *n)
{
	struct timespec t;

	n->now_ns = n->io->ops->now_ns(n->io);
	if (!n->captures)
		return;
	clock_gettime(CLOCK_REALTIME, &t);
	n->now_real_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool wake(struct net *n, struct feed *f)
{
	f->busy = f->guest;
	return false;
}

/* Much was moved since the last look: guests get time to put more into their rings, without a
 * notification for each frame.  No ring is armed by us now, and all are looked at in the next
 * round, so nobody's event is waited for; unless that finds as much, rings are armed after it. */
static bool lull(struct net *n)
{
	bool much = n->moved >= LULL_BYTES && !n->poll_ns;

	n->lull_ns = !much ? 0 : n->moved < LULL_NS ? n->moved : LULL_NS;
	n->moved = 0;
	if (much)
		each_feed(n, wake);
	return much;
}

bool path_round(struct net *n)
{
	bool more;

	clocks(n);
	n->rounds++;
	more = take_all(n) > FEW_SLOTS;
	more |= take_uplink(n);
	if (n->controls)
		more |= control_round(n);
	if (n->waiting)
		more |= each_drain(n, serve_waiting);
	run_batch(n);
	n->parked = false;
	if (n->waiting)
		more |= each_drain(n, serve_waiting);
	/* Few packets, and nothing that would go with them: do not go round once more for them. */
	if (!more && n->batch->pieces && n->batch->pieces <= FEW_PIECES)
		run_batch(n);
	answer_all(n);
	if (n->owing)
		each_feed(n, pay);
	if (n->broken)
		cut_off_broken(n);
	n->lull_ns = 0;
	if (more || n->batch->pieces || n->parked)
		return true;
	return lull(n) || each_feed(n, rest);
}

uint64_t path_due(struct net *n)
{
	uint64_t due = control_due(n), at;

	for (unsigned i = 0; i < n->sw.top; i++) {
		struct port *p = n->port[i];

		for (unsigned q = 0; p && p->connected && q < p->queues; q++) {
			struct queue *queue = p->queue[q];

			at = queue->feed.busy ? bucket_opens_at(&p->rate, n->now_ns) : 0;
			due = at && (!due || at < due) ? at : due;
			/* not sooner: a wait that long costs one system call less */
			at = queue->feed.owes ? n->now_ns + BELL_LATE_NS : 0;
			due = at && (!due || at < due) ? at : due;
			at = queue->drain.wait_first ? queue->drain.waits_since + STALL_NS + 1 : 0;
			due = at && (!due || at < due) ? at : due;
		}
	}
	return due;
}

static void forget_feed(struct net *n, struct feed *f)
{
	for (uint32_t i = f->oldest; i != f->newest; i++) {
		struct packet *p = feed_packet(f, i);

		if (p->state == PACKET_WAIT)
			drain_unpark(n, p);
		p->state = PACKET_DONE;
	}
}

void path_forget(struct net *n, struct port *p)
{
	while (run_batch(n))
		;
	for (unsigned q = 0; q < p->queues; q++) {
		struct drain *d = &p->queue[q]->drain;

		while (d->wait_first) {
			struct packet *packet = d->wait_first;

			drain_unpark(n, packet);
			deliver_drop(n, packet, p->number, COUNT_drop_nobody);
		}
		forget_feed(n, &p->queue[q]->feed);
	}
	answer_all(n);
	for (unsigned q = 0; q < p->queues; q++)
		feed_pay(n, &p->queue[q]->feed);
}

static bool pay_now(struct net *n, struct feed *f)
{
	feed_pay(n, f);
	return false;
}

void path_end(struct net *n)
{
	each_feed(n, pay_now);
}
