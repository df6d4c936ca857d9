/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store as a whole: nodes, watches, connections, domains, quotas and the journal, and how a
 * request passes through them.  Single-threaded.
 *
 *	bytes -> sock.c or ring.c -> wire.c (what is asked, may it?) -> ops*.c (do it: tree.c,
 *	txn.c, watch.c) -> conn.c (queue reply and events) -> store_commit()
 *
 * One request is one batch of the journal: changes, queued output of domains, and "this request
 * is done" become true together, by one store of eight bytes.  Only then is anything sent.  So a
 * daemon killed at any instant has either done all of a request or nothing of it, and nobody was
 * told otherwise.
 */
#ifndef STORED_STORE_H
#define STORED_STORE_H

#include <mica/io/xenstore.h>

#include "quota.h"
#include "txn.h"
#include "watch.h"

struct journal;
struct store;
struct domain;

/* A client: a domain's ring or a socket. */
struct conn {
	struct list link;		/* store.conns */
	struct list touched;		/* store.touched: has output of this request */
	unsigned domid;
	bool read_only;
	struct domain *ring;		/* NULL: a socket, which dies with the daemon */
	struct list watches, txns;
	unsigned nwatches, ntxns;
	unsigned owed;			/* watches with an event that found the queue full */
	char *out;			/* bytes not sent yet: out[head] to out[end] */
	size_t head, end, room;
	size_t head_left;		/* of a message sent in part, or 0 */
	size_t logged;			/* ring: bytes from head that the journal knows */
	void (*flush)(struct conn *c);	/* send what can be sent now */
	struct list live;		/* transport: in its list of work */
	bool dead;			/* transport: to be closed */
};

/* What dom.c can ask the machine; the tests have a machine of their own. */
enum dom_state { DOM_GONE, DOM_DYING, DOM_SHUTDOWN, DOM_ALIVE };

struct machine {
	/* The interface page of a domain, or NULL with errno. */
	void *(*map)(struct machine *m, unsigned domid);
	void (*unmap)(struct machine *m, unsigned domid, void *page);
	int (*bind)(struct machine *m, unsigned domid, uint32_t port);	/* local port or -E */
	void (*unbind)(struct machine *m, int port);
	void (*notify)(struct machine *m, int port);
	enum dom_state (*state)(struct machine *m, unsigned domid);
};

struct store {
	struct tree tree;
	struct watches watches;
	struct quotas quotas;
	struct list conns, touched;
	struct domain **domains;	/* by number, 65536 */
	struct domain **ports;		/* by local event channel */
	unsigned nports;
	struct list busy;		/* domains whose ring wants another look */
	struct list bells;		/* domains to be notified at the end of the turn */
	struct journal *journal;	/* NULL: nothing survives (tests) */
	struct machine *machine;	/* NULL: sockets only */
	uint32_t last_tx;
	uint64_t requests, conflicts;
	bool trace;
};

void store_init(struct store *s);
void store_free(struct store *s);

/* wire.c: one whole message.  payload[h->len] exists and may be written. */
void store_request(struct store *s, struct conn *c, const struct xsd_sockmsg *h, char *payload);
/* Make what happened since the last commit true and send it; @from: whose request, or NULL. */
void store_commit(struct store *s, struct conn *from);

/* conn.c */
void conn_init(struct store *s, struct conn *c, unsigned domid);
void conn_reset(struct store *s, struct conn *c);	/* no watches and transactions any more */
void conn_fini(struct store *s, struct conn *c);
void conn_send(struct store *s, struct conn *c, const struct xsd_sockmsg *h, const void *data);
void conn_queue(struct conn *c, const void *data, size_t len);	/* bytes, at the end */
void conn_consume(struct conn *c, size_t n);		/* they are sent */
void conn_event(struct store *s, struct watch *x, const char *path);
void conn_pay_owed(struct store *s, struct conn *c);	/* events that there is room for now */
static inline size_t conn_pending(const struct conn *c) { return c->end - c->head; }
bool conn_choked(const struct store *s, const struct conn *c);	/* take no requests now */

/* Fire watches for a change at @path: readable under @now or @old (either may be NULL). */
void store_fire(struct store *s, const char *path, bool exact, const struct perms *now,
		const struct perms *old);
void store_fire_special(struct store *s, const char *special, unsigned domid);

#endif
