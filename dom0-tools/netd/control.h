/* SPDX-License-Identifier: BSD-2-Clause */
/* The control ring of a port, and what else its front end sets while it is connected. */
#ifndef MICA_NETD_CONTROL_H
#define MICA_NETD_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <mica/io/netif.h>
#include <mica/ring.h>

#include "netd/bucket.h"

MICA_RING(netctl, struct xen_netif_ctrl_request, struct xen_netif_ctrl_response)

/* What requests cost: pages to map or unmap; other requests as many as are about as much work. */
#define CONTROL_RATE	4096u		/* a second */
#define CONTROL_BURST	4096u
#define CONTROL_COPY	8u		/* a page of the guest is read */
#define CONTROL_KEEP	64u		/* the store is written */

struct net;
struct port;
struct back_device;

struct control {
	struct netctl_back ring;
	uint32_t port;			/* event channel */
	void *page;
	struct bucket work;
	bool busy;			/* look at it each round; else it waits for an event */
};

/*
 * Find out whether the front end has one, and connect it; 0 (also without one) or -errno.  A
 * resumed one has the settings its predecessor kept in the store.
 */
int control_open(struct back_device *dev, struct port *p);
void control_close(struct port *p);
/* @event of ours: true when there is something to do now. */
bool control_event(struct port *p, uint32_t event);
/* Some requests of each ring; true when there are more that may be served at once. */
bool control_round(struct net *n);
/* When the next one may be, if none may now; 0: never. */
uint64_t control_due(struct net *n);

/* Leave @text for a successor at @key of our directory; "": nothing, and no key.  0 or -errno. */
int control_keep(struct back_device *dev, const char *key, const char *text);

/* --- multicast.c --- */

/* Whether the port's groups are filtered, now and whenever the front end changes it. */
int multicast_open(struct back_device *dev, struct port *p);
void multicast_close(struct port *p);
/* @path below some front end's directory changed. */
void multicast_changed(struct net *n, const char *path);
#define MULTICAST_TOKEN	"multicast"	/* of these watches */
/* Write the list of groups where a successor finds it, if it changed since. */
void multicast_keep(struct port *p);

#endif
