/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One sample of a ring: map, copy once, unmap.  The mapping lasts no longer than the copy, so a
 * guest that takes its pages back meets it at most for an instant.
 *
 * Both ends may write while we read.  The four indices belong together if req_prod has not moved
 * around the reading of rsp_prod; a few tries, and then the sample is marked as torn.
 */
#include <errno.h>
#include <mica/io/ring.h>
#include <mica/ring_mem.h>

#include "lib/ring_look.h"

#define TRIES	64

void ring_read(const void *shared, size_t bytes, struct ring_sample *out, void *copy)
{
	const struct ring_header *h = shared;

	*out = (struct ring_sample){ .torn = true };
	for (int i = 0; i < TRIES && out->torn; i++) {
		uint32_t before = mica_shared_load(&h->req_prod);

		out->rsp_prod = mica_shared_load(&h->rsp_prod);
		out->req_event = mica_shared_load(&h->req_event);
		out->rsp_event = mica_shared_load(&h->rsp_event);
		out->req_prod = mica_shared_load(&h->req_prod);
		out->torn = out->req_prod != before || mica_shared_load(&h->rsp_prod) != out->rsp_prod;
	}
	if (copy)
		mica_shared_get(copy, shared, bytes);
	out->rsp_after = mica_shared_load(&h->rsp_prod);
	out->req_after = mica_shared_load(&h->req_prod);
}

void ring_take(const struct ring_eyes *eyes, domid_t domain, const struct ring_place *p,
	       struct ring_sample *out, void *copy)
{
	void *where;

	*out = (struct ring_sample){ .error = -ENXIO };
	if (!p->pages || p->pages > RING_PAGES_MAX)
		return;
	out->error = eyes->map(eyes->ctx, domain, p->refs, p->pages, &where);
	if (out->error)
		return;
	ring_read(where, p->pages * MICA_PAGE_BYTES, out, copy);
	eyes->unmap(eyes->ctx, where, p->pages);
}
