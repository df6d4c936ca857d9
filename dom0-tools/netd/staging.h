/* SPDX-License-Identifier: BSD-2-Clause */
/* Staging grants: pages that front ends keep granted, mapped here for as long. */
#ifndef MICA_NETD_STAGING_H
#define MICA_NETD_STAGING_H

#include <stdbool.h>
#include <stdint.h>
#include <mica/io/netif.h>

#include "io/io.h"

#define STAGING_QUEUE_MOST	512u	/* pages of one queue; and what one list can name */
#ifndef STAGING_MOST
#define STAGING_MOST		16384u	/* of one network: each mapping costs dom0's kernel an area */
#endif
#define STAGING_BUCKETS		4096u

struct net;
struct queue;
struct staged;

struct staging {
	unsigned pages;
	struct staged *bucket[STAGING_BUCKETS];
};

/*
 * Map all of @list[@n] for @q, or none.  False: too many, one twice, a flag nobody knows, a grant
 * that cannot be mapped so.  When there is not enough for all ports, what some have beyond their share is
 * unmapped for one that has less.
 */
bool staging_add(struct net *n, struct queue *q, const struct xen_netif_gref *list,
		 unsigned count);
/* Unmap what is mapped of @list[@count]; each gets its status.  How many were. */
unsigned staging_del(struct net *n, struct queue *q, struct xen_netif_gref *list, unsigned count);
/* Unmap all of @q's. */
void staging_forget(struct net *n, struct queue *q);
/* As mica_io's copy: pieces whose both sides are mapped here or ours cost no hypercall. */
int staging_copy(struct net *n, struct mica_io_copy *pieces, unsigned count);

#endif
