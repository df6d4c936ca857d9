/* SPDX-License-Identifier: BSD-2-Clause */
/* One run of the echo pair in a world of its own, from attach to detach, and what came of it. */
#ifndef MICA_SIM_ECHO_RUN_H
#define MICA_SIM_ECHO_RUN_H

#include "sim/sim.h"

enum echo_verdict {
	ECHO_HEALTHY,		/* every question answered, closed, nothing left behind */
	ECHO_CUT,		/* closed with a reason, nothing left behind */
	ECHO_HUNG,		/* still on its way after minutes, or spinning */
	ECHO_SILENT,		/* closed without an answer to everything and without a reason */
	ECHO_LEAKS,		/* pages, ports or watches are left */
};

struct echo_result {
	enum echo_verdict verdict;
	char reason[256];
	uint64_t hash, steps, now_ns, good;
	unsigned faults, kicks, connects, resumes;
};

struct echo_options {
	uint64_t seed, total;
	struct sim_plan *plan;
	FILE *trace;
};

struct echo_result echo_run(const struct echo_options *options);
const char *echo_verdict_name(enum echo_verdict verdict);

#endif
