/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Drains: the pages a guest lent for what it receives, and the packets that wait for some.
 *
 * Pages are taken from the ring when they are needed and answered in the order they were taken.
 * While packets wait the guest is asked to tell about new pages (listening); otherwise it is not
 * asked, and looking when there is a packet costs nothing.
 *
 *	open --no page for a packet--> waiting --none for STALL_NS--> stalled --a page--> open
 *
 * A waiting packet holds its sender's slots, a bounded number of them (PARK_SLOTS); to a stalled
 * drain nothing waits.  So a guest that never reads its ring delays others once, and briefly.
 */
#include "netd/net.h"

unsigned drain_pages(struct drain *d, unsigned enough)
{
	struct netif_rx_request r;
	int rc = 0;

	while (d->taken - d->used < enough && (rc = netrx_back_take(&d->ring, &r)) == 1) {
		d->page[d->taken % NET_SLOTS].id = r.id;
		d->page[d->taken % NET_SLOTS].gref = r.gref;
		d->taken++;
	}
	if (rc < 0)
		port_break(d->port, "an rx ring with an impossible request index");
	return d->taken - d->used;
}

void drain_park(struct net *n, struct drain *d, struct packet *p)
{
	p->state = PACKET_WAIT;
	n->parked = true;
	p->drain = d;
	p->next = NULL;
	p->prev = d->wait_last;
	if (d->wait_last)
		d->wait_last->next = p;
	else
		d->wait_first = p;
	d->wait_last = p;
	p->feed->parked += p->slots ? p->slots : 1;
	if (p->prev)
		return;
	n->waiting++;
	d->waits_since = n->now_ns;
}

void drain_unpark(struct net *n, struct packet *p)
{
	struct drain *d = p->drain;

	if (p->prev)
		p->prev->next = p->next;
	else
		d->wait_first = p->next;
	if (p->next)
		p->next->prev = p->prev;
	else
		d->wait_last = p->prev;
	p->feed->parked -= p->slots ? p->slots : 1;
	p->drain = NULL;
	if (!d->wait_first)
		n->waiting--;
}

static void answer_page(struct drain *d, uint32_t page, uint16_t flags, int status)
{
	union netrx_response r = { .rsp = {
		.id = d->page[page % NET_SLOTS].id,
		.flags = flags,
		.status = (int16_t)status,
	} };

	netrx_back_answer(&d->ring, &r);
}

static void answer_gso(struct drain *d, const struct delivery *v)
{
	union netrx_response r = { .extra = {
		.type = XEN_NETIF_EXTRA_TYPE_GSO,
		.flags = v->hash.made ? XEN_NETIF_EXTRA_FLAG_MORE : 0,
		.u.gso = { .size = v->offload.gso_size, .type = v->offload.gso_type },
	} };

	netrx_back_answer(&d->ring, &r);
}

static void answer_hash(struct drain *d, const struct steer_hash *h)
{
	union netrx_response r = { .extra = {
		.type = XEN_NETIF_EXTRA_TYPE_HASH,
		.u.hash = { .type = h->type,
			    .algorithm = XEN_NETIF_CTRL_HASH_ALGORITHM_TOEPLITZ,
			    .value = { (uint8_t)h->value, (uint8_t)(h->value >> 8),
				       (uint8_t)(h->value >> 16), (uint8_t)(h->value >> 24) } },
	} };

	netrx_back_answer(&d->ring, &r);
}

/* The slots behind the first one.  Those of a frame that failed are empty pages. */
static uint32_t answer_extras(struct drain *d, const struct delivery *v, uint32_t page, bool ok)
{
	unsigned extras = v->gso + v->hash.made;

	if (ok && v->gso)
		answer_gso(d, v);
	if (ok && v->hash.made)
		answer_hash(d, &v->hash);
	for (unsigned i = 0; !ok && i < extras; i++)
		answer_page(d, page + i, 0, NETIF_RSP_ERROR);
	return page + extras;
}

void drain_answer(struct drain *d, const struct delivery *v, bool ok)
{
	uint32_t page = v->page;

	d->dirty = true;
	for (unsigned i = 0; i < v->slots; i++) {
		uint16_t flags = i + 1 < v->slots && ok ? NETRXF_more_data : 0;

		if (!i && ok && v->offload.blank)
			flags |= NETRXF_csum_blank;
		if (!i && ok && v->offload.valid)
			flags |= NETRXF_data_validated;
		if (!i && ok && (v->gso || v->hash.made))
			flags |= NETRXF_extra_info;
		answer_page(d, page, flags, ok ? d->size[page % NET_SLOTS] : NETIF_RSP_ERROR);
		page++;
		if (!i)
			page = answer_extras(d, v, page, ok);
	}
}
