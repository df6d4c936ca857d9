/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store of the simulated world: a tree, watches, and one transaction a domain.
 *
 * A transaction keeps what it read, with the generation it had, and what it would write; the end
 * checks that nothing read has changed since, and otherwise says -EAGAIN.  dom0 may write
 * everywhere, a guest below its own directory.  A watch fires for its path and all below, for
 * every node of a removed tree, and once when it is set.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/sim_priv.h"

/* --- the tree --- */

struct sim_node *store_root(void)
{
	struct sim_node *root = calloc(1, sizeof(*root));

	root->name = strdup("");
	return root;
}

void store_free(struct sim_node *n)
{
	while (n) {
		struct sim_node *next = n->next;

		store_free(n->child);
		free(n->name);
		free(n->value);
		free(n);
		n = next;
	}
}

static struct sim_node *child_of(struct sim_node *n, const char *name, size_t bytes)
{
	for (struct sim_node *c = n->child; c; c = c->next)
		if (!strncmp(c->name, name, bytes) && !c->name[bytes])
			return c;
	return NULL;
}

/* The node at @path; @make: with all that lead to it. */
static struct sim_node *node_at(struct sim *w, const char *path, bool make)
{
	struct sim_node *n = w->root;

	while (n && *path) {
		size_t bytes;
		struct sim_node *c;

		while (*path == '/')
			path++;
		bytes = strcspn(path, "/");
		if (!bytes)
			break;
		c = child_of(n, path, bytes);
		if (!c && make) {
			c = calloc(1, sizeof(*c));
			c->name = strndup(path, bytes);
			c->parent = n;
			c->changed = n->children_changed = ++w->generation;
			c->next = n->child;
			n->child = c;
		}
		n = c;
		path += bytes;
	}
	return n;
}

static bool below(const char *path, const char *top)
{
	size_t n = strlen(top);

	return !strncmp(path, top, n) && (!path[n] || path[n] == '/');
}

static void fire(struct sim *w, const char *path)
{
	for (unsigned i = 0; i < w->doms; i++) {
		struct sim_dom *d = w->dom[i];

		for (unsigned k = 0; k < SIM_WATCHES && d->alive; k++)
			if (d->watch[k].used && below(path, d->watch[k].path))
				watch_fires(d, path, d->watch[k].token);
	}
}

static void put(struct sim *w, const char *path, const char *value)
{
	struct sim_node *n = node_at(w, path, true);
	char *copy = strdup(value);

	free(n->value);
	n->value = copy;
	n->changed = ++w->generation;
	fire(w, path);
}

static void fire_tree(struct sim *w, struct sim_node *n, const char *path)
{
	char full[SIM_PATH];

	fire(w, path);
	for (struct sim_node *c = n->child; c; c = c->next) {
		snprintf(full, sizeof(full), "%.160s/%.90s", path, c->name);
		fire_tree(w, c, full);
	}
}

static int cut(struct sim *w, const char *path)
{
	struct sim_node *n = node_at(w, path, false), **at;

	if (!n || n == w->root)
		return -ENOENT;
	for (at = &n->parent->child; *at != n; at = &(*at)->next)
		;
	*at = n->next;
	n->next = NULL;
	n->parent->children_changed = ++w->generation;
	fire_tree(w, n, path);
	store_free(n);
	return 0;
}

void store_set(struct sim *w, const char *path, const char *value)
{
	sim_trace(w, "store %s = %s", path, value ? value : "(gone)");
	if (value)
		put(w, path, value);
	else
		cut(w, path);
}

const char *store_get(struct sim *w, const char *path)
{
	struct sim_node *n = node_at(w, path, false);

	return n ? n->value : NULL;
}

/* --- transactions --- */

static struct sim_txn_item *note(struct sim_dom *d, const char *path)
{
	size_t n = strlen(path) + 1;
	struct sim_txn_item *item = calloc(1, sizeof(*item) + n), **at = &d->txn;

	memcpy(item->path, path, n);
	while (*at)
		at = &(*at)->next;
	*at = item;
	return item;
}

static uint64_t generation_of(struct sim *w, const char *path, bool children)
{
	struct sim_node *n = node_at(w, path, false);

	return !n ? 0 : children ? n->children_changed : n->changed;
}

static void note_read(struct sim_dom *d, const char *path, bool children)
{
	struct sim_txn_item *item;

	if (!d->in_txn)
		return;
	item = note(d, path);
	item->read = true;
	item->children = children;
	item->seen = generation_of(d->world, path, children);
}

static struct sim_txn_item *written(struct sim_dom *d, const char *path)
{
	struct sim_txn_item *last = NULL;

	for (struct sim_txn_item *i = d->txn; i; i = i->next)
		if (!i->read && (!strcmp(i->path, path) || (!i->value && below(path, i->path))))
			last = i;
	return last;
}

int store_begin(struct sim_dom *d)
{
	if (d->in_txn)
		return -EBUSY;
	d->in_txn = true;
	return 0;
}

int store_end(struct sim_dom *d, bool commit)
{
	struct sim_txn_item *items = d->txn;
	bool stale = false;

	if (!d->in_txn)
		return -ENOENT;
	d->in_txn = false;
	d->txn = NULL;
	for (struct sim_txn_item *i = items; i; i = i->next)
		stale = stale || (i->read &&
			generation_of(d->world, i->path, i->children) != i->seen);
	while (items) {
		struct sim_txn_item *next = items->next;

		if (commit && !stale && !items->read) {
			if (items->value)
				put(d->world, items->path, items->value);
			else
				cut(d->world, items->path);
		}
		free(items->value);
		free(items);
		items = next;
	}
	return commit && stale ? -EAGAIN : 0;
}

void store_drop(struct sim_dom *d)
{
	if (d->in_txn)
		store_end(d, false);
	memset(d->watch, 0, sizeof(d->watch));
}

/* --- what a domain may do --- */

static bool may_write(const struct sim_dom *d, const char *path)
{
	char own[64];

	if (d->id == 0)
		return true;
	snprintf(own, sizeof(own), "/local/domain/%u", d->id);
	return below(path, own);
}

int store_read(struct sim_dom *d, const char *path, char *value, size_t room)
{
	struct sim_txn_item *own = d->in_txn ? written(d, path) : NULL;
	const char *found;

	if (own) {
		found = own->value;
	} else {
		note_read(d, path, false);
		found = store_get(d->world, path);
	}
	if (!found)
		return -ENOENT;
	if (strlen(found) >= room)
		return -ERANGE;
	strcpy(value, found);
	return 0;
}

int store_write(struct sim_dom *d, const char *path, const char *value)
{
	if (!may_write(d, path))
		return -EACCES;
	if (strlen(path) >= SIM_PATH || strlen(value) >= MICA_IO_VALUE_BYTES)
		return -E2BIG;
	if (d->in_txn)
		note(d, path)->value = strdup(value);
	else
		put(d->world, path, value);
	return 0;
}

int store_remove(struct sim_dom *d, const char *path)
{
	if (!may_write(d, path))
		return -EACCES;
	if (!d->in_txn)
		return cut(d->world, path);
	note_read(d, path, false);
	if (!node_at(d->world, path, false) && !written(d, path))
		return -ENOENT;
	note(d, path);
	return 0;
}

int store_list(struct sim_dom *d, const char *path, char *names, size_t room)
{
	struct sim_node *n = node_at(d->world, path, false);
	size_t used = 0;
	int count = 0;

	note_read(d, path, true);
	if (!n)
		return -ENOENT;
	for (struct sim_node *c = n->child; c; c = c->next) {
		size_t bytes = strlen(c->name) + 1;

		if (used + bytes > room)
			return -ERANGE;
		memcpy(names + used, c->name, bytes);
		used += bytes;
		count++;
	}
	return count;
}

int store_watch(struct sim_dom *d, const char *path, const char *token)
{
	struct sim_watch *w = NULL;

	for (unsigned i = 0; i < SIM_WATCHES; i++) {
		if (!d->watch[i].used) {
			w = w ? w : &d->watch[i];
			continue;
		}
		if (!strcmp(d->watch[i].path, path) && !strcmp(d->watch[i].token, token))
			return -EEXIST;
	}
	if (!w || strlen(path) >= sizeof(w->path) || strlen(token) >= sizeof(w->token))
		return -ENOSPC;
	w->used = true;
	strcpy(w->path, path);
	strcpy(w->token, token);
	watch_fires(d, path, token);
	return 0;
}

int store_unwatch(struct sim_dom *d, const char *path, const char *token)
{
	for (unsigned i = 0; i < SIM_WATCHES; i++) {
		struct sim_watch *w = &d->watch[i];
		struct sim_message **at = &d->messages;

		if (!w->used || strcmp(w->path, path) || strcmp(w->token, token))
			continue;
		w->used = false;
		while (*at) {			/* nothing of it comes any more */
			struct sim_message *m = *at;

			if (m->call || strcmp(m->token, token) || !below(m->path, path)) {
				at = &m->next;
				continue;
			}
			*at = m->next;
			free(m);
		}
		return 0;
	}
	return -ENOENT;
}
