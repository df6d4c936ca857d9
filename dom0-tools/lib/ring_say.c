/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages and ports in words.  Works on a private copy of a ring, whose contents are whatever a
 * guest put there: counts in messages are shown only where they can be, and never followed.
 */
#include <stdio.h>
#include <string.h>
#include <mica/evtchn.h>
#include <mica/io/blkif.h>
#include <mica/io/netif.h>

#include "lib/ring_look.h"

#define GENERIC_SHOWN	32u

union message {
	uint8_t raw[112];
	struct blkif_request blk;
	struct blkif_request_discard discard;
	struct blkif_request_indirect indirect;
	struct netif_tx_request tx;
	struct netif_extra_info info;
	struct netif_rx_request rx;
	struct xen_netif_ctrl_request ctrl;
	struct blkif_response blk_rsp;
	struct netif_tx_response tx_rsp;
	struct netif_rx_response rx_rsp;
	struct xen_netif_ctrl_response ctrl_rsp;
};

static const char *blk_op(unsigned op)
{
	static const char *const names[] = {
		"READ", "WRITE", "BARRIER", "FLUSH", "RESERVED", "DISCARD", "INDIRECT",
	};

	return op < sizeof(names) / sizeof(names[0]) ? names[op] : "UNKNOWN OPERATION";
}

static void say_segments(const struct blkif_request *r, char *text, size_t room)
{
	unsigned sectors = 0;

	if (r->nr_segments > BLKIF_MAX_SEGMENTS_PER_REQUEST) {
		snprintf(text, room, "id %llu %s sector %llu, %u segments, which cannot be",
			 (unsigned long long)r->id, blk_op(r->operation),
			 (unsigned long long)r->sector_number, r->nr_segments);
		return;
	}
	for (unsigned i = 0; i < r->nr_segments; i++)
		if (r->seg[i].last_sect >= r->seg[i].first_sect)
			sectors += r->seg[i].last_sect - r->seg[i].first_sect + 1u;
	snprintf(text, room, "id %llu %s sector %llu +%u, %u segment%s", (unsigned long long)r->id,
		 blk_op(r->operation), (unsigned long long)r->sector_number, sectors, r->nr_segments,
		 r->nr_segments == 1 ? "" : "s");
}

static void say_blk(const union message *m, char *text, size_t room)
{
	switch (m->blk.operation) {
	case BLKIF_OP_INDIRECT:
		snprintf(text, room, "id %llu %s sector %llu, %u segments, indirect",
			 (unsigned long long)m->indirect.id, blk_op(m->indirect.indirect_op),
			 (unsigned long long)m->indirect.sector_number, m->indirect.nr_segments);
		break;
	case BLKIF_OP_DISCARD:
		snprintf(text, room, "id %llu DISCARD sector %llu +%llu%s",
			 (unsigned long long)m->discard.id,
			 (unsigned long long)m->discard.sector_number,
			 (unsigned long long)m->discard.nr_sectors,
			 m->discard.flag & BLKIF_DISCARD_SECURE ? ", secure" : "");
		break;
	default:
		say_segments(&m->blk, text, room);
	}
}

static void say_tx(const struct netif_tx_request *r, char *text, size_t room)
{
	snprintf(text, room, "id %u %u bytes, grant %u at %u, flags 0x%x%s%s%s%s%s", r->id, r->size,
		 r->gref, r->offset, r->flags, r->flags & NETTXF_csum_blank ? " csum_blank" : "",
		 r->flags & NETTXF_data_validated ? " data_validated" : "",
		 r->flags & NETTXF_more_data ? " more_data" : "",
		 r->flags & NETTXF_extra_info ? " extra_info" : "",
		 r->flags & ~15u ? " and unknown ones" : "");
}

static void say_extra(const struct netif_extra_info *e, char *text, size_t room)
{
	static const char *const types[] = { "none", "GSO", "multicast add", "multicast del", "hash" };
	int n = snprintf(text, room, "extra info: %s",
			 e->type < XEN_NETIF_EXTRA_TYPE_MAX ? types[e->type] : "of unknown type");

	if (e->type == XEN_NETIF_EXTRA_TYPE_GSO && (size_t)n < room)
		snprintf(text + n, room - (size_t)n, ", segments of %u bytes", e->u.gso.size);
}

/* The first request tells of an extra slot; that one, of more. */
static void say_net_tx(const union message *m, bool *extra, char *text, size_t room)
{
	if (*extra) {
		say_extra(&m->info, text, room);
		*extra = m->info.flags & XEN_NETIF_EXTRA_FLAG_MORE;
	} else {
		say_tx(&m->tx, text, room);
		*extra = m->tx.flags & NETTXF_extra_info;
	}
}

static void say_raw(const uint8_t *raw, uint32_t bytes, char *text, size_t room)
{
	size_t at = 0;

	for (uint32_t i = 0; i < bytes && i < GENERIC_SHOWN && at < room; i++)
		at += (size_t)snprintf(text + at, room - at, "%s%02x", i && i % 4 == 0 ? " " : "", raw[i]);
}

/* False: what a slot is, is not known. */
static bool get(union message *m, const void *copy, uint32_t bytes, uint32_t slot_bytes,
		uint32_t index)
{
	uint32_t slots = ring_slots(bytes, slot_bytes);

	memset(m, 0, sizeof(*m));
	if (slots)
		memcpy(m, (const uint8_t *)copy + RING_HEADER_BYTES + (index & (slots - 1)) * slot_bytes,
		       slot_bytes < sizeof(*m) ? slot_bytes : sizeof(*m));
	return slots != 0;
}

void ring_say_response(enum ring_layout layout, const void *copy, uint32_t bytes,
		       uint32_t slot_bytes, uint32_t index, char *text, size_t room)
{
	union message m;

	text[0] = 0;
	if (!get(&m, copy, bytes, slot_bytes, index))
		return;
	switch (layout) {
	case RING_BLK:
		snprintf(text, room, "id %llu %s status %d", (unsigned long long)m.blk_rsp.id,
			 blk_op(m.blk_rsp.operation), m.blk_rsp.status);
		break;
	case RING_NET_TX:
		snprintf(text, room, "id %u status %d", m.tx_rsp.id, m.tx_rsp.status);
		break;
	case RING_NET_RX:
		snprintf(text, room, "id %u %d bytes at %u, flags 0x%x", m.rx_rsp.id, m.rx_rsp.status,
			 m.rx_rsp.offset, m.rx_rsp.flags);
		break;
	case RING_NET_CTRL:
		snprintf(text, room, "id %u type %u status %u data %u", m.ctrl_rsp.id, m.ctrl_rsp.type,
			 m.ctrl_rsp.status, m.ctrl_rsp.data);
		break;
	case RING_GENERIC:
		say_raw(m.raw, slot_bytes, text, room);
		break;
	}
}

/* A disk's response covers operation, number of segments and id; a transmitter's, the grant. */
bool ring_say_rest(enum ring_layout layout, const void *copy, uint32_t bytes, uint32_t slot_bytes,
		   uint32_t index, bool *extra, char *text, size_t room)
{
	union message m;

	text[0] = 0;
	if ((layout != RING_BLK && layout != RING_NET_TX) || !get(&m, copy, bytes, slot_bytes, index))
		return false;
	if (layout == RING_BLK) {
		snprintf(text, room, "sector %llu", (unsigned long long)m.blk.sector_number);
	} else if (*extra) {
		snprintf(text, room, "extra info");
		*extra = false;		/* whether more follow stood in the part that is gone */
	} else {
		snprintf(text, room, "id %u %u bytes, offset %u, flags 0x%x", m.tx.id, m.tx.size,
			 m.tx.offset, m.tx.flags);
		*extra = m.tx.flags & NETTXF_extra_info;
	}
	return true;
}

void ring_say(enum ring_layout layout, const void *copy, uint32_t bytes, uint32_t slot_bytes,
	      uint32_t index, bool *extra, char *text, size_t room)
{
	union message m;

	text[0] = 0;
	if (!get(&m, copy, bytes, slot_bytes, index))
		return;
	switch (layout) {
	case RING_BLK:
		say_blk(&m, text, room);
		break;
	case RING_NET_TX:
		say_net_tx(&m, extra, text, room);
		break;
	case RING_NET_RX:
		snprintf(text, room, "id %u buffer, grant %u", m.rx.id, m.rx.gref);
		break;
	case RING_NET_CTRL:
		snprintf(text, room, "id %u type %u data %u %u %u", m.ctrl.id, m.ctrl.type,
			 m.ctrl.data[0], m.ctrl.data[1], m.ctrl.data[2]);
		break;
	case RING_GENERIC:
		say_raw(m.raw, slot_bytes, text, room);
		break;
	}
}

static const char *bit(enum ring_bit b, const char *yes, const char *no, const char *unknown)
{
	return b == RING_BIT_YES ? yes : b == RING_BIT_NO ? no : unknown;
}

void ring_port_say(const struct ring_port *p, char *text, size_t room)
{
	static const char *const states[] = {
		"closed", "unbound", "interdomain", "a pirq", "a virq", "an ipi",
	};

	if (!p->port) {
		snprintf(text, room, "none");
		return;
	}
	if (!p->known || p->status > EVTCHNSTAT_ipi) {
		snprintf(text, room, "%u (the hypervisor does not tell)", p->port);
		return;
	}
	if (p->status != EVTCHNSTAT_interdomain) {
		snprintf(text, room, "%u (%s)", p->port, states[p->status]);
		return;
	}
	snprintf(text, room, "%u (bound to port %u of domain %u, vCPU %u%s%s)", p->port, p->peer_port,
		 p->peer, p->vcpu,
		 bit(p->pending, ", pending", ", not pending", ", pending or not cannot be seen"),
		 bit(p->masked, ", masked", ", not masked", ""));
}
