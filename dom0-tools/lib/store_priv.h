/* SPDX-License-Identifier: BSD-2-Clause */
/* The wire side of the store client: one message out, its answer in. */
#ifndef MICA_LIB_STORE_PRIV_H
#define MICA_LIB_STORE_PRIV_H

#include "lib/store.h"

struct store_event {
	struct store_event *next;
	char *path;			/* followed by the token */
	char *token;
};

#define STORE_OUT_BYTES		8192	/* a batch is sent in pieces of this size */
#define STORE_IN_BYTES		4096
#define STORE_UNANSWERED_MAX	64	/* and waits for answers after so many requests */

struct mica_store {
	int fd;
	char place[64];
	uint32_t next_req;
	uint32_t tx;			/* the open transaction, 0: none */
	struct store_event *first, **last;
	bool one_by_one;		/* it takes one message at each write */
	bool batching;
	int batch_rc;			/* the first failure in the batch */
	uint32_t oldest;		/* request whose answer comes next */
	unsigned unanswered;
	int limit_ms;			/* for an answer; 0: none */
	unsigned late;			/* answers that were given up, and did not come yet */
	uint32_t late_tx;		/* a transaction to be ended after them, 0: none */
	size_t unsent;			/* bytes in out[] */
	char out[STORE_OUT_BYTES];
	size_t in_at, in_end;		/* what was read and not looked at yet */
	char in[STORE_IN_BYTES];
};

struct store_part {
	const void *data;
	size_t bytes;
};

/*
 * Send a request of @n parts and wait for its answer, which the caller frees: always NUL
 * terminated beyond *bytes.  -errno: the daemon's, or of the connection.
 */
int store_call(struct mica_store *s, uint32_t type, const struct store_part *parts, int n,
	       char **answer, size_t *bytes);
/* Send without waiting; the answers come in order, one store_answer() for each. */
int store_send(struct mica_store *s, uint32_t type, const struct store_part *parts, int n);
int store_answer(struct mica_store *s, char **answer, size_t *bytes);
/* Read one message if one comes within @timeout_ms: 1 an event was queued, 0 nothing came. */
int store_poll(struct mica_store *s, int timeout_ms);

#endif
