/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated world for programs of their own: a broker process keeps ports, grants and the
 * store, each domain is a process that talks to it over a Unix socket.  Pages are one memfd that
 * all map; a port's pending bit lies in a page of it, and an eventfd wakes its domain, as event
 * channels do.  Time is real.  So front and back can be two programs, each under its own
 * sanitizer or debugger, and a domain dies as a process does: by any signal, at any instruction.
 *
 *	sim_serve()	the broker's loop; faults of a plan as in one process, but for "ring.*" and
 *			those that strike at points
 *	sim_connect()	a domain's struct mica_io
 */
#ifndef MICA_SIM_PROC_H
#define MICA_SIM_PROC_H

#include "sim/sim.h"

/* Serve on @socket_path until the last toolstack connection says stop.  0 or -errno. */
int sim_serve(const char *socket_path, const struct sim_options *options);

/* A domain of the world behind @socket_path; null and errno. */
struct mica_io *sim_connect(const char *socket_path, domid_t id);
void sim_disconnect(struct mica_io *io);
/*
 * Make callbacks until @done says so, at most @limit_ns.  0, -ETIMEDOUT, -EPIPE: the broker has
 * gone, or has killed this domain.
 */
int sim_wait(struct mica_io *io, bool (*done)(void *ctx), void *ctx, uint64_t limit_ns);

/* The toolstack's side: a connection of its own, one call each. */
int sim_remote_add(const char *socket_path, const char *kind, domid_t front, domid_t back,
		   unsigned number);
int sim_remote_detach(const char *socket_path, const char *kind, domid_t front, domid_t back,
		      unsigned number);
int sim_remote_holds(const char *socket_path, domid_t id, struct sim_holds *holds);
int sim_remote_stop(const char *socket_path);

#endif
