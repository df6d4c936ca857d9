/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulator's clockwork: coroutines, dice, virtual time, the trace.
 *
 * One OS thread.  sim_run() is the scheduler's side: it lets one domain go on, which runs until a
 * point where the dice say "another", or until its callbacks are done.  A domain is ready when it
 * stopped inside a callback or has one due: an event, a watch, its timer, a resume.  When none
 * is, time jumps to the next thing due; when nothing is due, the run ends.  All randomness is one
 * generator, drawn from in the order of the points, which is why a seed repeats a run.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim/sim_priv.h"

uint64_t sim_dice(struct sim *w, uint64_t below)
{
	uint64_t z = w->dice += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return (z ^ (z >> 31)) % below;
}

void sim_trace(struct sim *w, const char *format, ...)
{
	char line[512];
	va_list args;
	int n, m;

	if (w->quiet)
		return;
	n = snprintf(line, sizeof(line), "%llu.%09llu %c%u ",
		     (unsigned long long)(w->now / 1000000000),
		     (unsigned long long)(w->now % 1000000000), w->current ? 'd' : '-',
		     w->current ? w->current->id : 0);
	va_start(args, format);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n, format, args);
	va_end(args);
	n = m < 0 || n + m >= (int)sizeof(line) ? (int)sizeof(line) - 1 : n + m;
	for (int i = 0; i < n; i++)
		w->hash = (w->hash ^ (uint8_t)line[i]) * 1099511628211u;
	if (w->options.trace)
		fprintf(w->options.trace, "%.*s\n", n, line);
}

void sim_note(struct mica_io *io, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	sim_trace(sim_of(io)->world, "note d%u: %s", sim_of(io)->id, text);
}

/* --- what is due --- */

static bool event_pending(const struct sim_dom *d)
{
	for (unsigned i = 1; i < SIM_PORTS; i++)
		if (d->port[i].pending)
			return true;
	return d->late_port != 0;
}

static bool ready(const struct sim_dom *d)
{
	if (!d->alive)
		return false;
	return d->inside || d->freeze || d->resumed || event_pending(d) ||
	       (d->messages && d->messages->due <= d->world->now) ||
	       (d->timer && d->timer <= d->world->now);
}

void sim_deliver_due(struct sim *w)
{
	struct sim_later **at = &w->later;

	while (*at) {
		struct sim_later *l = *at;
		struct sim_dom *d;

		if (l->due > w->now) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		d = sim_find(w, l->dom);
		if (d && d->alive)
			hub_raise(d, l->port);
		free(l);
	}
	if (w->death_due && w->death_due <= w->now)
		life_due(w);
}

/* When the next thing happens by itself; UINT64_MAX: never. */
uint64_t sim_next_due(struct sim *w)
{
	uint64_t next = w->death_due ? w->death_due : UINT64_MAX;

	for (struct sim_later *l = w->later; l; l = l->next)
		if (l->due < next)
			next = l->due;
	for (unsigned i = 0; i < w->doms; i++) {
		struct sim_dom *d = w->dom[i];

		if (!d->alive)
			continue;
		if (d->timer && d->timer < next)
			next = d->timer;
		if (d->messages && d->messages->due < next)
			next = d->messages->due;
	}
	return next;
}

/* --- one callback of a domain's driver --- */

static void call_event(struct sim_dom *d)
{
	unsigned n = 0, pick;

	if (d->late_port) {
		uint32_t port = d->late_port;

		d->late_port = 0;
		sim_trace(d->world, "event port %u, which is closed", port);
		d->io.driver.event(d->io.driver.ctx, port);
		return;
	}
	for (unsigned i = 1; i < SIM_PORTS; i++)
		n += d->port[i].pending;
	pick = n > 1 ? (unsigned)sim_dice(d->world, n) : 0;
	for (unsigned i = 1; i < SIM_PORTS; i++) {
		if (!d->port[i].pending || pick--)
			continue;
		d->port[i].pending = false;
		sim_trace(d->world, "event port %u", i);
		d->io.driver.event(d->io.driver.ctx, i);
		return;
	}
}

static void call_message(struct sim_dom *d)
{
	struct sim_message *first = d->messages, m = *first;

	/* A domain that dies in its callback does not come back to free it. */
	d->messages = first->next;
	free(first);
	if (m.call) {
		m.call(m.ctx);
		return;
	}
	sim_trace(d->world, "watch %s (%s)", m.path, m.token);
	d->io.driver.changed(d->io.driver.ctx, m.path, m.token);
}

static void call_one(struct sim_dom *d)
{
	struct sim *w = d->world;
	bool event = event_pending(d), timer = d->timer && d->timer <= w->now;
	bool message = d->messages && d->messages->due <= w->now;
	unsigned pick;

	if (d->freeze) {
		d->freeze = false;
		sim_suspend(&d->io);
	}
	if (d->resumed) {
		d->resumed = false;
		sim_trace(w, "resumed");
		d->io.driver.resumed(d->io.driver.ctx);
		return;
	}
	pick = (unsigned)sim_dice(w, 1u * event + timer + message);
	if (event && !pick--) {
		call_event(d);
	} else if (timer && !pick--) {
		d->timer = 0;
		sim_trace(w, "timer");
		d->io.driver.timer(d->io.driver.ctx);
	} else {
		call_message(d);
	}
}

static void domain_main(void *arg)
{
	struct sim_dom *d = arg;

	for (;;) {
		d->inside = true;
		call_one(d);
		d->inside = false;
		fiber_switch(&d->fiber, &d->world->scheduler);	/* back when ready() */
	}
}

void sim_leave_for_good(struct sim_dom *d)
{
	fiber_leave(&d->fiber, &d->world->scheduler);
}

void sim_point(struct sim_dom *d)
{
	struct sim *w = d->world;

	if (w->current != d)
		return;			/* set-up, from outside */
	w->steps++;
	w->now += SIM_POINT_NS;
	if (w->later || w->death_due)
		sim_deliver_due(w);
	if (w->steps >= w->max_steps || w->stop || sim_dice(w, 256) >= w->options.stay)
		fiber_switch(&d->fiber, &w->scheduler);
	life_point(d);
}

enum sim_end sim_run(struct sim *w, uint64_t until_ns, uint64_t steps)
{
	w->max_steps = w->steps + steps;
	w->stop = false;
	for (;;) {
		struct sim_dom *list[SIM_DOMS];
		unsigned n = 0;

		sim_deliver_due(w);
		if (w->stop)
			return SIM_STOPPED;
		if (w->steps >= w->max_steps)
			return SIM_STEPS;
		for (unsigned i = 0; i < w->doms; i++)
			if (ready(w->dom[i]))
				list[n++] = w->dom[i];
		if (!n) {
			uint64_t next = sim_next_due(w);

			if (next == UINT64_MAX)
				return SIM_IDLE;
			if (next > until_ns)
				return SIM_TIME;
			w->now = next;
			continue;
		}
		if (w->now > until_ns)
			return SIM_TIME;
		w->current = list[n > 1 ? sim_dice(w, n) : 0];
		fiber_switch(&w->scheduler, &w->current->fiber);
		w->current = NULL;
	}
}

/* --- life of a world --- */

struct sim_dom *sim_find(struct sim *w, domid_t id)
{
	for (unsigned i = 0; i < w->doms; i++)
		if (w->dom[i]->id == id)
			return w->dom[i];
	return NULL;
}

struct mica_io *sim_domain(struct sim *w, domid_t id)
{
	struct sim_dom *d = sim_find(w, id);

	if (d)
		return &d->io;
	if (w->doms == SIM_DOMS)
		return NULL;
	d = calloc(1, sizeof(*d));
	d->io.ops = &sim_ops;
	d->world = w;
	d->id = id;
	d->alive = true;
	d->fiber.stack = malloc(SIM_STACK);
	d->fiber.stack_bytes = SIM_STACK;
	fiber_start(&d->fiber, domain_main, d);
	w->dom[w->doms++] = d;
	return &d->io;
}

void sim_revive(struct mica_io *io)
{
	struct sim_dom *d = sim_of(io);

	sim_trace(d->world, "d%u starts again", d->id);
	d->alive = true;
	d->resumed = false;
	d->inside = false;
	fiber_start(&d->fiber, domain_main, d);
}

void sim_queue(struct sim_dom *d, struct sim_message *m)
{
	struct sim_message **at = &d->messages;

	/* In order of arrival; a late one lets those behind it pass. */
	while (*at && (*at)->due <= m->due)
		at = &(*at)->next;
	m->next = *at;
	*at = m;
}

void sim_drop_messages(struct sim_dom *d)
{
	while (d->messages) {
		struct sim_message *m = d->messages;

		d->messages = m->next;
		free(m);
	}
}

void sim_call(struct mica_io *io, void (*fn)(void *ctx), void *ctx)
{
	struct sim_message *m = calloc(1, sizeof(*m));

	m->call = fn;
	m->ctx = ctx;
	m->due = sim_of(io)->world->now;
	sim_queue(sim_of(io), m);
}

void sim_on_kill(struct mica_io *io, void (*fn)(void *ctx), void *ctx)
{
	sim_of(io)->on_kill = fn;
	sim_of(io)->kill_ctx = ctx;
}

void sim_stop(struct mica_io *io)
{
	sim_of(io)->world->stop = true;
}

void sim_skip(struct sim *w, uint64_t ns)
{
	w->now += ns;
}

uint64_t sim_now(const struct sim *w)
{
	return w->now;
}

uint64_t sim_steps(const struct sim *w)
{
	return w->steps;
}

uint64_t sim_trace_hash(const struct sim *w)
{
	return w->hash;
}

unsigned sim_faults_done(const struct sim *w)
{
	return w->faults_done;
}

struct sim *sim_open(const struct sim_options *options)
{
	struct sim *w = calloc(1, sizeof(*w));

	w->options = *options;
	w->dice = options->seed * 0xda942042e4dd58b5 + 1;
	w->now = 1000000000;
	w->hash = 1469598103934665603u;
	w->quiet = options->plain_maps && !options->trace;
	w->memory_fd = memfd_create("mica-sim", MFD_CLOEXEC);
	w->memory = MAP_FAILED;
	if (w->memory_fd >= 0 && !ftruncate(w->memory_fd, SIM_PAGES * 4096))
		w->memory = mmap(NULL, SIM_PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
				 w->memory_fd, 0);
	if (w->memory == MAP_FAILED) {
		free(w);
		return NULL;
	}
	w->root = store_root();
	if (w->options.plan)
		for (unsigned i = 0; i < w->options.plan->faults; i++)
			w->options.plan->fault[i].seen = w->options.plan->fault[i].done = 0;
	tap_open(w);
	sim_trace(w, "seed %llu plan %s", (unsigned long long)options->seed,
		  options->plan ? options->plan->name : "none");
	return w;
}

void sim_close(struct sim *w)
{
	if (!w)
		return;
	tap_close(w);
	for (unsigned i = 0; i < w->doms; i++) {
		store_drop(w->dom[i]);
		sim_drop_messages(w->dom[i]);
		hub_drop_all(w->dom[i], true);
	}
	for (unsigned i = 0; i < w->doms; i++) {
		struct sim_dom *d = w->dom[i];

		free(d->fiber.stack);
		free(d);
	}
	while (w->later) {
		struct sim_later *l = w->later;

		w->later = l->next;
		free(l);
	}
	store_free(w->root);
	munmap(w->memory, SIM_PAGES * 4096);
	close(w->memory_fd);
	free(w);
}
