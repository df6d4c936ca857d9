/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network card: netif over the ring kit, one event channel for both rings of a queue.
 * With two queues it sends on the first only and receives on both.
 *
 * Frames of ours are numbered and filled from their number and sender, so that a receiver knows
 * a whole one; what else comes (a host's own multicasts) is counted and left alone.  A frame may
 * lie in two slots on its way out and in many on its way in.
 *
 *	0        6        12      14        18         22          30
 *	| to     | from   | type  | sender  | network  | number    | bytes from the number ...
 */
#include "front.h"
#include "../guest/con.h"
#include "../guest/xs.h"
#include "event.h"
#include "mm.h"
#include "print.h"
#include "result.h"

#define HEAD_BYTES	30u
#define FRAME_MOST	1514u
#define TWO_SLOTS	600u		/* longer frames go out in two pieces */

struct head {
	uint8_t to[6], from[6];
	uint16_t type;			/* big-endian */
	uint32_t sender, network;
	uint64_t number;
} __attribute__((packed));

struct card cards[2];
unsigned nr_cards;
unsigned card_queues = 1;

static uint8_t byte_of(const struct head *h, unsigned i)
{
	return (uint8_t)(h->number * 31 + h->sender * 7 + i);
}

/* --- out --- */

static int free_page(struct card *c)
{
	for (int i = 0; i < (int)CARD_TX; i++)
		if (!c->tx_used[i])
			return i;
	return -1;
}

static void put_slot(struct card *c, int page, unsigned offset, unsigned size, unsigned flags)
{
	union tx_request r = { .req = {
		.gref = c->tx_grant[page], .offset = (uint16_t)offset, .size = (uint16_t)size,
		.flags = (uint16_t)flags, .id = (uint16_t)page,
	} };

	c->tx_used[page] = true;
	if (!c->staged)
		ref_give(c->tx_grant[page], c->tx_data[page], GTF_readonly);
	tx_front_put(&c->tx, &r);
}

bool card_send(struct card *c, const uint8_t *to, uint64_t number, unsigned bytes)
{
	bool two = c->sg && bytes > TWO_SLOTS;
	unsigned first = two ? bytes / 3 : bytes;
	int page = free_page(c), rest;
	struct head *h;

	if (tx_front_room(&c->tx) < 2 || page < 0)
		return false;
	c->tx_used[page] = true;
	rest = two ? free_page(c) : page;
	c->tx_used[page] = false;
	if (rest < 0)
		return false;
	h = (struct head *)c->tx_data[page];
	memcpy(h->to, to, 6);
	memcpy(h->from, c->mac, 6);
	h->type = __builtin_bswap16(CARD_TYPE);
	h->sender = c->self;
	h->network = c->network;
	h->number = number;
	for (unsigned i = HEAD_BYTES; i < bytes; i++)
		(i < first ? c->tx_data[page] + i : c->tx_data[rest] + 64 + i - first)[0] =
			(char)byte_of(h, i);
	put_slot(c, page, 0, bytes, two ? NETTXF_more_data : 0);
	if (two)
		put_slot(c, rest, 64, bytes - first, 0);
	return true;
}

bool card_send_raw(struct card *c, const void *frame, unsigned bytes)
{
	int page = free_page(c);

	if (!tx_front_room(&c->tx) || page < 0)
		return false;
	memcpy(c->tx_data[page], frame, bytes);
	put_slot(c, page, 0, bytes, 0);
	return true;
}

static void take_sent(struct card *c)
{
	struct netif_tx_response rsp;

	while (tx_front_take(&c->tx, &rsp) == 1) {
		if (rsp.status == NETIF_RSP_NULL)
			continue;	/* an extra info's */
		if (rsp.id >= CARD_TX || !c->tx_used[rsp.id]) {
			c->strange++;
			continue;
		}
		c->tx_used[rsp.id] = false;
		c->failed += rsp.status != NETIF_RSP_OKAY;
		c->kept += !c->staged && !ref_take(c->tx_grant[rsp.id]);
	}
}

/* --- in --- */

/* Pages of the second queue are never staged. */
static bool stays(const struct card *c, const struct card_in *in)
{
	return c->staged && in == &c->in[0];
}

static void lend(struct card *c, struct card_in *in, unsigned page)
{
	struct netif_rx_request r = { .id = (uint16_t)page, .gref = in->grant[page] };

	if (!stays(c, in))
		ref_give(in->grant[page], in->data[page], 0);
	rx_front_put(&in->ring, &r);
}

static void tcp_came(struct card *c, const struct card_in *in)
{
	c->tcp_port = (unsigned)(uint8_t)in->frame[34] << 8 | (uint8_t)in->frame[35];
	c->tcp_queue = (unsigned)(in - c->in);
	c->tcp_hashed = in->hashed;
	c->tcp_type = in->hash_type;
	c->tcp_hash = in->hash;
}

static void frame_came(struct card *c, const struct card_in *in)
{
	const struct head *h = (const struct head *)in->frame;

	if (in->frame_bytes >= 54 && h->type == __builtin_bswap16(0x0800) && in->frame[23] == 6)
		tcp_came(c, in);
	if (in->frame_bytes < HEAD_BYTES || h->type != __builtin_bswap16(CARD_TYPE)) {
		c->others++;
		return;
	}
	if (h->network != c->network) {
		c->foreign++;
		return;
	}
	for (unsigned i = HEAD_BYTES; i < in->frame_bytes; i++)
		if ((uint8_t)in->frame[i] != byte_of(h, i)) {
			c->wrong++;
			return;
		}
	c->frames++;
	c->last = h->number;
	c->last_bytes = in->frame_bytes;
}

static void extra_came(struct card_in *in, const struct netif_extra_info *x)
{
	in->want_extra = x->flags & XEN_NETIF_EXTRA_FLAG_MORE;
	if (x->type != XEN_NETIF_EXTRA_TYPE_HASH)
		return;
	in->hashed = true;
	in->hash_type = x->u.hash.type;
	memcpy(&in->hash, x->u.hash.value, sizeof(in->hash));
}

static void piece_came(struct card *c, struct card_in *in, const struct netif_rx_response *rsp)
{
	unsigned bytes = rsp->status > 0 ? (unsigned)rsp->status : 0;

	c->refused += !in->want_extra && rsp->status < 0;
	if (in->want_extra) {
		extra_came(in, (const void *)rsp);
	} else if (rsp->offset + bytes > PAGE_BYTES || in->frame_bytes + bytes > sizeof(in->frame)) {
		c->wrong++;
	} else {
		memcpy(in->frame + in->frame_bytes, in->data[in->next] + rsp->offset, bytes);
		in->frame_bytes += bytes;
		in->want_extra = rsp->flags & NETRXF_extra_info;
		in->want_more = rsp->flags & NETRXF_more_data;
	}
	if (in->want_extra || in->want_more)
		return;
	if (in->frame_bytes)
		frame_came(c, in);
	in->frame_bytes = 0;
	in->hashed = false;
}

/* Pages come back in the order they were lent. */
static void take_came(struct card *c, struct card_in *in)
{
	struct netif_rx_response rsp;
	bool some = false;

	while (rx_front_take(&in->ring, &rsp) == 1) {
		if (!in->want_extra && rsp.id != in->next)
			c->strange++;
		c->kept += !stays(c, in) && !ref_take(in->grant[in->next]);
		piece_came(c, in, &rsp);
		lend(c, in, in->next);
		in->next = (in->next + 1) % in->pages;
		some = true;
	}
	if (some)
		rx_front_push(&in->ring);
}

static void card_pump(struct dev *dev)
{
	struct card *c = (struct card *)dev;

	do {
		take_sent(c);
	} while (!tx_front_dead(&c->tx) && tx_front_more(&c->tx));
	for (unsigned i = 0; i < c->queues; i++)
		do {
			take_came(c, &c->in[i]);
		} while (!rx_front_dead(&c->in[i].ring) && rx_front_more(&c->in[i].ring));
}

/* --- the device --- */

bool card_returned(struct card *c)
{
	if (!ref_take(c->tx_ref) || !ref_take(c->tx_second_ref) || !ref_take(c->ctl_ref) ||
	    !ref_take(c->list_ref))
		return false;
	for (unsigned i = 0; i < CARD_TX; i++)
		if (!ref_take(c->tx_grant[i]))
			return false;
	for (unsigned q = 0; q < CARD_QUEUES; q++) {
		if (!ref_take(c->in[q].ref))
			return false;
		for (unsigned i = 0; i < c->in[q].pages; i++)
			if (!ref_take(c->in[q].grant[i]))
				return false;
	}
	return true;
}

static void attach(struct card *c)
{
	struct mica_bell bell = { .ring = port_ring, .port = (uint32_t)c->port };
	struct tx_front unused;

	memset(c->tx_used, 0, sizeof(c->tx_used));
	memset(c->tx_page, 0, PAGE_BYTES);
	memset(c->tx_second, 0, PAGE_BYTES);
	tx_front_attach(&c->tx, c->tx_page, PAGE_BYTES, &bell);
	tx_front_attach(&unused, c->tx_second, PAGE_BYTES, NULL);
	ref_give(c->tx_ref, c->tx_page, 0);
	ref_give(c->tx_second_ref, c->tx_second, 0);
	for (unsigned q = 0; q < c->queues; q++) {
		struct card_in *in = &c->in[q];

		bell.port = (uint32_t)(q ? c->second_port : c->port);
		memset(in->page, 0, PAGE_BYTES);
		rx_front_attach(&in->ring, in->page, PAGE_BYTES, &bell);
		in->next = in->frame_bytes = 0;
		in->want_extra = in->want_more = in->hashed = false;
		ref_give(in->ref, in->page, 0);
		for (unsigned i = 0; i < in->pages; i++)
			lend(c, in, i);
	}
}

static void tell_rings(struct card *c)
{
	const char *dir = c->dev.dir;
	char sub[64];

	xs_write_number(dir, "multi-queue-num-queues", c->queues);
	for (unsigned q = 0; q < c->queues; q++) {
		if (c->queues > 1) {
			text_print(sub, sizeof(sub), "%s/queue-%u", c->dev.dir, q);
			dir = sub;
		}
		xs_write_number(dir, "tx-ring-ref", q ? c->tx_second_ref : c->tx_ref);
		xs_write_number(dir, "rx-ring-ref", c->in[q].ref);
		xs_write_number(dir, "event-channel", (uint64_t)(q ? c->second_port : c->port));
	}
}

static int card_publish(struct dev *dev)
{
	struct card *c = (struct card *)dev;
	int rc;

	if (!card_returned(c))
		return -EAGAIN;
	c->staged = c->met = false;
	c->queues = xs_read_number(dev->back, "multi-queue-max-queues", 1) < card_queues ? 1 :
		card_queues;
	c->port = port_new();
	c->second_port = c->queues > 1 ? port_new() : 0;
	attach(c);
	tell_rings(c);
	rc = control_publish(c);
	xs_write(dev->dir, "request-rx-copy", "1");
	xs_write(dev->dir, "feature-rx-notify", "1");
	xs_write(dev->dir, "request-multicast-control", "0");
	c->sg = xs_read_number(dev->back, "feature-sg", 0);
	xs_write(dev->dir, "feature-sg", c->sg ? "1" : "0");
	xs_write(dev->dir, "feature-no-csum-offload", "1");
	return rc;
}

/*
 * Pages are offered when the back end is connected.  xen-netback loses an event that comes while it
 * binds the channel (its thread ends the interrupt by a number that is not stored yet), and all after it.
 */
static int card_connect(struct dev *dev)
{
	struct card *c = (struct card *)dev;

	for (unsigned q = 0; q < c->queues; q++)
		rx_front_push(&c->in[q].ring);
	return 0;
}

static void card_disconnect(struct dev *dev)
{
	struct card *c = (struct card *)dev;

	if (c->port)
		event_close((unsigned)c->port);
	if (c->second_port)
		event_close((unsigned)c->second_port);
	c->port = c->second_port = 0;
	control_disconnect(c);
	card_returned(c);
}

static const struct dev_kind card_kind = {
	.class = "vif", .eager = true, .publish = card_publish, .connect = card_connect,
	.disconnect = card_disconnect, .pump = card_pump,
};

static void parse_mac(uint8_t *mac, const char *text)
{
	for (unsigned i = 0; i < 12; i++) {
		char d = text[i / 2 * 3 + i % 2];
		int v = d >= '0' && d <= '9' ? d - '0' : (d | 32) - 'a' + 10;

		mac[i / 2] = (uint8_t)(mac[i / 2] << 4 | (v & 15));
	}
}

static void alloc_page(char **page, uint32_t *ref)
{
	*page = page_alloc();
	*ref = ref_new();
}

static void alloc_pages(struct card *c)
{
	alloc_page(&c->tx_page, &c->tx_ref);
	alloc_page(&c->tx_second, &c->tx_second_ref);
	alloc_page(&c->ctl_page, &c->ctl_ref);
	alloc_page(&c->list_page, &c->list_ref);
	for (unsigned i = 0; i < CARD_TX; i++)
		alloc_page(&c->tx_data[i], &c->tx_grant[i]);
	for (unsigned q = 0; q < CARD_QUEUES; q++) {
		struct card_in *in = &c->in[q];

		in->pages = q ? CARD_RX_SECOND : CARD_RX;
		alloc_page(&in->page, &in->ref);
		for (unsigned i = 0; i < in->pages; i++)
			alloc_page(&in->data[i], &in->grant[i]);
	}
}

bool card_open(unsigned handle, uint32_t network)
{
	struct card *c = &cards[nr_cards];
	const char *victim = word("victim");
	char text[24];

	if (nr_cards == 2 || !dev_open(&c->dev, &card_kind, handle))
		return false;
	if (xs_read(c->dev.dir, "mac", text, sizeof(text)) || strlen(text) != 17)
		test_error("%s has no mac", c->dev.dir);
	parse_mac(c->mac, text);
	if (victim && strlen(victim) >= 17)
		parse_mac(c->victim, victim);
	c->network = network;
	c->self = (uint32_t)c->mac[4] << 8 | c->mac[5];
	alloc_pages(c);
	nr_cards++;
	return true;
}

/* --- checks --- */

struct arrival {
	struct card *c;
	uint64_t frames;
	uint64_t number;		/* of the newest; 0: any */
};

static bool arrived(void *ctx)
{
	struct arrival *a = ctx;

	return a->c->frames >= a->frames && (!a->number || a->c->last == a->number);
}

static bool has_room(void *ctx)
{
	struct card *c = ctx;

	return tx_front_room(&c->tx) >= 2 && free_page(c) >= 0;
}

bool card_reaches(struct card *from, struct card *to, unsigned bytes)
{
	static uint64_t number;
	struct arrival a = { to, to->frames + 1, number + 1 };

	wait_until(has_room, from, LONG_S);
	if (!card_send(from, to->mac, ++number, bytes))
		return bad("%s: no room for a frame", from->dev.dir);
	tx_front_push(&from->tx);
	if (!wait_until(arrived, &a, LONG_S))
		return bad("a frame of %u bytes from %s does not come to %s, which has %lu frames, the "
			   "last number %lu of %lu; %lu wrong, %lu foreign, %lu others, %u refused; "
			   "%u failed to be sent", bytes, from->dev.dir, to->dev.dir, to->frames,
			   to->last, number, to->wrong, to->foreign, to->others, to->refused,
			   from->failed);
	if (to->last_bytes < bytes)
		return bad("%s got %u bytes of frame %lu, not %u", to->dev.dir, to->last_bytes,
			   number, bytes);
	return true;
}

/* The first frame after a connection: bridges and xen-netback drop what comes before they are ready. */
static bool meets(struct card *from, struct card *to)
{
	for (unsigned lost = 0; lost < LONG_S; lost++) {
		struct arrival a = { .c = to, .frames = to->frames + 1 };

		wait_until(has_room, from, LONG_S);
		if (!card_send(from, to->mac, 0, 60))
			return bad("%s: no room for a frame", from->dev.dir);
		tx_front_push(&from->tx);
		if (!wait_until(arrived, &a, 1))
			continue;
		if (lost)
			say("%s: %u frames were lost before one came", to->dev.dir, lost);
		return true;
	}
	return bad("no frame from %s comes to %s", from->dev.dir, to->dev.dir);
}

bool card_meet(struct card *a, struct card *b)
{
	if (!a->met || !b->met)
		a->met = b->met = meets(a, b) && meets(b, a);
	return a->met;
}

bool card_clean(const struct card *c)
{
	if (c->wrong || c->foreign || c->strange || c->kept)
		return bad("%s: %lu frames wrong, %lu of another network, %u strange answers, "
			   "%u pages in use after theirs", c->dev.dir, c->wrong, c->foreign,
			   c->strange, c->kept);
	return true;
}

bool card_answered(void *card)
{
	return !tx_front_open(&((struct card *)card)->tx);
}

/* A burst: nothing may be lost while the receiver has pages for all of it. */
static bool burst(struct card *from, struct card *to)
{
	struct arrival a = { .c = to, .frames = to->frames + CARD_TX };

	if (!wait_until(card_answered, from, LONG_S))
		return bad("%s: frames that arrived are not answered", from->dev.dir);
	for (unsigned i = 0; i < CARD_TX; i++)
		if (!card_send(from, to->mac, i, 60 + i))
			return bad("%s: no room for frame %u of a burst", from->dev.dir, i);
	tx_front_push(&from->tx);
	return wait_until(arrived, &a, LONG_S) ? true :
		bad("%u frames at once from %s: %lu do not come", CARD_TX, from->dev.dir,
		    a.frames - to->frames);
}

bool card_check(struct card *a, struct card *b)
{
	static const unsigned sizes[] = { 60, 61, 128, 590, 601, 1000, 1513, FRAME_MOST };
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	const unsigned nr = sizeof(sizes) / sizeof(sizes[0]);
	struct arrival came = { .c = b };
	uint64_t of_a, of_b;

	if (!dev_up(&a->dev) || !dev_up(&b->dev))
		return false;
	of_a = a->frames, of_b = b->frames;
	for (unsigned i = 0; i < nr; i++)
		if (!card_reaches(a, b, sizes[i]) || !card_reaches(b, a, sizes[i]))
			return false;
	if (!burst(a, b) || !burst(b, a))
		return false;
	if (a->frames - of_a != nr + CARD_TX || b->frames - of_b != nr + CARD_TX)
		return bad("a frame came twice");
	came.frames = b->frames + 1;
	wait_until(has_room, a, LONG_S);
	card_send(a, all, 7, 60);
	tx_front_push(&a->tx);
	if (!wait_until(arrived, &came, LONG_S))
		return bad("%s: a broadcast does not come", b->dev.dir);
	return card_clean(a) && card_clean(b);
}
