/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MICA_IO_PRIV_H
#define MICA_IO_PRIV_H

#include <linux/list.h>
#include <linux/workqueue.h>
#include <xen/xenbus.h>

/* io.h needs domid_t, which the kernel's own headers of the interface have. */
#define MICA_ABI_TYPES_H
#include "mica_io_linux.h"

struct mica_io_linux {
	struct mica_io io;
	struct workqueue_struct *worker;	/* ordered: one callback at a time */
	struct delayed_work timer;
	struct list_head ports, watches, loans;	/* the worker's own */
	spinlock_t lock;			/* changes: watches fire in another thread */
	struct list_head changes;
	struct work_struct change_work;
	struct xenbus_transaction xbt;		/* id 0: none is open */
};

static inline struct mica_io_linux *linux_of(struct mica_io *io)
{
	return container_of(io, struct mica_io_linux, io);
}

/* mica_io_grants.c */
int linux_map(struct mica_io *io, domid_t peer, const uint32_t *refs, unsigned int n,
	      bool writable, void **where);
void linux_unmap(struct mica_io *io, void *where, unsigned int n);
int linux_copy(struct mica_io *io, struct mica_io_copy *pieces, unsigned int n);
int linux_lend(struct mica_io *io, domid_t peer, unsigned int n, bool writable, uint32_t *refs,
	       void **where);
int linux_reclaim(struct mica_io *io, void *where, unsigned int n);

/* mica_io_store.c */
int linux_read(struct mica_io *io, const char *path, char *value, size_t room);
int linux_write(struct mica_io *io, const char *path, const char *value);
int linux_remove(struct mica_io *io, const char *path);
int linux_list(struct mica_io *io, const char *path, char *names, size_t room);
int linux_watch(struct mica_io *io, const char *path, const char *token);
int linux_unwatch(struct mica_io *io, const char *path, const char *token);
int linux_begin(struct mica_io *io);
int linux_end(struct mica_io *io, bool commit);
void linux_store_open(struct mica_io_linux *l);
void linux_store_close(struct mica_io_linux *l);

#endif
