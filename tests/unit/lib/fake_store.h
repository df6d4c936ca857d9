/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store small enough to look at, behind a socket: nodes with values and permissions, watches,
 * one transaction at a time (made by copying the tree), introductions.  A thread serves it; a test
 * looks into it and changes it under its lock, and can have it refuse the n-th request.
 */
#ifndef FAKE_STORE_H
#define FAKE_STORE_H

#include <pthread.h>

#include "lib/store.h"

#define FAKE_NODES	1024
#define FAKE_WATCHES	64
#define FAKE_INTRODUCED	16

struct fake_node {
	char *path, *value, *perms;	/* perms as on the wire, with NULs turned into spaces */
};

struct fake_store {
	pthread_mutex_t lock;
	pthread_t thread;
	int fd;				/* the daemon's end */
	struct fake_node nodes[FAKE_NODES], before[FAKE_NODES];
	int nr, nr_before;		/* before: as it was when the transaction began; -1: none */
	struct {
		char *path, *token;
	} watches[FAKE_WATCHES];
	int nr_watches;
	bool introduced[FAKE_INTRODUCED];
	unsigned requests, fail_at;	/* the fail_at-th is refused with fail_with */
	const char *fail_with;		/* "ENOSPC" */
	/* Called under the lock for each change, to play a guest or a backend. */
	void (*on_write)(struct fake_store *f, const char *path, const char *value);
	void *ctx;
};

/* A new one, and a client of it. */
struct fake_store *fake_store_new(struct mica_store **client);
/* After the client was closed. */
void fake_store_free(struct fake_store *f);

/* With the lock held by the caller, or no client in a call. */
const char *fake_store_get(const struct fake_store *f, const char *path);
const char *fake_store_perms(const struct fake_store *f, const char *path);
void fake_store_set(struct fake_store *f, const char *path, const char *value);
void fake_store_rm(struct fake_store *f, const char *path);
/* How many nodes there are. */
int fake_store_count(const struct fake_store *f);

#endif
