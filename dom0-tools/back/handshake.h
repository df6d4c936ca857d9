/* SPDX-License-Identifier: BSD-2-Clause */
/* The handshake as a decision: what both ends say and what we have, to the next step. */
#ifndef MICA_BACK_HANDSHAKE_H
#define MICA_BACK_HANDSHAKE_H

#include <stdbool.h>

/* What this daemon has of a device. */
enum back_phase {
	PHASE_NEW,		/* nothing */
	PHASE_READY,		/* probed: the image is open, the features are written */
	PHASE_UP,		/* connected: rings mapped, ports bound */
	PHASE_DOWN,		/* disconnected, the front end has still to close */
};

enum back_step {
	STEP_NONE,
	STEP_PROBE,		/* then InitWait */
	STEP_RESUME,		/* probe, of a device that both ends call connected */
	STEP_CONNECT,		/* then Connected */
	STEP_DISCONNECT,	/* then the state of after */
	STEP_REMOVE,		/* then the state of after */
	STEP_CLOSE,		/* nothing is held: only write Closed */
	STEP_FORGET,		/* the directory is gone and nothing is held */
};

struct back_facts {
	enum back_phase phase;
	unsigned ours, theirs;	/* enum xenbus_state; theirs is what a guest wrote */
	bool online;		/* the toolstack wants it */
	bool gone;		/* our directory is not there */
};

/* @after: the state to write when the step has ended, 0: none. */
enum back_step back_next(const struct back_facts *f, unsigned *after);

#endif
