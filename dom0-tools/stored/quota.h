/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How much one domain may have of everything that it can make grow.  Domain 0 has no limits.
 * A refusal is said once with the domain, the limit and its value; repetitions are counted and
 * said at most every few seconds, so that a guest cannot flood the log either.
 */
#ifndef STORED_QUOTA_H
#define STORED_QUOTA_H

#include "util.h"

enum quota {
	QUOTA_NODES,			/* nodes a domain owns */
	QUOTA_SIZE,			/* bytes of a node's value */
	QUOTA_PERMS,			/* permission entries of a node */
	QUOTA_WATCHES,			/* of a connection */
	QUOTA_TRANSACTIONS,		/* open, of a connection */
	QUOTA_TRANSACTION_NODES,	/* touched by one transaction */
	QUOTA_OUTSTANDING,		/* bytes sent to a domain that it has not fetched */
	QUOTAS
};

struct quota_say {
	uint64_t next_ms;		/* say nothing before */
	uint32_t quiet;			/* refusals not said */
};

struct quotas {
	uint32_t limit[QUOTAS];
	struct quota_say *said[QUOTAS];	/* by domain */
};

void quota_init(struct quotas *q);
void quota_free(struct quotas *q);
const char *quota_name(enum quota which);
/* "nodes=1000": 0 or -EINVAL. */
int quota_set(struct quotas *q, const char *text);

/* Whether a domain may have @have of something; if not, that is logged. */
bool quota_ok(struct quotas *q, enum quota which, unsigned domid, uint64_t have);

#endif
