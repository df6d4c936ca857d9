/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transactions, as an overlay on the tree.  Pure, like tree.c.
 *
 * A transaction remembers, for each node it touched, which generations it relied on (value,
 * permissions and existence, list of children) and what it wants there (nothing, a new state, or
 * removal).  Nothing in the tree changes before the commit.  The commit compares the generations
 * with those of the tree: if one differs, somebody else touched the same thing, and the client
 * has to try again (-EAGAIN); otherwise the wishes are carried out in order, and none can fail.
 *
 * What counts as touching, so that only true conflicts are conflicts:
 *	reading a value			its value; permissions and existence
 *	writing, setting permissions	the same
 *	listing				the list of children; permissions and existence
 *	making a node			that it did not exist; the parent's permissions and existence
 *	removing			everything of it and of all nodes below it
 * So two transactions may make different children of one node, or one may write a node while the
 * other makes a child of it.
 *
 * `struct view` is the tree as seen from inside a transaction, or the bare tree: the operations
 * (ops.c) are written once, against views.
 */
#ifndef STORED_TXN_H
#define STORED_TXN_H

#include "tree.h"

#define SAW_VALUE	1
#define SAW_KIDS	2		/* existence and permissions always count */

enum want { WANT_NOTHING, WANT_NODE, WANT_GONE };
enum fire { FIRE_NOT, FIRE_EXACT, FIRE_BELOW };

/* One touched node. */
struct touch {
	struct hlink hash;
	struct list order;		/* in txn.order */
	struct list sibling;		/* of nodes this transaction makes: in the parent's made */
	struct list made;
	unsigned saw;
	struct gens gens;		/* of the tree when it was first touched */
	enum want want;
	enum fire fire;			/* the watch event its commit causes */
	bool absent;			/* the tree has no such node */
	struct perms *perms;		/* WANT_NODE: the new ones */
	char *value;
	uint32_t value_len;
	uint16_t path_len;
	char path[];
};

struct txn {
	uint32_t id;
	unsigned domid;
	struct list link;		/* of the connection */
	struct table touched;
	struct list order;
	uint32_t count;			/* nodes touched */
	int32_t made;			/* nodes of domid's it makes, less those it removes */
	bool doomed;			/* cannot commit, whatever the generations say */
};

struct view {
	struct tree *tree;
	struct txn *txn;		/* NULL: the tree itself */
};

/* What is at a path. */
struct look {
	bool exists;
	const struct perms *perms;
	const char *value;
	uint32_t value_len;
};

struct txn *txn_new(uint32_t id, unsigned domid);
void txn_free(struct txn *x);

struct look view_look(struct view *v, const char *path, size_t len, unsigned saw);
/* The same without relying on it: to tell ENOENT from EACCES. */
struct look view_peek(struct view *v, const char *path, size_t len);

/* Calls @kid with the name of each child of a node that exists. */
void view_kids(struct view *v, const char *path, size_t len,
	       void (*kid)(void *arg, const char *name), void *arg);

/* Make the node or replace its value (which is copied).  The parent exists.  @perms (a reference
 * that is taken over) only matters when the node is made. */
void view_write(struct view *v, const char *path, size_t len, const void *value, size_t value_len,
		struct perms *perms);
void view_set_perms(struct view *v, const char *path, size_t len, struct perms *perms);

/* Remove a node that exists and all below it; @gone sees each (bare tree only). */
void view_remove(struct view *v, const char *path, size_t len,
		 void (*gone)(void *arg, struct node *n), void *arg);

/* In a transaction: commit is to cause a watch event. */
void view_fire(struct view *v, const char *path, size_t len);

/* 0 if txn_commit() would succeed, else -EAGAIN. */
int txn_check(const struct tree *t, const struct txn *x);

/*
 * Carry it out, after txn_check().  @removed sees each node as it goes, @changed each wish after
 * it came true; @old are the permissions a still existing node had before, or NULL.
 */
struct txn_sink {
	void *arg;
	void (*removed)(void *arg, struct node *n, enum fire fire);
	void (*changed)(void *arg, struct node *n, struct perms *old, enum fire fire);
};
void txn_commit(struct tree *t, struct txn *x, const struct txn_sink *sink);

#endif
