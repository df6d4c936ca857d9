/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine of an image that is gone for good: every transfer fails, so that the guest hears of
 * it instead of waiting for ever.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "blkd/engine.h"

struct failing {
	struct xfer *first, **last;
};

static int error_start(struct engine *e)
{
	struct failing *f = malloc(sizeof(*f));

	e->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!f || e->fd < 0)
		return -ENOMEM;
	f->first = NULL;
	f->last = &f->first;
	e->priv = f;
	return 0;
}

static int error_submit(struct engine *e, struct xfer *x)
{
	struct failing *f = e->priv;

	x->next = NULL;
	*f->last = x;
	f->last = &x->next;
	return 0;
}

static void error_kick(struct engine *e)
{
	struct failing *f = e->priv;
	uint64_t one = 1;

	/* Full is readable too. */
	if (f->first && write(e->fd, &one, sizeof(one)) < 0)
		return;
}

static void error_reap(struct engine *e)
{
	struct failing *f = e->priv;
	uint64_t count;
	struct xfer *x, *next;

	if (read(e->fd, &count, sizeof(count)) < 0)
		return;
	next = f->first;
	f->first = NULL;
	f->last = &f->first;
	while ((x = next)) {
		next = x->next;
		x->done(x, -EIO);
	}
}

static void error_stop(struct engine *e)
{
	close(e->fd);
	free(e->priv);
}

const struct engine_ops engine_error = {
	.kind = ENGINE_ERROR, .start = error_start, .submit = error_submit, .kick = error_kick,
	.reap = error_reap, .stop = error_stop,
};
