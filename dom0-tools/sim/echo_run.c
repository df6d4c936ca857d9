/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Plays the toolstack and the supervisor around one echo device: attaches it, starts the back end
 * again when it was killed, takes a dead guest's device away, detaches at the end, and then judges:
 * answered, or cut off with a reason, and in either case nothing left behind.
 */
#include <string.h>

#include "sim/echo.h"
#include "sim/echo_run.h"

#define SLICE_NS	20000000ull
#define LIMIT_NS	400000000000ull		/* of virtual time, for each of the two parts */
#define LIMIT_STEPS	2000000ull
#define RESTART_NS	50000000ull

struct stage {
	struct sim *world;
	struct mica_io *front_io, *back_io;
	struct echo_front_dev front;
	struct echo_back_dev back;
	struct echo_journal journal;		/* outlives the back end */
	uint64_t total;
	bool guest_died;
};

static void start_front(void *ctx)
{
	struct stage *s = ctx;

	echo_front_start(&s->front, s->front_io, 0, s->total);
}

static void start_back(void *ctx)
{
	struct stage *s = ctx;

	echo_back_start(&s->back, s->back_io, 1, 0, &s->journal);
}

static void on_death(void *ctx, domid_t who)
{
	struct stage *s = ctx;

	if (who == 1) {
		s->guest_died = true;
		sim_device_forget(s->world, "echo", 1, 0);
		sim_device_detach(s->world, "echo", 1, 0, 0);
		return;
	}
	memset(&s->back, 0, sizeof(s->back));
	sim_revive(s->back_io);
	sim_call(s->back_io, start_back, s);
}

static bool done(const struct stage *s, bool detached)
{
	if (s->guest_died || detached)
		return s->back.end.removed && (s->guest_died || s->front.end.removed);
	return s->front.finished || s->front.end.removed;
}

/* False: it took too long. */
static bool run_until_done(struct stage *s, bool detached)
{
	uint64_t end = sim_now(s->world) + LIMIT_NS, first = sim_steps(s->world);

	while (!done(s, detached)) {
		enum sim_end how = sim_run(s->world, sim_now(s->world) + SLICE_NS, LIMIT_STEPS);

		if (how == SIM_STEPS || sim_steps(s->world) - first > LIMIT_STEPS)
			return false;
		if (how == SIM_IDLE && !done(s, detached))
			return false;
		if (how == SIM_TIME && sim_now(s->world) >= end)
			return false;
		if (how == SIM_TIME)
			sim_skip(s->world, SLICE_NS);
	}
	return true;
}

static bool holds_nothing(const struct mica_io *io)
{
	struct sim_holds h = sim_holds(io);

	return !h.ports && !h.lent && !h.mapped && !h.watches;
}

static enum echo_verdict judge(const struct stage *s, char *reason, size_t room)
{
	const struct echo_end *f = &s->front.end, *b = &s->back.end;

	if (!holds_nothing(s->back_io) || (!s->guest_died && !holds_nothing(s->front_io))) {
		struct sim_holds h = sim_holds(s->back_io), g = sim_holds(s->front_io);

		snprintf(reason, room, "left by back: %u ports %u maps %u watches; "
			 "by front: %u ports %u pages %u watches", h.ports, h.mapped, h.watches,
			 g.ports, g.lent, g.watches);
		return ECHO_LEAKS;
	}
	if (s->guest_died) {
		snprintf(reason, room, "the guest died");
		return ECHO_CUT;
	}
	if (s->front.good == s->total && !f->reasons)
		return ECHO_HEALTHY;
	if (!*f->reason && !*b->reason)
		return ECHO_SILENT;
	snprintf(reason, room, "front: %.110s; back: %.110s", *f->reason ? f->reason : "-",
		 *b->reason ? b->reason : "-");
	return ECHO_CUT;
}

struct echo_result echo_run(const struct echo_options *options)
{
	struct sim_options how = { .seed = options->seed, .plan = options->plan,
				   .trace = options->trace, .stay = 200 };
	struct echo_result result = { .verdict = ECHO_HUNG };
	static struct stage stage;
	struct stage *s = &stage;

	memset(s, 0, sizeof(*s));
	s->world = sim_open(&how);
	s->total = options->total;
	s->front_io = sim_domain(s->world, 1);
	s->back_io = sim_domain(s->world, 0);
	sim_on_death(s->world, on_death, s, RESTART_NS);
	sim_device_add(s->world, "echo", 1, 0, 0);
	sim_call(s->front_io, start_front, s);
	sim_call(s->back_io, start_back, s);
	if (run_until_done(s, false)) {
		if (!s->guest_died)
			sim_device_detach(s->world, "echo", 1, 0, 0);
		if (run_until_done(s, true) &&
		    sim_run(s->world, sim_now(s->world) + SLICE_NS, LIMIT_STEPS) != SIM_STEPS)
			result.verdict = judge(s, result.reason, sizeof(result.reason));
	}
	if (result.verdict == ECHO_HUNG)
		snprintf(result.reason, sizeof(result.reason), "front waits: %.100s back: %.100s",
			 s->front.end.rule ? s->front.end.rule->words : "-",
			 s->back.end.rule ? s->back.end.rule->words : "-");
	result.hash = sim_trace_hash(s->world);
	result.steps = sim_steps(s->world);
	result.now_ns = sim_now(s->world);
	result.faults = sim_faults_done(s->world);
	result.good = s->front.good;
	result.kicks = s->front.kicks;
	result.connects = s->front.connects;
	result.resumes = s->back.resumes;
	sim_close(s->world);
	return result;
}

const char *echo_verdict_name(enum echo_verdict verdict)
{
	static const char *const names[] = { "healthy", "cut", "hung", "silent", "leaks" };

	return names[verdict];
}
