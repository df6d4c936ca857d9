/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations on nodes.  Written once against views, so that they mean the same inside and outside
 * a transaction.  Permission first: a domain that may not read a node does not learn whether it
 * exists, unless it may read the closest ancestor that does.
 */
#include <errno.h>
#include <stdio.h>

#include "ops.h"

struct target {
	char path[PATH_ROOM];
	size_t len;
	struct look look;
};

/* A node that is not there: -ENOENT to who may do it to the closest ancestor, else -EACCES. */
static int missing(struct request *r, const struct target *t, unsigned may)
{
	size_t len = t->len;
	struct look up = { .exists = false };

	while (len && !up.exists && t->path[0] == '/') {
		len = path_parent(t->path, len);
		up = view_peek(&r->view, t->path, len);
	}
	if (!r->conn->domid || (up.exists && (perms_may(up.perms, r->conn->domid) & may) == may))
		return -ENOENT;
	return -EACCES;
}

/* Parse the path and look at the node.  0, or why the client may not do @may to it. */
static int find(struct request *r, const char *path, bool special, unsigned may, unsigned saw,
		struct target *t)
{
	int rc = path ? path_parse(t->path, r->conn->domid, path, special) : -EINVAL;

	if (rc)
		return rc;
	t->len = strlen(t->path);
	t->look = view_look(&r->view, t->path, t->len, saw);
	if (!t->look.exists)
		return missing(r, t, may);
	if ((perms_may(t->look.perms, r->conn->domid) & may) != may)
		return -EACCES;
	return 0;
}

static int txn_room(struct request *r, unsigned more)
{
	if (r->view.txn && !quota_ok(&r->s->quotas, QUOTA_TRANSACTION_NODES, r->conn->domid,
				     r->view.txn->count + more))
		return -ENOSPC;
	return 0;
}

/* The whole payload is one string. */
static const char *only_string(const struct request *r)
{
	size_t at = 0;
	const char *s = request_string(r, &at);

	return at == r->len ? s : NULL;
}

static void add_name(void *arg, const char *name)
{
	buf_puts(arg, name);
}

int op_directory(struct request *r)
{
	struct target t;
	int rc = txn_room(r, 1);

	if (!rc)
		rc = find(r, only_string(r), false, MAY_READ, SAW_KIDS, &t);
	if (rc)
		return rc;
	view_kids(&r->view, t.path, t.len, add_name, &r->reply);
	return 0;
}

/* Whole names from a byte offset on, after the generation that tells if the list changed. */
int op_directory_part(struct request *r)
{
	size_t at = 0, n, room;
	const char *path = request_string(r, &at), *from = request_string(r, &at);
	struct buf all = { 0 };
	struct target t;
	struct node *node;
	unsigned long skip;
	int rc = txn_room(r, 1);

	if (rc || !from || at != r->len || *from < '0' || *from > '9')
		return rc ? rc : -EINVAL;
	skip = strtoul(from, NULL, 10);
	rc = find(r, path, false, MAY_READ, SAW_KIDS, &t);
	if (rc)
		return rc;
	node = tree_find(&r->s->tree, t.path, t.len);
	buf_printf(&r->reply, "%llu", node ? (unsigned long long)node->gens.kids : 0ULL);
	buf_put(&r->reply, "", 1);
	view_kids(&r->view, t.path, t.len, add_name, &all);
	room = XENSTORE_PAYLOAD_MAX - r->reply.len - 1;
	if (skip >= all.len) {
		buf_put(&r->reply, "", 1);		/* an empty name: the end */
	} else {
		for (n = all.len - skip; n > room || (n && all.data[skip + n - 1]);)
			n = n > room ? room : n - 1;
		buf_put(&r->reply, all.data + skip, n);
		if (skip + n == all.len)
			buf_put(&r->reply, "", 1);
	}
	buf_free(&all);
	return 0;
}

int op_read(struct request *r)
{
	struct target t;
	int rc = txn_room(r, 1);

	if (!rc)
		rc = find(r, only_string(r), false, MAY_READ, SAW_VALUE, &t);
	if (!rc && t.look.value_len)
		buf_put(&r->reply, t.look.value, t.look.value_len);
	return rc;
}

int op_get_perms(struct request *r)
{
	struct target t;
	int rc = txn_room(r, 1);

	if (!rc)
		rc = find(r, only_string(r), true, MAY_READ, 0, &t);
	if (!rc)
		perms_print(t.look.perms, &r->reply);
	return rc;
}

/* Tell watchers and the journal that a node is new or has another value. */
static void changed(struct request *r, const char *path, size_t len)
{
	struct node *n;

	if (r->view.txn) {
		view_fire(&r->view, path, len);
		return;
	}
	n = tree_find(&r->s->tree, path, len);
	state_node(r->s, n);
	store_fire(r->s, path, false, n->perms, NULL);
}

/* May the client make @t and what is missing above it?  The length of the closest node above that
 * exists goes to *up. */
static int may_make(struct request *r, const struct target *t, size_t *up)
{
	unsigned id = r->conn->domid, count = 0;
	struct look look;
	size_t len = t->len;

	do {
		len = path_parent(t->path, len);
		look = view_look(&r->view, t->path, len, 0);
		count++;
	} while (!look.exists);
	*up = len;
	if (!(perms_may(look.perms, id) & MAY_WRITE))
		return -EACCES;
	if (!quota_ok(&r->s->quotas, QUOTA_NODES, id, (uint64_t)r->s->tree.owned[id] + count +
		      (r->view.txn ? (uint64_t)(int64_t)r->view.txn->made : 0)))
		return -ENOSPC;
	return 0;
}

/* Make @t, and all missing nodes above it.  They get the permissions of the closest node above;
 * what a domain makes it also owns. */
static int make(struct request *r, const struct target *t, const void *value, size_t value_len)
{
	unsigned id = r->conn->domid;
	struct perms *perms;
	struct look above;
	size_t at;
	int rc = may_make(r, t, &at);

	if (rc)
		return rc;
	above = view_look(&r->view, t->path, at, 0);
	perms = id ? perms_with_owner((struct perms *)above.perms, id) :
		     perms_get((struct perms *)above.perms);
	while (at < t->len) {
		const char *slash = strchr(t->path + at + 1, '/');
		size_t end = slash ? (size_t)(slash - t->path) : t->len;
		bool last = end == t->len;

		view_write(&r->view, t->path, end, last ? value : "", last ? value_len : 0,
			   perms_get(perms));
		if (!r->view.txn && !last)
			state_node(r->s, tree_find(&r->s->tree, t->path, end));
		at = end;
	}
	perms_put(perms);
	changed(r, t->path, t->len);
	return 0;
}

/* Find a node for writing.  1: it does not exist, but making it may be tried. */
static int find_or_make(struct request *r, const char *path, struct target *t)
{
	int rc = path ? path_parse(t->path, r->conn->domid, path, false) : -EINVAL;
	unsigned parts = 1;

	for (const char *p = rc ? "" : t->path; *p; p++)
		parts += *p == '/';
	if (!rc)
		rc = txn_room(r, parts);
	if (rc)
		return rc;
	rc = find(r, path, false, MAY_WRITE, SAW_VALUE, t);
	return rc == -ENOENT ? 1 : rc;
}

int op_write(struct request *r)
{
	size_t at = 0;
	const char *path = request_string(r, &at);
	struct target t;
	int rc;

	if (!quota_ok(&r->s->quotas, QUOTA_SIZE, r->conn->domid, path ? r->len - at : 0))
		return -ENOSPC;
	rc = find_or_make(r, path, &t);
	if (rc < 0)
		return rc;
	if (rc) {
		rc = make(r, &t, r->payload + at, r->len - at);
		if (rc)
			return rc;
	} else {
		view_write(&r->view, t.path, t.len, r->payload + at, r->len - at, NULL);
		changed(r, t.path, t.len);
	}
	request_ok(r);
	return 0;
}

int op_mkdir(struct request *r)
{
	struct target t;
	int rc = find_or_make(r, only_string(r), &t);

	if (rc > 0)
		rc = make(r, &t, "", 0);
	if (!rc)
		request_ok(r);
	return rc;
}

struct removal {
	struct store *s;
	const char *top;
};

/* Each node as it goes, children first; below the top only who watches exactly it is told. */
static void removed(void *arg, struct node *n)
{
	struct removal *m = arg;

	store_fire(m->s, n->path, strcmp(m->top, n->path) != 0, NULL, n->perms);
}

int op_rm(struct request *r)
{
	struct target t;
	struct removal m = { r->s, t.path };
	int rc = find(r, only_string(r), false, MAY_WRITE, SAW_VALUE | SAW_KIDS, &t);

	if (!rc && !t.len)
		return -EINVAL;			/* not the root */
	if (rc == -ENOENT && view_look(&r->view, t.path, path_parent(t.path, t.len), 0).exists)
		rc = 1;				/* is gone, as wished */
	if (rc < 0)
		return rc;
	if (!rc) {
		rc = txn_room(r, 1);
		if (rc)
			return rc;
		if (!r->view.txn)
			state_gone(r->s, t.path, t.len);
		view_remove(&r->view, t.path, t.len, removed, &m);
	}
	request_ok(r);
	return 0;
}

int op_set_perms(struct request *r)
{
	size_t at = 0;
	const char *path = request_string(r, &at);
	unsigned id = r->conn->domid, limit = id ? r->s->quotas.limit[QUOTA_PERMS] : 1024;
	struct perm *list = xmalloc((limit + 1) * sizeof(*list));
	struct perms *perms, *old;
	struct target t;
	int rc, n = path ? perms_parse(list, limit, r->payload + at, r->len - at) : -EINVAL;

	rc = n < 0 ? n : txn_room(r, 1);
	if (!rc)
		rc = find(r, path, true, MAY_WRITE | MAY_OWN, SAW_VALUE, &t);
	if (!rc && id && list[0].id != perms_owner(t.look.perms))
		rc = -EPERM;			/* no domain gives a node away */
	if (!rc && !quota_ok(&r->s->quotas, QUOTA_PERMS, id, (uint64_t)n))
		rc = -ENOSPC;
	if (!rc && n > (int)limit)
		rc = -E2BIG;
	if (rc) {
		free(list);
		return rc;
	}
	perms = perms_new(list, (unsigned)n);
	free(list);
	old = perms_get((struct perms *)t.look.perms);
	view_set_perms(&r->view, t.path, t.len, perms);
	if (r->view.txn) {
		view_fire(&r->view, t.path, t.len);
	} else {
		state_node(r->s, tree_find(&r->s->tree, t.path, t.len));
		store_fire(r->s, t.path, false, perms, old);
	}
	perms_put(old);
	request_ok(r);
	return 0;
}
