/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine of choice: io_uring, one system call for any number of transfers.
 *
 * A ring can do what a filter of system calls forbids, so it is restricted before it is enabled:
 * only the operations below, only on registered files, for ever: the image, and two that
 * transfer nothing.  The engine's fixed memory is registered, too: transfers of it spare the kernel
 * looking up and pinning pages, which costs as much as all the rest of a read of 4 KiB.
 *
 * BLKDISCARD is no operation of the ring; an inner engine_threads with one thread makes it.  Its
 * eventfd is polled by the ring (POLL), so that there is one descriptor to wait for.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "blkd/engine.h"

#define POLL_INNER	1u		/* user data of the poll on the inner engine */

struct uring {
	struct io_uring ring;
	struct engine inner;
	bool has_inner, has_fixed;
	unsigned busy, queued;
};

static const uint8_t allowed[] = {
	IORING_OP_READV, IORING_OP_WRITEV, IORING_OP_FSYNC, IORING_OP_FALLOCATE,
	IORING_OP_POLL_ADD, IORING_OP_READ_FIXED, IORING_OP_WRITE_FIXED,
};

#define NR_ALLOWED	(sizeof(allowed) / sizeof(allowed[0]))

static int restrict_ring(struct uring *u)
{
	struct io_uring_restriction only[NR_ALLOWED + 1];
	int rc;

	memset(only, 0, sizeof(only));
	for (size_t i = 0; i < NR_ALLOWED; i++) {
		only[i].opcode = IORING_RESTRICTION_SQE_OP;
		only[i].sqe_op = allowed[i];
	}
	only[NR_ALLOWED].opcode = IORING_RESTRICTION_SQE_FLAGS_REQUIRED;
	only[NR_ALLOWED].sqe_flags = IOSQE_FIXED_FILE;
	rc = io_uring_register_restrictions(&u->ring, only, NR_ALLOWED + 1);
	return rc ? rc : io_uring_enable_rings(&u->ring);
}

static void poll_inner(struct uring *u)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	io_uring_prep_poll_add(sqe, 1, POLLIN);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	io_uring_sqe_set_data64(sqe, POLL_INNER);
	u->queued++;
}

static int start_inner(struct engine *e, struct uring *u)
{
	u->inner = (struct engine){
		.ops = &engine_threads, .image = e->image, .block_device = true, .depth = 1,
	};
	/* As many may wait for the one thread as there can be transfers. */
	if (engine_threads.start(&u->inner))
		return -EAGAIN;
	u->inner.depth = e->depth;
	u->has_inner = true;
	return 0;
}

/* Without it every transfer takes the other way. */
static void register_fixed(struct engine *e, struct uring *u)
{
	const struct iovec all = { e->fixed, e->fixed_bytes };

	u->has_fixed = e->fixed && !io_uring_register_buffers(&u->ring, &all, 1);
}

static int uring_start(struct engine *e)
{
	struct uring *u = calloc(1, sizeof(*u));
	struct io_uring_params params = { .flags = IORING_SETUP_R_DISABLED };
	int files[3], rc;

	if (!u)
		return -ENOMEM;
	/* One more for the poll. */
	rc = io_uring_queue_init_params(e->depth + 1, &u->ring, &params);
	if (rc) {
		free(u);
		return rc;
	}
	rc = e->block_device ? start_inner(e, u) : 0;
	files[0] = e->image;
	files[1] = u->has_inner ? u->inner.fd : -1;
	/* The kernel lets go of a ring's files when all its transfers are done, which may be after
	 * the death of its process has been told. */
	files[2] = e->alive ? e->alive : -1;
	if (!rc)
		rc = io_uring_register_files(&u->ring, files, 3);
	register_fixed(e, u);
	if (!rc)
		rc = restrict_ring(u);
	if (rc) {
		if (u->has_inner)
			engine_threads.stop(&u->inner);
		io_uring_queue_exit(&u->ring);
		free(u);
		return rc;
	}
	e->priv = u;
	e->fd = u->ring.ring_fd;
	if (u->has_inner)
		poll_inner(u);
	return 0;
}

static bool is_fixed(const struct engine *e, const struct xfer *x)
{
	size_t offset = (size_t)((char *)x->iov->iov_base - (char *)e->fixed);

	return x->nr_iov == 1 && (char *)x->iov->iov_base >= (char *)e->fixed &&
		offset < e->fixed_bytes && x->iov->iov_len <= e->fixed_bytes - offset;
}

static void prepare_read(struct io_uring_sqe *sqe, const struct xfer *x, bool fixed)
{
	if (fixed)
		io_uring_prep_read_fixed(sqe, 0, x->iov->iov_base, (unsigned)x->iov->iov_len,
					 x->offset, 0);
	else
		io_uring_prep_readv(sqe, 0, x->iov, x->nr_iov, x->offset);
}

static void prepare_write(struct io_uring_sqe *sqe, const struct xfer *x, bool fixed)
{
	if (fixed)
		io_uring_prep_write_fixed(sqe, 0, x->iov->iov_base, (unsigned)x->iov->iov_len,
					  x->offset, 0);
	else
		io_uring_prep_writev(sqe, 0, x->iov, x->nr_iov, x->offset);
	sqe->rw_flags = x->durable ? RWF_DSYNC : 0;
}

static void prepare(struct engine *e, struct io_uring_sqe *sqe, struct xfer *x)
{
	struct uring *u = e->priv;

	switch (x->op) {
	case XFER_READ:
		prepare_read(sqe, x, u->has_fixed && is_fixed(e, x));
		break;
	case XFER_WRITE:
		prepare_write(sqe, x, u->has_fixed && is_fixed(e, x));
		break;
	case XFER_FLUSH:
		io_uring_prep_fsync(sqe, 0, IORING_FSYNC_DATASYNC);
		break;
	case XFER_DISCARD:
		io_uring_prep_fallocate(sqe, 0, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					(off_t)x->offset, (off_t)x->bytes);
		break;
	}
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	io_uring_sqe_set_data(sqe, x);
	u->queued++;
}

static int uring_submit(struct engine *e, struct xfer *x)
{
	struct uring *u = e->priv;
	struct io_uring_sqe *sqe;

	if (u->busy == e->depth)
		return -EBUSY;
	if (x->op == XFER_DISCARD && u->has_inner) {
		int rc = engine_threads.submit(&u->inner, x);

		return rc;
	}
	sqe = io_uring_get_sqe(&u->ring);
	if (!sqe)
		return -EBUSY;
	u->busy++;
	prepare(e, sqe, x);
	return 0;
}

static void uring_kick(struct engine *e)
{
	struct uring *u = e->priv;
	int n;

	while (u->queued) {
		n = io_uring_submit(&u->ring);
		if (n < 0 && n != -EINTR)
			return;		/* memory is short: the next kick tries again */
		if (n > 0)
			u->queued -= (unsigned)n < u->queued ? (unsigned)n : u->queued;
	}
}

/* The rest of a transfer that came short takes the place of the part that is done. */
static bool goes_on(struct engine *e, struct xfer *x, int rc)
{
	struct uring *u = e->priv;
	struct io_uring_sqe *sqe;

	if (rc == -EINTR || rc == -EAGAIN)
		rc = 0;
	else if (rc <= 0 || xfer_advance(x, (uint64_t)rc))
		return false;
	sqe = io_uring_get_sqe(&u->ring);
	if (!sqe)
		return false;
	prepare(e, sqe, x);
	return true;
}

static void completed(struct engine *e, struct xfer *x, int rc)
{
	struct uring *u = e->priv;

	if (x->op == XFER_READ || x->op == XFER_WRITE) {
		if (goes_on(e, x, rc))
			return;
		rc = rc < 0 ? rc : x->bytes ? -EIO : 0;
	} else if (rc > 0) {
		rc = 0;
	}
	u->busy--;
	x->done(x, rc);
}

static void uring_reap(struct engine *e)
{
	struct uring *u = e->priv;
	struct io_uring_cqe *cqe;

	while (!io_uring_peek_cqe(&u->ring, &cqe)) {
		uint64_t what = cqe->user_data;
		int rc = cqe->res;

		io_uring_cqe_seen(&u->ring, cqe);
		if (what == POLL_INNER) {
			engine_threads.reap(&u->inner);
			poll_inner(u);
		} else {
			completed(e, (struct xfer *)(uintptr_t)what, rc);
		}
	}
	uring_kick(e);
}

static void uring_stop(struct engine *e)
{
	struct uring *u = e->priv;

	if (u->has_inner)
		engine_threads.stop(&u->inner);
	io_uring_queue_exit(&u->ring);
	free(u);
}

const struct engine_ops engine_uring = {
	.kind = ENGINE_URING, .prompt = true, .start = uring_start, .submit = uring_submit, .kick = uring_kick,
	.reap = uring_reap, .stop = uring_stop,
};
