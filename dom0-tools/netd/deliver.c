/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delivering one packet that the switch has decided on.
 *
 *	decided --some receiver needs it in memory--> PACKET_FETCH --copied--> again
 *	        --one receiver, no page for it--> PACKET_WAIT --pages--> again
 *	        --copies planned--> PACKET_SEND --settled--> PACKET_DONE
 *	        --nobody left--> PACKET_DONE
 *
 * What the switch looked at is what the receiver gets: the head always comes from dom0's private
 * copy, because the sender can change its page at any time.  The rest goes from the sender's
 * grant to the receiver's.  Through memory go frames for the TAP device, those whose checksum or
 * segments the receiver cannot make itself, and those that a capture wants more of.
 */
#include <string.h>

#include "netd/net.h"

enum planned { PLANNED, NO_PAGES, DROPPED };

static struct layout layout;		/* scratch of plan() */

static void finish(struct packet *p)
{
	p->state = PACKET_DONE;
}

void deliver_drop(struct net *n, struct packet *p, unsigned port, enum count why)
{
	switch_count(&n->sw, port, why, 1);
	finish(p);
}

static bool is_v6(const struct packet *p)
{
	return frame_be16(p->head + 12) == ETHERTYPE_IPV6;
}

static bool tags(const struct net *n, const struct packet *p, unsigned out)
{
	return switch_tags(&n->sw, out, p->verdict.tci);
}

/* The receiver takes a frame whose checksum is blank.  A front end looks for IP, not for tags. */
static bool takes_blank(const struct net *n, const struct packet *p, unsigned out)
{
	const struct port *to = n->port[out];

	return out == SWITCH_UPLINK ||
		(!tags(n, p, out) && (is_v6(p) ? to->sum_v6 : to->sum_v4));
}

static bool takes_gso(const struct net *n, const struct packet *p, unsigned out)
{
	const struct port *to = n->port[out];

	return out == SWITCH_UPLINK ||
		(!tags(n, p, out) &&
		 (p->offload.gso_type == XEN_NETIF_GSO_TYPE_TCPV4 ? to->gso_v4 : to->gso_v6));
}

static bool wants_whole(const struct port *p, const struct packet *packet)
{
	return p && p->capturing && p->capture.snaplen > packet->head_bytes;
}

static bool needs_memory(const struct net *n, const struct packet *p, unsigned out)
{
	return out == SWITCH_UPLINK || wants_whole(n->port[out], p) ||
		(p->offload.gso_type ? !takes_gso(n, p, out) :
		 p->offload.blank && !takes_blank(n, p, out));
}

/* Run @what for each port of the verdict until it says true. */
static bool any_out(struct net *n, struct packet *p,
		    bool (*what)(const struct net *, const struct packet *, unsigned))
{
	if (p->verdict.outs == 1)
		return what(n, p, p->verdict.only);
	for (unsigned out = 0; out < n->sw.top; out++)
		if (port_set_has(&p->verdict.out, out) && what(n, p, out))
			return true;
	return false;
}

/* --- the pieces a frame is in --- */

static unsigned memory_parts(const struct packet *p, const uint8_t *bytes, unsigned n, bool tagged,
			     struct layout_part *parts)
{
	if (!tagged) {
		parts[0] = (struct layout_part){ feed_head(p, bytes), n, false };
		return 1;
	}
	parts[0] = (struct layout_part){ { .mem = (void *)p->tagged }, sizeof(p->tagged), false };
	parts[1] = (struct layout_part){ feed_head(p, bytes + 12), n - 12, true };
	return 2;
}

/* What of the sender's slots is behind the head. */
static unsigned slot_parts(const struct packet *p, struct layout_part *parts)
{
	unsigned skip = p->skip, n = 0;

	for (unsigned i = 0; i < p->slots; i++) {
		const struct slot *s = &p->feed->slot[(p->first + i) % NET_SLOTS];
		unsigned over = s->extra ? 0 : skip < s->size ? skip : s->size;

		skip -= over;
		if (s->extra || over == s->size)
			continue;
		parts[n++] = (struct layout_part){
			.from = { .by_ref = true, .domid = p->feed->port->domid, .ref = s->gref,
				  .offset = s->offset + over },
			.bytes = s->size - over,
			.joins = over != 0,
		};
	}
	return n;
}

static unsigned all_parts(const struct packet *p, bool tagged, struct layout_part *parts)
{
	unsigned n = memory_parts(p, p->head, p->head_bytes, tagged, parts);

	return p->head_bytes < p->length ? n + slot_parts(p, parts + n) : n;
}

static void capture(struct net *n, struct port *port, enum capture_way way, struct packet *p,
		    bool tagged)
{
	struct layout_part parts[LAYOUT_PARTS];
	struct iovec iov[2];
	unsigned count;

	if (!port || !port->capturing)
		return;
	count = memory_parts(p, p->head, p->head_bytes, tagged, parts);
	for (unsigned i = 0; i < count; i++)
		iov[i] = (struct iovec){ parts[i].from.mem, parts[i].bytes };
	capture_frame(&port->capture, way, iov, count, p->length + (tagged ? FRAME_TAG_BYTES : 0),
		      n->now_real_ns);
}

/* --- through memory --- */

static void fetch(struct net *n, struct packet *p)
{
	struct layout_part parts[LAYOUT_PARTS];
	unsigned count = slot_parts(p, parts), at = p->head_bytes, first = n->batch->pieces;

	p->buffer = buffer_get(n, p->length);
	if (!p->buffer) {
		deliver_drop(n, p, p->feed->port->number, COUNT_drop_memory);
		return;
	}
	memcpy(p->buffer->bytes, p->head, p->head_bytes);
	for (unsigned i = 0; i < count; i++) {
		struct mica_io_copy *c = batch_add(n);

		c->from = parts[i].from;
		c->to = (struct mica_io_side){ .mem = p->buffer->bytes + at };
		c->bytes = parts[i].bytes;
		at += parts[i].bytes;
	}
	p->state = PACKET_FETCH;
	batch_pending(n, p, first);
}

void deliver_fetched(struct net *n, struct packet *p)
{
	p->head = p->buffer->bytes;
	p->head_bytes = p->length;
	deliver(n, p);
}

/* --- to one guest --- */

/* Where the receiver wants it.  Fills p->hash. */
static struct drain *drain_of(const struct port *to, struct packet *p)
{
	uint32_t hash = 2166136261u;
	struct frame f;
	unsigned from, until;

	p->hash.made = false;
	if (steer_on(&to->steer)) {
		p->hash = steer_make(&to->steer, p->head, p->head_bytes);
		return &to->queue[steer_queue(&to->steer, &p->hash, to->queues)]->drain;
	}
	if (to->queues == 1 || !frame_parse(&f, p->head, p->head_bytes))
		return &to->queue[0]->drain;
	from = f.type == ETHERTYPE_IPV4 ? f.l3 + 12 : f.type == ETHERTYPE_IPV6 ? f.l3 + 8 : 0;
	until = f.type == ETHERTYPE_IPV4 ? f.l3 + 20 : f.type == ETHERTYPE_IPV6 ? f.l3 + 40 : 12;
	if (f.l4 && !f.fragment)
		until = f.l4 + 4;
	for (; from < until && from < f.n; from++)
		hash = (hash ^ p->head[from]) * 16777619u;
	return &to->queue[hash % to->queues]->drain;
}

/* Put one frame of @length bytes into the batch. */
static enum planned plan(struct net *n, struct packet *p, struct drain *d,
			 const struct layout_part *parts, unsigned count, unsigned length,
			 const struct offload *o)
{
	struct batch *b = n->batch;
	bool gso = o->gso_type;
	unsigned extras = gso + p->hash.made;
	uint32_t page = d->used;

	if (!layout_make(&layout, parts, count, d->port->sg ? LAYOUT_SLOTS : 1))
		return DROPPED;
	if (drain_pages(d, layout.slots + extras) < layout.slots + extras ||
	    b->pieces + layout.pieces > BATCH_PIECES || b->deliveries == BATCH_DELIVERIES)
		return NO_PAGES;
	d->used += layout.slots + extras;
	b->delivery[b->deliveries++] = (struct delivery){
		.packet = p, .drain = d, .page = page, .slots = layout.slots, .length = length,
		.first = b->pieces, .pieces = layout.pieces, .offload = *o, .gso = gso,
		.hash = p->hash,
	};
	for (unsigned i = 0; i < layout.pieces; i++) {
		const struct layout_piece *from = &layout.piece[i];
		uint32_t at = page + from->slot + (from->slot ? extras : 0);
		struct mica_io_copy *c = batch_add(n);

		c->from = from->from;
		c->to = (struct mica_io_side){
			.by_ref = true, .domid = d->port->domid, .offset = from->offset,
			.ref = d->page[at % NET_SLOTS].gref,
		};
		c->bytes = from->bytes;
	}
	for (unsigned i = 0; i < layout.slots; i++)
		d->size[(page + i + (i ? extras : 0)) % NET_SLOTS] = layout.size[i];
	return PLANNED;
}

/* A frame too large for the receiver, as the segments it will take. */
static enum planned plan_segments(struct net *n, struct packet *p, struct drain *d, bool tagged)
{
	static uint32_t ends[OFFLOAD_SEGMENTS];
	struct offload none = { .valid = true };
	struct layout_part parts[2];
	unsigned count, planned = 0;
	uint32_t start = 0;

	/* For a second receiver the same bytes are made again in the same place. */
	if (!p->cut)
		p->cut = buffer_get(n, BUFFER_LARGE);
	if (!p->cut)
		return DROPPED;
	count = offload_segment(p->head, p->length, &p->offload, p->cut->bytes, p->cut->room, ends);
	for (unsigned i = 0; i < count; i++) {
		unsigned m = memory_parts(p, p->cut->bytes + start, ends[i] - start, tagged, parts);

		planned += plan(n, p, d, parts, m, ends[i] - start, &none) == PLANNED;
		start = ends[i];
	}
	return planned ? PLANNED : count ? NO_PAGES : DROPPED;
}

static enum planned plan_out(struct net *n, struct packet *p, struct drain *d, unsigned out,
			     bool tagged)
{
	struct layout_part parts[LAYOUT_PARTS];
	unsigned count;

	if (p->offload.gso_type && !takes_gso(n, p, out))
		return plan_segments(n, p, d, tagged);
	if (p->offload.blank && !takes_blank(n, p, out))
		return DROPPED;
	count = all_parts(p, tagged, parts);
	return plan(n, p, d, parts, count, p->length + (tagged ? FRAME_TAG_BYTES : 0), &p->offload);
}

static void send_up(struct net *n, struct packet *p, bool tagged)
{
	struct layout_part parts[LAYOUT_PARTS];
	unsigned count = memory_parts(p, p->head, p->head_bytes, tagged, parts);
	struct iovec iov[2];

	for (unsigned i = 0; i < count; i++)
		iov[i] = (struct iovec){ parts[i].from.mem, parts[i].bytes };
	tap_send(n, iov, count, p->length + (tagged ? FRAME_TAG_BYTES : 0), &p->offload);
}

/* False: the packet would have to wait. */
static bool give(struct net *n, struct packet *p, unsigned out, bool queue)
{
	bool tagged = tags(n, p, out);
	enum planned planned;
	struct drain *d;

	if (out == SWITCH_UPLINK) {
		send_up(n, p, tagged);
		capture(n, n->port[out], CAPTURE_OUT, p, tagged);
		return true;
	}
	if (!n->port[out]->connected) {
		switch_count(&n->sw, out, COUNT_drop_nobody, 1);
		return true;
	}
	d = p->drain ? p->drain : drain_of(n->port[out], p);	/* where it waited */
	planned = queue && d->wait_first ? NO_PAGES : plan_out(n, p, d, out, tagged);
	if (planned == NO_PAGES)
		return false;
	if (planned == DROPPED) {
		switch_count(&n->sw, out, COUNT_drop_offload, 1);
		return true;
	}
	p->state = PACKET_SEND;
	d->stalled = false;
	capture(n, n->port[out], CAPTURE_OUT, p, tagged);
	return true;
}

static void park_or_drop(struct net *n, struct packet *p)
{
	unsigned out = p->verdict.only;
	struct drain *d = drain_of(n->port[out], p);

	if (d->stalled)
		deliver_drop(n, p, out, COUNT_drop_stalled);
	else if (p->feed->parked + p->slots > PARK_SLOTS)
		deliver_drop(n, p, out, COUNT_drop_full);
	else
		drain_park(n, d, p);
}

static bool leaves_blank(const struct net *n, const struct packet *p, unsigned out)
{
	return !takes_blank(n, p, out);
}

void deliver(struct net *n, struct packet *p)
{
	const struct port *from = p->feed->port;

	if (p->head_bytes < p->length && !p->buffer &&
	    (wants_whole(from, p) || any_out(n, p, needs_memory))) {
		fetch(n, p);
		return;
	}
	capture(n, p->feed->port, CAPTURE_IN, p, false);
	if (p->offload.blank && !p->offload.gso_type && any_out(n, p, leaves_blank) &&
	    offload_checksum(p->head, p->length))
		p->offload.blank = false;
	if (p->verdict.tci & 0xfff)
		frame_tagged_head(p->tagged, p->head, p->verdict.tci);
	finish(p);
	if (p->verdict.outs == 1) {
		if (!give(n, p, p->verdict.only, true))
			park_or_drop(n, p);
		return;
	}
	for (unsigned out = 0; out < n->sw.top; out++)
		if (port_set_has(&p->verdict.out, out) && !give(n, p, out, true))
			switch_count(&n->sw, out, COUNT_drop_full, 1);
}

bool deliver_parked(struct net *n, struct packet *p)
{
	unsigned out = p->verdict.only;

	if (!give(n, p, out, false))
		return false;
	drain_unpark(n, p);
	if (p->state == PACKET_WAIT)
		finish(p);
	return true;
}
