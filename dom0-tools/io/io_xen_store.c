/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real world's store: libmica's client, made to survive a restart of the daemon.
 *
 *	connected --the connection fails--> lost --once a second--> connected, all watches set anew
 *	connected --no answer in time--> late --the answer comes--> connected, all watches fire again
 *
 * A watch fires once when it is set, so a driver hears of everything that changed meanwhile
 * without knowing that the store was away.  While lost every function answers -ENOTCONN, while late
 * -ETIMEDOUT, at once: no driver waits for ever.  What was asked before may be done all the same.  The
 * connection stays, since a process in a sandbox gets no other one; an event whose handling ran into that
 * comes again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "io/io_xen_priv.h"
#include "lib/store.h"

#define ANSWER_MS	10000		/* unless the daemon says otherwise */

struct xen_store_watch {
	struct xen_store_watch *next;
	bool set;			/* in the store */
	bool gone;			/* to be taken back there */
	char *path, *token;
};

static struct mica_store *store_of(struct mica_io *io)
{
	return ((struct io_xen *)io)->store;
}

/* What the daemon answered, as opposed to a connection that failed. */
static bool is_answer(int rc)
{
	switch (rc) {
	case -ENOENT: case -EACCES: case -EINVAL: case -EEXIST: case -EISDIR: case -ENOSPC:
	case -EROFS: case -EAGAIN: case -EBUSY: case -E2BIG: case -EPERM: case -ERANGE:
	case -ENOTEMPTY: case -ENOSYS: case -ENOMEM: case -ETIMEDOUT:
		return true;
	default:
		return rc >= 0;
	}
}

static void free_watch(struct xen_store_watch *w)
{
	free(w->path);
	free(w->token);
	free(w);
}

/* The store has none of them any more. */
static void unset_watches(struct io_xen *x)
{
	struct xen_store_watch **link = &x->watches, *w;

	while ((w = *link)) {
		w->set = false;
		if (w->gone) {
			*link = w->next;
			free_watch(w);
		} else {
			link = &w->next;
		}
	}
}

static void lost(struct io_xen *x)
{
	struct itimerspec each = { .it_value.tv_sec = 1, .it_interval.tv_sec = 1 };

	if (!x->store)
		return;
	unset_watches(x);
	x->late = false;
	mica_store_close(x->store);	/* closes the descriptor, which leaves the epoll set */
	x->store = NULL;
	x->store_fd = -1;
	timerfd_settime(x->retry, 0, &each, NULL);
}

static int checked(struct mica_io *io, int rc)
{
	struct io_xen *x = (struct io_xen *)io;

	if (!is_answer(rc))
		lost(x);
	x->late |= rc == -ETIMEDOUT;
	return rc;
}

bool io_xen_late(struct mica_io *io)
{
	return ((struct io_xen *)io)->late;
}

void io_xen_answer_limit(struct mica_io *io, int ms)
{
	struct io_xen *x = (struct io_xen *)io;

	x->answer_ms = ms;
	if (x->store)
		mica_store_limit(x->store, ms);
}

int xen_store_open(struct io_xen *x)
{
	struct timeval limit = { .tv_sec = ANSWER_MS / 1000 };
	struct epoll_event ev = { .events = EPOLLIN };
	int rc = x->watches || x->retry < 0 ? mica_store_open_socket(&x->store)
					    : mica_store_open(&x->store);

	if (rc) {
		x->store = NULL;
		return rc;
	}
	x->store_fd = ev.data.fd = mica_store_fd(x->store);
	setsockopt(x->store_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));	/* half a message */
	mica_store_limit(x->store, x->answer_ms ? x->answer_ms : ANSWER_MS);
	if (epoll_ctl(x->epoll, EPOLL_CTL_ADD, x->store_fd, &ev))
		rc = -errno;
	for (struct xen_store_watch *w = x->watches; w && !rc; w = w->next) {
		rc = mica_store_watch(x->store, w->path, w->token);
		w->set = !rc;
	}
	if (rc)
		lost(x);
	return rc;
}

void xen_store_retry(struct io_xen *x)
{
	static const struct itimerspec off;

	if (x->store || xen_store_open(x))
		return;
	timerfd_settime(x->retry, 0, &off, NULL);
	xen_store_dispatch(x);
}

void xen_store_close(struct io_xen *x)
{
	struct xen_store_watch *w;

	if (x->store)
		mica_store_close(x->store);
	while ((w = x->watches)) {
		x->watches = w->next;
		free_watch(w);
	}
}

/* Have it in the store as the driver wants it, and fire.  What was asked for may have been done already. */
static int renew(struct io_xen *x, struct xen_store_watch *w)
{
	int rc;

	if (w->gone) {
		rc = mica_store_unwatch(x->store, w->path, w->token);
		return rc == -ENOENT ? 0 : rc;
	}
	rc = w->set ? -EEXIST : mica_store_watch(x->store, w->path, w->token);
	w->set = !rc || rc == -EEXIST;
	return rc == -EEXIST ? mica_store_event_again(x->store, w->path, w->token) : rc;
}

/* The late answers have come.  0, but x->late if one is again; -errno when the store was lost. */
static int catch_up(struct io_xen *x)
{
	struct xen_store_watch **link = &x->watches, *w;
	int rc = 0;

	while (!rc && (w = *link)) {
		rc = renew(x, w);
		if (rc || !w->gone) {
			link = &w->next;
			continue;
		}
		*link = w->next;
		free_watch(w);
	}
	x->late = rc == -ETIMEDOUT;
	if (rc && !x->late)
		lost(x);
	return x->late ? 0 : rc;
}

bool xen_store_waiting(const struct io_xen *x)
{
	return x->store && mica_store_waiting(x->store);
}

/* All events that are here.  One whose handling was not answered in time comes again. */
static int deliver(struct io_xen *x)
{
	char *path, *token;
	int rc = 0;

	while (x->store && (rc = mica_store_event(x->store, 0, &path, &token)) > 0) {
		if (x->io.driver.changed)
			x->io.driver.changed(x->io.driver.ctx, path, token);
		if (x->store && mica_store_is_late(x->store))
			mica_store_event_again(x->store, path, token);
		free(path);
	}
	if (x->store && rc < 0)
		lost(x);
	return rc;
}

/* Events that came while a request waited for its answer are in the client, not in the socket. */
int xen_store_dispatch(struct io_xen *x)
{
	int rc = deliver(x);

	while (x->store && x->late && !mica_store_is_late(x->store)) {
		rc = catch_up(x);
		if (!rc)
			rc = deliver(x);
	}
	return rc;
}

int xen_read(struct mica_io *io, const char *path, char *value, size_t room)
{
	char *read;
	size_t bytes;
	int rc;

	if (!store_of(io))
		return -ENOTCONN;
	rc = checked(io, mica_store_read(store_of(io), path, &read, &bytes));
	if (rc)
		return rc;
	if (bytes < room && !memchr(read, '\0', bytes))
		memcpy(value, read, bytes + 1);
	else
		rc = bytes < room ? -EINVAL : -ERANGE;
	free(read);
	return rc;
}

int xen_write(struct mica_io *io, const char *path, const char *value)
{
	if (!store_of(io))
		return -ENOTCONN;
	return checked(io, mica_store_write(store_of(io), path, value, strlen(value)));
}

int xen_remove(struct mica_io *io, const char *path)
{
	return store_of(io) ? checked(io, mica_store_rm(store_of(io), path)) : -ENOTCONN;
}

int xen_list(struct mica_io *io, const char *path, char *names, size_t room)
{
	size_t used = 0;
	char **list;
	int n;

	if (!store_of(io))
		return -ENOTCONN;
	n = checked(io, mica_store_list(store_of(io), path, &list));
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++) {
		size_t len = strlen(list[i]) + 1;

		if (len > room - used) {
			n = -ERANGE;
			break;
		}
		memcpy(names + used, list[i], len);
		used += len;
	}
	free(list);
	return n;
}

static struct xen_store_watch **find_watch(struct io_xen *x, const char *path, const char *token)
{
	struct xen_store_watch **link = &x->watches;

	while (*link && (strcmp((*link)->path, path) || strcmp((*link)->token, token)))
		link = &(*link)->next;
	return link;
}

int xen_watch(struct mica_io *io, const char *path, const char *token)
{
	struct io_xen *x = (struct io_xen *)io;
	struct xen_store_watch *w = *find_watch(x, path, token);
	int rc;

	if (w && w->gone) {		/* a late store has it still, and fires when it answers */
		w->gone = false;
		return 0;
	}
	w = calloc(1, sizeof(*w));
	if (!w || !(w->path = strdup(path)) || !(w->token = strdup(token))) {
		if (w)
			free(w->path);
		free(w);
		return -ENOMEM;
	}
	w->next = x->watches;
	x->watches = w;
	/* A store that is away, or late, gets it when it is back. */
	rc = x->store ? checked(io, mica_store_watch(x->store, path, token)) : 0;
	w = *find_watch(x, path, token);
	if (w)
		w->set = x->store && !rc;
	return rc == -ETIMEDOUT ? 0 : rc;
}

int xen_unwatch(struct mica_io *io, const char *path, const char *token)
{
	struct io_xen *x = (struct io_xen *)io;
	struct xen_store_watch **link = find_watch(x, path, token), *w = *link;
	int rc;

	if (!w || w->gone)
		return -ENOENT;
	w->gone = true;
	rc = x->store ? checked(io, mica_store_unwatch(x->store, path, token)) : 0;
	if (rc == -ETIMEDOUT)
		return 0;
	link = find_watch(x, path, token);	/* unless the store was lost over it */
	w = *link;
	if (w) {
		*link = w->next;
		free_watch(w);
	}
	return rc;
}

int xen_begin(struct mica_io *io)
{
	return store_of(io) ? checked(io, mica_store_begin(store_of(io))) : -ENOTCONN;
}

int xen_end(struct mica_io *io, bool commit)
{
	return store_of(io) ? checked(io, mica_store_end(store_of(io), commit)) : -ENOTCONN;
}
