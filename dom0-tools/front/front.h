/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libmicafront: the guest's half of a device's life, over any world of io/io.h.
 *
 * It follows the front end's rules of <mica/bus.def> and calls the driver at the steps that are
 * its own:
 *
 *	Initialising --publish--> Initialised --connect--> Connected
 *	  --disconnect--> Closing, Closed, and from the beginning when the back end comes back
 *
 * A back end that is killed and started again is none of this: it takes the rings up where they
 * are.  No call waits.  What the back end wrote is read through front_read_back*(), which bound
 * and check it.  One thread.
 */
#ifndef MICA_FRONT_FRONT_H
#define MICA_FRONT_FRONT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mica/bus.h>
#include <mica/types.h>

#include "io/io.h"

#define FRONT_PATH	160
#define FRONT_LIMBO	16	/* lent pages the back end has not let go of */

struct front;

/* What a driver is.  Each is called with what it asked for in front_open(). */
struct front_kind {
	/* Lend the rings, offer the ports, write both below our directory. */
	int (*publish)(struct front *f);
	/* Both ends are there: requests may be sent. */
	int (*connect)(struct front *f);
	/* Stop: take back what publish() lent.  Also called when publish() or connect() failed. */
	void (*disconnect)(struct front *f);
	void (*event)(struct front *f, uint32_t port);
	/* May be NULL: one of the back end's keys changed, its state included; the timer. */
	void (*changed)(struct front *f, const char *path);
	void (*timer)(struct front *f);
};

struct front {
	struct mica_io *io;
	const struct front_kind *kind;
	void *priv;			/* the driver's */
	char dir[FRONT_PATH];		/* "device/echo/0", relative to the domain's own */
	char back[FRONT_PATH];
	domid_t peer;
	enum mica_bus_will will;
	unsigned state;			/* as we wrote it last */
	bool published, connected;
	bool stepping;			/* front_step() is on the stack: one at a time */
	const char *words;		/* why it is not connected */
	struct {
		void *where;
		unsigned pages;
	} limbo[FRONT_LIMBO];
};

/*
 * Become @io's driver and bring the device at @dir up.  0 or -errno: the directory names no back
 * end, or the store cannot be watched.
 */
int front_open(struct front *f, struct mica_io *io, const char *dir,
	       const struct front_kind *kind, void *priv);
/* Ask for the device to go; front_closed() is true when both ends have let go. */
void front_close(struct front *f);
bool front_closed(struct front *f);
/* The driver cannot go on: disconnect, and stay so until the back end starts over. */
void front_break(struct front *f);

/* --- pages --- */

/* Lend @n zeroed pages to the back end; refs[] and *where out. */
int front_lend(struct front *f, unsigned n, uint32_t *refs, void **where);
/*
 * Take them back; the memory is not the driver's any more.  What the back end still has mapped
 * is taken back when it has let go, and publish() waits for that when too much has piled up.
 */
void front_reclaim(struct front *f, void *where, unsigned n);

/* --- keys --- */

/* One of ours: front_write(f, "ring-ref", "%u", ref). */
int front_write(struct front *f, const char *key, const char *value, ...)
	__attribute__((format(printf, 3, 4)));
/* The back end's; -ENOENT, -ERANGE as mica_io's read. */
int front_read_back(struct front *f, char *value, size_t room, const char *key);
/* A number from @low to @high, @otherwise when the key is not there; -EINVAL, -ERANGE. */
int front_read_back_u64(struct front *f, uint64_t *value, uint64_t low, uint64_t high,
			uint64_t otherwise, const char *key);

#endif
