/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache of mapped pages.  What one request misses is mapped by one call, as one area of
 * neighbouring addresses, and stays until the device is disconnected: by contract the front end
 * does not take a persistent grant back before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "blkd/pages.h"
#include "blkd/request.h"

struct page_area {
	struct page_area *next;
	void *at;
	unsigned n;
	struct page page[];
};

static unsigned bucket_of(uint32_t ref)
{
	return (ref ^ ref >> 12) & (PAGES_BUCKETS - 1);
}

void pages_init(struct pages *p, struct mica_io *io, domid_t domid)
{
	memset(p, 0, sizeof(*p));
	p->io = io;
	p->domid = domid;
}

void *pages_find(const struct pages *p, uint32_t ref)
{
	const struct page *page = p->bucket[bucket_of(ref)];

	while (page && page->ref != ref)
		page = page->next;
	return page ? page->at : NULL;
}

static bool among(const uint32_t *refs, unsigned n, uint32_t ref)
{
	for (unsigned i = 0; i < n; i++)
		if (refs[i] == ref)
			return true;
	return false;
}

static void enter(struct pages *p, struct page_area *area, const uint32_t *refs)
{
	for (unsigned i = 0; i < area->n; i++) {
		struct page *page = &area->page[i];
		struct page **bucket = &p->bucket[bucket_of(refs[i])];

		page->ref = refs[i];
		page->at = (char *)area->at + (size_t)i * MICA_IO_PAGE_BYTES;
		page->next = *bucket;
		*bucket = page;
	}
	p->nr += area->n;
	area->next = p->areas;
	p->areas = area;
}

int pages_map(struct pages *p, const uint32_t *refs, unsigned n)
{
	uint32_t missing[BLK_SEGMENTS];
	struct page_area *area;
	unsigned m = 0;
	int rc;

	for (unsigned i = 0; i < n; i++)
		if (!pages_find(p, refs[i]) && !among(missing, m, refs[i]))
			missing[m++] = refs[i];
	if (!m)
		return 0;
	if (p->nr + m > PAGES_MOST)
		return -ENOSPC;
	area = malloc(sizeof(*area) + m * sizeof(area->page[0]));
	if (!area)
		return -ENOMEM;
	area->n = m;
	rc = p->io->ops->map(p->io, p->domid, missing, m, true, &area->at);
	if (rc) {
		free(area);
		return rc;
	}
	enter(p, area, missing);
	return 0;
}

void pages_unmap_all(struct pages *p)
{
	struct page_area *area;

	while ((area = p->areas)) {
		p->areas = area->next;
		p->io->ops->unmap(p->io, area->at, area->n);
		free(area);
	}
	memset(p->bucket, 0, sizeof(p->bucket));
	p->nr = 0;
}
