/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libmicasim: the world a split driver lives in, without a hypervisor.  Domains, grants, event
 * channels, the store, suspend and death, over plain memory in one process with virtual time.
 *
 * A domain is a coroutine that calls its driver's callbacks one after the other.  Every call of
 * the driver's into struct mica_io_ops, and every access to a ring where <mica/ring.h> is built
 * with MICA_RING_CHECK, is a point where the seeded scheduler may let another domain go on.
 * Time moves by a little at each point and jumps when nobody has anything to do.  Nothing else
 * decides: the same program, plan and seed give the same trace, byte for byte.
 *
 *	world.c	coroutines, time, queues of callbacks	hub.c	ports, grants, mappings
 *	ops.c	the table of io.h, with its faults	store.c	tree, watches, transactions
 *	tap.c	ring accesses: points and ring faults	plan.c	fault plans
 *	life.c	death, suspend, devices			proc.c, broker.c	two processes
 */
#ifndef MICA_SIM_SIM_H
#define MICA_SIM_SIM_H

#include <stdio.h>
#include "io/io.h"

struct sim;
struct sim_plan;

struct sim_options {
	uint64_t seed;
	FILE *trace;			/* null: none is written, its hash is still made */
	struct sim_plan *plan;		/* null: no faults; its counters are reset */
	unsigned stay;			/* of 256: how likely a domain goes on at a point */
	bool plain_maps;		/* maps are the lender's own memory: fast, finds less */
};

struct sim *sim_open(const struct sim_options *options);
void sim_close(struct sim *w);

/* The world as domain @id sees it; set ->driver before sim_run().  Freed by sim_close(). */
struct mica_io *sim_domain(struct sim *w, domid_t id);
/* Have @fn called in the domain's own coroutine, as its next callback. */
void sim_call(struct mica_io *io, void (*fn)(void *ctx), void *ctx);
/* What to call when the domain is killed, instead of any further callback. */
void sim_on_kill(struct mica_io *io, void (*fn)(void *ctx), void *ctx);

enum sim_end {
	SIM_IDLE,			/* nothing left to happen */
	SIM_TIME,			/* @until_ns is over */
	SIM_STEPS,			/* more than @steps points: somebody spins */
	SIM_STOPPED,			/* sim_stop() */
};

enum sim_end sim_run(struct sim *w, uint64_t until_ns, uint64_t steps);
void sim_stop(struct mica_io *io);	/* from a callback: sim_run() returns at the next point */
/* Let time pass in which nothing was due: sim_run() said SIM_TIME. */
void sim_skip(struct sim *w, uint64_t ns);
uint64_t sim_now(const struct sim *w);
uint64_t sim_steps(const struct sim *w);
uint64_t sim_trace_hash(const struct sim *w);
unsigned sim_faults_done(const struct sim *w);
void sim_note(struct mica_io *io, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- life --- */

/* The toolstack's part: both directories of device @kind/@number, states 1, online 1. */
int sim_device_add(struct sim *w, const char *kind, domid_t front, domid_t back, unsigned number);
/* Detach: online 0 and the back end's state 5, as `mica ... detach` does it. */
void sim_device_detach(struct sim *w, const char *kind, domid_t front, domid_t back,
		       unsigned number);
/* The guest's directory goes without a word, as when it is destroyed. */
void sim_device_forget(struct sim *w, const char *kind, domid_t front, unsigned number);
/* The driver's process dies: ports closed, mappings and watches gone, the store stays. */
void sim_kill(struct mica_io *io);
bool sim_alive(const struct mica_io *io);
/* A dead one may run again, with a driver set anew. */
void sim_revive(struct mica_io *io);
/* Suspend and resume: its ports and grants are gone, both states are 1 again, resumed(). */
void sim_suspend(struct mica_io *io);
/* Called after a "life" fault has killed a domain, @after_ns later, outside any coroutine. */
void sim_on_death(struct sim *w, void (*fn)(void *ctx, domid_t who), void *ctx,
		  uint64_t after_ns);

/* What a domain still holds; all zero after a clean end. */
struct sim_holds {
	unsigned ports, lent, mapped, watches;
};
struct sim_holds sim_holds(const struct mica_io *io);

/* --- fault plans --- */

struct sim_plan *sim_plan_read(const char *file, char *why, size_t room);
struct sim_plan *sim_plan_parse(const char *json, char *why, size_t room);
void sim_plan_free(struct sim_plan *plan);
const char *sim_plan_name(const struct sim_plan *plan);
/* "healthy", "cut" or "either": how a good driver pair ends under it. */
const char *sim_plan_expects(const struct sim_plan *plan);

#endif
