/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine over an NBD server on a connected socket, by libnbd: formats other than raw.
 *
 *	transfer --one command for each run of neighbouring memory--> server --> transfer done
 *
 * The socket's descriptor lies in an epoll set of its own, because what is waited for (room to
 * write, something to read) changes with libnbd's state.  A connection that breaks ends the
 * process: the supervisor starts server and process again, and the journal says what to repeat.
 */
#include <errno.h>
#include <libnbd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "blkd/engine.h"

#define COMMANDS	1024u		/* on the wire */

struct nbd {
	struct nbd_handle *h;
	unsigned busy;			/* transfers */
	unsigned commands;
	struct xfer *done, **done_last;
	struct parts *free;
	uint32_t fua;			/* flags of what changes the image */
};

/* A transfer under way. */
struct parts {
	struct parts *next;
	struct nbd *nbd;
	struct xfer *x;
	unsigned left;			/* commands without an answer */
	int rc;
};

__attribute__((noreturn)) static void lost(void)
{
	_exit(EXIT_SERVER_LOST);
}

/* A dead connection has no descriptor any more, so nothing would tell us later. */
static void check_alive(struct nbd *n)
{
	if (nbd_aio_is_dead(n->h) || nbd_aio_is_closed(n->h))
		lost();
}

static void want(struct engine *e, int op)
{
	struct nbd *n = e->priv;
	unsigned dir = nbd_aio_get_direction(n->h);
	struct epoll_event ev = {
		.events = (dir & LIBNBD_AIO_DIRECTION_READ ? EPOLLIN : 0) |
			  (dir & LIBNBD_AIO_DIRECTION_WRITE ? EPOLLOUT : 0),
	};

	epoll_ctl(e->fd, op, nbd_aio_get_fd(n->h), &ev);
}

static int not_started(struct engine *e)
{
	struct nbd *n = e->priv;
	int rc = nbd_get_errno() ? -nbd_get_errno() : -ECONNREFUSED;

	nbd_close(n->h);
	if (e->fd >= 0)
		close(e->fd);
	free(n);
	e->priv = NULL;
	return rc;
}

static int nbd_start(struct engine *e)
{
	struct nbd *n = calloc(1, sizeof(*n));

	if (!n)
		return -ENOMEM;
	n->done_last = &n->done;
	n->h = nbd_create();
	e->fd = epoll_create1(EPOLL_CLOEXEC);
	e->priv = n;
	if (!n->h || e->fd < 0 || nbd_set_export_name(n->h, "disk") ||
	    nbd_connect_socket(n->h, e->image))
		return not_started(e);
	e->bytes = nbd_get_size(n->h) > 0 ? (uint64_t)nbd_get_size(n->h) : 0;
	e->can_discard = nbd_can_trim(n->h) == 1;
	/*
	 * Always, whatever the cache mode: a server keeps tables of its formats in memory until then, and
	 * the guest does not learn that it died.  What was answered must be in the image by itself.
	 */
	n->fua = nbd_can_fua(n->h) == 1 ? LIBNBD_CMD_FLAG_FUA : 0;
	want(e, EPOLL_CTL_ADD);
	return 0;
}

static void part_done(struct parts *p, int rc)
{
	struct nbd *n = p->nbd;

	if (rc && !p->rc)
		p->rc = rc;
	if (--p->left)
		return;
	p->x->rc = p->rc;
	p->x->next = NULL;
	*n->done_last = p->x;
	n->done_last = &p->x->next;
	p->next = n->free;
	n->free = p;
}

static int on_command(void *user, int *error)
{
	struct parts *p = user;

	p->nbd->commands--;
	part_done(p, *error ? -*error : 0);
	return 1;			/* retired */
}

static int command(struct nbd *n, struct parts *p, void *at, uint64_t bytes, uint64_t offset)
{
	nbd_completion_callback cb = { .callback = on_command, .user_data = p };
	int64_t cookie;

	p->left++;
	switch (p->x->op) {
	case XFER_READ: cookie = nbd_aio_pread(n->h, at, bytes, offset, cb, 0); break;
	case XFER_WRITE: cookie = nbd_aio_pwrite(n->h, at, bytes, offset, cb, n->fua); break;
	case XFER_FLUSH: cookie = nbd_aio_flush(n->h, cb, 0); break;
	default: cookie = nbd_aio_trim(n->h, bytes, offset, cb, n->fua); break;
	}
	if (cookie >= 0) {
		n->commands++;
		return 0;
	}
	check_alive(n);
	part_done(p, nbd_get_errno() ? -nbd_get_errno() : -EIO);
	return -1;
}

/* Neighbouring pieces of memory are one command. */
static void transfer(struct nbd *n, struct parts *p)
{
	struct xfer *x = p->x;
	uint64_t offset = x->offset;
	unsigned i = 0;

	while (i < x->nr_iov) {
		char *at = x->iov[i].iov_base;
		uint64_t bytes = x->iov[i].iov_len;

		while (++i < x->nr_iov && x->iov[i].iov_base == at + bytes)
			bytes += x->iov[i].iov_len;
		if (command(n, p, at, bytes, offset))
			break;
		offset += bytes;
	}
}

/* A discard may be longer than a command can say. */
static void trim(struct nbd *n, struct parts *p)
{
	uint64_t offset = p->x->offset, left = p->x->bytes;

	while (left) {
		uint64_t bytes = left < (1u << 30) ? left : 1u << 30;

		if (command(n, p, NULL, bytes, offset))
			break;
		offset += bytes;
		left -= bytes;
	}
}

static int nbd_submit(struct engine *e, struct xfer *x)
{
	struct nbd *n = e->priv;
	struct parts *p = n->free;

	if (n->busy == e->depth || n->commands + x->nr_iov > COMMANDS)
		return -EBUSY;
	if (p)
		n->free = p->next;
	else
		p = malloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	/* One held by ourselves, so that it does not end before all commands are made. */
	*p = (struct parts){ .nbd = n, .x = x, .left = 1 };
	n->busy++;
	if (x->op == XFER_FLUSH && nbd_can_flush(n->h) == 1)
		command(n, p, NULL, 0, 0);
	else if (x->op == XFER_DISCARD)
		trim(n, p);
	else if (x->op != XFER_FLUSH)
		transfer(n, p);
	part_done(p, 0);
	return 0;
}

static void nbd_kick(struct engine *e)
{
	struct nbd *n = e->priv;
	struct epoll_event ev;

	check_alive(n);
	/* What ended within submit() is told by reap(), so it has to be called. */
	if (n->done) {
		ev = (struct epoll_event){ .events = EPOLLIN | EPOLLOUT };
		epoll_ctl(e->fd, EPOLL_CTL_MOD, nbd_aio_get_fd(n->h), &ev);
		return;
	}
	want(e, EPOLL_CTL_MOD);
}

static void nbd_reap(struct engine *e)
{
	struct nbd *n = e->priv;
	unsigned dir = nbd_aio_get_direction(n->h);
	struct epoll_event ev;
	struct xfer *x, *next;
	int rc = 0;

	if (epoll_wait(e->fd, &ev, 1, 0) == 1) {
		if ((ev.events & (EPOLLIN | EPOLLHUP | EPOLLERR)) &&
		    (dir & LIBNBD_AIO_DIRECTION_READ))
			rc = nbd_aio_notify_read(n->h);
		else if ((ev.events & EPOLLOUT) && (dir & LIBNBD_AIO_DIRECTION_WRITE))
			rc = nbd_aio_notify_write(n->h);
	}
	if (rc)
		lost();
	check_alive(n);
	next = n->done;
	n->done = NULL;
	n->done_last = &n->done;
	while ((x = next)) {
		next = x->next;
		n->busy--;
		x->done(x, x->rc);
	}
	want(e, EPOLL_CTL_MOD);
}

static void nbd_stop(struct engine *e)
{
	struct nbd *n = e->priv;
	struct parts *p;

	while ((p = n->free)) {
		n->free = p->next;
		free(p);
	}
	nbd_close(n->h);
	close(e->fd);
	free(n);
}

const struct engine_ops engine_nbd = {
	.kind = ENGINE_NBD, .start = nbd_start, .submit = nbd_submit, .kick = nbd_kick,
	.reap = nbd_reap, .stop = nbd_stop,
};
