/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who wants to know about which paths.  Pure: it finds the watches that an event concerns, and
 * a callback does the rest.
 *
 * The trie over path components is kept flat: each watched path is one entry of a hash table.
 * An event hashes its path once, from left to right, and looks at the table where a component
 * ends.  So it costs the depth of the path, however many watches there are.
 *
 * A watch belongs to a connection and is named by path and token together.
 */
#ifndef STORED_WATCH_H
#define STORED_WATCH_H

#include "path.h"

#define WATCH_ANY_DEPTH	(-1)

struct conn;

struct watch {
	struct list here;		/* of its path */
	struct list link;		/* of the connection */
	struct conn *conn;
	struct spot *spot;
	int depth;			/* levels below that it wants, or WATCH_ANY_DEPTH */
	uint16_t skip;			/* bytes that events leave out: the path was relative */
	bool owed;			/* an event could not be queued; see conn.c */
	char token[];
};

/* A path that somebody watches. */
struct spot {
	struct hlink hash;
	struct list watches;
	uint16_t path_len;
	char path[];
};

struct watches {
	struct table spots;
	uint32_t count;
};

struct watch *watch_find(const struct watches *w, const struct conn *conn, const char *path,
			 const char *token);
/* There is no such watch yet.  @mine is the connection's list. */
struct watch *watch_add(struct watches *w, struct conn *conn, struct list *mine, const char *path,
			const char *token, int depth, uint16_t skip);
void watch_remove(struct watches *w, struct watch *x);
void watches_free(struct watches *w);

/*
 * Something happened at @path.  Calls @hit for each watch of that path and, unless @exact, of its
 * ancestors whose depth reaches so far down.  @hit must not add or remove watches.
 */
void watch_fire(const struct watches *w, const char *path, size_t len, bool exact,
		void (*hit)(void *arg, struct watch *x, const char *path), void *arg);

#endif
