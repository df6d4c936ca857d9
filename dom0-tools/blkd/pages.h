/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's pages that stay mapped: with feature-persistent a front end uses the same grants
 * again and again, so each is mapped once and input and output need no hypercall from then on.
 * Bounded by PAGES_MOST; what finds no room is copied instead.
 */
#ifndef MICA_BLKD_PAGES_H
#define MICA_BLKD_PAGES_H

#include "io/io.h"

#define PAGES_MOST	8192u
#define PAGES_BUCKETS	4096u		/* a power of two */

struct page_area;

struct page {
	struct page *next;		/* in its bucket */
	uint32_t ref;
	void *at;
};

struct pages {
	struct mica_io *io;
	domid_t domid;
	unsigned nr;			/* mapped */
	struct page_area *areas;
	struct page *bucket[PAGES_BUCKETS];
};

void pages_init(struct pages *p, struct mica_io *io, domid_t domid);
/* Where @ref is mapped, or NULL. */
void *pages_find(const struct pages *p, uint32_t ref);
/* Map all of @refs[@n] that are not yet.  -ENOSPC when they would be too many, -errno when the
 * hypervisor refuses one; none is mapped then. */
int pages_map(struct pages *p, const uint32_t *refs, unsigned n);
/* Nothing may be under way on any of them. */
void pages_unmap_all(struct pages *p);

#endif
