/* SPDX-License-Identifier: BSD-2-Clause */
/* The handshake as a decision: what both ends say and what we have, to the next step. */
#ifndef MICA_BACK_HANDSHAKE_H
#define MICA_BACK_HANDSHAKE_H

#include <stdbool.h>
#include <mica/bus.h>

/* What this daemon has of a device. */
enum back_phase {
	PHASE_NEW,		/* nothing */
	PHASE_READY,		/* probed: the image is open, the features are written */
	PHASE_UP,		/* connected: rings mapped, ports bound */
	PHASE_DOWN,		/* disconnected, the front end has still to close */
};

enum back_step {
	STEP_NONE,
	STEP_PROBE,
	STEP_RESUME,		/* probe, of a device that was connected before this daemon */
	STEP_CONNECT,
	STEP_DISCONNECT,
	STEP_REMOVE,
	STEP_WRITE,		/* only the state */
	STEP_FORGET,		/* the directory is gone and nothing is held */
};

struct back_facts {
	enum back_phase phase;
	unsigned ours, theirs;	/* of mica_bus_parse(); theirs is what a guest wrote */
	enum mica_bus_will will;
	bool gone;		/* our directory is not there */
	bool resuming;		/* READY by STEP_RESUME */
};

/* The rule that a device in this situation is in. */
const struct mica_bus_rule *back_rule(const struct back_facts *f);
/* @after: the state to write when the step has ended, 0: none. */
enum back_step back_next(const struct back_facts *f, unsigned *after);
/* The phase after @step; what went wrong in it ends in PHASE_NEW. */
enum back_phase back_phase_after(enum back_phase now, enum back_step step);

#endif
