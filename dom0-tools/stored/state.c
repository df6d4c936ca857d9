/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The journal's records; see state.h.  Payloads are a fixed part, then strings without NUL whose
 * lengths the fixed part gives.  state_load.c reads them.
 */
#include "records.h"

static bool off(const struct store *s, const struct conn *c)
{
	return !s->journal || (c && !c->ring);
}

void state_node(struct store *s, const struct node *n)
{
	struct rec_node r = { .value_len = n->value_len, .path_len = n->path_len,
			      .perms = n->perms->n };

	if (off(s, NULL))
		return;
	journal_begin(s->journal, REC_NODE, 0);
	journal_put(s->journal, &r, sizeof(r));
	for (unsigned i = 0; i < n->perms->n; i++) {
		struct rec_perm p = { n->perms->p[i].id, n->perms->p[i].may };

		journal_put(s->journal, &p, sizeof(p));
	}
	journal_put(s->journal, n->path, n->path_len);
	journal_put(s->journal, n->value, n->value_len);
	journal_end(s->journal);
}

void state_gone(struct store *s, const char *path, size_t len)
{
	if (off(s, NULL))
		return;
	journal_begin(s->journal, REC_GONE, 0);
	journal_put(s->journal, path, len);
	journal_end(s->journal);
}

static void domain_record(struct store *s, const struct domain *d, uint8_t type)
{
	struct rec_domain r = { .frame = d->frame, .port = d->remote_port, .shutdown = d->shutdown };

	if (off(s, NULL))
		return;
	journal_begin(s->journal, type, d->conn.domid);
	journal_put(s->journal, &r, sizeof(r));
	journal_end(s->journal);
}

void state_introduce(struct store *s, const struct domain *d)
{
	domain_record(s, d, REC_INTRODUCE);
}

void state_shutdown(struct store *s, const struct domain *d)
{
	domain_record(s, d, REC_SHUTDOWN);
}

static void bare_record(struct store *s, uint8_t type, unsigned domid)
{
	journal_begin(s->journal, type, domid);
	journal_end(s->journal);
}

void state_release(struct store *s, unsigned domid)
{
	if (!off(s, NULL))
		bare_record(s, REC_RELEASE, domid);
}

static void watch_record(struct store *s, const struct watch *x, uint8_t type)
{
	struct rec_watch r = { .depth = x->depth, .skip = x->skip, .path_len = x->spot->path_len,
			       .token_len = (uint16_t)strlen(x->token) };

	if (off(s, x->conn))
		return;
	journal_begin(s->journal, type, x->conn->domid);
	journal_put(s->journal, &r, sizeof(r));
	journal_put(s->journal, x->spot->path, r.path_len);
	journal_put(s->journal, x->token, r.token_len);
	journal_end(s->journal);
}

void state_watch(struct store *s, const struct watch *x)
{
	watch_record(s, x, REC_WATCH);
}

void state_unwatch(struct store *s, const struct watch *x)
{
	watch_record(s, x, REC_UNWATCH);
}

void state_owed(struct store *s, const struct watch *x)
{
	watch_record(s, x, REC_OWED);
}

void state_reset(struct store *s, const struct conn *c)
{
	if (!off(s, c))
		bare_record(s, REC_RESET, c->domid);
}

void state_txn(struct store *s, const struct conn *c, uint32_t id, bool open)
{
	if (off(s, c))
		return;
	journal_begin(s->journal, open ? REC_TXN_OPEN : REC_TXN_SHUT, c->domid);
	journal_put(s->journal, &id, sizeof(id));
	journal_end(s->journal);
}

void state_output(struct store *s, struct conn *c)
{
	size_t known = c->logged, n = conn_pending(c) - known;
	struct rec_output r = { .at = c->ring ? c->ring->prod + (uint32_t)known : 0,
				.head_left = known ? 0 : (uint32_t)c->head_left };

	if (off(s, c) || !n)
		return;
	journal_begin(s->journal, REC_OUTPUT, c->domid);
	journal_put(s->journal, &r, sizeof(r));
	journal_put(s->journal, c->out + c->head + known, n);
	journal_end(s->journal);
	c->logged += n;
}

void state_done(struct store *s, const struct domain *d)
{
	if (off(s, NULL))
		return;
	journal_begin(s->journal, REC_DONE, d->conn.domid);
	journal_put(s->journal, &d->start, sizeof(d->start));
	journal_end(s->journal);
}

static void compact_domain(struct store *s, struct domain *d)
{
	struct list *l;

	state_introduce(s, d);
	list_each(l, &d->conn.watches) {
		struct watch *x = container(l, struct watch, link);

		state_watch(s, x);
		if (x->owed)
			state_owed(s, x);
	}
	list_each(l, &d->conn.txns)
		state_txn(s, &d->conn, container(l, struct txn, link)->id, true);
	d->conn.logged = 0;
	state_output(s, &d->conn);
	state_done(s, d);
}

void state_compact(struct store *s, bool now)
{
	struct journal *j = s->journal, new;
	struct node *root, *n;
	struct list *l;

	if (!j || (!now && j->tail < j->compact_at))
		return;
	if (journal_begin_new(j, &new)) {
		say("no space to compact the journal; it goes on growing");
		j->compact_at = j->tail * 2;
		return;
	}
	s->journal = &new;
	state_node(s, tree_find(&s->tree, PATH_INTRODUCE, strlen(PATH_INTRODUCE)));
	state_node(s, tree_find(&s->tree, PATH_RELEASE, strlen(PATH_RELEASE)));
	root = tree_find(&s->tree, "", 0);
	for (n = root; n; n = tree_next(root, n))
		state_node(s, n);
	list_each(l, &s->conns) {
		struct conn *c = container(l, struct conn, link);

		if (c->ring)
			compact_domain(s, c->ring);
	}
	s->journal = j;
	new.head->gen = s->tree.gen;
	new.head->last_tx = s->last_tx;
	journal_commit(&new);
	journal_replace(j, &new);
}
