/* SPDX-License-Identifier: BSD-2-Clause */
/* The real thing behind ring_eyes.h: libxengnttab, for reading only. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <xengnttab.h>

#include "lib/ring_eyes.h"

static int xen_map(void *ctx, uint16_t domain, const uint32_t *refs, unsigned n, void **where)
{
	uint32_t copy[RING_PAGES_MAX];

	for (unsigned i = 0; i < n; i++)
		copy[i] = refs[i];
	errno = 0;
	*where = xengnttab_map_domain_grant_refs(ctx, n, domain, copy, PROT_READ);
	if (*where)
		return 0;
	return errno ? -errno : -EIO;
}

static void xen_unmap(void *ctx, void *where, unsigned n)
{
	xengnttab_unmap(ctx, where, n);
}

int ring_eyes_xen(struct ring_eyes *eyes)
{
	errno = 0;
	*eyes = (struct ring_eyes){ .ctx = xengnttab_open(NULL, 0), .map = xen_map,
				    .unmap = xen_unmap };
	if (eyes->ctx)
		return 0;
	return errno ? -errno : -ENODEV;
}

void ring_eyes_close(struct ring_eyes *eyes)
{
	if (eyes->ctx)
		xengnttab_close(eyes->ctx);
	eyes->ctx = NULL;
}
