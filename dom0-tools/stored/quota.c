/* SPDX-License-Identifier: BSD-2-Clause */
/* See quota.h. */
#include <errno.h>

#include "quota.h"

#define SAY_EVERY_MS	5000
#define QUOTA_DOMIDS	65536

static const struct {
	const char *name;
	uint32_t limit;
} kinds[QUOTAS] = {
	[QUOTA_NODES] = { "nodes", 1000 },
	[QUOTA_SIZE] = { "size", 2048 },
	[QUOTA_PERMS] = { "perms", 5 },
	[QUOTA_WATCHES] = { "watches", 128 },
	[QUOTA_TRANSACTIONS] = { "transactions", 10 },
	[QUOTA_TRANSACTION_NODES] = { "transaction-nodes", 1024 },
	[QUOTA_OUTSTANDING] = { "outstanding", 65536 },
};

void quota_init(struct quotas *q)
{
	memset(q, 0, sizeof(*q));
	for (int i = 0; i < QUOTAS; i++)
		q->limit[i] = kinds[i].limit;
}

void quota_free(struct quotas *q)
{
	for (int i = 0; i < QUOTAS; i++)
		free(q->said[i]);
}

const char *quota_name(enum quota which)
{
	return kinds[which].name;
}

int quota_set(struct quotas *q, const char *text)
{
	const char *is = strchr(text, '=');
	unsigned long n;
	char *end;

	if (!is || is[1] < '0' || is[1] > '9')
		return -EINVAL;
	n = strtoul(is + 1, &end, 10);
	if (*end || n > 1u << 30)
		return -EINVAL;
	for (int i = 0; i < QUOTAS; i++) {
		if (strlen(kinds[i].name) == (size_t)(is - text) &&
		    !memcmp(kinds[i].name, text, (size_t)(is - text))) {
			q->limit[i] = (uint32_t)n;
			return 0;
		}
	}
	return -EINVAL;
}

bool quota_ok(struct quotas *q, enum quota which, unsigned domid, uint64_t have)
{
	struct quota_say *s;
	uint64_t now;

	if (!domid || have <= q->limit[which])
		return true;
	if (!q->said[which])
		q->said[which] = xzalloc(QUOTA_DOMIDS * sizeof(*s));
	s = &q->said[which][domid % QUOTA_DOMIDS];
	now = now_ms();
	if (now < s->next_ms) {
		s->quiet++;
		return false;
	}
	if (s->quiet)
		say("domain %u: refused, would have %llu of %s; its limit is %u (and %u times more)",
		    domid, (unsigned long long)have, kinds[which].name, q->limit[which], s->quiet);
	else
		say("domain %u: refused, would have %llu of %s; its limit is %u", domid,
		    (unsigned long long)have, kinds[which].name, q->limit[which]);
	s->quiet = 0;
	s->next_ms = now + SAY_EVERY_MS;
	return false;
}
