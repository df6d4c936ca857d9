/* SPDX-License-Identifier: BSD-2-Clause */
/* See pair.h. */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "host.h"
#include "pair.h"
#include "sim/sim_priv.h"

#define PLANS		"dom0-tools/sim/plans"
#define SLICE_NS	20000000ull
#define LIMIT_NS	400000000000ull		/* of virtual time, for each of the two parts */
#define LIMIT_STEPS	4000000ull
#define RESTART_NS	50000000ull
#define KICK_NS		1000000000ull
#define GIVE_UP_NS	20000000000ull
#define CONNECTS	6			/* before a front end stops trying */

/* --- front ends --- */

void front_bell(void *ctx, uint32_t port)
{
	struct mica_io *io = ctx;

	io->ops->port_notify(io, port);
}

void front_wrong(struct front *f, const char *why)
{
	f->wrong = true;
	echo_broken(&f->end, why);
}

static void take_back(struct front *f)
{
	struct mica_io *io = f->end.io;

	for (size_t i = 0; i < sizeof(f->left) / sizeof(f->left[0]); i++)
		if (f->left[i].where &&
		    io->ops->reclaim(io, f->left[i].where, f->left[i].n) != -EBUSY)
			f->left[i].where = NULL;
}

static bool holds_back(const struct front *f)
{
	for (size_t i = 0; i < sizeof(f->left) / sizeof(f->left[0]); i++)
		if (f->left[i].where)
			return true;
	return false;
}

void front_leave(struct front *f, void **where, unsigned n)
{
	for (size_t i = 0; i < sizeof(f->left) / sizeof(f->left[0]) && *where; i++)
		if (!f->left[i].where) {
			f->left[i].where = *where;
			f->left[i].n = n;
			*where = NULL;
		}
}

static void disconnect(struct front *f)
{
	f->running = false;
	f->end.resources = false;
	f->ops->stop(f);
	take_back(f);
}

static void work(struct front *f)
{
	if (f->running && f->ops->work(f) && f->end.will == MICA_BUS_UP)
		f->end.will = MICA_BUS_DOWN;
}

static int publish(struct front *f)
{
	const char *why = "the back end closes every connection";

	disconnect(f);
	if (++f->connects > CONNECTS || f->ops->publish(f, &why)) {
		echo_broken(&f->end, why);
		disconnect(f);
		return -EIO;
	}
	f->end.resources = true;
	return 0;
}

static int act(struct echo_end *e, enum mica_bus_action action)
{
	struct front *f = (struct front *)e;

	switch (action) {
	case MICA_BUS_PUBLISH:
		return publish(f);
	case MICA_BUS_CONNECT:
		if (f->running || !e->resources)
			return 0;
		f->running = true;
		f->ops->start(f);
		work(f);
		return 0;
	case MICA_BUS_DISCONNECT:
		disconnect(f);
		return 0;
	case MICA_BUS_REMOVE:
		disconnect(f);
		return holds_back(f) ? -EBUSY : 0;
	default:
		return 0;
	}
}

static void idle(struct echo_end *e)
{
	struct front *f = (struct front *)e;

	take_back(f);
	f->finished = e->will != MICA_BUS_UP && (e->removed ||
		(e->rule && e->rule->own == XenbusStateClosed));
	if (f->running && f->ops->oldest(f))
		e->io->ops->timer_set(e->io, e->io->ops->now_ns(e->io) + KICK_NS);
}

static void check_ages(struct front *f)
{
	uint64_t now = f->end.io->ops->now_ns(f->end.io), oldest;

	oldest = f->running ? f->ops->oldest(f) : 0;
	if (!oldest || now - oldest <= KICK_NS)
		return;
	if (now - oldest > GIVE_UP_NS) {
		echo_broken(&f->end, "the back end does not answer");
	} else if (now - f->kicked_ns > KICK_NS) {
		f->kicks++;
		f->kicked_ns = now;
		f->ops->kick(f);
	}
}

static void on_event(void *ctx, uint32_t port)
{
	struct front *f = ctx;
	enum mica_bus_will before = f->end.will;

	work(f);
	check_ages(f);
	if (f->end.will != before)
		echo_settle(&f->end);
}

static void on_changed(void *ctx, const char *path, const char *token)
{
	on_event(ctx, 0);
	echo_settle(&((struct front *)ctx)->end);
}

static void on_timer(void *ctx)
{
	on_changed(ctx, NULL, NULL);
}

static void on_resumed(void *ctx)
{
	disconnect(ctx);
	echo_settle(&((struct front *)ctx)->end);
}

void front_start(struct front *f, struct mica_io *io, const char *kind, unsigned number,
		 const struct front_ops *ops)
{
	struct echo_end *e = &f->end;

	f->ops = ops;
	e->io = io;
	e->role = MICA_BUS_FRONT;
	e->act = act;
	e->idle = idle;
	snprintf(e->own, sizeof(e->own), "/local/domain/%u/device/%s/%u", io->ops->self(io), kind,
		 number);
	snprintf(e->peer, sizeof(e->peer), "/local/domain/0/backend/%s/%u/%u", kind,
		 io->ops->self(io), number);
	io->driver = (struct mica_io_driver){ .ctx = f, .event = on_event, .changed = on_changed,
					      .timer = on_timer, .resumed = on_resumed };
	io->ops->watch(io, e->own, "own");
	io->ops->watch(io, e->peer, "peer");
	io->ops->timer_set(io, io->ops->now_ns(io) + 1000000000ull);
}

/* --- the toolstack --- */

static void path_of(struct pair *p, unsigned guest, bool back, const char *key, char *path, size_t room)
{
	if (back)
		snprintf(path, room, "/local/domain/0/backend/%s/%u/%u%s", p->kind, guest + 1,
			 p->number, key);
	else
		snprintf(path, room, "/local/domain/%u/device/%s/%u%s", guest + 1, p->kind,
			 p->number, key);
}

void pair_key(struct pair *p, unsigned guest, bool back, const char *key, const char *value)
{
	char path[SIM_PATH], slash[64];

	snprintf(slash, sizeof(slash), "/%s", key);
	path_of(p, guest, back, slash, path, sizeof(path));
	store_set(p->world, path, value);
}

struct start {
	struct pair *p;
	unsigned guest;
};

static struct start starts[PAIR_GUESTS];

static void call_front(void *ctx)
{
	struct start *s = ctx;

	s->p->start_front(s->p, s->guest);
}

static void call_back(void *ctx)
{
	struct pair *p = ctx;

	p->start_back(p);
}

static void detach(struct pair *p, unsigned guest)
{
	sim_device_detach(p->world, p->kind, (domid_t)(guest + 1), 0, p->number);
}

static void on_death(void *ctx, domid_t who)
{
	struct pair *p = ctx;

	if (who) {
		p->died[who - 1] = true;
		sim_device_forget(p->world, p->kind, who, p->number);
		detach(p, who - 1u);
		return;
	}
	p->bury_back(p);
	sim_revive(p->back_io);
	sim_call(p->back_io, call_back, p);
}

/* As it does: what is detached and Closed, it removes; and what does not close in time. */
static void clear_up(struct pair *p, bool by_force)
{
	char path[SIM_PATH];
	const char *state, *online;

	for (unsigned g = 0; g < p->guests; g++) {
		path_of(p, g, true, "/state", path, sizeof(path));
		state = store_get(p->world, path);
		path_of(p, g, true, "/online", path, sizeof(path));
		online = store_get(p->world, path);
		path_of(p, g, true, "", path, sizeof(path));
		if (store_get(p->world, path) == NULL && !state && !online)
			continue;
		if (by_force || !state || (online && !strcmp(online, "0") && !strcmp(state, "6"))) {
			store_set(p->world, path, NULL);
			sim_device_forget(p->world, p->kind, (domid_t)(g + 1), p->number);
		}
	}
}

static bool done(struct pair *p, bool detached)
{
	for (unsigned g = 0; g < p->guests; g++) {
		if (p->died[g])
			continue;
		if (detached ? !p->front[g]->end.removed :
		    !p->front[g]->finished && !p->front[g]->end.removed)
			return false;
	}
	return !detached || (sim_alive(p->back_io) && p->back_is_gone(p));
}

/* False: it took too long. */
static bool run_until_done(struct pair *p, bool detached)
{
	uint64_t end = sim_now(p->world) + LIMIT_NS, first = sim_steps(p->world);

	while (!done(p, detached)) {
		enum sim_end how = sim_run(p->world, sim_now(p->world) + SLICE_NS, LIMIT_STEPS);

		if (how == SIM_STEPS || sim_steps(p->world) - first > LIMIT_STEPS)
			return false;
		if (sim_now(p->world) >= end)
			return false;
		if (how != SIM_STOPPED)
			sim_skip(p->world, SLICE_NS);
		if (detached)
			clear_up(p, sim_now(p->world) >= end - LIMIT_NS / 2);
	}
	return true;
}

/* --- what came of it --- */

static bool holds_nothing(const struct mica_io *io, unsigned watches, const char *who, char *reason,
			  size_t room)
{
	struct sim_holds h = sim_holds(io);

	if (!h.ports && !h.lent && !h.mapped && h.watches <= watches)
		return true;
	snprintf(reason, room, "left by %s: %u ports, %u pages, %u maps, %u watches", who, h.ports,
		 h.lent, h.mapped, h.watches);
	return false;
}

static enum pair_verdict judge(struct pair *p, char *reason, size_t room)
{
	enum pair_verdict verdict = PAIR_HEALTHY;

	/* The watch of all of the kind's devices stays. */
	if (!holds_nothing(p->back_io, 1, "the back end", reason, room))
		return PAIR_LEAKS;
	for (unsigned g = 0; g < p->guests; g++) {
		const struct front *f = p->front[g];
		const char *why = f->end.reason[0] ? f->end.reason : p->back_words;

		if (p->died[g]) {
			snprintf(reason, room, "guest %u died", g + 1);
			verdict = PAIR_CUT;
			continue;
		}
		if (!holds_nothing(p->front_io[g], 0, "a front end", reason, room))
			return PAIR_LEAKS;
		if (f->wrong) {
			snprintf(reason, room, "%s", f->end.reason);
			return PAIR_WRONG;
		}
		if (!f->end.reasons && f->end.will == MICA_BUS_DOWN)
			continue;
		if (!*why)
			return PAIR_SILENT;
		snprintf(reason, room, "front: %s; back: %s", f->end.reason, p->back_words);
		verdict = PAIR_CUT;
	}
	return verdict;
}

static void begin(struct pair *p)
{
	p->back_io = sim_domain(p->world, 0);
	p->back_words[0] = '\0';
	for (unsigned g = 0; g < p->guests; g++) {
		p->front_io[g] = sim_domain(p->world, (domid_t)(g + 1));
		p->died[g] = false;
		memset(p->front[g], 0, p->front_bytes);
		starts[g] = (struct start){ p, g };
	}
	sim_on_death(p->world, on_death, p, RESTART_NS);
	for (unsigned g = 0; g < p->guests; g++) {
		p->make_keys(p, g);
		sim_device_add(p->world, p->kind, (domid_t)(g + 1), 0, p->number);
		sim_call(p->front_io[g], call_front, &starts[g]);
	}
	sim_call(p->back_io, call_back, p);
}

struct pair_result pair_run(struct pair *p, uint64_t seed, struct sim_plan *plan)
{
	struct sim_options how = { .seed = seed, .plan = plan, .stay = 200,
				   .trace = getenv("UNIT_TRACE") ? stdout : NULL };
	struct pair_result r = { .verdict = PAIR_HUNG };

	p->world = sim_open(&how);
	p->seed = seed;
	begin(p);
	if (run_until_done(p, false)) {
		for (unsigned g = 0; g < p->guests; g++)
			if (!p->died[g])
				detach(p, g);
		if (run_until_done(p, true) &&
		    sim_run(p->world, sim_now(p->world) + SLICE_NS, LIMIT_STEPS) != SIM_STEPS)
			r.verdict = judge(p, r.reason, sizeof(r.reason));
	}
	for (unsigned g = 0; g < p->guests; g++) {
		const struct echo_end *e = &p->front[g]->end;

		r.kicks += p->front[g]->kicks;
		r.connects += p->front[g]->connects;
		if (r.verdict == PAIR_HUNG)
			snprintf(r.reason + strlen(r.reason), sizeof(r.reason) - strlen(r.reason),
				 "front %u: %s (%s); ", g + 1, e->rule ? e->rule->words : "-", e->reason);
	}
	if (r.verdict == PAIR_HUNG)
		snprintf(r.reason + strlen(r.reason), sizeof(r.reason) - strlen(r.reason),
			 "back: %s", p->back_words);
	r.hash = sim_trace_hash(p->world);
	r.steps = sim_steps(p->world);
	r.faults = sim_faults_done(p->world);
	p->bury_back(p);
	sim_close(p->world);
	return r;
}

const char *pair_verdict_name(enum pair_verdict verdict)
{
	static const char *const names[] = { "healthy", "cut", "hung", "silent", "leaks", "wrong" };

	return names[verdict];
}

/* --- all plans --- */

static int is_plan(const struct dirent *entry)
{
	return strstr(entry->d_name, ".json") != NULL;
}

/* The plans are written for the echo device: its directories are this one's. */
static void translate(struct pair *p, struct sim_plan *plan)
{
	for (unsigned i = 0; i < plan->faults; i++) {
		char *path = plan->fault[i].path, was[sizeof(plan->fault[i].path)];
		char *echo = strstr(path, "echo/"), *key = strstr(path, "ring-ref");
		bool back = echo && !strncmp(echo, "echo/1/0", 8);

		if (key && p->ring_key)
			snprintf(key, sizeof(plan->fault[i].path) - (size_t)(key - path), "%s",
				 p->ring_key);
		if (!echo)
			continue;
		snprintf(was, sizeof(was), "%s", echo + (back ? 8 : 6));
		snprintf(echo, sizeof(plan->fault[i].path) - (size_t)(echo - path), "%s/%s%u%s", p->kind,
			 back ? "1/" : "", p->number, was);
	}
}

struct sim_plan *pair_plan(struct pair *p, const char *name)
{
	char path[512], why[160];
	struct sim_plan *plan;

	snprintf(path, sizeof(path), PLANS "/%s", name);
	plan = sim_plan_read(path, why, sizeof(why));
	if (!plan)
		fail_msg("%s: %s", path, why);
	translate(p, plan);
	return plan;
}

static const struct pair_exception *exception(const struct pair_exception *e, const char *plan)
{
	while (e && e->plan && strncmp(plan, e->plan, strlen(e->plan)))
		e++;
	return e && e->plan ? e : NULL;
}

static bool as_wanted(const struct pair *p, const struct pair_result *r, const char *want)
{
	if (!strcmp(want, "told"))
		return r->verdict <= PAIR_CUT && (!r->faults || strstr(p->back_words, "cut off: "));
	if (!strcmp(want, "own"))
		return r->verdict <= PAIR_CUT || r->verdict == PAIR_WRONG;
	return r->verdict <= PAIR_CUT && (!strcmp(want, "either") ||
					  !strcmp(want, pair_verdict_name(r->verdict)));
}

static bool one_plan(struct pair *p, struct sim_plan *plan, uint64_t first, unsigned seeds,
		     const struct pair_exception *not_so)
{
	const struct pair_exception *e = exception(not_so, sim_plan_name(plan));
	const char *want = e ? e->expects : sim_plan_expects(plan);
	unsigned faults = 0;
	bool well = true;

	for (uint64_t seed = first; want && seed < first + seeds; seed++) {
		struct pair_result r = pair_run(p, seed, plan);

		faults += r.faults;
		if (as_wanted(p, &r, want))
			continue;
		printf("%s, UNIT_SEED=%llu: %s, wanted %s: %s\n", sim_plan_name(plan),
		       (unsigned long long)seed, pair_verdict_name(r.verdict), want, r.reason);
		well = false;
	}
	if (want && !faults) {
		printf("%s never struck\n", sim_plan_name(plan));
		well = false;
	}
	return well;
}

void pair_every_plan(struct pair *p, unsigned seeds, const struct pair_exception *not_so)
{
	const char *seed = getenv("UNIT_SEED"), *only = getenv("UNIT_PLAN");
	uint64_t first = seed ? strtoull(seed, NULL, 0) : 1;
	struct dirent **names;
	int plans = scandir(PLANS, &names, is_plan, alphasort);
	unsigned bad = 0, run = 0;

	seeds = dice_steps(seeds);
	for (int i = 0; i < plans; i++) {
		struct sim_plan *plan = pair_plan(p, names[i]->d_name);

		if (!only || !strncmp(sim_plan_name(plan), only, strlen(only))) {
			bad += !one_plan(p, plan, first, seeds, not_so);
			run++;
		}
		sim_plan_free(plan);
		free(names[i]);
	}
	free(names);
	printf("%u plans, %u seeds each, from %llu; %u ended otherwise\n", run, seeds,
	       (unsigned long long)first, bad);
	assert_true(only || run >= 110);
	assert_int_equal(bad, 0);
}
