/* SPDX-License-Identifier: BSD-2-Clause */
/* See xen_dev.h. */
#include <stddef.h>
#include <sys/mman.h>

#include <xenevtchn.h>
#include <xengnttab.h>

#include "xen_dev.h"

static xengnttab_handle *grants;
static xenevtchn_handle *events;

const char *dev_open(void)
{
	grants = xengnttab_open(NULL, 0);
	if (!grants)
		return "/dev/xen/gntdev";
	events = xenevtchn_open(NULL, 0);
	return events ? NULL : "/dev/xen/evtchn";
}

int dev_events_fd(void)
{
	return xenevtchn_fd(events);
}

int dev_bind_virq(unsigned virq)
{
	return xenevtchn_bind_virq(events, virq);
}

int dev_bind(unsigned domid, uint32_t remote_port)
{
	return xenevtchn_bind_interdomain(events, domid, remote_port);
}

void dev_unbind(int port)
{
	xenevtchn_unbind(events, (evtchn_port_t)port);
}

void dev_notify(int port)
{
	xenevtchn_notify(events, (evtchn_port_t)port);
}

void *dev_map(unsigned domid, uint32_t ref)
{
	return xengnttab_map_grant_ref(grants, domid, ref, PROT_READ | PROT_WRITE);
}

void dev_unmap(void *page)
{
	xengnttab_unmap(grants, page, 1);
}
