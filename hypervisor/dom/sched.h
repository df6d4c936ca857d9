/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who runs: proportional share by virtual time.  One run queue per physical CPU, ordered by vruntime
 * (CPU time divided by the domain's weight); an idle CPU steals; a woken vCPU that is behind preempts;
 * a domain over its cap waits for its next period.  Lock RANK_SCHED per queue.
 */
#ifndef DOM_SCHED_H
#define DOM_SCHED_H

#include "dom/vcpu.h"

void sched_init(void);
void sched_init_cpu(unsigned cpu);		/* the CPU's queue and idle vCPU exist after this */
void noreturn sched_start(void);		/* this CPU leaves boot and runs vCPUs */
void sched_domain_init(struct domain *d);
void noreturn sched_idle_loop(void);
void sched_vcpu_init(struct vcpu *v);
void sched_vcpu_fini(struct vcpu *v);

void sched_wake(struct vcpu *v);		/* something for it to do: unblocks */
void sched_block(struct vcpu *v);		/* current: sleep until sched_wake; takes effect at the exit */
void sched_yield(void);
void sched_sleep_sync(struct vcpu *v);		/* returns when v is on no CPU (its pause_count > 0) */
bool sched_try_sleep_sync(struct vcpu *v);	/* false: current is paused itself, and v may still run */
int sched_set_affinity(struct vcpu *v, cpumask_t hard, cpumask_t soft);	/* -EINVAL no online CPU in it */
void sched_set_params(struct domain *d, unsigned weight, unsigned cap);
/* runstate with times up to now */
void sched_get_runstate(struct vcpu *v, struct vcpu_runstate_info *out);
/* So long a guest's vCPU runs before a woken one preempts it, in us; 0: it is preempted at once, as dom0's
 * vCPUs always are.  0 is the shortest way to an answer; more lets guests fill rings first. */
extern unsigned sched_ratelimit_us;

#endif
