/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process around the store: sockets, event channels, the loop, and giving up power.
 */
#ifndef STORED_SERVER_H
#define STORED_SERVER_H

#include "state.h"

/* sock.c */
struct server {
	struct store *store;
	int epoll;
	int listeners[2];		/* socket, socket_ro */
	int signals;			/* signalfd of those that end the daemon, or -1 */
	struct machine *machine;	/* or NULL */
	int events;			/* fd of the machine's event channels, or -1 */
	void (*on_events)(struct server *srv);
	unsigned nsockets;
	bool deaf;			/* too many sockets: no more are accepted for now */
	struct list closing;		/* sockets to be freed */
};

/* Make DIR/socket and DIR/socket_ro; dies if another daemon answers there. */
void server_listen(struct server *srv, const char *dir);
/* Serve until a signal of signals arrives. */
void server_run(struct server *srv);
/* One round of the loop; false: asked to end. */
bool server_turn(struct server *srv, int timeout_ms);

/* xen.c: open the devices; dies if they cannot be.  Adds domain 0's ring to the store unless the
 * journal brought it. */
struct machine *xen_open(struct server *srv);
void xen_introduce_dom0(struct server *srv);

/* sandbox.c */
void sandbox_enter(int state_dir, unsigned uid, unsigned gid);

#endif
