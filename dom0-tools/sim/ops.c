/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * struct mica_io_ops over a simulated world.  Every call is a point of the scheduler, then a
 * chance for the plan's faults of its kind, then what hub.c and store.c do, then a trace line.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/sim_priv.h"

#define STORM_EVENTS	200
#define STORM_GAP_NS	2000

static void raise_later(struct sim_dom *d, uint32_t port, uint64_t after_ns)
{
	struct sim_later *l = calloc(1, sizeof(*l));

	l->due = d->world->now + after_ns;
	l->dom = d->id;
	l->port = port;
	l->next = d->world->later;
	d->world->later = l;
}

/* A port of @d's that is in use, or 0. */
static uint32_t some_port(struct sim_dom *d)
{
	for (uint32_t i = 1; i < SIM_PORTS; i++)
		if (d->port[i].state != SIM_PORT_FREE)
			return i;
	return 0;
}

/* Begins every call. */
static struct sim_dom *enter(struct mica_io *io)
{
	struct sim_dom *d = sim_of(io);
	struct sim_plan *plan = d->world->options.plan;
	uint32_t port;

	sim_point(d);
	if (!plan || !(plan->kinds & (1ull << SIM_EVENT_SPURIOUS | 1ull << SIM_EVENT_STORM)))
		return d;
	port = some_port(d);
	if (port && sim_fault(d->world, d, SIM_EVENT_SPURIOUS, NULL))
		hub_raise(d, port);
	if (port && sim_fault(d->world, d, SIM_EVENT_STORM, NULL))
		for (unsigned i = 0; i < STORM_EVENTS; i++)
			raise_later(d, port, (i + 1) * STORM_GAP_NS);
	return d;
}

/* --- event channels --- */

static int op_offer(struct mica_io *io, domid_t peer, uint32_t *port)
{
	struct sim_dom *d = enter(io);
	struct sim_fault *f = sim_fault(d->world, d, SIM_OFFER_FAIL, NULL);
	int rc = f ? f->error : hub_offer(d, peer, port);

	sim_trace(d->world, "offer to d%u -> %d port %u", peer, rc, rc ? 0 : *port);
	if (!rc && sim_fault(d->world, d, SIM_EVENT_BEFORE_BIND, NULL))
		hub_raise(d, *port);
	return rc;
}

static int op_bind(struct mica_io *io, domid_t peer, uint32_t remote, uint32_t *port)
{
	struct sim_dom *d = enter(io);
	struct sim_fault *f = sim_fault(d->world, d, SIM_BIND_FAIL, NULL);
	int rc = f ? f->error : hub_bind(d, peer, remote, port);

	sim_trace(d->world, "bind d%u port %u -> %d port %u", peer, remote, rc, rc ? 0 : *port);
	return rc;
}

static void op_close(struct mica_io *io, uint32_t port)
{
	struct sim_dom *d = enter(io);

	sim_trace(d->world, "close port %u", port);
	hub_close(d, port);
	if (sim_fault(d->world, d, SIM_EVENT_AFTER_CLOSE, NULL))
		d->late_port = port;
}

static void op_notify(struct mica_io *io, uint32_t port)
{
	struct sim_dom *d = enter(io), *to;
	struct sim_fault *f;
	uint32_t to_port;

	if (!hub_target(d, port, &to, &to_port)) {
		sim_trace(d->world, "notify port %u: nobody there", port);
		return;
	}
	sim_trace(d->world, "notify port %u: d%u port %u", port, to->id, to_port);
	if (sim_fault(d->world, d, SIM_EVENT_DROP, NULL))
		return;
	f = sim_fault(d->world, d, SIM_EVENT_LATE, NULL);
	if (f) {
		raise_later(to, to_port, f->delay_ns);
		return;
	}
	f = sim_fault(d->world, d, SIM_EVENT_DOUBLE, NULL);
	if (f)
		raise_later(to, to_port, f->delay_ns);
	if (to->alive)
		hub_raise(to, to_port);
}

/* --- grants --- */

static void revoke(struct sim_dom *d, domid_t owner, uint32_t ref)
{
	struct sim_grant *g;

	if (!hub_check(d, owner, ref, false, &g))
		g->revoked = true;
}

static int op_map(struct mica_io *io, domid_t peer, const uint32_t *refs, unsigned n,
		  bool writable, void **where)
{
	struct sim_dom *d = enter(io);
	struct sim_fault *f;
	int rc;

	if (sim_fault(d->world, d, SIM_GRANT_REVOKED, NULL))
		revoke(d, peer, refs[0]);
	if (sim_fault(d->world, d, SIM_GRANT_BAD, NULL))
		rc = -EINVAL;
	else if (writable && sim_fault(d->world, d, SIM_GRANT_READONLY, NULL))
		rc = -EACCES;
	else if ((f = sim_fault(d->world, d, SIM_GRANT_REFUSED, NULL)))
		rc = f->error;
	else
		rc = hub_map(d, peer, refs, n, writable, where);
	sim_trace(d->world, "map %u from d%u ref %u -> %d", n, peer, refs[0], rc);
	return rc;
}

static void op_unmap(struct mica_io *io, void *where, unsigned n)
{
	struct sim_dom *d = enter(io);

	sim_trace(d->world, "unmap %u -> %d", n, hub_unmap(d, where, n));
}

static int op_copy(struct mica_io *io, struct mica_io_copy *pieces, unsigned n)
{
	struct sim_dom *d = enter(io);
	struct sim_fault *f = sim_fault(d->world, d, SIM_COPY_FAIL, NULL);
	int rc = 0;

	if (n && sim_fault(d->world, d, SIM_GRANT_REVOKED, NULL)) {
		struct mica_io_side *s = pieces[0].from.by_ref ? &pieces[0].from : &pieces[0].to;

		revoke(d, s->domid, s->ref);
	}
	for (unsigned i = 0; i < n; i++) {
		pieces[i].status = f && f->piece == i ? f->error : hub_copy_one(d, &pieces[i]);
		if (!rc)
			rc = pieces[i].status;
	}
	sim_trace(d->world, "copy %u pieces -> %d", n, rc);
	return rc;
}

static int op_lend(struct mica_io *io, domid_t peer, unsigned n, bool writable, uint32_t *refs,
		   void **where)
{
	struct sim_dom *d = enter(io);
	struct sim_fault *f = sim_fault(d->world, d, SIM_GRANT_LEND, NULL);
	int rc = f ? f->error : hub_lend(d, peer, n, writable, refs, where);

	sim_trace(d->world, "lend %u to d%u -> %d ref %u", n, peer, rc, rc ? 0 : refs[0]);
	return rc;
}

static int op_reclaim(struct mica_io *io, void *where, unsigned n)
{
	struct sim_dom *d = enter(io);
	int rc = hub_reclaim(d, where, n, false);

	sim_trace(d->world, "reclaim %u -> %d", n, rc);
	return rc;
}

/* --- the store --- */

/* Begins every call on the store at @path; an error to return at once, or 0. */
static int store_enter(struct sim_dom *d, const char *path)
{
	struct sim_fault *f = sim_fault(d->world, d, SIM_STORE_SLOW, path);
	char gone[SIM_PATH], *slash;

	if (f)
		d->world->now += f->delay_ns;
	f = sim_fault(d->world, d, SIM_STORE_VANISH, path);
	if (f) {
		snprintf(gone, sizeof(gone), "%s", path);
		slash = strrchr(gone, '/');
		if (slash && !strcmp(f->value, "directory"))
			*slash = 0;
		store_set(d->world, gone, NULL);
	}
	f = sim_fault(d->world, d, SIM_STORE_DENIED, path);
	return f ? f->error : 0;
}

static int op_read(struct mica_io *io, const char *path, char *value, size_t room)
{
	struct sim_dom *d = enter(io);
	int rc = store_enter(d, path);
	struct sim_fault *f;

	if (!rc)
		rc = store_read(d, path, value, room);
	f = rc ? NULL : sim_fault(d->world, d, SIM_STORE_GARBAGE, path);
	if (f)
		snprintf(value, room, "%s", f->value);
	sim_trace(d->world, "read %s -> %d %s", path, rc, rc ? "" : value);
	return rc;
}

static int op_write(struct mica_io *io, const char *path, const char *value)
{
	struct sim_dom *d = enter(io);
	int rc = store_enter(d, path);
	struct sim_fault *f = rc ? NULL : sim_fault(d->world, d, SIM_STORE_QUOTA, path);

	if (f)
		rc = f->error;
	if (!rc)
		rc = store_write(d, path, value);
	sim_trace(d->world, "write %s = %s -> %d", path, value, rc);
	if (!rc && !d->in_txn)
		life_wrote(d, path, value);
	return rc;
}

static int op_remove(struct mica_io *io, const char *path)
{
	struct sim_dom *d = enter(io);
	int rc = store_enter(d, path);

	if (!rc)
		rc = store_remove(d, path);
	sim_trace(d->world, "remove %s -> %d", path, rc);
	return rc;
}

static int op_list(struct mica_io *io, const char *path, char *names, size_t room)
{
	struct sim_dom *d = enter(io);
	int rc = store_enter(d, path);

	if (!rc)
		rc = store_list(d, path, names, room);
	sim_trace(d->world, "list %s -> %d", path, rc);
	return rc;
}

static void watch_message(struct sim_dom *d, const char *path, const char *token,
			  uint64_t after_ns)
{
	struct sim_message *m = calloc(1, sizeof(*m));

	m->due = d->world->now + after_ns;
	snprintf(m->path, sizeof(m->path), "%s", path);
	snprintf(m->token, sizeof(m->token), "%s", token);
	sim_queue(d, m);
}

void watch_fires(struct sim_dom *d, const char *path, const char *token)
{
	struct sim_fault *f;

	if (sim_fault(d->world, d, SIM_WATCH_DROP, path))
		return;
	f = sim_fault(d->world, d, SIM_WATCH_LATE, path);
	watch_message(d, path, token, f ? f->delay_ns : 0);
	f = sim_fault(d->world, d, SIM_WATCH_DOUBLE, path);
	if (f)
		watch_message(d, path, token, f->delay_ns);
}

static int op_watch(struct mica_io *io, const char *path, const char *token)
{
	struct sim_dom *d = enter(io);
	int rc = store_enter(d, path);

	if (!rc)
		rc = store_watch(d, path, token);
	sim_trace(d->world, "watch set %s -> %d", path, rc);
	return rc;
}

static int op_unwatch(struct mica_io *io, const char *path, const char *token)
{
	struct sim_dom *d = enter(io);
	int rc = store_unwatch(d, path, token);

	sim_trace(d->world, "watch off %s -> %d", path, rc);
	return rc;
}

static int op_begin(struct mica_io *io)
{
	return store_begin(enter(io));
}

/* A state written in a transaction counts, for life's faults, when it is committed. */
static int op_end(struct mica_io *io, bool commit)
{
	struct sim_dom *d = enter(io);
	struct sim_fault *f = commit ? sim_fault(d->world, d, SIM_STORE_CONFLICT, NULL) : NULL;
	char path[SIM_PATH] = "", value[16] = "";
	int rc;

	for (struct sim_txn_item *i = d->txn; i && commit; i = i->next)
		if (!i->read && i->value && strlen(i->value) < sizeof(value)) {
			const char *slash = strrchr(i->path, '/');

			if (slash && !strcmp(slash, "/state")) {
				snprintf(path, sizeof(path), "%s", i->path);
				strcpy(value, i->value);
			}
		}
	rc = store_end(d, commit && !f);
	if (f && !rc)
		rc = -EAGAIN;
	sim_trace(d->world, "%s -> %d", commit ? "commit" : "abort", rc);
	if (!rc && commit && *path)
		life_wrote(d, path, value);
	return rc;
}

/* --- time --- */

static uint64_t op_now(struct mica_io *io)
{
	return sim_of(io)->world->now;
}

static void op_timer(struct mica_io *io, uint64_t at_ns)
{
	sim_of(io)->timer = at_ns;
}

static domid_t op_self(struct mica_io *io)
{
	return sim_of(io)->id;
}

const struct mica_io_ops sim_ops = {
	.port_offer = op_offer, .port_bind = op_bind, .port_close = op_close,
	.port_notify = op_notify,
	.map = op_map, .unmap = op_unmap, .copy = op_copy, .lend = op_lend, .reclaim = op_reclaim,
	.read = op_read, .write = op_write, .remove = op_remove, .list = op_list,
	.watch = op_watch, .unwatch = op_unwatch, .begin = op_begin, .end = op_end,
	.now_ns = op_now, .timer_set = op_timer, .self = op_self,
};
