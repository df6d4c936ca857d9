/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a split driver asks of the world it runs in: grants, event channels, the store, a clock.
 * One driver source runs over any of three implementations of this table:
 *
 *	io_xen.c	dom0's user space, through Debian's libraries (on Mica or on Xen)
 *	sim/		the simulator: one process with virtual time, or two over a socket
 *	the kernel shim that `mica driver new` writes
 *
 * A driver never waits inside a call.  It registers one struct mica_io_driver and is called back:
 * on an event, on a change in the store, when a timer is due.  All callbacks of one world come
 * from one thread.  Functions return 0 (or what they say) or -errno.
 *
 * Either end of a device uses the same table: the front end grants pages and lets the peer in,
 * the back end maps or copies.
 */
#ifndef MICA_IO_IO_H
#define MICA_IO_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mica/types.h>

#define MICA_IO_PAGE_BYTES	4096u
#define MICA_IO_VALUE_BYTES	4096u	/* longest value of the store, with its NUL */

struct mica_io;				/* one world; made by io_xen_open(), sim_open(), ... */

/* One piece of a copy.  A side is a grant of @domid when by_ref, else our own memory. */
struct mica_io_side {
	bool by_ref;
	domid_t domid;
	uint32_t ref;
	uint32_t offset;		/* in the granted page, bytes */
	void *mem;
};

struct mica_io_copy {
	struct mica_io_side from, to;
	uint32_t bytes;			/* within one page on either side that is a grant */
	int status;			/* out: 0 or -errno of this piece alone */
};

struct mica_io_driver {
	void *ctx;
	/* @port of ours was notified.  It may be spurious.  It is unmasked again on return. */
	void (*event)(void *ctx, uint32_t port);
	/* Something at or below a watched path changed; comes once right after watch(), too. */
	void (*changed)(void *ctx, const char *path, const char *token);
	/* The timer of timer_set() is due. */
	void (*timer)(void *ctx);
	/* The world was suspended and resumed (or moved): grants and ports are gone. */
	void (*resumed)(void *ctx);
};

struct mica_io_ops {
	/* --- event channels --- */
	int (*port_offer)(struct mica_io *io, domid_t peer, uint32_t *port);	/* peer may bind */
	int (*port_bind)(struct mica_io *io, domid_t peer, uint32_t remote, uint32_t *port);
	void (*port_close)(struct mica_io *io, uint32_t port);
	void (*port_notify)(struct mica_io *io, uint32_t port);

	/* --- the end that uses the peer's pages --- */
	/* @n pages of @peer in a row; -errno and nothing mapped when any reference fails. */
	int (*map)(struct mica_io *io, domid_t peer, const uint32_t *refs, unsigned n,
		   bool writable, void **where);
	void (*unmap)(struct mica_io *io, void *where, unsigned n);
	/* All pieces are tried; 0 or the first -errno, each piece has its own status. */
	int (*copy)(struct mica_io *io, struct mica_io_copy *pieces, unsigned n);

	/* --- the end that lends its own --- */
	/* @n zeroed pages in a row, each lent to @peer; refs[] out. */
	int (*lend)(struct mica_io *io, domid_t peer, unsigned n, bool writable, uint32_t *refs,
		    void **where);
	/* Take them back; -EBUSY while the peer has one mapped (nothing is taken back then). */
	int (*reclaim)(struct mica_io *io, void *where, unsigned n);

	/* --- the store --- */
	/* The value, NUL terminated, in value[room]; -ENOENT, -ERANGE when it does not fit. */
	int (*read)(struct mica_io *io, const char *path, char *value, size_t room);
	int (*write)(struct mica_io *io, const char *path, const char *value);
	int (*remove)(struct mica_io *io, const char *path);
	/* Names of the children as NUL-separated list in names[room]; how many, or -errno. */
	int (*list)(struct mica_io *io, const char *path, char *names, size_t room);
	int (*watch)(struct mica_io *io, const char *path, const char *token);
	int (*unwatch)(struct mica_io *io, const char *path, const char *token);
	/* One at a time; between the two every read and write belongs to it.  -EAGAIN: again. */
	int (*begin)(struct mica_io *io);
	int (*end)(struct mica_io *io, bool commit);

	/* --- time --- */
	uint64_t (*now_ns)(struct mica_io *io);
	void (*timer_set)(struct mica_io *io, uint64_t at_ns);	/* one timer; 0 disarms */

	domid_t (*self)(struct mica_io *io);
};

/* Every implementation's handle begins with this. */
struct mica_io {
	const struct mica_io_ops *ops;
	struct mica_io_driver driver;
};

#endif
