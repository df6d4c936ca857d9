/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Staging grants.  A front end that keeps some pages granted for good names them once over the
 * control ring; they are mapped here, and a piece of a copy between two such pages, or one and
 * dom0's memory, is a memmove() instead of work for the hypervisor.
 *
 *	unknown --ADD--> mapped --DEL, the queue closes, this process ends--> unknown
 *	mapped --the table is full, its port has more than its share, another one adds within its own--> unknown
 *
 * Each page counts for its port, whose share is the table divided by the ports that have pages.
 *
 * The table is only a way to copy faster.  It is asked at the moment of the copy and never
 * before, so nothing points into a page that DEL may unmap; and what it does not know is copied by
 * its grant, which the front end has left in place.  Therefore a successor of this process, whose
 * table is empty, needs nothing from the front end and tells it nothing; nor is one told of a page that
 * it had beyond its share.
 *
 * A page mapped for reading only is never written through its mapping: the hypervisor then says
 * whether the grant allows it.
 */
#include <stdlib.h>
#include <string.h>

#include "netd/net.h"

struct staged {
	struct staged *next;		/* in its bucket */
	struct queue *queue;
	uint8_t *page;
	uint32_t ref;
	domid_t domid;
	bool readonly;
};

static struct staged **bucket(struct net *n, domid_t domid, uint32_t ref)
{
	/* References are small numbers in a row; a domain that picks others slows down itself. */
	return &n->staging.bucket[(ref + domid * 677u) % STAGING_BUCKETS];
}

/* Where it hangs; the end of its bucket when there is none. */
static struct staged **find(struct net *n, const struct queue *q, uint32_t ref)
{
	struct staged **at = bucket(n, q->port->domid, ref);

	while (*at && ((*at)->queue != q || (*at)->ref != ref))
		at = &(*at)->next;
	return at;
}

static void unmap(struct net *n, struct staged **at)
{
	struct staged *s = *at;

	*at = s->next;
	n->io->ops->unmap(n->io, s->page, 1);
	n->staging.pages--;
	s->queue->staged--;
	s->queue->port->staged--;
	free(s);
}

static bool map(struct net *n, struct queue *q, const struct xen_netif_gref *g)
{
	bool readonly = g->flags & XEN_NETIF_CTRLF_GREF_readonly;
	struct staged **at = find(n, q, g->ref), *s;
	void *page;

	if (*at || g->flags & ~XEN_NETIF_CTRLF_GREF_readonly)
		return false;
	s = malloc(sizeof(*s));
	if (!s || n->io->ops->map(n->io, q->port->domid, &g->ref, 1, !readonly, &page)) {
		free(s);
		return false;
	}
	*s = (struct staged){ .queue = q, .page = page, .ref = g->ref, .domid = q->port->domid,
			      .readonly = readonly };
	*at = s;
	n->staging.pages++;
	q->staged++;
	q->port->staged++;
	return true;
}

/* What each port that has pages, and @taker, may keep when they want more than there is. */
static unsigned share_with(const struct net *n, const struct port *taker)
{
	unsigned sharers = 0;

	for (unsigned i = 0; i < SWITCH_PORTS; i++)
		sharers += n->port[i] && (n->port[i]->staged || n->port[i] == taker);
	return STAGING_MOST / (sharers ? sharers : 1);
}

/* There are too many: of the ports that have more than a share, until there are not. */
static void take_back(struct net *n, unsigned share)
{
	for (unsigned i = 0; n->staging.pages > STAGING_MOST && i < STAGING_BUCKETS; i++) {
		struct staged **at = &n->staging.bucket[i];

		while (*at && n->staging.pages > STAGING_MOST)
			if ((*at)->queue->port->staged > share)
				unmap(n, at);
			else
				at = &(*at)->next;
	}
}

bool staging_add(struct net *n, struct queue *q, const struct xen_netif_gref *list,
		 unsigned count)
{
	unsigned done = 0, share = share_with(n, q->port);

	if (q->staged + count > STAGING_QUEUE_MOST)
		return false;
	if (n->staging.pages + count > STAGING_MOST && q->port->staged + count > share)
		return false;
	while (done < count && map(n, q, &list[done]))
		done++;
	if (done == count) {
		take_back(n, share);
		return true;
	}
	while (done--)
		unmap(n, find(n, q, list[done].ref));
	return false;
}

unsigned staging_del(struct net *n, struct queue *q, struct xen_netif_gref *list, unsigned count)
{
	unsigned done = 0;

	for (unsigned i = 0; i < count; i++) {
		struct staged **at = find(n, q, list[i].ref);

		list[i].status = *at ? XEN_NETIF_CTRL_STATUS_SUCCESS :
				       XEN_NETIF_CTRL_STATUS_INVALID_PARAMETER;
		if (!*at)
			continue;
		unmap(n, at);
		done++;
	}
	return done;
}

void staging_forget(struct net *n, struct queue *q)
{
	for (unsigned i = 0; q->staged && i < STAGING_BUCKETS; i++) {
		struct staged **at = &n->staging.bucket[i];

		while (*at)
			if ((*at)->queue == q)
				unmap(n, at);
			else
				at = &(*at)->next;
	}
}

/* The page a side is in, or NULL. */
static const struct staged *look_up(struct net *n, const struct mica_io_side *side,
				    uint32_t bytes, bool write)
{
	const struct staged *s = *bucket(n, side->domid, side->ref);

	if (side->offset + bytes > MICA_IO_PAGE_BYTES)
		return NULL;
	while (s && (s->ref != side->ref || s->domid != side->domid || (write && s->readonly)))
		s = s->next;
	return s;
}

static void count_piece(struct net *n, const struct staged *s)
{
	if (s)
		switch_count(&n->sw, s->queue->port->number, COUNT_staged_pieces, 1);
}

static bool copy_here(struct net *n, struct mica_io_copy *c)
{
	const struct staged *from = NULL, *to = NULL;

	if (!c->from.mem && !(from = look_up(n, &c->from, c->bytes, false)))
		return false;
	if (!c->to.mem && !(to = look_up(n, &c->to, c->bytes, true)))
		return false;
	/* A guest may send from the page it receives into. */
	memmove(to ? to->page + c->to.offset : c->to.mem,
		from ? from->page + c->from.offset : c->from.mem, c->bytes);
	count_piece(n, from);
	count_piece(n, to);
	c->status = 0;
	return true;
}

int staging_copy(struct net *n, struct mica_io_copy *pieces, unsigned count)
{
	static struct mica_io_copy rest[BATCH_PIECES];
	static uint16_t place[BATCH_PIECES];
	unsigned left = 0;
	int rc;

	if (!n->staging.pages)
		return n->io->ops->copy(n->io, pieces, count);
	for (unsigned i = 0; i < count; i++) {
		if (copy_here(n, &pieces[i]))
			continue;
		place[left] = (uint16_t)i;
		rest[left++] = pieces[i];
	}
	rc = left ? n->io->ops->copy(n->io, rest, left) : 0;
	for (unsigned i = 0; i < left; i++)
		pieces[place[i]].status = rest[i].status;
	return rc;
}
