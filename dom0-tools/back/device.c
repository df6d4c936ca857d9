/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of the devices: found by watches, driven by back_next() of handshake.c.
 *
 *	watch on backend/KIND     a directory came or went, our state or online, the daemon's keys
 *	watch on FRONT/state      the guest's state; what it wrote there is one number, or nothing
 *
 * A step is under way from the call of the daemon's function until it returns or, after
 * BACK_LATER, until back_done(); what changes meanwhile is looked at then.  A guest that begins
 * anew more than PROBES times in WINDOW_NS is left alone until that time is over.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <mica/io/xenbus.h>

#include "back/back_priv.h"

#define PROBES		32
#define WINDOW_NS	10000000000ull
#define LIST_BYTES	65536

struct back_device *back_first(struct back *b)
{
	return b->devices;
}

struct back_device *back_find(struct back *b, domid_t domid, uint32_t handle)
{
	struct back_device *dev = b->devices;

	while (dev && (dev->domid != domid || dev->handle != handle))
		dev = dev->next;
	return dev;
}

struct mica_io *back_io(struct back *b)
{
	return b->io;
}

void *back_ctx(struct back *b)
{
	return b->ctx;
}

/* --- one device --- */

static void forget(struct back_device *dev)
{
	struct back_device **link = &dev->back->devices;
	struct mica_io *io = dev->back->io;
	char path[BACK_PATH + 8], token[32];

	snprintf(path, sizeof(path), "%s/state", dev->front);
	snprintf(token, sizeof(token), "f/%u/%u", dev->domid, dev->handle);
	io->ops->unwatch(io, path, token);
	while (*link != dev)
		link = &(*link)->next;
	*link = dev->next;
	dev->back->nr_devices--;
	free(dev);
}

/* True when it may be probed now. */
static bool not_too_often(struct back_device *dev)
{
	struct mica_io *io = dev->back->io;
	uint64_t now = io->ops->now_ns(io);

	if (!dev->window_ns || now - dev->window_ns > WINDOW_NS) {
		dev->window_ns = now;
		dev->probes = 0;
	}
	if (++dev->probes == PROBES + 1)
		back_note(dev, "the guest opened it %u times within %llu s; left alone for a while",
			  PROBES, WINDOW_NS / 1000000000ull);
	if (dev->probes > PROBES)
		back_look_at(dev, dev->window_ns + WINDOW_NS + 1);
	return dev->probes <= PROBES;
}

/* The front end's directory, which must be the one of the guest our directory names. */
static int read_front(struct back_device *dev)
{
	char front[BACK_PATH], want[32];
	uint64_t id;
	int rc = back_read(dev, front, sizeof(front), "frontend");

	if (!rc)
		rc = back_read_u64(dev, &id, dev->domid, dev->domid, "frontend-id");
	if (rc)
		return rc;
	snprintf(want, sizeof(want), "/local/domain/%u/", dev->domid);
	if (strncmp(front, want, strlen(want)))
		return -EINVAL;
	strcpy(dev->front, front);
	return 0;
}

/* A state key's text, cut short if it must be: a state has one digit.  False: the store did not
 * answer, which says nothing about the device. */
static bool state_of(int rc, const char *text, unsigned *state)
{
	*state = rc == -ENOENT ? XenbusStateUnknown : rc ? MICA_BUS_NONSENSE : mica_bus_parse(text);
	return !rc || rc == -ENOENT || rc == -EINVAL || rc == -ERANGE || rc == -EACCES;
}

static bool read_states(struct back_device *dev)
{
	char ours[8], theirs[8], online[8];
	int o = back_read(dev, ours, sizeof(ours), "state");
	int t = back_read_front(dev, theirs, sizeof(theirs), "state");
	int on = back_read(dev, online, sizeof(online), "online");
	unsigned value;

	if (!state_of(o, ours, &dev->state) || !state_of(t, theirs, &dev->front_state) ||
	    !state_of(on, online, &value))
		return false;
	dev->gone = o == -ENOENT;
	dev->online = !on && !strcmp(online, "1");
	return true;
}

/* What has to change before a step that failed is tried again. */
static unsigned situation(const struct back_device *dev)
{
	return 1 + dev->front_state * 2 + dev->online;
}

/* By this process. */
static bool served(struct back_device *dev)
{
	const struct back_kind *kind = dev->back->kind;

	return !kind->wants || kind->wants(dev);
}

static enum back_step choose(struct back_device *dev, unsigned *after)
{
	struct back_facts facts;
	enum back_step step;

	if (!read_states(dev))
		return STEP_NONE;
	if (dev->broken != situation(dev))
		dev->broken = 0;
	facts = (struct back_facts){
		.phase = dev->phase, .ours = dev->state, .theirs = dev->front_state,
		.will = dev->broken ? MICA_BUS_BROKEN :
			dev->online ? MICA_BUS_UP : MICA_BUS_DOWN,
		.gone = dev->gone, .resuming = dev->resuming,
	};
	step = back_next(&facts, after);
	if (step == STEP_FORGET)
		return step;
	if (dev->phase == PHASE_NEW &&
	    (!served(dev) || (step == STEP_PROBE && !not_too_often(dev)))) {
		back_wait(dev, NULL);
		return STEP_NONE;
	}
	back_wait(dev, step == STEP_NONE ? back_rule(&facts) : NULL);
	return step;
}

/* Call the daemon; its answer. */
static int perform(struct back_device *dev, enum back_step step)
{
	const struct back_kind *kind = dev->back->kind;

	switch (step) {
	case STEP_RESUME:
	case STEP_PROBE:
		dev->resuming = step == STEP_RESUME;
		return kind->probe(dev);
	case STEP_CONNECT:
		return kind->connect(dev);
	case STEP_DISCONNECT:
		return kind->disconnect(dev);
	case STEP_REMOVE:
		kind->remove(dev);
		return 0;
	default:
		return 0;
	}
}

/* The step under way ended with @rc; false when the device must not be looked at again. */
static bool finish(struct back_device *dev, int rc)
{
	enum back_step step = dev->doing;
	unsigned after = dev->after;

	dev->doing = STEP_NONE;
	if (rc && (step == STEP_PROBE || step == STEP_RESUME || step == STEP_CONNECT)) {
		dev->back->kind->remove(dev);
		dev->phase = PHASE_NEW;
		dev->resuming = false;
		dev->broken = situation(dev);
		if (!dev->gone)
			back_set_state(dev, XenbusStateClosed);
		/* It is tried again when an end says something else. */
		return false;
	}
	dev->phase = back_phase_after(dev->phase, step);
	if (step == STEP_CONNECT) {
		back_clear_error(dev);
		dev->resuming = false;
	}
	if (after && after != dev->state && !dev->gone)
		back_set_state(dev, after);
	return true;
}

void back_look(struct back_device *dev)
{
	enum back_step step;
	unsigned after;
	int rc;

	if (dev->doing) {
		dev->again = true;
		return;
	}
	do {
		dev->again = false;
		step = choose(dev, &after);
		if (step == STEP_FORGET) {
			back_clear_error(dev);
			forget(dev);
			return;
		}
		if (step == STEP_NONE)
			return;
		dev->doing = step;
		dev->after = after;
		rc = perform(dev, step);
		if (rc == BACK_LATER)
			return;
	} while (finish(dev, rc));
}

void back_done(struct back_device *dev, int rc)
{
	if (!dev->doing)
		return;
	if (finish(dev, rc) || dev->again)
		back_look(dev);
}

void back_cut_off(struct back_device *dev, const char *why, ...)
{
	char text[400];
	va_list args;
	int rc;

	if (dev->phase != PHASE_UP || dev->doing)
		return;
	va_start(args, why);
	vsnprintf(text, sizeof(text), why, args);
	va_end(args);
	back_fail(dev, 0, "MICA-DEV-006", "the guest's driver may be at fault, or the guest hostile;"
		  " the device works again when the guest begins anew", "cut off: %s", text);
	dev->broken = situation(dev);
	dev->doing = STEP_DISCONNECT;
	dev->after = XenbusStateClosed;
	rc = dev->back->kind->disconnect(dev);
	if (rc != BACK_LATER)
		back_done(dev, rc);
}

void back_force(struct back_device *dev, unsigned state)
{
	int rc;

	dev->doing = dev->phase == PHASE_UP ? STEP_DISCONNECT :
		dev->phase == PHASE_NEW ? STEP_WRITE : STEP_REMOVE;
	dev->after = state;
	rc = perform(dev, dev->doing);
	if (rc != BACK_LATER)
		back_done(dev, rc);
}

/* --- all of them --- */

static struct back_device *add(struct back *b, domid_t domid, uint32_t handle)
{
	struct back_device *dev;
	char path[BACK_PATH + 8], token[32];

	if (b->nr_devices == BACK_DEVICES) {
		if (!b->full_told)
			fprintf(stderr, "%s: more than %u devices; %u/%u and others are not served\n",
				b->kind->dir, BACK_DEVICES, domid, handle);
		b->full_told = true;
		return NULL;
	}
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return NULL;
	dev->back = b;
	dev->domid = domid;
	dev->handle = handle;
	snprintf(dev->dir, sizeof(dev->dir), "%.64s/%u/%u", b->base, domid, handle);
	if (read_front(dev)) {		/* not complete yet; its next key brings us here again */
		free(dev);
		return NULL;
	}
	dev->next = b->devices;
	b->devices = dev;
	b->nr_devices++;
	snprintf(path, sizeof(path), "%s/state", dev->front);
	snprintf(token, sizeof(token), "f/%u/%u", domid, handle);
	b->io->ops->watch(b->io, path, token);
	return dev;
}

static void find_devices_of(struct back *b, domid_t domid, char *names)
{
	char path[BACK_PATH];
	int n;

	snprintf(path, sizeof(path), "%.64s/%u", b->base, domid);
	n = b->io->ops->list(b->io, path, names, LIST_BYTES);
	for (int i = 0; i < n; i++, names += strlen(names) + 1) {
		unsigned long handle = strtoul(names, NULL, 10);

		if (handle <= UINT32_MAX && !back_find(b, domid, (uint32_t)handle))
			add(b, domid, (uint32_t)handle);
	}
}

void back_rescan(struct back *b)
{
	char *names = malloc(2 * LIST_BYTES), *at = names;
	struct back_device *dev, *next;
	int n;

	if (!names)
		return;
	n = b->io->ops->list(b->io, b->base, names, LIST_BYTES);
	for (int i = 0; i < n; i++, at += strlen(at) + 1) {
		unsigned long domid = strtoul(at, NULL, 10);

		if (domid < DOMID_FIRST_RESERVED)
			find_devices_of(b, (domid_t)domid, names + LIST_BYTES);
	}
	free(names);
	for (dev = b->devices; dev; dev = next) {
		next = dev->next;
		back_look(dev);
	}
}

/* Something below our directory: "<domid>/<handle>/key...". */
static void ours_changed(struct back *b, const char *path)
{
	size_t len = strlen(b->base);
	unsigned domid, handle;
	struct back_device *dev;
	char key[64] = "";

	if (strncmp(path, b->base, len) ||
	    sscanf(path + len, "/%u/%u/%63s", &domid, &handle, key) < 2) {
		back_rescan(b);
		return;
	}
	dev = back_find(b, (domid_t)domid, handle);
	if (!dev)
		dev = add(b, (domid_t)domid, handle);
	if (!dev)
		return;
	for (size_t i = 0; b->kind->keys && b->kind->keys[i]; i++)
		if (!strcmp(key, b->kind->keys[i]) && dev->phase != PHASE_NEW)
			b->kind->changed(dev, key);
	if (!key[0] || !strcmp(key, "state") || !strcmp(key, "online"))
		back_look(dev);
}

static void on_changed(void *ctx, const char *path, const char *token)
{
	struct back *b = ctx;
	unsigned domid, handle;
	struct back_device *dev;

	if (!strcmp(token, "b/")) {
		ours_changed(b, path);
	} else if (sscanf(token, "f/%u/%u", &domid, &handle) == 2) {
		dev = back_find(b, (domid_t)domid, handle);
		if (!dev)
			return;
		/* The first comes with the watch; any other is the guest's, who wants something. */
		if (dev->watched)
			dev->broken = 0;
		dev->watched = true;
		back_look(dev);
	} else if (b->kind->watched) {
		b->kind->watched(b->ctx, path, token);
	}
}

static void on_event(void *ctx, uint32_t port)
{
	struct back *b = ctx;

	if (port < b->port_room && b->by_port[port])
		b->kind->event(b->by_port[port], port);
}

static void on_timer(void *ctx)
{
	back_timer(ctx);
}

/* The world was suspended: nothing that was mapped or bound is there any more. */
static void on_resumed(void *ctx)
{
	struct back *b = ctx;
	struct back_device *dev, *next;

	for (dev = b->devices; dev; dev = next) {
		next = dev->next;		/* one whose directory is gone ends here */
		if (dev->phase == PHASE_UP)
			back_cut_off(dev, "the host was suspended");
	}
	back_rescan(b);
}

int back_open(struct back **back, struct mica_io *io, const struct back_kind *kind, void *ctx)
{
	struct back *b = calloc(1, sizeof(*b));
	int rc;

	if (!b)
		return -ENOMEM;
	b->io = io;
	b->kind = kind;
	b->ctx = ctx;
	snprintf(b->base, sizeof(b->base), "/local/domain/%u/backend/%s", io->ops->self(io),
		 kind->dir);
	io->driver = (struct mica_io_driver){
		.ctx = b, .event = on_event, .changed = on_changed, .timer = on_timer,
		.resumed = on_resumed,
	};
	*back = b;
	/* Its first event comes at once and finds what is there already. */
	rc = io->ops->watch(io, b->base, "b/");
	if (rc)
		back_close(b);
	return rc;
}

void back_close(struct back *b)
{
	struct back_device *dev;

	b->io->ops->unwatch(b->io, b->base, "b/");
	b->io->driver = (struct mica_io_driver){ .ctx = NULL };
	while ((dev = b->devices)) {
		b->devices = dev->next;
		free(dev);
	}
	free(b->by_port);
	free(b);
}
