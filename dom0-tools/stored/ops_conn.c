/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations on what a connection has: watches and transactions.
 */
#include <errno.h>
#include <stdio.h>

#include "ops.h"

#define TOKEN_MAX	1000		/* with the longest path it still fits into an event */

/* Path, token and, if there is a third string, depth. */
static int parse_watch(struct request *r, char path[PATH_ROOM], const char **token, int *depth)
{
	size_t at = 0;
	const char *name = request_string(r, &at), *levels;
	int rc;

	*token = request_string(r, &at);
	*depth = WATCH_ANY_DEPTH;
	if (!*token)
		return -EINVAL;
	if (at < r->len) {
		char *end;
		unsigned long n;

		levels = request_string(r, &at);
		if (!levels || at != r->len || *levels < '0' || *levels > '9')
			return -EINVAL;
		n = strtoul(levels, &end, 10);
		if (*end || n > XENSTORE_ABS_PATH_MAX)
			return -EINVAL;
		*depth = (int)n;
	}
	rc = path_parse(path, r->conn->domid, name, true);
	if (!rc && strlen(*token) > TOKEN_MAX)
		rc = -E2BIG;
	return rc;
}

/* Registered watches fire at once: the client looks, and has a state to start from. */
int op_watch(struct request *r)
{
	struct conn *c = r->conn;
	char path[PATH_ROOM];
	const char *token;
	struct watch *x;
	uint16_t skip;
	int depth, rc = parse_watch(r, path, &token, &depth);

	if (rc)
		return rc;
	if (watch_find(&r->s->watches, c, path, token))
		return -EEXIST;
	if (!quota_ok(&r->s->quotas, QUOTA_WATCHES, c->domid, c->nwatches + 1))
		return -ENOSPC;
	skip = r->payload[0] == '/' || r->payload[0] == '@' ? 0 : (uint16_t)path_home(c->domid, path);
	x = watch_add(&r->s->watches, c, &c->watches, path, token, depth, skip);
	c->nwatches++;
	state_watch(r->s, x);
	request_ok(r);
	conn_event(r->s, x, path);
	return 0;
}

int op_unwatch(struct request *r)
{
	char path[PATH_ROOM];
	const char *token;
	struct watch *x;
	int depth, rc = parse_watch(r, path, &token, &depth);

	if (rc)
		return rc;
	x = watch_find(&r->s->watches, r->conn, path, token);
	if (!x)
		return -ENOENT;
	state_unwatch(r->s, x);
	r->conn->owed -= x->owed;
	r->conn->nwatches--;
	watch_remove(&r->s->watches, x);
	request_ok(r);
	return 0;
}

int op_reset_watches(struct request *r)
{
	conn_reset(r->s, r->conn);
	state_reset(r->s, r->conn);
	request_ok(r);
	return 0;
}

static bool tx_used(const struct conn *c, uint32_t id)
{
	struct list *l;

	list_each(l, &c->txns)
		if (container(l, struct txn, link)->id == id)
			return true;
	return false;
}

int op_transaction_start(struct request *r)
{
	struct conn *c = r->conn;
	struct txn *x;

	if (r->view.txn)
		return -EBUSY;
	if (!quota_ok(&r->s->quotas, QUOTA_TRANSACTIONS, c->domid, c->ntxns + 1))
		return -ENOSPC;
	do {
		r->s->last_tx = r->s->last_tx < INT32_MAX ? r->s->last_tx + 1 : 1;
	} while (tx_used(c, r->s->last_tx));
	x = txn_new(r->s->last_tx, c->domid);
	list_append(&c->txns, &x->link);
	c->ntxns++;
	state_txn(r->s, c, x->id, true);
	buf_printf(&r->reply, "%u", x->id);
	buf_put(&r->reply, "", 1);
	return 0;
}

static void commit_removed(void *arg, struct node *n, enum fire fire)
{
	struct request *r = arg;

	state_gone(r->s, n->path, n->path_len);
	store_fire(r->s, n->path, fire != FIRE_BELOW, NULL, n->perms);
}

static void commit_changed(void *arg, struct node *n, struct perms *old, enum fire fire)
{
	struct request *r = arg;

	state_node(r->s, n);
	if (fire == FIRE_BELOW)
		store_fire(r->s, n->path, false, n->perms, old);
}

static int commit(struct request *r, struct txn *x)
{
	struct txn_sink sink = { r, commit_removed, commit_changed };
	int rc = txn_check(&r->s->tree, x);

	if (rc) {
		r->s->conflicts++;
		return rc;
	}
	if (!quota_ok(&r->s->quotas, QUOTA_NODES, x->domid,
		      x->made > 0 ? (uint64_t)r->s->tree.owned[x->domid] + (uint64_t)x->made : 0))
		return -ENOSPC;
	txn_commit(&r->s->tree, x, &sink);
	return 0;
}

/* Whatever the outcome, the transaction is over. */
int op_transaction_end(struct request *r)
{
	struct txn *x = r->view.txn;
	int rc = 0;

	if (r->len != 2 || (strcmp(r->payload, "T") && strcmp(r->payload, "F")))
		return -EINVAL;
	if (!x)
		return -ENOENT;
	if (r->payload[0] == 'T')
		rc = commit(r, x);
	state_txn(r->s, r->conn, x->id, false);
	txn_free(x);
	r->conn->ntxns--;
	if (!rc)
		request_ok(r);
	return rc;
}
