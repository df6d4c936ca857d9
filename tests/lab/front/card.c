/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A network card: netif over the ring kit, one event channel for both rings.
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

static void take_sent(struct card *c)
{
	struct netif_tx_response rsp;

	while (tx_front_take(&c->tx, &rsp) == 1) {
		if (rsp.id >= CARD_TX || !c->tx_used[rsp.id]) {
			c->strange++;
			continue;
		}
		c->tx_used[rsp.id] = false;
		c->failed += rsp.status != NETIF_RSP_OKAY;
		c->kept += !ref_take(c->tx_grant[rsp.id]);
	}
}

/* --- in --- */

static void lend(struct card *c, unsigned page)
{
	struct netif_rx_request r = { .id = (uint16_t)page, .gref = c->rx_grant[page] };

	ref_give(c->rx_grant[page], c->rx_data[page], 0);
	rx_front_put(&c->rx, &r);
}

static void frame_came(struct card *c)
{
	struct head *h = (struct head *)c->frame;

	if (c->frame_bytes < HEAD_BYTES || h->type != __builtin_bswap16(CARD_TYPE)) {
		c->others++;
		return;
	}
	if (h->network != c->network) {
		c->foreign++;
		return;
	}
	for (unsigned i = HEAD_BYTES; i < c->frame_bytes; i++)
		if ((uint8_t)c->frame[i] != byte_of(h, i)) {
			c->wrong++;
			return;
		}
	c->frames++;
	c->last = h->number;
	c->last_bytes = c->frame_bytes;
}

static void piece_came(struct card *c, const struct netif_rx_response *rsp)
{
	unsigned bytes = rsp->status > 0 ? (unsigned)rsp->status : 0;

	c->refused += !c->want_extra && rsp->status < 0;
	if (c->want_extra) {
		const struct netif_extra_info *x = (const void *)rsp;

		c->want_extra = x->flags & XEN_NETIF_EXTRA_FLAG_MORE;
	} else if (rsp->offset + bytes > PAGE_BYTES || c->frame_bytes + bytes > sizeof(c->frame)) {
		c->wrong++;
	} else {
		memcpy(c->frame + c->frame_bytes, c->rx_data[c->rx_next] + rsp->offset, bytes);
		c->frame_bytes += bytes;
		c->want_extra = rsp->flags & NETRXF_extra_info;
		c->want_more = rsp->flags & NETRXF_more_data;
	}
	if (c->want_extra || c->want_more)
		return;
	if (c->frame_bytes)
		frame_came(c);
	c->frame_bytes = 0;
}

/* Pages come back in the order they were lent. */
static void take_came(struct card *c)
{
	struct netif_rx_response rsp;
	bool some = false;

	while (rx_front_take(&c->rx, &rsp) == 1) {
		if (!c->want_extra && rsp.id != c->rx_next)
			c->strange++;
		c->kept += !ref_take(c->rx_grant[c->rx_next]);
		piece_came(c, &rsp);
		lend(c, c->rx_next);
		c->rx_next = (c->rx_next + 1) % CARD_RX;
		some = true;
	}
	if (some)
		rx_front_push(&c->rx);
}

static void card_pump(struct dev *dev)
{
	struct card *c = (struct card *)dev;

	do {
		take_sent(c);
		take_came(c);
	} while ((!tx_front_dead(&c->tx) && tx_front_more(&c->tx)) ||
		 (!rx_front_dead(&c->rx) && rx_front_more(&c->rx)));
}

/* --- the device --- */

static int take_all(struct card *c)
{
	if (!ref_take(c->tx_ref) || !ref_take(c->rx_ref))
		return -EAGAIN;
	for (unsigned i = 0; i < CARD_TX; i++)
		if (!ref_take(c->tx_grant[i]))
			return -EAGAIN;
	for (unsigned i = 0; i < CARD_RX; i++)
		if (!ref_take(c->rx_grant[i]))
			return -EAGAIN;
	return 0;
}

static int card_publish(struct dev *dev)
{
	struct card *c = (struct card *)dev;
	struct mica_bell bell = { .ring = port_ring };
	int rc = take_all(c);

	if (rc)
		return rc;
	c->port = port_new();
	bell.port = (uint32_t)c->port;
	memset(c->tx_used, 0, sizeof(c->tx_used));
	memset(c->tx_page, 0, PAGE_BYTES);
	memset(c->rx_page, 0, PAGE_BYTES);
	tx_front_attach(&c->tx, c->tx_page, PAGE_BYTES, &bell);
	rx_front_attach(&c->rx, c->rx_page, PAGE_BYTES, &bell);
	c->rx_next = c->frame_bytes = 0;
	c->want_extra = c->want_more = false;
	ref_give(c->tx_ref, c->tx_page, 0);
	ref_give(c->rx_ref, c->rx_page, 0);
	for (unsigned i = 0; i < CARD_RX; i++)
		lend(c, i);
	rx_front_push(&c->rx);
	xs_write_number(dev->dir, "tx-ring-ref", c->tx_ref);
	xs_write_number(dev->dir, "rx-ring-ref", c->rx_ref);
	xs_write_number(dev->dir, "event-channel", (uint64_t)c->port);
	xs_write(dev->dir, "request-rx-copy", "1");
	xs_write(dev->dir, "feature-rx-notify", "1");
	c->sg = xs_read_number(dev->back, "feature-sg", 0);
	xs_write(dev->dir, "feature-sg", c->sg ? "1" : "0");
	xs_write(dev->dir, "feature-no-csum-offload", "1");
	return 0;
}

static int card_connect(struct dev *dev)
{
	return 0;
}

static void card_disconnect(struct dev *dev)
{
	struct card *c = (struct card *)dev;

	if (c->port)
		event_close((unsigned)c->port);
	c->port = 0;
	take_all(c);
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
	c->tx_page = page_alloc();
	c->rx_page = page_alloc();
	c->tx_ref = ref_new();
	c->rx_ref = ref_new();
	for (unsigned i = 0; i < CARD_TX; i++) {
		c->tx_data[i] = page_alloc();
		c->tx_grant[i] = ref_new();
	}
	for (unsigned i = 0; i < CARD_RX; i++) {
		c->rx_data[i] = page_alloc();
		c->rx_grant[i] = ref_new();
	}
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

bool card_clean(const struct card *c)
{
	if (c->wrong || c->foreign || c->strange || c->kept)
		return bad("%s: %lu frames wrong, %lu of another network, %u strange answers, "
			   "%u pages in use after theirs", c->dev.dir, c->wrong, c->foreign,
			   c->strange, c->kept);
	return true;
}

static bool all_answered(void *ctx)
{
	return !tx_front_open(&((struct card *)ctx)->tx);
}

/* A burst: nothing may be lost while the receiver has pages for all of it. */
static bool burst(struct card *from, struct card *to)
{
	struct arrival a = { .c = to, .frames = to->frames + CARD_TX };

	if (!wait_until(all_answered, from, LONG_S))
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
