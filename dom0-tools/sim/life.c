/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Life and death in the simulated world, and the toolstack's part in it: devices are made and
 * detached, a driver's process dies and is started again, a guest is suspended and resumed.
 * The plan's "life" faults strike when a domain has written a certain state of its own, or at any
 * point.  Death is at once; a suspend waits for the callback under way, as a kernel's freezer does.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/sim_priv.h"

static void front_dir(char *dir, size_t room, const char *kind, domid_t front, unsigned number)
{
	snprintf(dir, room, "/local/domain/%u/device/%.64s/%u", front, kind, number);
}

static void back_dir(char *dir, size_t room, const char *kind, domid_t front, domid_t back,
		     unsigned number)
{
	snprintf(dir, room, "/local/domain/%u/backend/%.64s/%u/%u", back, kind, front, number);
}

static void set(struct sim *w, const char *dir, const char *key, const char *value)
{
	char path[SIM_PATH];

	snprintf(path, sizeof(path), "%.200s/%s", dir, key);
	store_set(w, path, value);
}

static void set_number(struct sim *w, const char *dir, const char *key, unsigned value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	set(w, dir, key, text);
}

int sim_device_add(struct sim *w, const char *kind, domid_t front, domid_t back, unsigned number)
{
	char f[SIM_PATH], b[SIM_PATH];

	front_dir(f, sizeof(f), kind, front, number);
	back_dir(b, sizeof(b), kind, front, back, number);
	set(w, f, "backend", b);
	set_number(w, f, "backend-id", back);
	set(w, f, "state", "1");
	set(w, b, "frontend", f);
	set_number(w, b, "frontend-id", front);
	set(w, b, "online", "1");
	set(w, b, "state", "1");
	return 0;
}

void sim_device_detach(struct sim *w, const char *kind, domid_t front, domid_t back,
		       unsigned number)
{
	char b[SIM_PATH], path[SIM_PATH + 8];
	const char *state;

	back_dir(b, sizeof(b), kind, front, back, number);
	snprintf(path, sizeof(path), "%s/state", b);
	state = store_get(w, path);
	if (!state)
		return;
	set(w, b, "online", "0");
	if (strcmp(state, "6"))
		set(w, b, "state", "5");
}

void sim_device_forget(struct sim *w, const char *kind, domid_t front, unsigned number)
{
	char f[SIM_PATH];

	front_dir(f, sizeof(f), kind, front, number);
	store_set(w, f, NULL);
}

bool sim_alive(const struct mica_io *io)
{
	return ((const struct sim_dom *)io)->alive;
}

void sim_kill(struct mica_io *io)
{
	struct sim_dom *d = sim_of(io);
	struct sim *w = d->world;

	sim_trace(w, "d%u is killed", d->id);
	d->alive = false;
	d->inside = d->resumed = d->freeze = false;
	d->timer = 0;
	d->late_port = 0;
	store_drop(d);
	sim_drop_messages(d);
	hub_drop_all(d, true);
	if (d->on_kill)
		d->on_kill(d->kill_ctx);
	if (w->current == d)
		sim_leave_for_good(d);
}

/* Both ends of the domain's devices are new to the store, as after a restore. */
static void reset_devices(struct sim *w, domid_t front)
{
	char dir[SIM_PATH], f[SIM_PATH], path[SIM_PATH + 16], names[256], kinds[256];
	struct sim_dom toolstack = { .world = w, .alive = true };
	int kind_count, count;
	const char *back;

	snprintf(dir, sizeof(dir), "/local/domain/%u/device", front);
	kind_count = store_list(&toolstack, dir, kinds, sizeof(kinds));
	for (const char *k = kinds; kind_count > 0; kind_count--, k += strlen(k) + 1) {
		snprintf(dir, sizeof(dir), "/local/domain/%u/device/%.64s", front, k);
		count = store_list(&toolstack, dir, names, sizeof(names));
		for (const char *n = names; count > 0; count--, n += strlen(n) + 1) {
			front_dir(f, sizeof(f), k, front, (unsigned)atoi(n));
			snprintf(path, sizeof(path), "%s/backend", f);
			back = store_get(w, path);
			if (!back)
				continue;
			snprintf(dir, sizeof(dir), "%s", back);
			set(w, f, "state", "1");
			set(w, dir, "state", "1");
		}
	}
}

void sim_suspend(struct mica_io *io)
{
	struct sim_dom *d = sim_of(io);

	sim_trace(d->world, "d%u is suspended and resumed", d->id);
	if (d->in_txn)
		store_end(d, false);
	hub_drop_all(d, true);
	reset_devices(d->world, d->id);
	d->resumed = true;
}

void sim_on_death(struct sim *w, void (*fn)(void *ctx, domid_t who), void *ctx,
		  uint64_t after_ns)
{
	w->on_death = fn;
	w->death_ctx = ctx;
	w->death_after = after_ns;
}

void life_due(struct sim *w)
{
	w->death_due = 0;
	if (w->on_death)
		w->on_death(w->death_ctx, w->dead);
}

static void die(struct sim_dom *d)
{
	d->world->dead = d->id;
	d->world->death_due = d->world->now + d->world->death_after + 1;
	sim_kill(&d->io);
}

void life_wrote(struct sim_dom *d, const char *path, const char *value)
{
	const char *slash = strrchr(path, '/');
	char event[32];

	if (!slash || strcmp(slash, "/state") || !d->world->options.plan)
		return;
	snprintf(event, sizeof(event), "state=%.8s", value);
	if (sim_fault(d->world, d, SIM_LIFE_SUSPEND, event))
		d->freeze = true;
	if (sim_fault(d->world, d, SIM_LIFE_DIE, event))
		die(d);
}

void life_point(struct sim_dom *d)
{
	const uint64_t kinds = 1ull << SIM_LIFE_KILL | 1ull << SIM_LIFE_MOVE;

	if (!d->world->options.plan || !(d->world->options.plan->kinds & kinds))
		return;
	if (sim_fault(d->world, d, SIM_LIFE_MOVE, NULL))
		d->freeze = true;
	if (sim_fault(d->world, d, SIM_LIFE_KILL, NULL))
		die(d);
}
