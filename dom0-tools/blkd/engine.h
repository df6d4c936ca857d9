/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whatever moves bytes between memory and an image: io_uring, threads, or an NBD server.  A
 * transfer is begun, and ends by its done() from within reap(); nothing here waits.
 *
 *	submit()... kick() --fd readable--> reap() --> done()...
 *
 * An engine transfers all of it or fails: what came short is begun again for the rest.
 */
#ifndef MICA_BLKD_ENGINE_H
#define MICA_BLKD_ENGINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

enum engine_kind { ENGINE_URING, ENGINE_THREADS, ENGINE_NBD, ENGINE_ERROR };
extern const char *const engine_names[];

enum xfer_op { XFER_READ, XFER_WRITE, XFER_FLUSH, XFER_DISCARD };

struct xfer {
	enum xfer_op op;
	bool durable;			/* a write that is on the medium when it is done */
	uint64_t offset, bytes;
	struct iovec *iov;		/* used up as it goes */
	unsigned nr_iov;
	void (*done)(struct xfer *x, int rc);	/* 0 or -errno */
	struct xfer *next;		/* the engine's */
	int rc;
};

/* How a process ends whose server went away. */
#define EXIT_SERVER_LOST	3

struct engine {
	const struct engine_ops *ops;
	int fd;				/* readable when reap() has something */
	int image;			/* the image, or the socket to the server */
	int alive;			/* held as long as anything is under way, even when the process
					 * is gone already; 0: none */
	bool block_device;		/* discards by ioctl */
	unsigned depth;			/* most transfers at a time */
	void *fixed;			/* memory of which most transfers are; NULL: none */
	size_t fixed_bytes;
	uint64_t bytes;			/* out: size of what start() found, 0: the caller knows */
	bool can_discard;		/* out, with bytes */
	void *priv;
};

struct engine_ops {
	enum engine_kind kind;
	bool prompt;			/* reap() costs nothing when nothing is done */
	int (*start)(struct engine *e);
	/* -EBUSY: as many as depth are under way. */
	int (*submit)(struct engine *e, struct xfer *x);
	void (*kick)(struct engine *e);
	void (*reap)(struct engine *e);
	/* Only when nothing is under way. */
	void (*stop)(struct engine *e);
};

extern const struct engine_ops engine_uring, engine_threads, engine_nbd, engine_error;

/* Take @bytes off the front of the transfer; true when nothing is left. */
bool xfer_advance(struct xfer *x, uint64_t bytes);

#endif
