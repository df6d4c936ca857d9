/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections as the store sees them: a queue of output, watches, transactions.  How bytes reach
 * the client is the transport's affair (sock.c, ring.c).
 *
 * Memory is bounded although clients may stop reading.  Replies: no request is taken from a
 * client whose queue is long.  Events: one that is in a long queue already is not queued again;
 * and when the queue is full the watch is marked as owed, which costs nothing.  Once the client
 * reads again it gets an event for the watched path itself: it looks, and has missed nothing.
 */
#include <stdio.h>

#include "state.h"

#define SOCKET_OUTSTANDING	(1u << 20)
#define DEDUP_FROM		4096

void conn_init(struct store *s, struct conn *c, unsigned domid)
{
	memset(c, 0, sizeof(*c));
	c->domid = domid;
	list_init(&c->touched);
	list_init(&c->watches);
	list_init(&c->txns);
	list_init(&c->live);
	list_append(&s->conns, &c->link);
}

void conn_reset(struct store *s, struct conn *c)
{
	while (!list_empty(&c->watches))
		watch_remove(&s->watches, list_first(&c->watches, struct watch, link));
	while (!list_empty(&c->txns))
		txn_free(list_first(&c->txns, struct txn, link));
	c->nwatches = c->ntxns = c->owed = 0;
}

void conn_fini(struct store *s, struct conn *c)
{
	conn_reset(s, c);
	list_remove(&c->link);
	list_remove(&c->touched);
	list_remove(&c->live);
	free(c->out);
	c->out = NULL;
}

static size_t outstanding_limit(const struct store *s, const struct conn *c)
{
	return c->ring && c->domid ? s->quotas.limit[QUOTA_OUTSTANDING] : SOCKET_OUTSTANDING;
}

bool conn_choked(const struct store *s, const struct conn *c)
{
	return conn_pending(c) > outstanding_limit(s, c) / 2;
}

void conn_queue(struct conn *c, const void *data, size_t len)
{
	if (c->end + len > c->room && c->head) {
		memmove(c->out, c->out + c->head, c->end - c->head);
		c->end -= c->head;
		c->head = 0;
	}
	if (c->end + len > c->room) {
		c->room = (c->end + len) * 2;
		c->out = xrealloc(c->out, c->room);
	}
	memcpy(c->out + c->end, data, len);
	c->end += len;
}

static size_t message_bytes(const char *at)
{
	struct xsd_sockmsg h;

	memcpy(&h, at, sizeof(h));
	return sizeof(h) + h.len;
}

void conn_consume(struct conn *c, size_t n)
{
	c->logged -= n < c->logged ? n : c->logged;
	while (n) {
		size_t take;

		if (!c->head_left)
			c->head_left = message_bytes(c->out + c->head);
		take = n < c->head_left ? n : c->head_left;
		c->head += take;
		c->head_left -= take;
		n -= take;
	}
	if (c->head != c->end)
		return;
	c->head = c->end = 0;
	if (c->room > 65536) {
		free(c->out);
		c->out = NULL;
		c->room = 0;
	}
}

void conn_send(struct store *s, struct conn *c, const struct xsd_sockmsg *h, const void *data)
{
	conn_queue(c, h, sizeof(*h));
	if (h->len)
		conn_queue(c, data, h->len);
	if (list_empty(&c->touched))
		list_append(&s->touched, &c->touched);
}

/* Whether the same event waits already, not sent even in part. */
static bool event_waits(const struct conn *c, const char *payload, uint32_t len)
{
	size_t at = c->head + c->head_left;

	while (at < c->end) {
		struct xsd_sockmsg h;

		memcpy(&h, c->out + at, sizeof(h));
		if (h.type == XS_WATCH_EVENT && h.len == len &&
		    !memcmp(c->out + at + sizeof(h), payload, len))
			return true;
		at += sizeof(h) + h.len;
	}
	return false;
}

void conn_event(struct store *s, struct watch *x, const char *path)
{
	char payload[XENSTORE_PAYLOAD_MAX];
	struct conn *c = x->conn;
	struct xsd_sockmsg h = { .type = XS_WATCH_EVENT };
	const char *name = path_show(path) + (x->skip < strlen(path) ? x->skip : 0);
	size_t name_room = strlen(name) + 1, token_room = strlen(x->token) + 1;

	if (x->owed || name_room + token_room > sizeof(payload))
		return;
	memcpy(payload, name, name_room);
	memcpy(payload + name_room, x->token, token_room);
	h.len = (uint32_t)(name_room + token_room);
	if (conn_pending(c) > DEDUP_FROM && event_waits(c, payload, h.len))
		return;
	if (conn_pending(c) + sizeof(h) + h.len > outstanding_limit(s, c)) {
		quota_ok(&s->quotas, QUOTA_OUTSTANDING, c->ring ? c->domid : 0,
			 conn_pending(c) + sizeof(h) + h.len);
		x->owed = true;
		c->owed++;
		state_owed(s, x);
		return;
	}
	conn_send(s, c, &h, payload);
}

void conn_pay_owed(struct store *s, struct conn *c)
{
	struct list *l;

	if (!c->owed || conn_choked(s, c))
		return;
	list_each(l, &c->watches) {
		struct watch *x = container(l, struct watch, link);

		if (!x->owed)
			continue;
		x->owed = false;
		c->owed--;
		conn_event(s, x, x->spot->path);
		if (!c->owed || conn_choked(s, c))
			break;
	}
}

struct firing {
	struct store *s;
	const struct perms *now, *old;
};

static void fire_one(void *arg, struct watch *x, const char *path)
{
	struct firing *f = arg;
	unsigned id = x->conn->domid;

	if (!id || (f->now && (perms_may(f->now, id) & MAY_READ)) ||
	    (f->old && (perms_may(f->old, id) & MAY_READ)))
		conn_event(f->s, x, path);
}

void store_fire(struct store *s, const char *path, bool exact, const struct perms *now,
		const struct perms *old)
{
	struct firing f = { s, now, old };

	watch_fire(&s->watches, path, strlen(path), exact, fire_one, &f);
}

struct special {
	struct firing f;
	const char *plain;
};

/* Who did not ask for more than the name itself does not see which domain it is about. */
static void fire_special_one(void *arg, struct watch *x, const char *path)
{
	struct special *sp = arg;

	if (x->depth <= 0 && !strcmp(x->spot->path, sp->plain))
		path = sp->plain;
	fire_one(&sp->f, x, path);
}

static void fire_depth_0(void *arg, struct watch *x, const char *path)
{
	if (x->depth == 0)
		fire_special_one(arg, x, path);
}

void store_fire_special(struct store *s, const char *special, unsigned domid)
{
	struct node *n = tree_find(&s->tree, special, strlen(special));
	struct special sp = { { s, n->perms, NULL }, special };
	char path[64];
	int len = snprintf(path, sizeof(path), "%s/%u", special, domid);

	/* First who asked for depth 0, then everybody else: those the path below reaches. */
	watch_fire(&s->watches, special, strlen(special), true, fire_depth_0, &sp);
	watch_fire(&s->watches, path, (size_t)len, false, fire_special_one, &sp);
}
