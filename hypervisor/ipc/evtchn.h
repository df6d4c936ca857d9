/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event channels: ports, what they are bound to, and the two ways to present them to the guest
 * (2-level bitmaps in shared_info, FIFO queues in guest pages).  One lock per domain, RANK_EVTCHN;
 * an interdomain operation takes both with lock_pair().  All return 0 or -E as abi-inventory 4.2
 * says.
 */
#ifndef IPC_EVTCHN_H
#define IPC_EVTCHN_H

#include <mica/evtchn.h>
#include <mica/mica_op.h>
#include "dom/vcpu.h"

int evtchn_alloc_unbound(struct domain *d, domid_t remote, uint32_t *port);
int evtchn_bind_interdomain(struct domain *d, domid_t remote, uint32_t remote_port, uint32_t *port);
int evtchn_bind_virq(struct domain *d, unsigned virq, unsigned vcpu, uint32_t *port);
int evtchn_bind_ipi(struct domain *d, unsigned vcpu, uint32_t *port);
int evtchn_bind_pirq(struct domain *d, unsigned pirq, uint32_t flags, uint32_t *port);
int evtchn_close(struct domain *d, uint32_t port);
int evtchn_send(struct domain *d, uint32_t port);
int evtchn_status(struct domain *d, struct evtchn_status *st);
int evtchn_bind_vcpu(struct domain *d, uint32_t port, unsigned vcpu);
int evtchn_unmask(struct domain *d, uint32_t port);
int evtchn_reset(struct domain *d);		/* RESTART possible */
int evtchn_init_control(struct vcpu *v, struct evtchn_init_control *ic);
int evtchn_expand_array(struct vcpu *v, uint64_t array_mfn);
int evtchn_set_priority(struct domain *d, uint32_t port, uint32_t priority);
/* MICA_PORT_PENDING and _MASKED of @port.  @raise: then makes it pending, as its other end would.
 * -EINVAL no such port, or nobody there to raise it. */
int evtchn_bits(struct domain *d, uint32_t port, bool raise);
/* pirq.c: an interrupt for @port came in. */
void evtchn_raise_port(struct domain *d, uint32_t port);

#endif
