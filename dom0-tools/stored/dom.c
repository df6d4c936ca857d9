/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Domains come, are seen to stop, and go.
 *
 *	(nothing) --introduce--> introduced --shutdown seen--> shut down --resume--> introduced
 *	                 any of these --dying, vanished or `release`--> (nothing)
 *
 * A dying domain is released at once, because it cannot die while its page is mapped.  With it go
 * the nodes it owns and what it was permitted: the next domain of that number inherits nothing.
 */
#include <errno.h>
#include <stdio.h>

#include "state.h"

struct domain *domain_find(const struct store *s, unsigned domid)
{
	return domid < DOMIDS ? s->domains[domid] : NULL;
}

struct domain *domain_new(struct store *s, unsigned domid, uint64_t frame, uint32_t port)
{
	struct domain *d = xzalloc(sizeof(*d));

	conn_init(s, &d->conn, domid);
	d->conn.ring = d;
	d->conn.flush = ring_flush;
	d->store = s;
	d->frame = frame;
	d->remote_port = port;
	d->port = -1;
	list_init(&d->bell);
	s->domains[domid] = d;
	return d;
}

static void detach(struct store *s, struct domain *d)
{
	if (d->port >= 0) {
		s->machine->unbind(s->machine, d->port);
		s->ports[d->port] = NULL;
	}
	if (d->page)
		s->machine->unmap(s->machine, d->conn.domid, d->page);
	d->port = -1;
	d->page = NULL;
}

void domain_free(struct store *s, struct domain *d)
{
	detach(s, d);
	if (!s->journal)
		free(d->slot);
	s->domains[d->conn.domid] = NULL;
	list_remove(&d->bell);
	conn_fini(s, &d->conn);
	free(d);
}

/* Map the page, bind the port.  0 or -E with nothing held. */
static int attach(struct store *s, struct domain *d)
{
	int port;

	d->page = s->machine->map(s->machine, d->conn.domid);
	if (!d->page) {
		say("domain %u: cannot map its store page: %s", d->conn.domid, strerror(errno));
		return -EINVAL;
	}
	port = s->machine->bind(s->machine, d->conn.domid, d->remote_port);
	if (port < 0) {
		say("domain %u: cannot bind its port %u: %s", d->conn.domid, d->remote_port,
		    strerror(-port));
		detach(s, d);
		return -EINVAL;
	}
	d->port = port;
	if ((unsigned)port >= s->nports) {
		unsigned n = (unsigned)port * 2 + 64;

		s->ports = xrealloc(s->ports, n * sizeof(*s->ports));
		memset(s->ports + s->nports, 0, (n - s->nports) * sizeof(*s->ports));
		s->nports = n;
	}
	s->ports[port] = d;
	return 0;
}

int domain_introduce(struct store *s, unsigned domid, uint64_t frame, uint32_t port)
{
	struct domain *d = domain_find(s, domid);
	enum dom_state state;

	if (!s->machine)
		return -ENOSYS;
	state = s->machine->state(s->machine, domid);
	if (state == DOM_GONE || state == DOM_DYING)
		return -ENOENT;
	if (d) {
		state_release(s, domid);
		domain_free(s, d);
	}
	d = domain_new(s, domid, frame, port);
	d->shutdown = state == DOM_SHUTDOWN;
	d->slot = s->journal ? journal_slot(s->journal, domid) : xzalloc(sizeof(*d->slot));
	if (!d->slot || attach(s, d)) {
		int rc = d->slot ? -EINVAL : -ENOSPC;

		domain_free(s, d);
		return rc;
	}
	ring_start(d);
	state_introduce(s, d);
	store_fire_special(s, PATH_INTRODUCE, domid);
	list_append(&s->busy, &d->conn.live);
	return 0;
}

static void removed(void *arg, struct node *n)
{
	store_fire(arg, n->path, true, NULL, n->perms);
}

/* Remove a subtree as if dom0 had asked. */
static void remove_tree(struct store *s, struct node *n)
{
	state_gone(s, n->path, n->path_len);
	store_fire(s, n->path, false, NULL, n->perms);
	tree_remove(&s->tree, n, removed, s);
}

static bool concerns(const struct node *n, unsigned domid)
{
	return perms_owner(n->perms) == domid || perms_name(n->perms, domid);
}

/* What @domid owned goes; what it was given access to, it loses. */
static void disinherit(struct store *s, unsigned domid)
{
	struct node *root = tree_find(&s->tree, "", 0), *n, *next;

	for (n = root; n; n = next) {
		next = tree_next(root, n);
		if (!concerns(n, domid))
			continue;
		if (perms_owner(n->perms) == domid && n != root) {
			while (next && next->path_len > n->path_len && next->path[n->path_len] == '/' &&
			       !memcmp(next->path, n->path, n->path_len))
				next = tree_next(root, next);
			remove_tree(s, n);
			continue;
		}
		tree_set_perms(&s->tree, n, perms_without(n->perms, domid));
		state_node(s, n);
	}
}

/* Back-end directories that the toolstack leaves behind empty: backend/TYPE/DOMID. */
static void prune_backends(struct store *s, unsigned domid)
{
	static const char top[] = "/local/domain/0/backend";
	struct node *n = tree_find(&s->tree, top, strlen(top)), *dir;
	char path[PATH_ROOM];
	struct list *l;

	if (!n)
		return;
	list_each(l, &n->kids) {
		int len = snprintf(path, sizeof(path), "%s/%u",
				   container(l, struct node, sibling)->path, domid);

		dir = len < (int)sizeof(path) ? tree_find(&s->tree, path, (size_t)len) : NULL;
		if (dir && list_empty(&dir->kids))
			remove_tree(s, dir);
	}
}

int domain_release(struct store *s, unsigned domid)
{
	struct domain *d = domain_find(s, domid);

	if (!d)
		return -ENOENT;
	state_release(s, domid);
	domain_free(s, d);
	disinherit(s, domid);
	prune_backends(s, domid);
	store_fire_special(s, PATH_RELEASE, domid);
	return 0;
}

static void check(struct store *s, struct domain *d)
{
	unsigned domid = d->conn.domid;

	switch (domid ? s->machine->state(s->machine, domid) : DOM_ALIVE) {
	case DOM_GONE:
	case DOM_DYING:
		domain_release(s, domid);
		break;
	case DOM_SHUTDOWN:
		if (d->shutdown)
			break;
		d->shutdown = true;
		state_shutdown(s, d);
		store_fire_special(s, PATH_RELEASE, domid);
		break;
	case DOM_ALIVE:
		break;
	}
}

void domain_check_all(struct store *s)
{
	for (unsigned id = 0; id < DOMIDS; id++)
		if (s->domains[id])
			check(s, s->domains[id]);
	store_commit(s, NULL);
}

void domain_attach_all(struct store *s)
{
	for (unsigned id = 0; id < DOMIDS; id++) {
		struct domain *d = s->domains[id];

		if (!d || d->page)
			continue;
		if (attach(s, d)) {
			if (id)
				domain_release(s, id);
			continue;
		}
		ring_resume(d);
		list_append(&s->busy, &d->conn.live);
	}
	domain_check_all(s);
}

void domain_event(struct store *s, int port)
{
	struct domain *d = (unsigned)port < s->nports ? s->ports[port] : NULL;

	if (d) {
		list_remove(&d->conn.live);
		list_append(&s->busy, &d->conn.live);
	}
}
