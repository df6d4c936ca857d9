/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libmicaback: the life of a back end's devices, over any world of io/io.h.
 *
 * It finds devices below /local/domain/<self>/backend/<kind>/<domid>/<handle>, runs the xenbus
 * handshake for each, and calls the daemon at the steps that are its own:
 *
 *	found --wants, probe--> InitWait --front end is ready, connect--> Connected
 *	  Connected --front end closes or goes, disconnect--> Closed --directory goes--> remove
 *
 * A step may take time: the daemon returns BACK_LATER and calls back_done() when it is through;
 * the device takes no other step meanwhile.  No call of this library waits.  What step follows
 * from what both ends say is one pure function, back_next() of handshake.c.
 *
 * Restart.  A device that both ends call Connected when the daemon starts is connected again with
 * no change of state: probe() and connect() are called with dev->resuming set, the front end's
 * keys are read again, its rings mapped and its ports bound again (the kernel closed our end, so
 * the guest's port is unbound and can be bound).  The guest notices nothing.  After connect() of a
 * resumed device the daemon has to look at the rings without waiting for an event, and to notify
 * the guest once, because both sides' last notification may be lost.
 *
 * Time-outs.  A device that waits longer in one rule of the handshake than <mica/bus.h>'s table
 * gives it is told to the operator in the rule's words, once; where the table says so the device
 * is given up.
 *
 * Everything a guest wrote is read through back_read_front*(), which bound and check it.
 * One thread; nothing here needs a lock.
 */
#ifndef MICA_BACK_BACK_H
#define MICA_BACK_BACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mica/types.h>

#include "io/io.h"

#define BACK_LATER	1	/* from probe, connect, disconnect: back_done() will follow */
#define BACK_PATH	160
#define BACK_DEVICES	1024	/* of one daemon; more are refused with an event */

struct back;
struct mica_bus_rule;

struct back_device {
	struct back *back;
	struct back_device *next;
	domid_t domid;			/* the guest */
	uint32_t handle;		/* virtual device number, vif handle */
	char dir[BACK_PATH];		/* our directory */
	char front[BACK_PATH];		/* the guest's */
	unsigned state, front_state;	/* enum xenbus_state as in the store */
	bool resuming;			/* connected before this daemon was started */
	void *priv;			/* the daemon's; for it to free in remove() */
	unsigned phase;			/* the rest is the library's own */
	unsigned doing, after;		/* step under way; state to write when it ends */
	bool online, gone, again, told, watched;
	unsigned broken;		/* what both ends said when a step failed */
	unsigned probes;		/* since window_ns */
	uint64_t window_ns;
	const struct mica_bus_rule *rule;	/* in which it waits */
	uint64_t rule_ns;		/* since when */
	uint64_t look_ns;		/* left alone until then; 0: it is not */
	bool late;			/* the operator was told */
};

/* What a daemon is. */
struct back_kind {
	const char *dir;			/* "mblk", "mnet" */
	const char *const *keys;		/* names in our directory told to changed(); NULL ends */
	/* May be NULL: all are wanted.  False: another process serves this one. */
	bool (*wants)(struct back_device *dev);
	/* The toolstack's keys are there: open what is behind it and write our features.  0:
	 * InitWait; -errno (with back_fail() for the words): the device is Closed. */
	int (*probe)(struct back_device *dev);
	/* The front end has written its keys: read them, map, bind.  0: Connected. */
	int (*connect)(struct back_device *dev);
	/* The front end is closing or gone: end all input and output, unmap, close ports. */
	int (*disconnect)(struct back_device *dev);
	/* The device is Closed or its directory gone: free what is left.  Called once after each
	 * probe() that was begun, failed ones included; never between connect and disconnect. */
	void (*remove)(struct back_device *dev);
	/* A port of back_bind() was notified; may be spurious. */
	void (*event)(struct back_device *dev, uint32_t port);
	/* One of keys[] may have changed. */
	void (*changed)(struct back_device *dev, const char *key);
	/* May be NULL: a watch of the daemon's own (any token without '/'), the timer of
	 * back_timer_set(). */
	void (*watched)(void *ctx, const char *path, const char *token);
	void (*timer)(void *ctx);
	/* May be NULL: a line for the operator; NULL prints it on standard error. */
	void (*note)(void *ctx, const struct back_device *dev, const char *line);
};

/* Becomes @io's driver and looks for devices; probe() may be called before it returns. */
int back_open(struct back **back, struct mica_io *io, const struct back_kind *kind, void *ctx);
/* Disconnects nothing: the guests' devices stay as they are for the next daemon. */
void back_close(struct back *back);
struct mica_io *back_io(struct back *back);
void *back_ctx(struct back *back);
struct back_device *back_first(struct back *back);
struct back_device *back_find(struct back *back, domid_t domid, uint32_t handle);
/* The daemon's one timer, instead of the world's, which the library needs, too; 0 disarms. */
void back_timer_set(struct back *back, uint64_t at_ns);
/* Read the store anew: after a reconnection, or when wants() would answer differently. */
void back_rescan(struct back *back);

/* The step that answered BACK_LATER ended: 0 or -errno, as if it had returned it. */
void back_done(struct back_device *dev, int rc);
/*
 * Say why a device does not work: below /local/domain/<self>/error/, and to the operator as
 * "error: mblk 3/51712 (web): WHY [CODE]" with an optional hint (NULL: none).  Returns @rc.
 */
int back_fail(struct back_device *dev, int rc, const char *code, const char *hint,
	      const char *why, ...) __attribute__((format(printf, 5, 6)));
/* An event that ends nothing. */
void back_note(struct back_device *dev, const char *text, ...)
	__attribute__((format(printf, 2, 3)));
/* The guest broke the protocol: one event, disconnect(), Closed until it begins anew. */
void back_cut_off(struct back_device *dev, const char *why, ...)
	__attribute__((format(printf, 2, 3)));

/* --- keys; names may have directories ("queue-%u/ring-ref") --- */

/* Ours, written by the toolstack.  As mica_io's read. */
int back_read(struct back_device *dev, char *value, size_t room, const char *key, ...)
	__attribute__((format(printf, 4, 5)));
/* A number from @low to @high; -ENOENT, -EINVAL (no number), -ERANGE. */
int back_read_u64(struct back_device *dev, uint64_t *value, uint64_t low, uint64_t high,
		  const char *key, ...) __attribute__((format(printf, 5, 6)));
/* The front end's. */
int back_read_front(struct back_device *dev, char *value, size_t room, const char *key, ...)
	__attribute__((format(printf, 4, 5)));
int back_read_front_u64(struct back_device *dev, uint64_t *value, uint64_t low, uint64_t high,
			const char *key, ...) __attribute__((format(printf, 5, 6)));
/* The same with a value for a key that is not there; any other fault is an error. */
int back_read_front_or(struct back_device *dev, uint64_t *value, uint64_t low, uint64_t high,
		       uint64_t otherwise, const char *key, ...)
	__attribute__((format(printf, 6, 7)));
/* Write one of ours: back_write(dev, "sectors", "%llu", n). */
int back_write(struct back_device *dev, const char *key, const char *value, ...)
	__attribute__((format(printf, 3, 4)));
/* Write our state again, so that the guest's watch on it fires (after a resize). */
int back_touch_state(struct back_device *dev);

/* --- ports, told to event() --- */

int back_bind(struct back_device *dev, uint32_t remote, uint32_t *port);
void back_unbind(struct back_device *dev, uint32_t port);

#endif
