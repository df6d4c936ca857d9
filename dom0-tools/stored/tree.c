/* SPDX-License-Identifier: BSD-2-Clause */
/* See tree.h. */
#include "tree.h"

static struct node *node_new(struct tree *t, const char *path, size_t len, char *value,
			     size_t value_len, struct perms *perms)
{
	struct node *n = xmalloc(sizeof(*n) + len + 1);

	memcpy(n->path, path, len);
	n->path[len] = 0;
	n->path_len = (uint16_t)len;
	n->parent = NULL;
	list_init(&n->kids);
	list_init(&n->sibling);
	n->value = value;
	n->value_len = (uint32_t)value_len;
	n->perms = perms;
	n->gens.value = n->gens.perms = n->gens.kids = ++t->gen;
	t->owned[perms_owner(perms)]++;
	table_add(&t->nodes, &n->hash, hash_path(path, len));
	return n;
}

void tree_init(struct tree *t)
{
	static const struct perm closed = { 0, 0 };

	memset(t, 0, sizeof(*t));
	node_new(t, "", 0, NULL, 0, perms_new(&closed, 1));
	node_new(t, PATH_INTRODUCE, strlen(PATH_INTRODUCE), NULL, 0, perms_new(&closed, 1));
	node_new(t, PATH_RELEASE, strlen(PATH_RELEASE), NULL, 0, perms_new(&closed, 1));
}

static void node_free(struct tree *t, struct node *n)
{
	t->owned[perms_owner(n->perms)]--;
	table_remove(&t->nodes, &n->hash);
	perms_put(n->perms);
	free(n->value);
	free(n);
}

void tree_free(struct tree *t)
{
	for (uint32_t i = 0; i < t->nodes.slots; i++)
		while (t->nodes.slot[i])
			node_free(t, container(t->nodes.slot[i], struct node, hash));
	table_free(&t->nodes);
}

struct node *tree_find(const struct tree *t, const char *path, size_t len)
{
	uint32_t hash = hash_path(path, len);
	struct hlink *l;

	for (l = table_chain(&t->nodes, hash); l; l = l->next) {
		struct node *n = container(l, struct node, hash);

		if (l->hash == hash && n->path_len == len && !memcmp(n->path, path, len))
			return n;
	}
	return NULL;
}

const char *node_name(const struct node *n)
{
	return n->path + path_parent(n->path, n->path_len) + 1;
}

struct node *tree_add(struct tree *t, const char *path, size_t len, char *value,
		      size_t value_len, struct perms *perms)
{
	struct node *parent = tree_find(t, path, path_parent(path, len));
	struct node *n = node_new(t, path, len, value, value_len, perms);

	n->parent = parent;
	list_append(&parent->kids, &n->sibling);
	parent->gens.kids = ++t->gen;
	return n;
}

void tree_set_value(struct tree *t, struct node *n, char *value, size_t len)
{
	free(n->value);
	n->value = value;
	n->value_len = (uint32_t)len;
	n->gens.value = ++t->gen;
}

void tree_set_perms(struct tree *t, struct node *n, struct perms *perms)
{
	t->owned[perms_owner(n->perms)]--;
	t->owned[perms_owner(perms)]++;
	perms_put(n->perms);
	n->perms = perms;
	n->gens.perms = ++t->gen;
}

static struct node *deepest_first(struct node *n)
{
	while (!list_empty(&n->kids))
		n = list_first(&n->kids, struct node, sibling);
	return n;
}

void tree_remove(struct tree *t, struct node *top, void (*gone)(void *arg, struct node *n), void *arg)
{
	struct node *n = deepest_first(top), *parent;

	for (;; n = deepest_first(parent)) {
		parent = n->parent;
		if (gone)
			gone(arg, n);
		list_remove(&n->sibling);
		parent->gens.kids = ++t->gen;
		if (n == top)
			break;
		node_free(t, n);
	}
	node_free(t, top);
}

struct node *tree_next(const struct node *top, struct node *n)
{
	if (!list_empty(&n->kids))
		return list_first(&n->kids, struct node, sibling);
	for (; n != top; n = n->parent)
		if (n->sibling.next != &n->parent->kids)
			return container(n->sibling.next, struct node, sibling);
	return NULL;
}

size_t tree_kids_bytes(const struct node *n)
{
	size_t parent = n->path_len + 1, bytes = 0;
	struct list *l;

	list_each(l, &n->kids)		/* the rest of the child's path, and a NUL */
		bytes += container(l, struct node, sibling)->path_len - parent + 1;
	return bytes;
}

const char *tree_audit(const struct tree *t)
{
	uint32_t *owned = xzalloc(sizeof(t->owned)), reached = 2;
	const char *wrong = NULL;
	struct node *root = tree_find(t, "", 0), *n;

	if (!root || root->parent)
		wrong = "there is no root";
	owned[perms_owner(tree_find(t, PATH_INTRODUCE, strlen(PATH_INTRODUCE))->perms)]++;
	owned[perms_owner(tree_find(t, PATH_RELEASE, strlen(PATH_RELEASE))->perms)]++;
	for (n = root; n && !wrong; n = tree_next(root, n)) {
		reached++;
		owned[perms_owner(n->perms)]++;
		if (tree_find(t, n->path, n->path_len) != n)
			wrong = "a node is not found by its path";
		else if (n != root && tree_find(t, n->path, path_parent(n->path, n->path_len)) != n->parent)
			wrong = "a node is not below its parent";
		else if (n->gens.value > t->gen || n->gens.perms > t->gen || n->gens.kids > t->gen)
			wrong = "a generation was not given out";
	}
	if (!wrong && reached != t->nodes.used)
		wrong = "there are nodes that no parent has";
	if (!wrong && memcmp(owned, t->owned, sizeof(t->owned)))
		wrong = "the count of an owner's nodes is wrong";
	free(owned);
	return wrong;
}
