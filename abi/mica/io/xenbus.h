/* SPDX-License-Identifier: MIT */
/*
 * States a device's two ends go through, each writing its own "state" key in the store
 * and watching the other's:
 *
 *   Initialising -> InitWait -> Initialised -> Connected -> Closing -> Closed
 *                                                 ^  |
 *                                    Reconfigured +--+ Reconfiguring
 */
#ifndef MICA_ABI_IO_XENBUS_H
#define MICA_ABI_IO_XENBUS_H

enum xenbus_state {
	XenbusStateUnknown		= 0,	/* no key */
	XenbusStateInitialising		= 1,
	XenbusStateInitWait		= 2,	/* waiting for the other end's details */
	XenbusStateInitialised		= 3,	/* details written, not yet connected */
	XenbusStateConnected		= 4,
	XenbusStateClosing		= 5,
	XenbusStateClosed		= 6,
	XenbusStateReconfiguring	= 7,
	XenbusStateReconfigured		= 8,
};

#endif /* MICA_ABI_IO_XENBUS_H */
