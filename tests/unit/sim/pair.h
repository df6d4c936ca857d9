/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A real daemon's back end and front ends made for it in the simulated world, under every fault plan:
 * what tests/unit/blkd/blkd_plans_test.c and tests/unit/netd/netd_plans_test.c share.
 *
 * pair.c has the toolstack's part (attach, start again who was killed, take a dead guest's device
 * away, detach) and the judgement; front ends have their handshake, ages and what they lent from
 * here, over sim/echo_end.c, and bring what is their device's own.
 */
#ifndef UNIT_SIM_PAIR_H
#define UNIT_SIM_PAIR_H

#include "sim/echo.h"
#include "sim/sim.h"

#define PAIR_GUESTS	2u

struct pair;
struct front;

struct front_ops {
	/* Lend, offer ports, write the keys; 0 or -errno with *why. */
	int (*publish)(struct front *f, const char **why);
	/* Connected: ask anew what is not answered. */
	void (*start)(struct front *f);
	/* Close ports; pages go to front_leave(). */
	void (*stop)(struct front *f);
	/* Take what came, ask what is next; true when all is done. */
	bool (*work)(struct front *f);
	/* Since when the oldest question waits; 0: none does. */
	uint64_t (*oldest)(const struct front *f);
	/* Look, and ring once more. */
	void (*kick)(struct front *f);
};

struct front {
	struct echo_end end;		/* first */
	const struct front_ops *ops;
	struct { void *where; unsigned n; } left[96];	/* lent, and still mapped over there */
	uint64_t kicked_ns;
	unsigned kicks, connects;
	bool running, finished;
	bool wrong;			/* data is not what it must be */
};

/* @f is zeroed but for what is the device's. */
void front_start(struct front *f, struct mica_io *io, const char *kind, unsigned number,
		 const struct front_ops *ops);
void front_leave(struct front *f, void **where, unsigned n);
void front_bell(void *ctx, uint32_t port);
/* The data is wrong: that no fault of the back end's surroundings excuses. */
void front_wrong(struct front *f, const char *why);

enum pair_verdict { PAIR_HEALTHY, PAIR_CUT, PAIR_HUNG, PAIR_SILENT, PAIR_LEAKS, PAIR_WRONG };

struct pair {
	struct sim *world;
	uint64_t seed;			/* of this run */
	const char *kind;
	const char *ring_key;		/* for the echo device's "ring-ref" */
	unsigned number, guests;
	struct mica_io *back_io, *front_io[PAIR_GUESTS];
	struct front *front[PAIR_GUESTS];
	size_t front_bytes;		/* of what begins with it: zeroed for each run */
	bool died[PAIR_GUESTS];
	char back_words[200];		/* the last error the back end told */
	/* the test's; each is called in the domain's coroutine but bury() */
	void (*make_keys)(struct pair *p, unsigned guest);
	void (*start_front)(struct pair *p, unsigned guest);
	void (*start_back)(struct pair *p);
	void (*bury_back)(struct pair *p);	/* it was killed: what the kernel would take back */
	bool (*back_is_gone)(struct pair *p);	/* it serves no device any more */
};

struct pair_result {
	enum pair_verdict verdict;
	char reason[400];
	uint64_t steps, hash;
	unsigned faults, kicks, connects;
};

/* From attach to detach, in a world of its own; p->world is there while it runs. */
struct pair_result pair_run(struct pair *p, uint64_t seed, struct sim_plan *plan);
const char *pair_verdict_name(enum pair_verdict verdict);
/* Key of guest @guest's back end or front end, as the toolstack writes it. */
void pair_key(struct pair *p, unsigned guest, bool back, const char *key, const char *value);

/* What a plan's end is for this daemon where it is not what "expects" says. */
struct pair_exception {
	const char *plan;		/* begins so */
	/* "either", "cut", "healthy"; "told": cut off by the back end, which tells so, and healthy again
	 * when the guest begins anew; "own": the guest has spoilt its own data, which may be wrong then;
	 * NULL: the plan does not apply */
	const char *expects;
};

struct sim_plan *pair_plan(struct pair *p, const char *name);
/* Every plan with @seeds seeds from UNIT_SEED (1) on; UNIT_STEPS: so many.  Fails with plan and seed. */
void pair_every_plan(struct pair *p, unsigned seeds, const struct pair_exception *not_so);

#endif
