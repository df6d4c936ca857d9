/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a domain that ended runs again.  One that restarts by itself does at once.  One that crashes
 * or powers off waits the configured time, doubled with each end in a row up to sixteen times; with
 * no time configured the first restart is at once and the next wait a second and more, since a
 * guest that dies as it starts must not keep the host busy.  One that ran five minutes starts afresh:
 * to boot may take one of them where many do so at once.
 */
#include "lib/domain.h"

#define RESTART_OK_MS		300000
#define BACKOFF_DOUBLINGS	4
#define WAIT_MAX_S		86400u

struct mica_restart mica_restart_plan(const struct mica_on_end *on, bool reboot, uint64_t ran_ms,
				      unsigned restarts)
{
	struct mica_restart plan = { .again = true };
	unsigned doublings;

	if (reboot)
		return plan;
	if (ran_ms > RESTART_OK_MS)
		restarts = 0;
	if (on->max && restarts >= on->max)
		return (struct mica_restart){ .again = false, .restarts = restarts };
	doublings = restarts < BACKOFF_DOUBLINGS ? restarts : BACKOFF_DOUBLINGS;
	plan.wait_s = on->backoff_s > WAIT_MAX_S ? WAIT_MAX_S : on->backoff_s << doublings;
	if (plan.wait_s > WAIT_MAX_S)
		plan.wait_s = WAIT_MAX_S;
	if (!plan.wait_s && restarts)
		plan.wait_s = 1u << doublings;
	plan.restarts = restarts + 1;
	return plan;
}
