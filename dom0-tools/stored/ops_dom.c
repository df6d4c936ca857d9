/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operations of the toolstack: domains come and go.  And `control`, for operators.
 */
#include <errno.h>
#include <stdio.h>

#include "ops.h"

#define DOMID_MAX	0x7fefu		/* the last ordinary domain */

static int domid_of(const struct request *r, unsigned numbers, uint64_t *n)
{
	int rc = request_numbers(r, n, numbers);

	return rc ? rc : n[0] > DOMID_MAX ? -EINVAL : 0;
}

int op_introduce(struct request *r)
{
	uint64_t n[3];				/* domain, frame, port */
	int rc = domid_of(r, 3, n);

	if (!rc && (!n[0] || !n[2] || n[2] > UINT32_MAX))
		rc = -EINVAL;			/* domain 0 is here from the start */
	if (!rc)
		rc = domain_introduce(r->s, (unsigned)n[0], n[1], (uint32_t)n[2]);
	if (!rc)
		request_ok(r);
	return rc;
}

int op_release(struct request *r)
{
	uint64_t n[1];
	int rc = domid_of(r, 1, n);

	if (!rc)
		rc = n[0] ? domain_release(r->s, (unsigned)n[0]) : -EINVAL;
	if (!rc)
		request_ok(r);
	return rc;
}

/* The domain goes on after a suspend: its next shutdown is news again. */
int op_resume(struct request *r)
{
	struct domain *d;
	uint64_t n[1];
	int rc = domid_of(r, 1, n);

	if (rc)
		return rc;
	d = domain_find(r->s, (unsigned)n[0]);
	if (!d || !n[0])
		return n[0] ? -ENOENT : -EINVAL;
	d->shutdown = false;
	state_shutdown(r->s, d);
	request_ok(r);
	return 0;
}

int op_get_domain_path(struct request *r)
{
	uint64_t n[1];
	int rc = request_numbers(r, n, 1);

	if (rc || n[0] > 0xffff)
		return -EINVAL;
	buf_printf(&r->reply, "/local/domain/%u", (unsigned)n[0]);
	buf_put(&r->reply, "", 1);
	return 0;
}

int op_is_introduced(struct request *r)
{
	uint64_t n[1];
	int rc = request_numbers(r, n, 1);

	if (rc || n[0] > 0xffff)
		return -EINVAL;
	buf_puts(&r->reply, !n[0] || domain_find(r->s, (unsigned)n[0]) ? "T" : "F");
	return 0;
}

/* Only a device model's domain that serves an HVM guest has a target; there are none. */
int op_set_target(struct request *r)
{
	say("set-target refused: Mica has no HVM guests, so no domain acts for another one");
	return -ENOSYS;
}

static int control_help(struct request *r, const char *arg)
{
	buf_puts(&r->reply, "help, print TEXT, log on|off, check, compact, stats, quota [DOMID | LIMIT=N]");
	return 0;
}

static int control_print(struct request *r, const char *arg)
{
	if (!arg)
		return -EINVAL;
	say("operator: %s", arg);
	buf_puts(&r->reply, "OK");
	return 0;
}

static int control_log(struct request *r, const char *arg)
{
	if (!arg || (strcmp(arg, "on") && strcmp(arg, "off")))
		return -EINVAL;
	r->s->trace = !strcmp(arg, "on");
	buf_puts(&r->reply, "OK");
	return 0;
}

static int control_check(struct request *r, const char *arg)
{
	const char *wrong = tree_audit(&r->s->tree);

	buf_puts(&r->reply, wrong ? wrong : "OK");
	return 0;
}

/* Requests are one batch, so the journal is written anew before the next one. */
static int control_compact(struct request *r, const char *arg)
{
	if (r->s->journal)
		r->s->journal->compact_at = 0;
	buf_puts(&r->reply, "OK");
	return 0;
}

static int control_stats(struct request *r, const char *arg)
{
	struct store *s = r->s;
	unsigned conns = 0, domains = 0;
	struct list *l;

	list_each(l, &s->conns) {
		conns++;
		domains += container(l, struct conn, link)->ring != NULL;
	}
	buf_printf(&r->reply, "nodes %u\nwatches %u\nconnections %u\ndomains %u\nrequests %llu\n"
		   "conflicts %llu\njournal-bytes %zu\n", s->tree.nodes.used, s->watches.count, conns,
		   domains, (unsigned long long)s->requests, (unsigned long long)s->conflicts,
		   s->journal ? s->journal->tail : 0);
	buf_put(&r->reply, "", 1);
	return 0;
}

static void domain_usage(struct request *r, unsigned domid)
{
	struct domain *d = domain_find(r->s, domid);

	buf_printf(&r->reply, "nodes %u\nwatches %u\ntransactions %u\noutstanding %zu\n",
		   r->s->tree.owned[domid], d ? d->conn.nwatches : 0, d ? d->conn.ntxns : 0,
		   d ? conn_pending(&d->conn) : 0);
}

/* All limits, what one domain has, or a new limit. */
static int control_quota(struct request *r, const char *arg)
{
	if (!arg) {
		for (int i = 0; i < QUOTAS; i++)
			buf_printf(&r->reply, "%s %u\n", quota_name(i), r->s->quotas.limit[i]);
	} else if (strchr(arg, '=')) {
		if (quota_set(&r->s->quotas, arg))
			return -EINVAL;
		buf_printf(&r->reply, "OK");
	} else {
		char *end;
		unsigned long id = strtoul(arg, &end, 10);

		if (*end || end == arg || id > DOMID_MAX)
			return -EINVAL;
		domain_usage(r, (unsigned)id);
	}
	buf_put(&r->reply, "", 1);
	return 0;
}

int op_control(struct request *r)
{
	static const struct {
		const char *name;
		int (*run)(struct request *r, const char *arg);
	} commands[] = {
		{ "help", control_help }, { "print", control_print }, { "log", control_log },
		{ "check", control_check }, { "compact", control_compact },
		{ "stats", control_stats }, { "quota", control_quota },
	};
	size_t at = 0;
	const char *name = request_string(r, &at), *arg = request_string(r, &at);

	for (size_t i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(name, commands[i].name))
			return commands[i].run(r, arg);
	return -EINVAL;
}
