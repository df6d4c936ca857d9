/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The back end's half of the xenbus handshake, pure, so that a test tries every input.
 *
 *	phase    theirs                step         our state after it
 *	NEW      Initialising          probe        InitWait         (ours Initialising or Closed)
 *	NEW      any                   probe        InitWait         (ours InitWait: restarted)
 *	NEW      Initialised Connected resume       unchanged        (ours Connected, Closing)
 *	NEW      Initialising          probe        InitWait         (ours Connected: it began anew)
 *	READY    Initialised Connected connect      Connected
 *	READY    Closing Closed        remove       Closed
 *	UP       Closing               disconnect   Closing
 *	UP       Closed, none          disconnect   Closed
 *	UP       Initialising InitWait disconnect   none yet
 *	DOWN     Initialising InitWait remove       Initialising, then probed again
 *	DOWN     the rest but Closing  remove       Closed
 *
 * The toolstack takes a device away by writing Closing over our state: the front end sees that,
 * closes when its users let it, and until then input and output go on.  A directory that is gone
 * takes everything down whatever the states say.
 */
#include <mica/io/xenbus.h>

#include "back/handshake.h"

static bool ready(unsigned state)
{
	return state == XenbusStateInitialised || state == XenbusStateConnected;
}

static bool begins(unsigned state)
{
	return state == XenbusStateInitialising || state == XenbusStateInitWait;
}

static enum back_step next_new(const struct back_facts *f, unsigned *after)
{
	if (f->gone)
		return STEP_FORGET;
	switch (f->ours) {
	case XenbusStateInitialising:
	case XenbusStateInitWait:
		*after = XenbusStateInitWait;
		return f->online ? STEP_PROBE : STEP_NONE;
	case XenbusStateInitialised:
	case XenbusStateConnected:
	case XenbusStateClosing:
		if (ready(f->theirs))
			return STEP_RESUME;
		if (f->online && f->ours != XenbusStateClosing && begins(f->theirs)) {
			*after = XenbusStateInitWait;
			return STEP_PROBE;
		}
		*after = XenbusStateClosed;
		return STEP_CLOSE;
	case XenbusStateClosed:
		*after = XenbusStateInitWait;
		return f->online && f->theirs == XenbusStateInitialising ? STEP_PROBE : STEP_NONE;
	default:
		return STEP_NONE;
	}
}

static enum back_step next_ready(const struct back_facts *f, unsigned *after)
{
	bool asked = f->ours == XenbusStateClosing && !ready(f->theirs);

	*after = f->gone ? 0 : XenbusStateClosed;
	if (f->gone || asked || f->theirs == XenbusStateClosing || f->theirs == XenbusStateClosed)
		return STEP_REMOVE;
	if (!ready(f->theirs))
		return STEP_NONE;
	*after = XenbusStateConnected;
	return STEP_CONNECT;
}

static enum back_step next_up(const struct back_facts *f, unsigned *after)
{
	if (f->gone || begins(f->theirs)) {
		*after = 0;
		return STEP_DISCONNECT;
	}
	if (ready(f->theirs))
		return STEP_NONE;
	*after = f->theirs == XenbusStateClosing ? XenbusStateClosing : XenbusStateClosed;
	return STEP_DISCONNECT;
}

enum back_step back_next(const struct back_facts *f, unsigned *after)
{
	*after = 0;
	switch (f->phase) {
	case PHASE_NEW:
		return next_new(f, after);
	case PHASE_READY:
		return next_ready(f, after);
	case PHASE_UP:
		return next_up(f, after);
	case PHASE_DOWN:
		if (!f->gone && f->theirs == XenbusStateClosing)
			return STEP_NONE;
		*after = f->gone ? 0 : begins(f->theirs) ? XenbusStateInitialising :
			XenbusStateClosed;
		return STEP_REMOVE;
	}
	return STEP_NONE;
}
