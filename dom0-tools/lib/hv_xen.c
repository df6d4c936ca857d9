/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real thing behind hv.h: libxencall and libxenforeignmemory, whose interfaces are stable.
 * The only file that includes their headers; none of ours that name the same things may come in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
#include <sys/mman.h>
#include <xencall.h>
#include <xen/memory.h>
#include <xenforeignmemory.h>

#include "lib/hv.h"

struct hv_xen {
	xencall_handle *calls;
	xenforeignmemory_handle *memory;
};

static long xen_call(void *ctx, unsigned op, const uint64_t args[5])
{
	struct hv_xen *x = ctx;
	int rc = xencall5(x->calls, op, args[0], args[1], args[2], args[3], args[4]);

	return rc == -1 ? -errno : rc;
}

static void *xen_alloc(void *ctx, size_t bytes)
{
	struct hv_xen *x = ctx;
	void *p = xencall_alloc_buffer(x->calls, bytes);

	return p ? memset(p, 0, bytes) : NULL;
}

static void xen_free(void *ctx, void *p)
{
	struct hv_xen *x = ctx;

	xencall_free_buffer(x->calls, p);
}

static void *xen_map(void *ctx, uint16_t dom, size_t n, const uint64_t *mfns, int *errs)
{
	struct hv_xen *x = ctx;

	return xenforeignmemory_map(x->memory, dom, PROT_READ | PROT_WRITE, n,
				    (const xen_pfn_t *)mfns, errs);
}

static void xen_unmap(void *ctx, void *p, size_t n)
{
	struct hv_xen *x = ctx;

	xenforeignmemory_unmap(x->memory, p, n);
}

static void *xen_map_grants(void *ctx, uint16_t dom, void **cookie)
{
	struct hv_xen *x = ctx;
	void *p = NULL;

	*cookie = xenforeignmemory_map_resource(x->memory, dom, XENMEM_resource_grant_table,
						XENMEM_resource_grant_table_id_shared, 0, 1, &p,
						PROT_READ | PROT_WRITE, 0);
	return *cookie ? p : NULL;
}

static void xen_unmap_grants(void *ctx, void *cookie)
{
	struct hv_xen *x = ctx;

	xenforeignmemory_unmap_resource(x->memory, cookie);
}

static void xen_close(void *ctx)
{
	struct hv_xen *x = ctx;

	xenforeignmemory_close(x->memory);
	xencall_close(x->calls);
	free(x);
}

static const struct mica_hv_ops xen_ops = {
	.call = xen_call, .alloc = xen_alloc, .free = xen_free,
	.map = xen_map, .unmap = xen_unmap,
	.map_grants = xen_map_grants, .unmap_grants = xen_unmap_grants,
	.close = xen_close,
};

int hv_xen_open(const struct mica_hv_ops **ops, void **ctx)
{
	struct hv_xen *x = calloc(1, sizeof(*x));
	int rc;

	if (!x)
		return -ENOMEM;
	x->calls = xencall_open(NULL, 0);
	if (x->calls)
		x->memory = xenforeignmemory_open(NULL, 0);
	if (!x->memory) {
		rc = errno ? -errno : -ENODEV;
		if (x->calls)
			xencall_close(x->calls);
		free(x);
		return rc;
	}
	*ops = &xen_ops;
	*ctx = x;
	return 0;
}
