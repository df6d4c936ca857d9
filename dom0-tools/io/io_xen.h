/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The world of io.h that is real: dom0's user space through libxengnttab, libxenevtchn and
 * libmica's client of the store.  Runs on Mica and on Xen.
 */
#ifndef MICA_IO_IO_XEN_H
#define MICA_IO_IO_XEN_H

#include "io/io.h"

#define IO_XEN_STORE	1u	/* with the store; else its functions answer -ENOTCONN */
#define IO_XEN_GRANTS	2u	/* map, copy */
#define IO_XEN_EVENTS	4u	/* ports */
#define IO_XEN_LEND	8u	/* lend, reclaim (/dev/xen/gntalloc), for a front end */

/* 0 or -errno with *what naming the part that failed. */
int io_xen_open(struct mica_io **io, unsigned parts, const char **what);
void io_xen_close(struct mica_io *io);
/* An epoll descriptor: readable when io_xen_dispatch() has something to do. */
int io_xen_fd(struct mica_io *io);
/* Something is due that the descriptor does not show (the store's client has read it already): ask
 * before waiting for the descriptor in a loop of one's own; io_xen_wait() does. */
bool io_xen_waiting(struct mica_io *io);
/* Make the callbacks that are due, without waiting.  -errno: the store was lost.  It is looked for
 * once a second from then on; when it is back every watch fires again. */
int io_xen_dispatch(struct mica_io *io);
/* How long an answer of the store may take; it is 10 s unless said otherwise.  Then functions answer
 * -ETIMEDOUT until the store has caught up; every watch fires again. */
void io_xen_answer_limit(struct mica_io *io, int ms);
/* It is so just now: the connection is not lost. */
bool io_xen_late(struct mica_io *io);
/* Wait at most @ms (-1: until something comes) and dispatch. */
int io_xen_wait(struct mica_io *io, int ms);
/* The descriptors of grants and events, for a filter of system calls to name. */
int io_xen_grant_fd(struct mica_io *io);
int io_xen_event_fd(struct mica_io *io);
/* From now on only @peer's ports can be bound, and the kernel sees to it. */
int io_xen_restrict(struct mica_io *io, domid_t peer);

#endif
