/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypervisor as Debian's libraries show it: grants by libxengnttab, event channels by
 * libxenevtchn, and frames by libxenforeignmemory for domains whose builder seeded no grant.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <xenevtchn.h>
#include <xenforeignmemory.h>
#include <xengnttab.h>

#include "consoled/backend.h"

#define GRANT_CONSOLE	0	/* reserved entry of every domain's grant table */
#define MAX_GRANTS	32768

struct xen {
	xengnttab_handle *grants;
	xenevtchn_handle *events;
	xenforeignmemory_handle *memory;	/* opened when first needed */
};

static struct xencons_interface *xen_map(void *ctx, uint16_t domid, uint64_t mfn, int *granted)
{
	struct xen *x = ctx;
	xen_pfn_t frame = mfn;
	void *page;

	*granted = 1;
	page = xengnttab_map_grant_ref(x->grants, domid, GRANT_CONSOLE, PROT_READ | PROT_WRITE);
	if (page)
		return page;
	*granted = 0;
	if (!x->memory)
		x->memory = xenforeignmemory_open(NULL, 0);
	if (!x->memory)
		return NULL;
	return xenforeignmemory_map(x->memory, domid, PROT_READ | PROT_WRITE, 1, &frame, NULL);
}

static void xen_unmap(void *ctx, struct xencons_interface *page, int granted)
{
	struct xen *x = ctx;

	if (granted)
		xengnttab_unmap(x->grants, page, 1);
	else
		xenforeignmemory_unmap(x->memory, page, 1);
}

static int xen_bind(void *ctx, uint16_t domid, uint32_t port)
{
	struct xen *x = ctx;
	int local = xenevtchn_bind_interdomain(x->events, domid, port);

	return local < 0 ? -errno : local;
}

static void xen_unbind(void *ctx, uint32_t local)
{
	xenevtchn_unbind(((struct xen *)ctx)->events, local);
}

static void xen_notify(void *ctx, uint32_t local)
{
	xenevtchn_notify(((struct xen *)ctx)->events, local);
}

static int xen_pending(void *ctx)
{
	int local = xenevtchn_pending(((struct xen *)ctx)->events);

	return local < 0 ? -errno : local;
}

static void xen_unmask(void *ctx, uint32_t local)
{
	xenevtchn_unmask(((struct xen *)ctx)->events, local);
}

int backend_xen_open(struct backend *b, const char **what)
{
	struct xen *x = calloc(1, sizeof(*x));
	int flags;

	*what = "memory";
	if (!x)
		return -ENOMEM;
	*what = "event channels (/dev/xen/evtchn)";
	x->events = xenevtchn_open(NULL, 0);
	if (!x->events)
		return -errno;
	*what = "grants (/dev/xen/gntdev)";
	x->grants = xengnttab_open(NULL, 0);
	if (!x->grants)
		return -errno;
	xengnttab_set_max_grants(x->grants, MAX_GRANTS);
	*b = (struct backend){
		.ctx = x, .map = xen_map, .unmap = xen_unmap, .bind = xen_bind,
		.unbind = xen_unbind, .notify = xen_notify, .pending = xen_pending,
		.unmask = xen_unmask, .fd = xenevtchn_fd(x->events),
	};
	flags = fcntl(b->fd, F_GETFL);
	fcntl(b->fd, F_SETFL, flags | O_NONBLOCK);
	return 0;
}
