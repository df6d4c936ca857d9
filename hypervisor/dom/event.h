/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pend and kick: the part of event delivery that knows vCPUs but not ports.  A vCPU has an upcall
 * pending when vcpu_info.evtchn_upcall_pending is set; it is delivered on the way back to the guest
 * when evtchn_upcall_mask is clear.
 */
#ifndef DOM_EVENT_H
#define DOM_EVENT_H

#include "dom/vcpu.h"

/* Sets upcall_pending and makes the vCPU notice: wakes it when blocked (or polling), interrupts the CPU
 * it runs on otherwise. */
void event_pend(struct vcpu *v);
/* It may have something to look at: wake from block/poll without setting upcall_pending. */
void event_kick(struct vcpu *v);
/* Is an upcall both pending and unmasked? */
static inline bool event_deliverable(const struct vcpu *v)
{
	return read_once(v->info->evtchn_upcall_pending) && !read_once(v->info->evtchn_upcall_mask);
}

/* Virtual interrupts, from the floors below ipc/: hooks that ipc/evtchn.c registers. */
extern void (*virq_raise)(struct vcpu *v, unsigned virq);	/* per-vCPU virq */
extern void (*virq_raise_global)(unsigned virq);		/* to its handler domain (dom0), vCPU 0 */

#endif
