/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grants and event channels through Debian's libraries.  Apart from xen.c, because their headers
 * and ours give the same names to the same numbers.  All return -1 or NULL with errno set.
 */
#ifndef STORED_XEN_DEV_H
#define STORED_XEN_DEV_H

#include <stdint.h>

/* Open both devices; the name of the one that failed, or NULL. */
const char *dev_open(void);
int dev_events_fd(void);
int dev_bind_virq(unsigned virq);
int dev_bind(unsigned domid, uint32_t remote_port);
void dev_unbind(int port);
void dev_notify(int port);
void *dev_map(unsigned domid, uint32_t ref);	/* read and write */
void dev_unmap(void *page);

#endif
