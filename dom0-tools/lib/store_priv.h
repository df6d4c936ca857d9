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

struct mica_store {
	int fd;
	char place[64];
	uint32_t next_req;
	uint32_t tx;			/* the open transaction, 0: none */
	struct store_event *first, **last;
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
/* Read one message if one comes within @timeout_ms: 1 an event was queued, 0 nothing came. */
int store_poll(struct mica_store *s, int timeout_ms);

#endif
