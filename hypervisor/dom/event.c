/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pend and kick.  upcall_pending is written by whoever sends; the vCPU is then woken if it sleeps, or
 * its CPU interrupted if it runs elsewhere, so that it passes ret_to_guest soon.  The stores and the
 * looks are ordered by the full barrier of the atomic exchange and by the run queue's lock.
 */
#include "cpu/smp.h"
#include "dom/event.h"
#include "dom/sched.h"

void (*virq_raise)(struct vcpu *v, unsigned virq);
void (*virq_raise_global)(unsigned virq);

void event_kick(struct vcpu *v)
{
	if (read_once(v->blocked))
		sched_wake(v);
	else if (v != current && read_once(v->running))
		smp_kick(BIT(read_once(v->cpu)), IPI_SOFTIRQ);
}

/* The vCPU has an upcall pending from here on.  tour:hypercall/5 */
void event_pend(struct vcpu *v)
{
	if (!atomic_xchg(&v->info->evtchn_upcall_pending, 1) || read_once(v->blocked))
		event_kick(v);			/* else somebody did, and kicked */
}
