/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A card's control ring, and what is asked for over it: receive hashing with a table of queues,
 * staging grants; and lists of multicast groups, which go with the frames.
 *
 * What a back end has not is told by its answers (NOT_SUPPORTED), and then not checked.  One that
 * was killed and started again has forgotten staging grants, and nothing else.
 */
#include "front.h"
#include "../guest/xs.h"
#include "event.h"
#include "grant.h"
#include "mm.h"
#include "print.h"

#define OK		XEN_NETIF_CTRL_STATUS_SUCCESS
#define NOT_THERE	XEN_NETIF_CTRL_STATUS_NOT_SUPPORTED
#define WRONG		XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER
#define REFUSED		4711u		/* with some error: back ends differ in which */

#define TABLE		8u		/* entries; the smallest that shows anything */
#define TYPES		15u
#define TCP_FRAMES	24u
#define TCP_BYTES	60u
#define STAGED		(CARD_TX + CARD_RX)

/* --- the ring --- */

int control_publish(struct card *c)
{
	struct mica_bell bell = { .ring = port_ring };

	c->ctl_port = 0;
	if (!xs_read_number(c->dev.back, "feature-ctrl-ring", 0))
		return 0;
	c->ctl_port = port_new();
	bell.port = (uint32_t)c->ctl_port;
	memset(c->ctl_page, 0, PAGE_BYTES);
	ctl_front_attach(&c->ctl, c->ctl_page, PAGE_BYTES, &bell);
	ref_give(c->ctl_ref, c->ctl_page, 0);
	xs_write_number(c->dev.dir, "ctrl-ring-ref", c->ctl_ref);
	xs_write_number(c->dev.dir, "event-channel-ctrl", (uint64_t)c->ctl_port);
	return 0;
}

void control_disconnect(struct card *c)
{
	if (c->ctl_port)
		event_close((unsigned)c->ctl_port);
	c->ctl_port = 0;
}

struct question {
	struct card *c;
	uint16_t id;
	struct xen_netif_ctrl_response rsp;
};

static bool is_answered(void *ctx)
{
	struct question *q = ctx;

	do {
		while (ctl_front_take(&q->c->ctl, &q->rsp) == 1)
			if (q->rsp.id == q->id)
				return true;
	} while (!ctl_front_dead(&q->c->ctl) && ctl_front_more(&q->c->ctl));
	return false;
}

uint32_t control_ask(struct card *c, unsigned type, uint32_t a, uint32_t b, uint32_t d,
		     uint32_t *data)
{
	struct xen_netif_ctrl_request r = { .id = ++c->ctl_id, .type = (uint16_t)type,
					    .data = { a, b, d } };
	struct question q = { .c = c, .id = c->ctl_id };

	if (!c->ctl_port || !ctl_front_room(&c->ctl)) {
		bad("%s: no control ring, or no room in it", c->dev.dir);
		return ~0u;
	}
	ctl_front_put(&c->ctl, &r);
	ctl_front_push(&c->ctl);
	if (!wait_until(is_answered, &q, LONG_S)) {
		bad("%s: control request %u is not answered", c->dev.dir, type);
		return ~0u;
	}
	if (q.rsp.type != (uint16_t)type)
		bad("%s: control request %u is answered as %u", c->dev.dir, type, q.rsp.type);
	if (data)
		*data = q.rsp.data;
	return q.rsp.status;
}

struct expected {
	unsigned type;
	uint32_t a, b, d;
	uint32_t status;
};

static bool answers(struct card *c, const struct expected *e, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t status = control_ask(c, e[i].type, e[i].a, e[i].b, e[i].d, NULL);

		if (e[i].status == REFUSED ? !status || status == ~0u : status != e[i].status)
			return bad("%s: control request %u (%u %u %u) is answered %u, not %u",
				   c->dev.dir, e[i].type, e[i].a, e[i].b, e[i].d, status, e[i].status);
	}
	return true;
}

/* --- hashing --- */

static uint8_t key_byte(unsigned i)
{
	return i < KEY_BYTES ? (uint8_t)(i * 151 + 11) : 0;
}

static uint32_t toeplitz(const uint8_t *bytes, unsigned n)
{
	uint32_t hash = 0;

	for (unsigned bit = 0; bit < n * 8; bit++) {
		uint32_t window = 0;

		if (!(bytes[bit / 8] >> (7 - bit % 8) & 1))
			continue;
		for (unsigned i = bit; i < bit + 32; i++)
			window = window << 1 | (key_byte(i / 8) >> (7 - i % 8) & 1);
		hash ^= window;
	}
	return hash;
}

/* From 10.0.0.1 to 10.0.0.2, with no more than headers; its hash. */
static uint32_t make_tcp(uint8_t *frame, const struct card *from, const struct card *to,
			 unsigned port)
{
	static const uint8_t ip[20] = { 0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0x26, 0xcd,
					10, 0, 0, 1, 10, 0, 0, 2 };
	uint8_t input[12];

	memset(frame, 0, TCP_BYTES);
	memcpy(frame, to->mac, 6);
	memcpy(frame + 6, from->mac, 6);
	frame[12] = 8;
	memcpy(frame + 14, ip, sizeof(ip));
	frame[34] = (uint8_t)(port >> 8);
	frame[35] = (uint8_t)port;
	frame[37] = 80;
	frame[46] = 0x50;
	memcpy(input, frame + 26, 8);
	memcpy(input + 8, frame + 34, 4);
	return toeplitz(input, sizeof(input));
}

struct tcp_wait {
	const struct card *c;
	unsigned port;
};

static bool tcp_is_there(void *ctx)
{
	const struct tcp_wait *w = ctx;

	return w->c->tcp_port == w->port;
}

/* With two queues a hash has to be there; kernel's back ends make none for one. */
static bool hash_is_right(const struct card *to, uint32_t hash)
{
	if (!to->tcp_hashed)
		return to->queues == 1 || bad("%s: a frame without a hash", to->dev.dir);
	if (to->tcp_type != _XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP || to->tcp_hash != hash)
		return bad("%s: a frame's hash is %x of type %u, not %x", to->dev.dir, to->tcp_hash,
			   to->tcp_type, hash);
	if (to->tcp_queue != hash % TABLE % to->queues)
		return bad("%s: a frame with hash %x on queue %u", to->dev.dir, hash, to->tcp_queue);
	return true;
}

bool control_hashes(struct card *from, struct card *to)
{
	static unsigned port = 1024;
	unsigned on[CARD_QUEUES] = { 0 };
	uint8_t frame[TCP_BYTES];

	for (unsigned i = 0; i < TCP_FRAMES; i++) {
		struct tcp_wait w = { to, ++port };
		uint32_t hash = make_tcp(frame, from, to, port);

		if (!wait_until(card_answered, from, LONG_S) ||
		    !card_send_raw(from, frame, sizeof(frame)))
			return bad("%s: no room for a frame", from->dev.dir);
		tx_front_push(&from->tx);
		if (!wait_until(tcp_is_there, &w, LONG_S))
			return bad("%s: a TCP frame does not come", to->dev.dir);
		if (!hash_is_right(to, hash))
			return false;
		on[to->tcp_queue]++;
	}
	say("%s: %u frames on the first queue, %u on the second", to->dev.dir, on[0], on[1]);
	return to->queues == 1 || (on[0] && on[1]) ? true : bad("one queue is never used");
}

bool control_hash(struct card *from, struct card *to)
{
	uint32_t ref = to->list_ref, *table = (uint32_t *)to->list_page;
	const struct expected first[] = {
		{ XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS, 0, 0, 0, REFUSED },
		{ XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, TYPES, 0, 0, REFUSED },
		{ XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, 9, 0, 0, REFUSED },
		{ XEN_NETIF_CTRL_TYPE_SET_HASH_ALGORITHM, 1, 0, 0, OK },
		{ XEN_NETIF_CTRL_TYPE_GET_HASH_FLAGS, 0, 0, 0, OK },
		{ XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, 0x100, 0, 0, REFUSED },
		{ XEN_NETIF_CTRL_TYPE_SET_HASH_FLAGS, TYPES, 0, 0, OK },
		{ XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, ref, KEY_BYTES + 1, 0, REFUSED },
		{ XEN_NETIF_CTRL_TYPE_SET_HASH_KEY, ref, KEY_BYTES, 0, OK },
		{ XEN_NETIF_CTRL_TYPE_GET_HASH_MAPPING_SIZE, 0, 0, 0, OK },
		{ XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE, 100000, 0, 0, REFUSED },
		{ XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING_SIZE, TABLE, 0, 0, OK },
		{ XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, ref, TABLE, 1, REFUSED },
		{ XEN_NETIF_CTRL_TYPE_INVALID, 0, 0, 0, REFUSED },
		{ 4711, 1, 2, 3, REFUSED },
	};
	const struct expected second[] = {
		{ XEN_NETIF_CTRL_TYPE_SET_HASH_MAPPING, ref, TABLE, 0, OK },
	};

	ref_give(ref, to->list_page, 0);
	for (unsigned i = 0; i < KEY_BYTES; i++)
		to->list_page[i] = (char)key_byte(i);
	if (!answers(to, first, sizeof(first) / sizeof(first[0])))
		return false;
	for (unsigned i = 0; i < TABLE; i++)
		table[i] = i % to->queues;
	if (!answers(to, second, 1))
		return false;
	if (!ref_take(ref))
		return bad("%s: what a request pointed to is in use after it", to->dev.dir);
	return control_hashes(from, to);
}

/* --- staging grants --- */

static void make_list(struct card *c)
{
	struct xen_netif_gref *list = (struct xen_netif_gref *)c->list_page;

	for (unsigned i = 0; i < STAGED; i++)
		list[i] = (struct xen_netif_gref){
			.ref = i < CARD_TX ? c->tx_grant[i] : c->in[0].grant[i - CARD_TX],
			.flags = i < CARD_TX ? XEN_NETIF_CTRLF_GREF_readonly : 0,
			.status = 77,
		};
	ref_give(c->list_ref, list, 0);
}

static bool unused(struct card *c)
{
	for (unsigned i = 0; i < CARD_TX; i++)
		if (!ref_take(c->tx_grant[i]))
			return bad("%s: a page that was unmapped is in use", c->dev.dir);
	return true;
}

bool control_stage(struct card *c)
{
	uint32_t status, size = 0;

	if (!wait_until(card_answered, c, LONG_S))
		return bad("%s: frames are not answered", c->dev.dir);
	for (unsigned i = 0; i < CARD_TX; i++)
		ref_give(c->tx_grant[i], c->tx_data[i], GTF_readonly);
	c->staged = true;
	make_list(c);
	status = control_ask(c, XEN_NETIF_CTRL_TYPE_GET_GREF_MAPPING_SIZE, 0, 0, 0, &size);
	if (status == NOT_THERE) {
		say("%s: no staging grants", c->dev.dir);
		c->staged = false;
		return unused(c) && ref_take(c->list_ref);
	}
	if (size < STAGED || CONTROL_ASK(c, ADD_GREF_MAPPING, 0, c->list_ref, STAGED) != OK)
		return bad("%s: %u pages are too many of %u", c->dev.dir, STAGED, size);
	if (CONTROL_ASK(c, ADD_GREF_MAPPING, 0, c->list_ref, STAGED) != WRONG)
		return bad("%s: the same pages are mapped twice", c->dev.dir);
	for (unsigned i = 0; i < STAGED; i++) {
		uint32_t ref = i < CARD_TX ? c->tx_grant[i] : c->in[0].grant[i - CARD_TX];

		if (!(grant_v1(ref)->flags & (GTF_reading | GTF_writing)))
			return bad("%s: page %u is not mapped", c->dev.dir, i);
		if (i < CARD_TX && grant_v1(ref)->flags & GTF_writing)
			return bad("%s: page %u is mapped for writing", c->dev.dir, i);
	}
	return ref_take(c->list_ref) ? true : bad("%s: the list is in use", c->dev.dir);
}

bool control_unstage(struct card *c, unsigned mapped)
{
	struct xen_netif_gref *list = (struct xen_netif_gref *)c->list_page;
	uint32_t done = ~0u, want = mapped ? OK : WRONG;

	if (!c->staged)
		return true;
	if (!wait_until(card_answered, c, LONG_S))
		return bad("%s: frames are not answered", c->dev.dir);
	make_list(c);
	if (control_ask(c, XEN_NETIF_CTRL_TYPE_DEL_GREF_MAPPING, 0, c->list_ref, STAGED, &done) != OK)
		return bad("%s: pages are not unmapped", c->dev.dir);
	if (done != mapped)
		return bad("%s: %u pages are unmapped, not %u", c->dev.dir, done, mapped);
	for (unsigned i = 0; i < STAGED; i++)
		if (list[i].status != want)
			return bad("%s: status %u of page %u", c->dev.dir, list[i].status, i);
	c->staged = false;
	return unused(c) && ref_take(c->list_ref);
}

/* --- groups --- */

static const uint8_t a_group[6] = { 3, 0, 0, 0, 0x47, 0x11 };

/* A request that is no frame. */
static bool tell_group(struct card *c, unsigned type)
{
	union tx_request first = { .req = { .flags = NETTXF_extra_info } };
	union tx_request extra = { .extra = { .type = (uint8_t)type } };

	if (!wait_until(card_answered, c, LONG_S))
		return bad("%s: frames are not answered", c->dev.dir);
	memcpy(extra.extra.u.mcast.addr, a_group, 6);
	c->tx_used[0] = true;		/* its answer is for slot 0 */
	tx_front_put(&c->tx, &first);
	tx_front_put(&c->tx, &extra);
	tx_front_push(&c->tx);
	return wait_until(card_answered, c, LONG_S) ? true :
		bad("%s: a change of groups is not answered", c->dev.dir);
}

struct marker {
	const struct card *c;
	uint64_t number;
};

static bool marker_came(void *ctx)
{
	const struct marker *m = ctx;

	return m->c->last == m->number;
}

/* A frame to the group is or is not heard; the front end is not told when a change is in force. */
static bool until_heard(struct card *from, struct card *to, bool want)
{
	static uint64_t number = 1ull << 40;

	for (unsigned i = 0; i < LONG_S * 10; i++) {
		struct marker m = { to, number += 2 };
		uint64_t frames = to->frames;

		if (!wait_until(card_answered, from, LONG_S) ||
		    !card_send(from, a_group, number - 1, 60) ||
		    !card_send(from, to->mac, number, 60))
			return bad("%s: no room for frames", from->dev.dir);
		tx_front_push(&from->tx);
		if (!wait_until(marker_came, &m, LONG_S))
			return bad("%s: a frame behind one for a group does not come", to->dev.dir);
		if ((to->frames - frames == 2) == want)
			return true;
		wait_ms(100);
	}
	return bad("%s: a group's frames %s", to->dev.dir, want ? "do not come" : "still come");
}

bool control_groups(struct card *from, struct card *to)
{
	if (!xs_read_number(to->dev.back, "feature-dynamic-multicast-control", 0))
		return bad("%s: no dynamic multicast control", to->dev.dir);
	if (!until_heard(from, to, true))
		return false;
	xs_write(to->dev.dir, "request-multicast-control", "1");
	if (!until_heard(from, to, false) || !tell_group(to, XEN_NETIF_EXTRA_TYPE_MCAST_ADD) ||
	    !until_heard(from, to, true) || !tell_group(to, XEN_NETIF_EXTRA_TYPE_MCAST_DEL) ||
	    !until_heard(from, to, false))
		return false;
	xs_write(to->dev.dir, "request-multicast-control", "0");
	return until_heard(from, to, true);
}
