/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the journal at start-up.  Records come from this daemon's predecessor, not from guests;
 * they are checked all the same, because a daemon that crashes on its own journal never comes
 * back.  A record that makes no sense ends the start with a message.
 */
#include <errno.h>

#include "records.h"

struct reader {
	const char *at;
	size_t left;
	bool bad;
};

/* The next @n bytes, or NULL. */
static const void *take(struct reader *r, size_t n)
{
	const void *p = r->at;

	if (r->bad || n > r->left) {
		r->bad = true;
		return NULL;
	}
	r->at += n;
	r->left -= n;
	return p;
}

static bool take_string(struct reader *r, char *out, size_t n, size_t room)
{
	const char *p = n < room ? take(r, n) : NULL;

	if (!p)
		return false;
	memcpy(out, p, n);
	out[n] = 0;
	return true;
}

static struct perms *take_perms(struct reader *r, unsigned n)
{
	const struct rec_perm *p = n ? take(r, n * sizeof(*p)) : NULL;
	struct perms *perms;
	struct perm *list;

	if (!p)
		return NULL;
	list = xmalloc(n * sizeof(*list));
	for (unsigned i = 0; i < n; i++)
		list[i] = (struct perm){ p[i].id, (uint8_t)(p[i].may & 3) };
	perms = perms_new(list, n);
	free(list);
	return perms;
}

static int load_node(struct store *s, struct reader *r)
{
	const struct rec_node *h = take(r, sizeof(*h));
	struct perms *perms = h ? take_perms(r, h->perms) : NULL;
	char path[PATH_ROOM];
	const char *value;
	struct node *n;

	if (!perms)
		return -EINVAL;
	value = take_string(r, path, h->path_len, sizeof(path)) ? take(r, h->value_len) : NULL;
	n = value ? tree_find(&s->tree, path, h->path_len) : NULL;
	if (!value || (!n && !tree_find(&s->tree, path, path_parent(path, h->path_len)))) {
		perms_put(perms);
		return -EINVAL;
	}
	if (n) {
		tree_set_value(&s->tree, n, xmemdup(value, h->value_len), h->value_len);
		tree_set_perms(&s->tree, n, perms);
	} else {
		tree_add(&s->tree, path, h->path_len, xmemdup(value, h->value_len), h->value_len, perms);
	}
	return 0;
}

static int load_gone(struct store *s, struct reader *r)
{
	struct node *n = tree_find(&s->tree, r->at, r->left);

	if (!n || !n->parent)
		return -EINVAL;
	tree_remove(&s->tree, n, NULL, NULL);
	return 0;
}

static int load_domain(struct store *s, struct reader *r, unsigned domid, bool introduce)
{
	const struct rec_domain *h = take(r, sizeof(*h));
	struct domain *d = domain_find(s, domid);

	if (!h || (!introduce && !d))
		return -EINVAL;
	if (introduce) {
		if (d)
			domain_free(s, d);
		d = domain_new(s, domid, h->frame, h->port);
		d->slot = s->journal ? journal_slot(s->journal, domid) : NULL;
		if (!d->slot)
			return -EINVAL;
		d->prod = (uint32_t)d->slot->word;
		d->start = (uint32_t)(d->slot->word >> 32);
		d->cons = d->slot->cons;
	}
	d->shutdown = h->shutdown;
	return 0;
}

static int load_watch(struct store *s, struct reader *r, struct domain *d, uint8_t type)
{
	const struct rec_watch *h = take(r, sizeof(*h));
	char path[PATH_ROOM], token[XENSTORE_PAYLOAD_MAX + 1];
	struct watch *x;

	if (!h || !take_string(r, path, h->path_len, sizeof(path)) ||
	    !take_string(r, token, h->token_len, sizeof(token)))
		return -EINVAL;
	x = watch_find(&s->watches, &d->conn, path, token);
	if ((type == REC_WATCH) == !!x)
		return -EINVAL;
	if (type == REC_WATCH) {
		watch_add(&s->watches, &d->conn, &d->conn.watches, path, token, h->depth, h->skip);
		d->conn.nwatches++;
	} else if (type == REC_UNWATCH) {
		d->conn.owed -= x->owed;
		watch_remove(&s->watches, x);
		d->conn.nwatches--;
	} else if (!x->owed) {
		x->owed = true;
		d->conn.owed++;
	}
	return 0;
}

/* A transaction that was open stays open, but all it can do is to be tried again. */
static int load_txn(struct store *s, struct reader *r, struct domain *d, bool open)
{
	const uint32_t *id = take(r, sizeof(*id));
	struct txn *x;
	struct list *l;

	if (!id)
		return -EINVAL;
	if (open) {
		x = txn_new(*id, d->conn.domid);
		x->doomed = true;
		list_append(&d->conn.txns, &x->link);
		d->conn.ntxns++;
		return 0;
	}
	list_each(l, &d->conn.txns) {
		x = container(l, struct txn, link);
		if (x->id == *id) {
			txn_free(x);
			d->conn.ntxns--;
			return 0;
		}
	}
	return -EINVAL;
}

/* Of the output in the journal, drop what had been put on the ring. */
static int load_output(struct reader *r, struct domain *d)
{
	const struct rec_output *h = take(r, sizeof(*h));
	struct conn *c = &d->conn;
	uint32_t sent;

	if (!h)
		return -EINVAL;
	/* A gap: what lies before had been sent, because only then the journal is passed by.  The
	 * slot does not say so if the ring was started anew since. */
	if (d->out_at + (uint32_t)conn_pending(c) != h->at)
		conn_consume(c, conn_pending(c));
	if (!conn_pending(c)) {
		d->out_at = h->at;
		c->head_left = h->head_left;
	}
	conn_queue(c, r->at, r->left);
	sent = d->prod - d->out_at;
	if (sent > conn_pending(c))
		sent = (int32_t)sent < 0 ? 0 : (uint32_t)conn_pending(c);
	conn_consume(c, sent);
	d->out_at += sent;
	c->logged = conn_pending(c);
	return 0;
}

static int load_done(struct reader *r, struct domain *d)
{
	const uint32_t *start = take(r, sizeof(*start));

	if (!start)
		return -EINVAL;
	if ((int32_t)(*start - d->start) > 0)
		d->start = *start;
	return 0;
}

static int load_of_domain(struct store *s, struct reader *r, const struct record *rec)
{
	struct domain *d = domain_find(s, rec->domid);

	if (!d)
		return -EINVAL;
	switch (rec->type) {
	case REC_RELEASE:
		domain_free(s, d);
		return 0;
	case REC_WATCH:
	case REC_UNWATCH:
	case REC_OWED:
		return load_watch(s, r, d, rec->type);
	case REC_RESET:
		conn_reset(s, &d->conn);
		return 0;
	case REC_TXN_OPEN:
	case REC_TXN_SHUT:
		return load_txn(s, r, d, rec->type == REC_TXN_OPEN);
	case REC_OUTPUT:
		return load_output(r, d);
	case REC_DONE:
		return load_done(r, d);
	default:
		return -EINVAL;
	}
}

int state_replay(struct store *s)
{
	struct journal *j = s->journal;
	const struct record *rec;
	size_t at = sizeof(*j->head);

	/* Beyond every number that was ever shown: a restart is not a repetition. */
	if (s->tree.gen < j->head->gen)
		s->tree.gen = j->head->gen;
	s->last_tx = (uint32_t)j->head->last_tx;
	while ((rec = journal_next(j, &at))) {
		struct reader r = { (const char *)(rec + 1), record_payload(rec), false };
		int rc;

		if (rec->type == REC_NODE)
			rc = load_node(s, &r);
		else if (rec->type == REC_GONE)
			rc = load_gone(s, &r);
		else if (rec->type == REC_INTRODUCE || rec->type == REC_SHUTDOWN)
			rc = load_domain(s, &r, rec->domid, rec->type == REC_INTRODUCE);
		else
			rc = load_of_domain(s, &r, rec);
		if (rc) {
			say("journal: record of type %u before byte %zu makes no sense", rec->type, at);
			return rc;
		}
	}
	return at == j->head->used ? 0 : -EINVAL;
}
