/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protocol: which request is what, who may make it, in which form errors go back.
 */
#include <errno.h>

#include "ops.h"

#define NEEDS_WRITE	1		/* not on the read-only socket */
#define NEEDS_DOM0	2
#define TAKES_TXN	4		/* may run inside a transaction */

static const struct {
	int (*run)(struct request *r);
	unsigned flags;
	const char *name;
} requests[XS_TYPE_COUNT] = {
	[XS_CONTROL] = { op_control, NEEDS_DOM0 | NEEDS_WRITE, "control" },
	[XS_DIRECTORY] = { op_directory, TAKES_TXN, "directory" },
	[XS_READ] = { op_read, TAKES_TXN, "read" },
	[XS_GET_PERMS] = { op_get_perms, TAKES_TXN, "get-perms" },
	[XS_WATCH] = { op_watch, 0, "watch" },
	[XS_UNWATCH] = { op_unwatch, 0, "unwatch" },
	[XS_TRANSACTION_START] = { op_transaction_start, TAKES_TXN, "transaction-start" },
	[XS_TRANSACTION_END] = { op_transaction_end, TAKES_TXN, "transaction-end" },
	[XS_INTRODUCE] = { op_introduce, NEEDS_DOM0 | NEEDS_WRITE, "introduce" },
	[XS_RELEASE] = { op_release, NEEDS_DOM0 | NEEDS_WRITE, "release" },
	[XS_GET_DOMAIN_PATH] = { op_get_domain_path, 0, "get-domain-path" },
	[XS_WRITE] = { op_write, TAKES_TXN | NEEDS_WRITE, "write" },
	[XS_MKDIR] = { op_mkdir, TAKES_TXN | NEEDS_WRITE, "mkdir" },
	[XS_RM] = { op_rm, TAKES_TXN | NEEDS_WRITE, "rm" },
	[XS_SET_PERMS] = { op_set_perms, TAKES_TXN | NEEDS_WRITE, "set-perms" },
	[XS_IS_DOMAIN_INTRODUCED] = { op_is_introduced, 0, "is-domain-introduced" },
	[XS_RESUME] = { op_resume, NEEDS_DOM0 | NEEDS_WRITE, "resume" },
	[XS_SET_TARGET] = { op_set_target, NEEDS_DOM0 | NEEDS_WRITE, "set-target" },
	[XS_RESET_WATCHES] = { op_reset_watches, 0, "reset-watches" },
	[XS_DIRECTORY_PART] = { op_directory_part, TAKES_TXN, "directory-part" },
};

static const struct {
	int nr;
	const char *name;
} errors[] = {
	{ EINVAL, "EINVAL" }, { EACCES, "EACCES" }, { EEXIST, "EEXIST" }, { EISDIR, "EISDIR" },
	{ ENOENT, "ENOENT" }, { ENOMEM, "ENOMEM" }, { ENOSPC, "ENOSPC" }, { EIO, "EIO" },
	{ ENOTEMPTY, "ENOTEMPTY" }, { ENOSYS, "ENOSYS" }, { EROFS, "EROFS" }, { EBUSY, "EBUSY" },
	{ EAGAIN, "EAGAIN" }, { EISCONN, "EISCONN" }, { E2BIG, "E2BIG" }, { EPERM, "EPERM" },
};

/* Errors have names on the wire; one that has none is an I/O error. */
static const char *error_name(int nr)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].nr == nr)
			return errors[i].name;
	return "EIO";
}

static void send_reply(struct request *r, uint32_t type, const void *data, size_t len)
{
	struct xsd_sockmsg h = { type, r->h->req_id, r->h->tx_id, (uint32_t)len };

	conn_send(r->s, r->conn, &h, data);
	r->replied = true;
}

void request_reply(struct request *r, const void *data, size_t len)
{
	send_reply(r, r->h->type, data, len);
}

void request_ok(struct request *r)
{
	request_reply(r, "OK", 3);
}

const char *request_string(const struct request *r, size_t *at)
{
	const char *s = r->payload + *at, *end;

	if (*at >= r->len)
		return NULL;
	end = memchr(s, 0, r->len - *at);
	if (!end)
		return NULL;
	*at += (size_t)(end - s) + 1;
	return s;
}

int request_numbers(const struct request *r, uint64_t *out, unsigned n)
{
	size_t at = 0;

	for (unsigned i = 0; i < n; i++) {
		const char *s = request_string(r, &at);
		char *end;

		if (!s || *s < '0' || *s > '9')
			return -EINVAL;
		out[i] = strtoull(s, &end, 0);
		if (*end)
			return -EINVAL;
	}
	return 0;
}

static struct txn *find_txn(const struct conn *c, uint32_t id)
{
	struct list *l;

	list_each(l, &c->txns) {
		struct txn *x = container(l, struct txn, link);

		if (x->id == id)
			return x;
	}
	return NULL;
}

static int run(struct request *r)
{
	uint32_t type = r->h->type;
	unsigned flags;

	if (type >= XS_TYPE_COUNT || !requests[type].run)
		return -ENOSYS;
	flags = requests[type].flags;
	if ((flags & NEEDS_DOM0) && r->conn->domid)
		return -EACCES;
	if ((flags & NEEDS_WRITE) && r->conn->read_only)
		return -EROFS;
	if (r->h->tx_id && (flags & TAKES_TXN)) {
		r->view.txn = find_txn(r->conn, r->h->tx_id);
		if (!r->view.txn)
			return -ENOENT;
	}
	return requests[type].run(r);
}

static void trace(const struct request *r, int rc)
{
	uint32_t type = r->h->type;

	say("%s %u: %s %.80s%s%s", r->conn->ring ? "domain" : "socket of", r->conn->domid,
	    type < XS_TYPE_COUNT && requests[type].name ? requests[type].name : "?", r->payload,
	    rc ? " -> " : "", rc ? error_name(-rc) : "");
}

void store_request(struct store *s, struct conn *c, const struct xsd_sockmsg *h, char *payload)
{
	struct request r = { .s = s, .conn = c, .h = h, .payload = payload, .len = h->len,
			     .view = { &s->tree, NULL } };
	int rc;

	payload[h->len] = 0;
	s->requests++;
	rc = run(&r);
	if (!rc && r.reply.len > XENSTORE_PAYLOAD_MAX)
		rc = -E2BIG;
	if (s->trace)
		trace(&r, rc);
	if (rc)
		send_reply(&r, XS_ERROR, error_name(-rc), strlen(error_name(-rc)) + 1);
	else if (!r.replied)
		request_reply(&r, r.reply.data, r.reply.len);
	buf_free(&r.reply);
	store_commit(s, c);
}

void store_commit(struct store *s, struct conn *from)
{
	struct journal *j = s->journal;
	struct list *l;

	if (from && from->ring) {
		bool alone = list_empty(&s->touched) || (s->touched.next == &from->touched &&
							 s->touched.prev == &from->touched);

		if (alone && !from->logged && (!j || journal_clean(j)) && ring_finish(from->ring)) {
			list_remove(&from->touched);
			goto out;
		}
		ring_done(from->ring);
		state_done(s, from->ring);
	}
	if (j) {
		list_each(l, &s->touched)
			state_output(s, container(l, struct conn, touched));
		j->head->gen = s->tree.gen;
		journal_commit(j);
	}
	while (!list_empty(&s->touched)) {
		struct conn *c = list_first(&s->touched, struct conn, touched);

		list_remove(&c->touched);
		c->flush(c);
	}
out:
	if (j)
		j->head->last_tx = s->last_tx;
}
