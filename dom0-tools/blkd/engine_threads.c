/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine that every kernel has: threads that make the ordinary system calls.  The event loop
 * puts transfers on one list and finds them on another; both are guarded by one mutex.  Threads
 * are made at the start, because the sandbox allows none later.
 *
 * engine_uring uses one such thread for discards of block devices, which are an ioctl.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "blkd/engine.h"

#define THREADS		8u

struct list {
	struct xfer *first, **last;
};

struct threads {
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct list todo, done;		/* under lock */
	unsigned busy;			/* the loop's */
	bool ending;
	struct engine *engine;
	pthread_t thread[THREADS];
	unsigned nr;
};

static void list_init(struct list *l)
{
	l->first = NULL;
	l->last = &l->first;
}

static void list_add(struct list *l, struct xfer *x)
{
	x->next = NULL;
	*l->last = x;
	l->last = &x->next;
}

static struct xfer *list_take(struct list *l)
{
	struct xfer *x = l->first;

	if (x) {
		l->first = x->next;
		if (!l->first)
			l->last = &l->first;
	}
	return x;
}

static int discard(struct engine *e, struct xfer *x)
{
	uint64_t range[2] = { x->offset, x->bytes };

	if (e->block_device)
		return ioctl(e->image, BLKDISCARD, range) ? -errno : 0;
	return fallocate(e->image, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)x->offset,
			 (off_t)x->bytes) ? -errno : 0;
}

static int transfer(struct engine *e, struct xfer *x)
{
	ssize_t n;

	do {
		unsigned nr = x->nr_iov < 1024 ? x->nr_iov : 1024;

		n = x->op == XFER_READ ? preadv2(e->image, x->iov, (int)nr, (off_t)x->offset, 0) :
			pwritev2(e->image, x->iov, (int)nr, (off_t)x->offset,
				 x->durable ? RWF_DSYNC : 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
	} while (n < 0 || !xfer_advance(x, (uint64_t)n));
	return 0;
}

static int perform(struct engine *e, struct xfer *x)
{
	switch (x->op) {
	case XFER_FLUSH: return fdatasync(e->image) ? -errno : 0;
	case XFER_DISCARD: return discard(e, x);
	default: return transfer(e, x);
	}
}

static void *serve(void *arg)
{
	struct threads *t = arg;
	uint64_t one = 1;
	struct xfer *x;

	pthread_mutex_lock(&t->lock);
	while (!t->ending) {
		x = list_take(&t->todo);
		if (!x) {
			pthread_cond_wait(&t->work, &t->lock);
			continue;
		}
		pthread_mutex_unlock(&t->lock);
		x->rc = perform(t->engine, x);
		pthread_mutex_lock(&t->lock);
		list_add(&t->done, x);
		/* Fails only when the counter is full, and then it is readable. */
		if (write(t->engine->fd, &one, sizeof(one)) < 0)
			one = 1;
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void threads_stop(struct engine *e)
{
	struct threads *t = e->priv;

	pthread_mutex_lock(&t->lock);
	t->ending = true;
	pthread_cond_broadcast(&t->work);
	pthread_mutex_unlock(&t->lock);
	while (t->nr)
		pthread_join(t->thread[--t->nr], NULL);
	close(e->fd);
	free(t);
}

static int threads_start(struct engine *e)
{
	struct threads *t = calloc(1, sizeof(*t));
	unsigned want = e->depth < THREADS ? e->depth : THREADS;
	int rc;

	if (!t)
		return -ENOMEM;
	e->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (e->fd < 0) {
		free(t);
		return -errno;
	}
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->work, NULL);
	list_init(&t->todo);
	list_init(&t->done);
	t->engine = e;
	e->priv = t;
	for (; t->nr < want; t->nr++) {
		rc = pthread_create(&t->thread[t->nr], NULL, serve, t);
		if (rc) {
			threads_stop(e);
			return -rc;
		}
	}
	return 0;
}

static int threads_submit(struct engine *e, struct xfer *x)
{
	struct threads *t = e->priv;

	if (t->busy == e->depth)
		return -EBUSY;
	t->busy++;
	pthread_mutex_lock(&t->lock);
	list_add(&t->todo, x);
	pthread_cond_signal(&t->work);
	pthread_mutex_unlock(&t->lock);
	return 0;
}

static void threads_kick(struct engine *e)
{
	/* A thread was woken by submit() already. */
}

static void threads_reap(struct engine *e)
{
	struct threads *t = e->priv;
	uint64_t count;
	struct xfer *x;

	if (read(e->fd, &count, sizeof(count)) < 0)
		return;
	for (;;) {
		pthread_mutex_lock(&t->lock);
		x = list_take(&t->done);
		pthread_mutex_unlock(&t->lock);
		if (!x)
			return;
		t->busy--;
		x->done(x, x->rc);
	}
}

const struct engine_ops engine_threads = {
	.kind = ENGINE_THREADS, .start = threads_start, .submit = threads_submit,
	.kick = threads_kick, .reap = threads_reap, .stop = threads_stop,
};
