/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the real world share. */
#ifndef MICA_IO_IO_XEN_PRIV_H
#define MICA_IO_IO_XEN_PRIV_H

#include "io/io_xen.h"

struct mica_store;
struct xen_store_watch;

struct io_xen {
	struct mica_io io;		/* first */
	unsigned parts;			/* IO_XEN_* */
	int epoll, timer;
	struct xengntdev_handle *grants, *shares;
	struct xenevtchn_handle *events;
	struct mica_store *store;	/* NULL: lost, looked for */
	int store_fd;			/* in the epoll set; -1 */
	int retry;			/* timerfd, armed while the store is lost */
	struct xen_store_watch *watches;
	int answer_ms;			/* how long an answer may take; 0: the default */
	bool late;			/* one took longer, and watches have not fired since */
};

/* io_xen_store.c */
int xen_store_open(struct io_xen *x);
void xen_store_close(struct io_xen *x);
/* Tell the driver what changed; -errno when the store was lost. */
int xen_store_dispatch(struct io_xen *x);
bool xen_store_waiting(const struct io_xen *x);
/* The retry timer is due. */
void xen_store_retry(struct io_xen *x);

int xen_read(struct mica_io *io, const char *path, char *value, size_t room);
int xen_write(struct mica_io *io, const char *path, const char *value);
int xen_remove(struct mica_io *io, const char *path);
int xen_list(struct mica_io *io, const char *path, char *names, size_t room);
int xen_watch(struct mica_io *io, const char *path, const char *token);
int xen_unwatch(struct mica_io *io, const char *path, const char *token);
int xen_begin(struct mica_io *io);
int xen_end(struct mica_io *io, bool commit);

#endif
