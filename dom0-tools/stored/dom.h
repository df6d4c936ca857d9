/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains that were introduced, and their rings.
 */
#ifndef STORED_DOM_H
#define STORED_DOM_H

#include "journal.h"
#include "store.h"

struct domain {
	struct conn conn;
	struct store *store;
	uint64_t frame;			/* as introduced; only remembered */
	uint32_t remote_port;
	bool shutdown;			/* seen, and told to who watches @releaseDomain */
	bool broken;			/* its indexes or messages made no sense */
	struct xenstore_domain_interface *page;	/* NULL: not attached (yet) */
	int port;			/* local, or -1 */
	struct list bell;		/* store.bells: to be notified */
	struct slot *slot;
	uint32_t prod;			/* rsp_prod: the slot's, not the page's, is the truth */
	uint32_t start;			/* where the request being received starts */
	uint32_t cons;			/* req_cons */
	uint32_t out_at;		/* replay: index of conn.out's first byte */
};

/* dom.c */
struct domain *domain_find(const struct store *s, unsigned domid);
/* Introduce or re-introduce a domain.  Returns 0 or -E. */
int domain_introduce(struct store *s, unsigned domid, uint64_t frame, uint32_t port);
/* Forget it: ring, watches, transactions, nodes it owns, permissions it was given. */
int domain_release(struct store *s, unsigned domid);
void domain_check_all(struct store *s);		/* VIRQ_DOM_EXC: who died? */
void domain_attach_all(struct store *s);	/* after a restart */
struct domain *domain_new(struct store *s, unsigned domid, uint64_t frame, uint32_t port);
void domain_free(struct store *s, struct domain *d);
void domain_event(struct store *s, int port);	/* its event channel fired */

/* ring.c */
void ring_start(struct domain *d);		/* a domain introduced just now */
void ring_resume(struct domain *d);		/* one that was introduced before the restart */
void ring_work(struct domain *d);		/* take requests, send output */
void ring_flush(struct conn *c);
void ring_bells(struct store *s);		/* at the end of a turn: tell who has news */
/* If the whole queue fits: send it and end the request, without the journal. */
bool ring_finish(struct domain *d);
void ring_done(struct domain *d);		/* the request received is done */

#endif
