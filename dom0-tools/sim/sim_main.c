/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica-sim: run the echo pair in the simulator, under a fault plan, from a seed.
 *
 *	mica-sim [--plan FILE] [--seed N] [--runs N] [--requests N] [--trace]
 *	mica-sim --serve SOCKET [--plan FILE]		the world; each end is a process of its own:
 *	mica-sim --back SOCKET [--journal FILE]		until the device is gone
 *	mica-sim --front SOCKET [--requests N]		attach, ask, detach
 *
 * Prints one line a run: seed, verdict, reason, hash of the trace.  The same seed and plan give
 * the same line and, with --trace, the same trace on standard output.  Status 1 when a run ended
 * otherwise than the plan expects (without a plan: other than healthy).  A file named as --journal
 * lets a back end that was killed be started again without its front end noticing.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "sim/echo_role.h"
#include "sim/echo_run.h"
#include "sim/proc.h"

static int usage(void)
{
	fprintf(stderr, "usage: mica-sim [--plan FILE] [--seed N] [--runs N] [--requests N] "
		"[--trace]\n"
		"       mica-sim --serve SOCKET [--plan FILE]\n"
		"       mica-sim --back SOCKET [--journal FILE]\n"
		"       mica-sim --front SOCKET [--requests N]\n");
	return 2;
}

static bool as_expected(const struct sim_plan *plan, enum echo_verdict verdict)
{
	const char *want = plan ? sim_plan_expects(plan) : "healthy";

	if (verdict > ECHO_CUT)
		return false;
	return !strcmp(want, "either") || !strcmp(want, echo_verdict_name(verdict));
}

static int run_all(struct echo_options *o, uint64_t runs)
{
	int status = 0;

	for (uint64_t i = 0; i < runs; i++, o->seed++) {
		struct echo_result r = echo_run(o);
		bool ok = as_expected(o->plan, r.verdict);

		printf("%s seed %llu: %s%s%s; %llu answers, %u faults, %llu points, trace %016llx\n",
		       ok ? "ok  " : "FAIL", (unsigned long long)o->seed,
		       echo_verdict_name(r.verdict), *r.reason ? ": " : "", r.reason,
		       (unsigned long long)r.good, r.faults, (unsigned long long)r.steps,
		       (unsigned long long)r.hash);
		status |= !ok;
	}
	return status;
}

/* The role of one process; status of the program. */
static int play(int role, const char *path, const char *journal, const struct echo_options *o)
{
	struct sim_options options = { .seed = o->seed, .plan = o->plan, .stay = 255 };
	int rc;

	if (role == 'S')
		rc = sim_serve(path, &options);
	else if (role == 'F')
		rc = echo_role_front(path, o->total);
	else
		rc = echo_role_back(path, journal);
	if (rc)
		fprintf(stderr, "mica-sim: %s: %s\n", path, strerror(-rc));
	return rc != 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "plan", required_argument, NULL, 'p' }, { "seed", required_argument, NULL, 's' },
		{ "runs", required_argument, NULL, 'n' },
		{ "requests", required_argument, NULL, 'r' }, { "trace", no_argument, NULL, 't' },
		{ "serve", required_argument, NULL, 'S' },
		{ "front", required_argument, NULL, 'F' },
		{ "back", required_argument, NULL, 'B' },
		{ "journal", required_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct echo_options o = { .seed = 1, .total = 100 };
	const char *path = NULL, *journal = NULL;
	uint64_t runs = 1;
	int role = 0;
	char why[160];
	int c, status;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'p':
			o.plan = sim_plan_read(optarg, why, sizeof(why));
			if (!o.plan) {
				fprintf(stderr, "mica-sim: cannot use %s: %s\n", optarg, why);
				return 2;
			}
			break;
		case 's':
			o.seed = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			runs = strtoull(optarg, NULL, 0);
			break;
		case 'r':
			o.total = strtoull(optarg, NULL, 0);
			break;
		case 't':
			o.trace = stdout;
			break;
		case 'S':
		case 'F':
		case 'B':
			role = c;
			path = optarg;
			break;
		case 'j':
			journal = optarg;
			break;
		default:
			return usage();
		}
	}
	if (optind != argc)
		return usage();
	status = role ? play(role, path, journal, &o) : run_all(&o, runs);
	sim_plan_free(o.plan);
	return status;
}
