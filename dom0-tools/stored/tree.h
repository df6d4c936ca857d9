/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nodes.  A pure data structure: no permissions are checked here, nothing is sent, and the
 * only thing remembered beyond the nodes is how many each domain owns.
 *
 * A node is found by its whole path through one hash table.  It carries three generations, from
 * one counter that never repeats: of its value, of its permissions and of its list of children.
 * A node that does not exist has generation 0 in all three; one that is removed and made again
 * has new ones.  Transactions (txn.c) are nothing but comparisons of these numbers.
 */
#ifndef STORED_TREE_H
#define STORED_TREE_H

#include "perms.h"
#include "path.h"

#define DOMIDS	65536

struct gens {
	uint64_t value;
	uint64_t perms;			/* also: since when it exists */
	uint64_t kids;
};

struct node {
	struct hlink hash;
	struct node *parent;		/* NULL: the root and the special nodes */
	struct list kids, sibling;	/* in the order they were made */
	struct gens gens;
	struct perms *perms;
	char *value;
	uint32_t value_len;
	uint16_t path_len;
	char path[];			/* NUL-terminated, see path.h */
};

struct tree {
	struct table nodes;
	uint64_t gen;			/* the last one given out */
	uint32_t owned[DOMIDS];		/* nodes by owner */
};

/* With the root and the special nodes, owned by domain 0 and closed to all others. */
void tree_init(struct tree *t);
void tree_free(struct tree *t);

struct node *tree_find(const struct tree *t, const char *path, size_t len);

/* The last component of a node's path. */
const char *node_name(const struct node *n);

/* Make a node; its parent exists and it does not.  Takes over the reference to @perms and the
 * memory of @value. */
struct node *tree_add(struct tree *t, const char *path, size_t len, char *value,
		      size_t value_len, struct perms *perms);
void tree_set_value(struct tree *t, struct node *n, char *value, size_t len);
void tree_set_perms(struct tree *t, struct node *n, struct perms *perms);

/* Remove a node and all below it, children first; @gone, if any, sees each just before. */
void tree_remove(struct tree *t, struct node *n, void (*gone)(void *arg, struct node *n), void *arg);

/* Walk: the node after @n in the subtree of @top, parents before their children; NULL: done. */
struct node *tree_next(const struct node *top, struct node *n);

/* Bytes of the reply to `directory`. */
size_t tree_kids_bytes(const struct node *n);

/* Recount everything; returns what is wrong, or NULL.  For tests and the `check` command. */
const char *tree_audit(const struct tree *t);

#endif
