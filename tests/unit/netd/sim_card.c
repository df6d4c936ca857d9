/* SPDX-License-Identifier: BSD-2-Clause */
/* See sim_card.h. */
#include <errno.h>
#include <string.h>

#include "sim_card.h"

#define HEAD_BYTES	24u
#define TYPE		0x88b5u

struct head {
	uint8_t to[6], from[6];
	uint8_t type[2], answer, _pad;
	uint64_t number;
} __attribute__((packed));

static struct card *card_of(struct front *f)
{
	return (struct card *)f;
}

static unsigned frame_bytes(uint64_t number)
{
	return 60 + (unsigned)(number * 397 % (CARD_FRAME - 60));
}

static uint8_t byte_of(uint64_t number, unsigned answer, unsigned i)
{
	return (uint8_t)(number * 31 + answer * 101 + i * 7);
}

static void mac_of(uint8_t *mac, unsigned guest)
{
	memcpy(mac, "\x02\x00\x00\x00\x00", 5);
	mac[5] = (uint8_t)(guest + 1);
}

/* --- out --- */

static int free_page(const struct card_queue *q)
{
	for (int i = 0; i < (int)CARD_TX; i++)
		if (!q->tx_busy[i])
			return i;
	return -1;
}

static unsigned room(const struct card_queue *q)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CARD_TX; i++)
		n += !q->tx_busy[i];
	return n;
}

/* Ids are the back end's to echo, so they may be anything: here the reference of another page, which
 * a back end that confuses the two would send. */
static uint16_t id_of(const struct card_queue *q, unsigned page)
{
	return (uint16_t)q->tx_grant[(page + 1) % CARD_TX];
}

static int page_of(const struct card_queue *q, uint16_t id)
{
	for (int i = 0; i < (int)CARD_TX; i++)
		if (id_of(q, (unsigned)i) == id)
			return q->tx_busy[i] ? i : -1;
	return -1;
}

/* In pieces of at most 1400 bytes; false: no room now. */
static bool send(struct card *c, struct card_queue *q, uint64_t number, unsigned answer)
{
	unsigned bytes = frame_bytes(number), done = 0, pieces = (bytes + 1399) / 1400;
	struct head h = { .type = { TYPE >> 8, TYPE & 0xff }, .answer = (uint8_t)answer,
			  .number = number };

	if (room(q) < pieces || nettx_front_room(&q->tx) < pieces)
		return false;
	mac_of(h.to, !c->guest);
	mac_of(h.from, c->guest);
	while (done < bytes) {
		unsigned n = bytes - done < 1400 ? bytes - done : 1400;
		int page = free_page(q);
		uint8_t *at = (uint8_t *)q->tx_data + page * 4096 + 64;
		union nettx_request r = { .req = { .gref = q->tx_grant[page], .offset = 64,
			.size = (uint16_t)(done ? n : bytes), .id = id_of(q, (unsigned)page),
			.flags = done + n < bytes ? NETTXF_more_data : 0 } };

		for (unsigned i = 0; i < n; i++)
			at[i] = byte_of(number, answer, done + i);
		if (!done)
			memcpy(at, &h, HEAD_BYTES);
		q->tx_busy[page] = true;
		q->tx_since_ns[page] = c->front.end.io->ops->now_ns(c->front.end.io);
		nettx_front_put(&q->tx, &r);
		done += n;
	}
	return true;
}

static void take_sent(struct card *c, struct card_queue *q)
{
	struct netif_tx_response rsp;
	int rc;

	while ((rc = nettx_front_take(&q->tx, &rsp)) == 1) {
		int page = page_of(q, rsp.id);

		if (page < 0) {
			echo_broken(&c->front.end, "an answer to a frame that was not sent");
			return;
		}
		q->tx_busy[page] = false;
	}
	if (rc < 0)
		echo_broken(&c->front.end, "the back end's response index is impossible");
}

/* --- in --- */

static void lend(struct card_queue *q, unsigned page)
{
	struct netif_rx_request r = { .id = (uint16_t)page, .gref = q->rx_grant[page] };

	netrx_front_put(&q->rx, &r);
}

static bool as_sent(const uint8_t *frame, unsigned bytes, const struct head *h)
{
	for (unsigned i = HEAD_BYTES; i < bytes; i++)
		if (frame[i] != byte_of(h->number, h->answer, i))
			return false;
	return bytes == frame_bytes(h->number);
}

static void frame_came(struct card *c, struct card_queue *q)
{
	uint8_t mac[6];
	struct head h;

	memcpy(&h, q->frame, sizeof(h));
	mac_of(mac, c->guest);
	if (q->bytes < 60 || memcmp(h.to, mac, 6) || !as_sent(q->frame, q->bytes, &h)) {
		front_wrong(&c->front, "a frame is not as it was sent");
		return;
	}
	if (!h.answer) {
		c->answers += send(c, q, h.number, 1);
		return;
	}
	for (unsigned i = 0; i < CARD_WINDOW; i++)	/* it may come twice */
		if (c->open[i].number == h.number) {
			c->open[i].number = 0;
			c->good++;
			return;
		}
}

static void piece_came(struct card *c, struct card_queue *q, const struct netif_rx_response *rsp)
{
	unsigned page = q->rx_next % CARD_RX;
	const uint8_t *at = (const uint8_t *)q->rx_data[page / 16] + page % 16 * 4096;

	if (rsp->status < 0) {
		q->spoilt = true;
	} else if (rsp->offset + rsp->status > 4096 ||
		   q->bytes + (unsigned)rsp->status > sizeof(q->frame)) {
		echo_broken(&c->front.end, "a piece of a frame is larger than its page");
		return;
	} else {
		memcpy(q->frame + q->bytes, at + rsp->offset, (unsigned)rsp->status);
		q->bytes += (unsigned)rsp->status;
	}
	if (rsp->flags & NETRXF_more_data)
		return;
	if (!q->spoilt)
		frame_came(c, q);
	q->bytes = 0;
	q->spoilt = false;
}

static void take_came(struct card *c, struct card_queue *q)
{
	union netrx_response r;
	int rc;

	while ((rc = netrx_front_take(&q->rx, &r)) == 1 && c->front.end.will == MICA_BUS_UP) {
		if (r.rsp.id != q->rx_next % CARD_RX) {
			echo_broken(&c->front.end, "a page comes back out of order");
			return;
		}
		piece_came(c, q, &r.rsp);
		lend(q, q->rx_next++ % CARD_RX);
	}
	if (rc < 0)
		echo_broken(&c->front.end, "the back end's response index is impossible");
}

/* --- questions --- */

static struct card_queue *queue_of(struct card *c, uint64_t number)
{
	return &c->queue[number % c->queues];
}

static void ask(struct card *c)
{
	for (unsigned i = 0; i < CARD_WINDOW; i++) {
		if (c->open[i].number || c->asked == c->total ||
		    !send(c, queue_of(c, c->asked + 1), c->asked + 1, 0))
			continue;
		c->open[i].number = ++c->asked;
		c->open[i].since_ns = c->front.end.io->ops->now_ns(c->front.end.io);
	}
}

static bool work(struct front *front)
{
	struct card *c = card_of(front);
	const struct echo_end *other = &c->other->front.end;
	bool more;

	do {
		more = false;
		for (uint32_t i = 0; i < c->queues; i++) {
			take_sent(c, &c->queue[i]);
			take_came(c, &c->queue[i]);
		}
		if (front->end.will != MICA_BUS_UP)
			return false;
		ask(c);
		for (uint32_t i = 0; i < c->queues; i++) {
			nettx_front_push(&c->queue[i].tx);
			netrx_front_push(&c->queue[i].rx);
			more |= nettx_front_more(&c->queue[i].tx);
			more |= netrx_front_more(&c->queue[i].rx);
		}
	} while (more);
	/* The other one still needs our answers, unless it has left. */
	return (c->good == c->total || other->will != MICA_BUS_UP) &&
	       (c->other->good == c->other->total || other->will != MICA_BUS_UP);
}

static uint64_t older(uint64_t at, bool there, uint64_t since_ns)
{
	return there && (!at || since_ns < at) ? since_ns : at;
}

/* A question without an answer, or a frame the back end has not taken. */
static uint64_t oldest(const struct front *front)
{
	const struct card *c = (const struct card *)front;
	uint64_t at = 0;

	for (unsigned i = 0; i < CARD_WINDOW; i++)
		at = older(at, c->open[i].number, c->open[i].since_ns);
	for (uint32_t q = 0; q < c->queues; q++)
		for (unsigned i = 0; i < CARD_TX; i++)
			at = older(at, c->queue[q].tx_busy[i], c->queue[q].tx_since_ns[i]);
	return at;
}

/* A network may lose a frame. */
static void kick(struct front *front)
{
	struct card *c = card_of(front);

	for (uint32_t i = 0; i < c->queues; i++) {
		mica_ring_kick(&c->queue[i].tx.end);
		mica_ring_kick(&c->queue[i].rx.end);
	}
	for (unsigned i = 0; i < CARD_WINDOW; i++)
		if (c->open[i].number)
			c->again += send(c, queue_of(c, c->open[i].number), c->open[i].number, 0);
	for (uint32_t i = 0; i < c->queues; i++)
		nettx_front_push(&c->queue[i].tx);
}

/* --- connection --- */

static int put_key(struct card *c, uint32_t queue, const char *name, uint32_t value)
{
	char key[MICA_QUEUES_KEY], text[16];

	snprintf(text, sizeof(text), "%u", value);
	return echo_write(&c->front.end, mica_queue_key(key, c->queues, queue, name, 0, 0), text);
}

static int write_keys(struct echo_end *e, void *ctx)
{
	struct card *c = ctx;
	int rc = 0;

	for (uint32_t i = 0; i < c->queues && !rc; i++) {
		struct card_queue *q = &c->queue[i];

		rc = put_key(c, i, "tx-ring-ref", q->tx_ref);
		rc = rc ? rc : put_key(c, i, "rx-ring-ref", q->rx_ref);
		rc = rc ? rc : put_key(c, i, c->split ? "event-channel-tx" : "event-channel", q->tx_port);
		if (c->split)
			rc = rc ? rc : put_key(c, i, "event-channel-rx", q->rx_port);
	}
	if (!rc && c->queues > 1)
		rc = echo_write(e, "multi-queue-num-queues", "2");
	rc = rc ? rc : echo_write(e, "feature-sg", "1");
	return rc ? rc : echo_write(e, "request-rx-copy", "1");
}

static int open_queue(struct card *c, struct card_queue *q)
{
	struct mica_io *io = c->front.end.io;
	int rc;

	memset(q, 0, sizeof(*q));
	rc = io->ops->lend(io, 0, 1, true, &q->tx_ref, &q->tx_page);
	rc = rc ? rc : io->ops->lend(io, 0, 1, true, &q->rx_ref, &q->rx_page);
	rc = rc ? rc : io->ops->lend(io, 0, CARD_TX, false, q->tx_grant, &q->tx_data);
	for (unsigned i = 0; i < 2 && !rc; i++)
		rc = io->ops->lend(io, 0, 16, true, q->rx_grant + 16 * i, &q->rx_data[i]);
	rc = rc ? rc : io->ops->port_offer(io, 0, &q->tx_port);
	if (!rc && c->split)
		rc = io->ops->port_offer(io, 0, &q->rx_port);
	if (rc)
		return rc;
	q->tx_bell = (struct mica_bell){ .ring = front_bell, .ctx = io, .port = q->tx_port };
	q->rx_bell = (struct mica_bell){ .ring = front_bell, .ctx = io,
					 .port = c->split ? q->rx_port : q->tx_port };
	nettx_front_attach(&q->tx, q->tx_page, 4096, &q->tx_bell);
	netrx_front_attach(&q->rx, q->rx_page, 4096, &q->rx_bell);
	for (unsigned i = 0; i < CARD_RX; i++)
		lend(q, i);
	return 0;
}

static int publish(struct front *front, const char **why)
{
	struct card *c = card_of(front);
	int rc = 0;

	*why = "no pages, or no event channel";
	for (uint32_t i = 0; i < c->queues && !rc; i++)
		rc = open_queue(c, &c->queue[i]);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < c->queues; i++)
		netrx_front_push(&c->queue[i].rx);
	*why = "the store refuses the front end's keys";
	return echo_transaction(&front->end, write_keys, c);
}

static void start(struct front *front)
{
	struct card *c = card_of(front);

	for (unsigned i = 0; i < CARD_WINDOW; i++)
		if (c->open[i].number) {
			c->open[i].since_ns = front->end.io->ops->now_ns(front->end.io);
			send(c, queue_of(c, c->open[i].number), c->open[i].number, 0);
		}
}

static void stop(struct front *front)
{
	struct card *c = card_of(front);
	struct mica_io *io = front->end.io;

	for (uint32_t i = 0; i < c->queues; i++) {
		struct card_queue *q = &c->queue[i];

		if (q->tx_port)
			io->ops->port_close(io, q->tx_port);
		if (q->rx_port)
			io->ops->port_close(io, q->rx_port);
		q->tx_port = q->rx_port = 0;
		front_leave(front, &q->tx_page, 1);
		front_leave(front, &q->rx_page, 1);
		front_leave(front, &q->tx_data, CARD_TX);
		front_leave(front, &q->rx_data[0], 16);
		front_leave(front, &q->rx_data[1], 16);
	}
}

static const struct front_ops ops = {
	.publish = publish, .start = start, .stop = stop, .work = work, .oldest = oldest, .kick = kick,
};

void card_start(struct card *c, struct mica_io *io, const char *kind, unsigned number, unsigned guest,
		uint64_t total, uint64_t seed)
{
	c->guest = guest;
	c->total = total;
	c->queues = 1 + seed / 2 % 2;
	c->split = seed % 4 == 3;
	front_start(&c->front, io, kind, number, &ops);
}
