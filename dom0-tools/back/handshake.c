/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The back end's half of the xenbus handshake, pure, so that a test tries every input.
 *
 * What is to be done follows from <mica/bus.h>'s table, which knows states only.  Here it is set
 * against what this process has of the device, one step at a time:
 *
 *	NEW --probe--> READY --connect--> UP --disconnect--> DOWN --remove--> NEW
 *	                 +------------------remove------------------------------^
 *
 * A daemon that is started anew is NEW towards states an earlier one wrote: it probes again where
 * the table says to stay, and where the device is connected it resumes, which is probe and connect
 * with no state written.
 */
#include "back/handshake.h"

static bool uses(unsigned theirs)
{
	return theirs == XenbusStateInitialised || theirs == XenbusStateConnected;
}

static enum back_step write_if_new(const struct back_facts *f, unsigned *after)
{
	return *after && *after != f->ours ? STEP_WRITE : STEP_NONE;
}

/* Whatever is held goes, one step nearer to NEW. */
static enum back_step let_go(const struct back_facts *f, unsigned *after)
{
	switch (f->phase) {
	case PHASE_UP: return STEP_DISCONNECT;
	case PHASE_READY:
	case PHASE_DOWN: return STEP_REMOVE;
	default: return write_if_new(f, after);
	}
}

/* Nothing is to change, but a new daemon has to get there first. */
static enum back_step stay(const struct back_facts *f, unsigned *after)
{
	bool served = f->ours == XenbusStateConnected || f->ours == XenbusStateClosing;

	if (f->ours == XenbusStateClosed || f->phase == PHASE_DOWN) {
		if (f->phase == PHASE_DOWN)
			*after = f->ours == XenbusStateClosing ? XenbusStateClosed : 0;
		return let_go(f, after);
	}
	if (*after != f->ours)
		return STEP_WRITE;
	if (f->phase == PHASE_UP && !served) {		/* somebody wrote over our state */
		*after = 0;
		return let_go(f, after);
	}
	if (f->phase == PHASE_NEW) {
		*after = 0;
		return served ? STEP_RESUME : STEP_PROBE;
	}
	if (f->phase == PHASE_READY && served && uses(f->theirs)) {
		/* Closing, but in use: an earlier daemon connected it.  Otherwise it never was. */
		*after = f->resuming ? 0 : XenbusStateClosed;
		return f->resuming ? STEP_CONNECT : STEP_REMOVE;
	}
	return STEP_NONE;
}

static enum back_step connect(const struct back_facts *f, unsigned *after)
{
	switch (f->phase) {
	case PHASE_NEW:
		*after = 0;
		return f->ours == XenbusStateConnected ? STEP_RESUME : STEP_PROBE;
	case PHASE_READY:
		return STEP_CONNECT;
	case PHASE_UP:
		return write_if_new(f, after);
	default:
		*after = 0;
		return STEP_REMOVE;
	}
}

static enum back_step disconnect(const struct back_facts *f, unsigned *after)
{
	/* Closing, and the guest has not let go: wait. */
	if (f->phase == PHASE_DOWN && *after == f->ours)
		return STEP_NONE;
	if (f->phase == PHASE_READY && *after == XenbusStateClosing)
		*after = XenbusStateClosed;	/* it never was connected */
	return let_go(f, after);
}

const struct mica_bus_rule *back_rule(const struct back_facts *f)
{
	return mica_bus_step(MICA_BUS_BACK, f->gone ? XenbusStateUnknown : f->ours, f->theirs,
			     f->will);
}

enum back_step back_next(const struct back_facts *f, unsigned *after)
{
	const struct mica_bus_rule *rule = back_rule(f);

	*after = f->gone ? 0 : rule->next;
	switch (rule->action) {
	case MICA_BUS_PROBE:
		if (f->phase == PHASE_NEW)
			return STEP_PROBE;
		if (f->phase == PHASE_READY)
			return STEP_WRITE;
		*after = 0;
		return let_go(f, after);
	case MICA_BUS_CONNECT:
		return connect(f, after);
	case MICA_BUS_DISCONNECT:
		return disconnect(f, after);
	case MICA_BUS_REMOVE:
		if (f->gone && f->phase == PHASE_NEW)
			return STEP_FORGET;
		return let_go(f, after);
	default:
		return stay(f, after);
	}
}

enum back_phase back_phase_after(enum back_phase now, enum back_step step)
{
	switch (step) {
	case STEP_PROBE:
	case STEP_RESUME: return PHASE_READY;
	case STEP_CONNECT: return PHASE_UP;
	case STEP_DISCONNECT: return PHASE_DOWN;
	case STEP_REMOVE:
	case STEP_FORGET: return PHASE_NEW;
	default: return now;
	}
}
