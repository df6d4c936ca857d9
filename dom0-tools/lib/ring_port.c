/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the hypervisor says about an event channel: its state, and (Mica's own call) whether it is
 * pending and masked, wherever the domain keeps those bits.  Other hypervisors do not tell: the bits
 * stay unknown, and nothing can be raised there.
 */
#include <string.h>
#include <mica/evtchn.h>
#include <mica/hypercall.h>
#include <mica/mica_op.h>

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

static int port_bits(struct mica *m, domid_t domain, uint32_t port, uint16_t flags)
{
	struct mica_port *arg = m->scratch;
	const uint64_t args[5] = { MICA_OP_port, (uintptr_t)arg, 0, 0, 0 };

	*arg = (struct mica_port){ .dom = domain, .port = port, .flags = flags };
	return (int)m->hv->call(m->ctx, __HYPERVISOR_mica_op, args);
}

void ring_port_look(struct mica *m, domid_t domain, uint32_t port, struct ring_port *out)
{
	struct evtchn_status status;
	int bits;

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
	bits = port_bits(m, domain, port, 0);
	if (bits < 0)
		return;
	out->pending = bits & MICA_PORT_PENDING ? RING_BIT_YES : RING_BIT_NO;
	out->masked = bits & MICA_PORT_MASKED ? RING_BIT_YES : RING_BIT_NO;
}

int ring_port_raise(struct mica *m, domid_t domain, uint32_t port)
{
	int rc = port_bits(m, domain, port, MICA_PORT_RAISE);

	return rc < 0 ? rc : 0;
}
