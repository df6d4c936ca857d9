/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's ring: requests in, replies and events out, over one shared page.
 *
 * The page belongs to the guest, so it is never believed.  Our own two indexes (req_cons,
 * rsp_prod) live in the domain's slot and are only copied to the page; the guest's two are read
 * once per look and must lie within a ring's size of ours.  If not, or if a message is too long,
 * the connection is broken: it is marked so on the page and ignored until the guest asks for a
 * new start (connection = XENSTORE_RECONNECT) or is introduced again.
 *
 * What survives a kill between any two instructions: the slot's `cons` (received so far; the
 * bytes since `start` lie in slot->in) and its `word` of rsp_prod and `start`, each one store.
 *
 *	receive		bytes to slot->in, then slot->cons, then page->req_cons
 *	execute		journal: changes, output, the new start; one commit
 *	send		bytes to the ring, then slot->word, then page->rsp_prod
 *
 * A request that changed nothing and whose reply fits skips the journal: the reply and the fact
 * that it is done are the same store of slot->word.
 *
 * The bell (the event channel) is rung once for all that a turn took from a ring and put on it: a ring
 * of it costs a system call, and on a busy CPU a switch to the guest and back.  A daemon killed before
 * that rings when it starts again.  Guests, too, ring only when they saw us with nothing to do, so
 * before we leave a ring we look at it once more, behind a barrier.
 */
#include "state.h"

#define TURN	8			/* requests of one domain before others have theirs */

#define READ_ONCE(x)	__atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELEASE)

static void commit_word(struct domain *d)
{
	WRITE_ONCE(d->slot->word, (uint64_t)d->start << 32 | d->prod);
}

/* The guest is to look at its ring; it is told at the end of the turn. */
static void notify(struct domain *d)
{
	if (list_empty(&d->bell))
		list_append(&d->store->bells, &d->bell);
}

static void ring_bell(struct domain *d)
{
	if (list_empty(&d->bell))
		return;
	list_remove(&d->bell);
	if (d->port >= 0)
		d->store->machine->notify(d->store->machine, d->port);
}

void ring_bells(struct store *s)
{
	while (!list_empty(&s->bells))
		ring_bell(list_first(&s->bells, struct domain, bell));
}

/* What we wrote to the page is there before what we read from now on was read. */
static void look_again(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void set_broken(struct domain *d, uint32_t why)
{
	if (d->broken)
		return;
	say("domain %u: %s on its ring; ignored until it reconnects", d->conn.domid,
	    why == XENSTORE_ERROR_RINGIDX ? "impossible indexes" : "a message that is too long");
	d->broken = true;
	WRITE_ONCE(d->page->error, why);
	notify(d);
}

/* The page after an introduction or a restart. */
static void publish(struct domain *d)
{
	d->broken = false;
	WRITE_ONCE(d->page->req_cons, d->cons);
	WRITE_ONCE(d->page->rsp_prod, d->prod);
	WRITE_ONCE(d->page->error, XENSTORE_ERROR_NONE);
	WRITE_ONCE(d->page->server_features,
		   XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR);
}

void ring_start(struct domain *d)
{
	d->cons = d->start = READ_ONCE(d->page->req_cons);
	d->prod = READ_ONCE(d->page->rsp_prod);
	WRITE_ONCE(d->slot->cons, d->cons);
	commit_word(d);
	publish(d);
	notify(d);				/* dom0's kernel waits for this */
}

void ring_resume(struct domain *d)
{
	commit_word(d);
	publish(d);
	notify(d);
}

/* The guest's request to begin anew: nothing of the old conversation remains. */
static void reconnect(struct domain *d)
{
	struct conn *c = &d->conn;

	say("domain %u: reconnects", c->domid);
	conn_reset(d->store, c);
	state_reset(d->store, c);
	c->head = c->end = c->head_left = c->logged = 0;
	d->cons = d->start = d->prod = 0;
	/* Introduced anew for the journal too, because its indexes were reset. */
	WRITE_ONCE(d->slot->cons, 0);
	commit_word(d);
	state_introduce(d->store, d);
	state_done(d->store, d);
	store_commit(d->store, NULL);
	publish(d);
	WRITE_ONCE(d->page->req_prod, 0);
	WRITE_ONCE(d->page->rsp_cons, 0);
	WRITE_ONCE(d->page->connection, XENSTORE_CONNECTED);
	notify(d);
}

static uint32_t room_out(struct domain *d)
{
	uint32_t used = d->prod - READ_ONCE(d->page->rsp_cons);

	if (used > XENSTORE_RING_SIZE) {
		set_broken(d, XENSTORE_ERROR_RINGIDX);
		return 0;
	}
	return XENSTORE_RING_SIZE - used;
}

static void copy_out(struct domain *d, const char *from, uint32_t n)
{
	uint32_t at = MASK_XENSTORE_IDX(d->prod), first = XENSTORE_RING_SIZE - at;

	if (first > n)
		first = n;
	memcpy(d->page->rsp + at, from, first);
	memcpy(d->page->rsp, from + first, n - first);
	d->prod += n;
}

/* Put @n bytes of the queue on the ring. */
static void send_bytes(struct domain *d, uint32_t n)
{
	copy_out(d, d->conn.out + d->conn.head, n);
	commit_word(d);
	WRITE_ONCE(d->page->rsp_prod, d->prod);
	conn_consume(&d->conn, n);
	notify(d);
}

void ring_flush(struct conn *c)
{
	struct domain *d = c->ring;
	uint32_t room;

	while (d->page && !d->broken && conn_pending(c)) {
		room = room_out(d);
		if (!room)
			break;
		send_bytes(d, conn_pending(c) < room ? (uint32_t)conn_pending(c) : room);
		look_again();
	}
}

bool ring_finish(struct domain *d)
{
	size_t n = conn_pending(&d->conn);

	if (!d->page || d->broken || n > room_out(d))
		return false;
	d->start = d->cons;
	if (n)
		send_bytes(d, (uint32_t)n);
	else
		commit_word(d);
	return true;
}

void ring_done(struct domain *d)
{
	d->start = d->cons;
}

/* Up to @want bytes into slot->in.  Returns how many there were. */
static uint32_t receive(struct domain *d, uint32_t want)
{
	uint32_t there = READ_ONCE(d->page->req_prod) - d->cons, have = d->cons - d->start;
	uint32_t at = MASK_XENSTORE_IDX(d->cons), first = XENSTORE_RING_SIZE - at;

	if (there > XENSTORE_RING_SIZE) {
		set_broken(d, XENSTORE_ERROR_RINGIDX);
		return 0;
	}
	if (there > want)
		there = want;
	if (!there)
		return 0;
	if (first > there)
		first = there;
	memcpy(d->slot->in + have, d->page->req + at, first);
	memcpy(d->slot->in + have + first, d->page->req, there - first);
	d->cons += there;
	WRITE_ONCE(d->slot->cons, d->cons);
	WRITE_ONCE(d->page->req_cons, d->cons);
	notify(d);				/* there is room for requests */
	return there;
}

/* Whether a whole message lies in slot->in. */
static bool message(struct domain *d, struct xsd_sockmsg *h)
{
	uint32_t have = d->cons - d->start;

	if (have < sizeof(*h))
		have += receive(d, sizeof(*h) - have);
	if (d->broken || have < sizeof(*h))
		return false;
	memcpy(h, d->slot->in, sizeof(*h));
	if (h->len > XENSTORE_PAYLOAD_MAX) {
		set_broken(d, XENSTORE_ERROR_PROTO);
		return false;
	}
	if (have < sizeof(*h) + h->len)
		have += receive(d, (uint32_t)sizeof(*h) + h->len - have);
	return !d->broken && have == sizeof(*h) + h->len;
}

void ring_work(struct domain *d)
{
	struct store *s = d->store;
	struct conn *c = &d->conn;
	struct xsd_sockmsg h;
	unsigned domid = c->domid;

	list_remove(&c->live);
	if (!d->page)
		return;
	if (READ_ONCE(d->page->connection) == XENSTORE_RECONNECT)
		reconnect(d);
	ring_flush(c);
	for (int n = 0; n < TURN && !d->broken && !conn_choked(s, c) && message(d, &h); n++) {
		store_request(s, c, &h, d->slot->in + sizeof(h));
		if (domain_find(s, domid) != d)
			return;			/* it was released */
	}
	conn_pay_owed(s, c);
	store_commit(s, NULL);
	ring_bell(d);
	look_again();
	if (!d->broken && !conn_choked(s, c) && READ_ONCE(d->page->req_prod) != d->cons)
		list_append(&s->busy, &c->live);
}
