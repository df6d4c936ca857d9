/* SPDX-License-Identifier: BSD-2-Clause */
/* See txn.h. */
#include <errno.h>

#include "txn.h"

struct txn *txn_new(uint32_t id, unsigned domid)
{
	struct txn *x = xzalloc(sizeof(*x));

	x->id = id;
	x->domid = domid;
	list_init(&x->link);
	list_init(&x->order);
	return x;
}

void txn_free(struct txn *x)
{
	struct list *l, *next;

	list_each_safe(l, next, &x->order) {
		struct touch *c = container(l, struct touch, order);

		perms_put(c->perms);
		free(c->value);
		free(c);
	}
	table_free(&x->touched);
	list_remove(&x->link);
	free(x);
}

static struct touch *touch_find(const struct txn *x, const char *path, size_t len)
{
	uint32_t hash = hash_path(path, len);
	struct hlink *l;

	for (l = table_chain(&x->touched, hash); l; l = l->next) {
		struct touch *c = container(l, struct touch, hash);

		if (l->hash == hash && c->path_len == len && !memcmp(c->path, path, len))
			return c;
	}
	return NULL;
}

/* A touched node may have changed since; the commit would find out.  But not if it was absent,
 * came and went again: so what was seen in between must not become true. */
static void notice_return(struct view *v, const struct touch *c)
{
	if (c->absent && tree_find(v->tree, c->path, c->path_len))
		v->txn->doomed = true;
}

/* Touch a node; the generations are those of the first touch. */
static struct touch *touch(struct view *v, const char *path, size_t len, unsigned saw)
{
	struct touch *c = touch_find(v->txn, path, len);
	struct node *n;

	if (c) {
		c->saw |= saw;
		notice_return(v, c);
		return c;
	}
	c = xzalloc(sizeof(*c) + len + 1);
	memcpy(c->path, path, len);
	c->path_len = (uint16_t)len;
	list_init(&c->sibling);
	list_init(&c->made);
	n = tree_find(v->tree, path, len);
	if (n)
		c->gens = n->gens;
	c->absent = !n;
	c->saw = saw;
	list_append(&v->txn->order, &c->order);
	table_add(&v->txn->touched, &c->hash, hash_path(path, len));
	v->txn->count++;
	return c;
}

static struct look look_node(const struct node *n)
{
	if (!n)
		return (struct look){ .exists = false };
	return (struct look){ true, n->perms, n->value, n->value_len };
}

static struct look look_touch(struct view *v, const struct touch *c)
{
	if (c->want == WANT_GONE)
		return (struct look){ .exists = false };
	if (c->want == WANT_NODE)
		return (struct look){ true, c->perms, c->value, c->value_len };
	return look_node(tree_find(v->tree, c->path, c->path_len));
}

struct look view_look(struct view *v, const char *path, size_t len, unsigned saw)
{
	if (!v->txn)
		return look_node(tree_find(v->tree, path, len));
	return look_touch(v, touch(v, path, len, saw));
}

struct look view_peek(struct view *v, const char *path, size_t len)
{
	struct touch *c = v->txn ? touch_find(v->txn, path, len) : NULL;

	return c ? look_touch(v, c) : look_node(tree_find(v->tree, path, len));
}

void view_kids(struct view *v, const char *path, size_t len,
	       void (*kid)(void *arg, const char *name), void *arg)
{
	struct node *n = tree_find(v->tree, path, len);
	struct touch *c = v->txn ? touch(v, path, len, SAW_KIDS) : NULL;
	struct list *l;

	if (n) {
		list_each(l, &n->kids) {
			struct node *k = container(l, struct node, sibling);
			struct touch *over = c ? touch_find(v->txn, k->path, k->path_len) : NULL;

			if (over)
				notice_return(v, over);
			/* One that is both here and in made is reported from there. */
			if (!over || (over->want != WANT_GONE && list_empty(&over->sibling)))
				kid(arg, node_name(k));
		}
	}
	if (c)
		list_each(l, &c->made) {
			struct touch *k = container(l, struct touch, sibling);

			kid(arg, k->path + len + 1);
		}
}

static void touch_own(struct txn *x, const struct perms *p, int change)
{
	if (perms_owner(p) == x->domid)
		x->made += change;
}

/* From now on the transaction wants a node here that has a value of its own. */
static void want_node(struct view *v, struct touch *c, struct perms *made_perms)
{
	struct look now = look_touch(v, c);

	if (!now.exists) {
		if (c->absent) {
			struct touch *parent = touch(v, c->path, path_parent(c->path, c->path_len), 0);

			list_append(&parent->made, &c->sibling);
		}
		touch_own(v->txn, made_perms, 1);
	}
	if (c->want == WANT_NODE)
		return;
	perms_put(c->perms);
	c->perms = now.exists ? perms_get((struct perms *)now.perms) : perms_get(made_perms);
	free(c->value);
	c->value = now.exists ? xmemdup(now.value, now.value_len) : NULL;
	c->value_len = now.exists ? now.value_len : 0;
	c->want = WANT_NODE;
	list_remove(&c->order);			/* parents come before what is made in them */
	list_append(&v->txn->order, &c->order);
}

void view_write(struct view *v, const char *path, size_t len, const void *value, size_t value_len,
		struct perms *perms)
{
	if (v->txn) {
		struct touch *c = touch(v, path, len, SAW_VALUE);

		want_node(v, c, perms);
		perms_put(perms);
		free(c->value);
		c->value = xmemdup(value, value_len);
		c->value_len = (uint32_t)value_len;
	} else {
		struct node *n = tree_find(v->tree, path, len);

		if (n) {
			tree_set_value(v->tree, n, xmemdup(value, value_len), value_len);
			perms_put(perms);
		} else {
			tree_add(v->tree, path, len, xmemdup(value, value_len), value_len, perms);
		}
	}
}

void view_set_perms(struct view *v, const char *path, size_t len, struct perms *perms)
{
	struct touch *c;

	if (!v->txn) {
		tree_set_perms(v->tree, tree_find(v->tree, path, len), perms);
		return;
	}
	c = touch(v, path, len, SAW_VALUE);
	want_node(v, c, perms);
	touch_own(v->txn, c->perms, -1);
	touch_own(v->txn, perms, 1);
	perms_put(c->perms);
	c->perms = perms;
}

static void want_gone(struct view *v, struct touch *c, enum fire fire)
{
	struct look now = look_touch(v, c);

	if (!now.exists)
		return;
	touch_own(v->txn, now.perms, -1);
	c->saw |= SAW_VALUE | SAW_KIDS;
	c->want = WANT_GONE;
	if (c->fire < fire)
		c->fire = fire;
	list_remove(&c->sibling);
}

/* What this transaction made below @c, made nodes of made nodes included. */
static void made_gone(struct view *v, struct touch *c)
{
	while (!list_empty(&c->made)) {
		struct touch *k = list_first(&c->made, struct touch, sibling);

		while (!list_empty(&k->made))
			k = list_first(&k->made, struct touch, sibling);
		want_gone(v, k, FIRE_EXACT);
	}
}

void view_remove(struct view *v, const char *path, size_t len,
		 void (*gone)(void *arg, struct node *n), void *arg)
{
	struct node *top = tree_find(v->tree, path, len), *n;
	struct touch *c;

	if (!v->txn) {
		tree_remove(v->tree, top, gone, arg);
		return;
	}
	for (n = top; n; n = tree_next(top, n)) {
		c = touch(v, n->path, n->path_len, SAW_VALUE | SAW_KIDS);
		made_gone(v, c);
		want_gone(v, c, n == top ? FIRE_BELOW : FIRE_EXACT);
	}
	c = touch(v, path, len, SAW_VALUE | SAW_KIDS);
	made_gone(v, c);
	want_gone(v, c, FIRE_BELOW);
}

void view_fire(struct view *v, const char *path, size_t len)
{
	touch(v, path, len, 0)->fire = FIRE_BELOW;
}

int txn_check(const struct tree *t, const struct txn *x)
{
	static const struct gens none;
	struct list *l;

	if (x->doomed)
		return -EAGAIN;
	list_each(l, &x->order) {
		struct touch *c = container(l, struct touch, order);
		struct node *n = tree_find(t, c->path, c->path_len);
		const struct gens *now = n ? &n->gens : &none;

		if (now->perms != c->gens.perms ||
		    ((c->saw & SAW_VALUE) && now->value != c->gens.value) ||
		    ((c->saw & SAW_KIDS) && now->kids != c->gens.kids))
			return -EAGAIN;
	}
	return 0;
}

struct removal {
	struct txn *txn;
	const struct txn_sink *sink;
};

static void commit_removed(void *arg, struct node *n)
{
	struct removal *r = arg;
	struct touch *c = touch_find(r->txn, n->path, n->path_len);

	r->sink->removed(r->sink->arg, n, c ? c->fire : FIRE_EXACT);
}

static void commit_node(struct tree *t, struct touch *c, const struct txn_sink *sink)
{
	struct node *n = tree_find(t, c->path, c->path_len);
	struct perms *old = NULL;

	if (!n) {
		n = tree_add(t, c->path, c->path_len, c->value, c->value_len, c->perms);
	} else {
		old = perms_get(n->perms);
		tree_set_value(t, n, c->value, c->value_len);
		if (n->perms != c->perms)
			tree_set_perms(t, n, c->perms);
		else
			perms_put(c->perms);
	}
	c->value = NULL;
	c->perms = NULL;
	sink->changed(sink->arg, n, old, c->fire);
	perms_put(old);
}

void txn_commit(struct tree *t, struct txn *x, const struct txn_sink *sink)
{
	struct removal r = { x, sink };
	struct list *l;

	/* Removals first: what is wanted below a removed node was wanted after its removal, so the
	 * node itself is wanted again and not among these. */
	list_each(l, &x->order) {
		struct touch *c = container(l, struct touch, order);
		struct node *n = c->want == WANT_GONE ? tree_find(t, c->path, c->path_len) : NULL;

		if (n)
			tree_remove(t, n, commit_removed, &r);
	}
	list_each(l, &x->order) {
		struct touch *c = container(l, struct touch, order);

		if (c->want == WANT_NODE)
			commit_node(t, c, sink);
	}
}
