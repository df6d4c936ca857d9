/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The front end's half of the handshake: read both states, ask the table, act, write, again.
 *
 * All memory is published and connected, which make an action that was done already cheap to ask
 * for again, as the table wants.
 */
#include "front/env.h"
#include "front/front.h"

#define STEPS_MAX	16	/* of one call; the table settles in five */
#define NUMBER_TEXT	24

static int path_of(char path[FRONT_PATH * 2], const char *dir, const char *key)
{
	int n = snprintf(path, FRONT_PATH * 2, "%s/%s", dir, key);

	return n < 0 || n >= FRONT_PATH * 2 ? -ENAMETOOLONG : 0;
}

int front_write(struct front *f, const char *key, const char *value, ...)
{
	char path[FRONT_PATH * 2], text[128];
	va_list ap;
	int n;

	va_start(ap, value);
	n = vsnprintf(text, sizeof(text), value, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof(text) || path_of(path, f->dir, key))
		return -ENAMETOOLONG;
	return f->io->ops->write(f->io, path, text);
}

int front_read_back(struct front *f, char *value, size_t room, const char *key)
{
	char path[FRONT_PATH * 2];
	int rc = path_of(path, f->back, key);

	return rc ? rc : f->io->ops->read(f->io, path, value, room);
}

int front_read_back_u64(struct front *f, uint64_t *value, uint64_t low, uint64_t high,
			uint64_t otherwise, const char *key)
{
	char text[NUMBER_TEXT];
	int rc = front_read_back(f, text, sizeof(text), key);

	*value = otherwise;
	if (rc == -ENOENT)
		return 0;
	if (!rc)
		rc = env_number(text, value);
	if (!rc && (*value < low || *value > high))
		rc = -ERANGE;
	return rc;
}

static unsigned state_at(struct front *f, const char *dir)
{
	char path[FRONT_PATH * 2], text[NUMBER_TEXT];
	int rc = path_of(path, dir, "state");

	if (!rc)
		rc = f->io->ops->read(f->io, path, text, sizeof(text));
	if (rc == -ERANGE)
		return MICA_BUS_NONSENSE;
	return rc ? XenbusStateUnknown : mica_bus_parse(text);
}

int front_lend(struct front *f, unsigned n, uint32_t *refs, void **where)
{
	return f->io->ops->lend(f->io, f->peer, n, true, refs, where);
}

/* True: nothing is left. */
static bool limbo_empty(struct front *f)
{
	bool empty = true;

	for (int i = 0; i < FRONT_LIMBO; i++) {
		if (f->limbo[i].pages &&
		    !f->io->ops->reclaim(f->io, f->limbo[i].where, f->limbo[i].pages))
			f->limbo[i].pages = 0;
		empty &= !f->limbo[i].pages;
	}
	return empty;
}

void front_reclaim(struct front *f, void *where, unsigned n)
{
	if (!where || !f->io->ops->reclaim(f->io, where, n))
		return;
	for (int i = 0; i < FRONT_LIMBO; i++) {
		if (!f->limbo[i].pages) {
			f->limbo[i].where = where;
			f->limbo[i].pages = n;
			return;
		}
	}
	/* publish() saw an empty limbo and lends less than it holds: this does not happen. */
}

static void disconnect(struct front *f)
{
	f->connected = false;
	if (f->published)
		f->kind->disconnect(f);
	f->published = false;
}

/* 0, or the driver's error with nothing left of what it began; -EAGAIN: not yet. */
static int act(struct front *f, unsigned action)
{
	int rc = 0;

	switch (action) {
	case MICA_BUS_PUBLISH:
		if (f->published)
			disconnect(f);		/* the back end starts over: so do the rings */
		if (!limbo_empty(f))
			return -EAGAIN;
		f->published = true;
		rc = f->kind->publish(f);
		break;
	case MICA_BUS_CONNECT:
		if (f->connected)
			return 0;
		f->connected = f->published;	/* connect() may send already */
		rc = f->published ? f->kind->connect(f) : -EPIPE;
		break;
	case MICA_BUS_DISCONNECT:
	case MICA_BUS_REMOVE:
		disconnect(f);
		break;
	default:
		break;
	}
	if (rc)
		disconnect(f);
	return rc;
}

static void step(struct front *f)
{
	for (int i = 0; i < STEPS_MAX; i++) {
		unsigned peer = state_at(f, f->back);
		const struct mica_bus_rule *rule;
		int rc;

		f->state = state_at(f, f->dir);
		rule = mica_bus_step(MICA_BUS_FRONT, f->state, peer, f->will);
		f->words = rule->words;
		rc = act(f, rule->action);
		if (rc == -EAGAIN)
			return;		/* the back end's next state brings us here again */
		if (rc) {
			f->will = MICA_BUS_BROKEN;
			continue;
		}
		if (rule->next == f->state)
			return;
		if (front_write(f, "state", "%u", rule->next))
			return;
		if (rule->next == XenbusStateInitialising && f->will == MICA_BUS_BROKEN)
			f->will = MICA_BUS_UP;
	}
}

static void front_step(struct front *f)
{
	if (f->stepping)
		return;
	f->stepping = true;
	limbo_empty(f);
	step(f);
	f->stepping = false;
}

static void on_event(void *ctx, uint32_t port)
{
	struct front *f = ctx;

	if (f->published)
		f->kind->event(f, port);
}

static void on_change(void *ctx, const char *path, const char *token)
{
	struct front *f = ctx;

	front_step(f);
	if (f->kind->changed)
		f->kind->changed(f, path);
}

static void on_timer(void *ctx)
{
	struct front *f = ctx;

	if (f->kind->timer)
		f->kind->timer(f);
}

/* Grants and ports are gone with the old host: forget them, then publish anew. */
static void on_resume(void *ctx)
{
	struct front *f = ctx;

	disconnect(f);
	front_write(f, "state", "%u", XenbusStateInitialising);
	front_step(f);
}

int front_open(struct front *f, struct mica_io *io, const char *dir,
	       const struct front_kind *kind, void *priv)
{
	char path[FRONT_PATH * 2], text[FRONT_PATH];
	uint64_t peer;
	int rc;

	memset(f, 0, sizeof(*f));
	f->io = io;
	f->kind = kind;
	f->priv = priv;
	if (snprintf(f->dir, sizeof(f->dir), "%s", dir) >= (int)sizeof(f->dir))
		return -ENAMETOOLONG;
	rc = path_of(path, dir, "backend");
	if (!rc)
		rc = io->ops->read(io, path, f->back, sizeof(f->back));
	if (!rc)
		rc = path_of(path, dir, "backend-id");
	if (!rc)
		rc = io->ops->read(io, path, text, sizeof(text));
	if (!rc)
		rc = env_number(text, &peer);
	if (rc)
		return rc;
	f->peer = (domid_t)peer;
	io->driver = (struct mica_io_driver){
		.ctx = f, .event = on_event, .changed = on_change, .timer = on_timer,
		.resumed = on_resume,
	};
	/* Left over from a driver that ended without closing: its grants are gone. */
	if (state_at(f, f->dir) > XenbusStateInitialising &&
	    state_at(f, f->dir) != XenbusStateClosed)
		front_write(f, "state", "%u", XenbusStateClosing);
	rc = path_of(path, f->back, "state");
	return rc ? rc : io->ops->watch(io, path, "back");
}

void front_close(struct front *f)
{
	f->will = MICA_BUS_DOWN;
	front_step(f);
}

bool front_closed(struct front *f)
{
	return !f->published && limbo_empty(f) &&
	       (f->state == XenbusStateClosed || f->state == XenbusStateUnknown);
}

void front_break(struct front *f)
{
	f->will = MICA_BUS_BROKEN;
	front_step(f);
}
