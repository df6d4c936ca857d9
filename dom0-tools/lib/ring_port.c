/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the hypervisor says about an event channel, and the bits of a guest that uses the bitmaps of
 * its shared_info.  A guest with FIFO events keeps its bits in pages of its own, whose place only
 * the hypervisor knows: they stay unknown.  Its mark is that it never masks anything in the
 * bitmaps, where every guest that uses them masks the ports it has not bound.
 */
#include <string.h>
#include <mica/evtchn.h>
#include <mica/hypercall.h>
#include <mica/ring_mem.h>
#include <mica/shared_info.h>

#include "lib/ring_look.h"

static int port_status(struct mica *m, domid_t domain, uint32_t port, struct evtchn_status *out)
{
	struct evtchn_status *arg = m->scratch;
	const uint64_t args[5] = { EVTCHNOP_status, (uintptr_t)arg, 0, 0, 0 };
	int rc;

	memset(arg, 0, sizeof(*arg));
	arg->dom = domain;
	arg->port = port;
	rc = (int)m->hv->call(m->ctx, __HYPERVISOR_event_channel_op, args);
	*out = *arg;
	return rc;
}

static void look_at_bits(const struct shared_info *live, struct ring_port *out)
{
	uint64_t mask[64], pending[64], any = 0, bit = 1ull << (out->port % 64);

	mica_shared_get(mask, live->evtchn_mask, sizeof(mask));
	mica_shared_get(pending, live->evtchn_pending, sizeof(pending));
	for (int i = 0; i < 64; i++)
		any |= mask[i];
	if (!any)
		return;
	out->masked = mask[out->port / 64] & bit ? RING_BIT_YES : RING_BIT_NO;
	out->pending = pending[out->port / 64] & bit ? RING_BIT_YES : RING_BIT_NO;
}

void ring_port_look(struct mica *m, domid_t domain, uint64_t frame, uint32_t port,
		    struct ring_port *out)
{
	struct evtchn_status status;
	void *page;

	*out = (struct ring_port){ .port = port };
	if (!port || port_status(m, domain, port, &status))
		return;
	out->known = true;
	out->status = status.status;
	out->vcpu = status.vcpu;
	if (status.status == EVTCHNSTAT_interdomain) {
		out->peer = status.u.interdomain.dom;
		out->peer_port = status.u.interdomain.port;
	}
	if (!frame || port >= EVTCHN_2L_NR_CHANNELS || mica_map(m, domain, 1, &frame, &page))
		return;
	look_at_bits(page, out);
	mica_unmap(m, page, 1);
}
