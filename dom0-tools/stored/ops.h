/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request on its way.  An operation fills in `reply` and returns 0, or returns -E and has
 * changed nothing.  It never writes to the payload: after a kill the same bytes are read again.
 */
#ifndef STORED_OPS_H
#define STORED_OPS_H

#include "state.h"

struct request {
	struct store *s;
	struct conn *conn;
	const struct xsd_sockmsg *h;
	const char *payload;		/* payload[len] is NUL */
	size_t len;
	struct view view;		/* the tree or the request's transaction */
	struct buf reply;
	bool replied;			/* the operation sent its reply itself */
};

/* wire.c */
void request_reply(struct request *r, const void *data, size_t len);
void request_ok(struct request *r);
/* The string at offset *at of the payload; NULL if it does not end there. */
const char *request_string(const struct request *r, size_t *at);
/* A whole payload of decimal strings, @n of them: 0 or -EINVAL. */
int request_numbers(const struct request *r, uint64_t *out, unsigned n);

/* ops.c: nodes */
int op_directory(struct request *r);
int op_directory_part(struct request *r);
int op_read(struct request *r);
int op_write(struct request *r);
int op_mkdir(struct request *r);
int op_rm(struct request *r);
int op_get_perms(struct request *r);
int op_set_perms(struct request *r);

/* ops_conn.c: watches and transactions */
int op_watch(struct request *r);
int op_unwatch(struct request *r);
int op_reset_watches(struct request *r);
int op_transaction_start(struct request *r);
int op_transaction_end(struct request *r);

/* ops_dom.c: domains */
int op_introduce(struct request *r);
int op_release(struct request *r);
int op_resume(struct request *r);
int op_get_domain_path(struct request *r);
int op_is_introduced(struct request *r);
int op_set_target(struct request *r);
int op_control(struct request *r);

#endif
