/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory of a new domain: claimed whole first, so that of two creates that do not fit together one
 * fails before it starts; then populated in 2 MiB extents, the rest in pages.
 */
#include <errno.h>

#include "lib/build_priv.h"

#define LARGE_ORDER	9
#define LARGE_PAGES	(1ull << LARGE_ORDER)

static int out_of_memory(struct build *b, int rc)
{
	struct xen_sysctl_physinfo host = { 0 };
	uint64_t want = b->r->pages >> 8;

	mica_fail(b->e, "MICA-MEM-001", "not enough free memory");
	if (!mica_physinfo(b->m, &host))
		mica_fact(b->e, "needs %llu MiB; free %llu MiB, of which claimed %llu MiB",
			  (unsigned long long)want, (unsigned long long)host.free_pages >> 8,
			  (unsigned long long)host.outstanding_pages >> 8);
	mica_hint(b->e, "mica memory set dom0 SIZE     (give back some of dom0's)");
	return rc;
}

/* Extents of one order from pfn @from on, as many as fit below @end.  Returns the pfn reached. */
static uint64_t populate_order(struct build *b, uint64_t from, uint64_t end, unsigned order)
{
	uint64_t n = (end - from) >> order;
	uint64_t *list = b->mfn + from;
	long done;

	/* The list is compact while the call runs, then spread out from its end. */
	for (uint64_t i = 0; i < n; i++)
		list[i] = from + (i << order);
	done = n ? mica_populate(b->m, b->b->id, list, n, order) : 0;
	if (done < 0)
		done = 0;
	for (uint64_t i = (uint64_t)done; order && i-- > 0;) {
		uint64_t first = list[i];

		for (uint64_t j = 1ull << order; j-- > 0;)
			list[(i << order) + j] = first + j;
	}
	return from + ((uint64_t)done << order);
}

int build_populate(struct build *b)
{
	uint64_t at = 0, end = b->r->pages;
	int rc = mica_claim(b->m, b->b->id, end);

	/* A hypervisor without claims can still have the memory. */
	if (rc && rc != -ENOSYS && rc != -EOPNOTSUPP)
		return out_of_memory(b, rc);
	at = populate_order(b, at, end & ~(LARGE_PAGES - 1), LARGE_ORDER);
	if (at < end)
		at = populate_order(b, at, end, 0);
	mica_claim(b->m, b->b->id, 0);
	return at == end ? 0 : out_of_memory(b, -ENOMEM);
}
