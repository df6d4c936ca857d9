/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time as guests see it: the version-protected time record in vcpu_info and its secondary copy, the
 * wall clock in shared_info, virtual timers (abi-inventory 7).
 */
#ifndef DOM_VTIME_H
#define DOM_VTIME_H

#include "dom/vcpu.h"

void vtime_update(struct vcpu *v);		/* refreshes v->info->time (and time_area if current) */
void vtime_init_vcpu(struct vcpu *v);		/* periodic 100 Hz tick armed */
void vtime_fini_vcpu(struct vcpu *v);
void vtime_set_wallclock(uint64_t seconds, uint32_t nanoseconds, uint64_t system_time_ns);	/* all domains */
void vtime_set_offset(struct domain *d, int64_t seconds);	/* its wall clock against the host's */
void vtime_init_domain(struct domain *d);	/* wall clock into a new shared_info */
void vtime_set_singleshot(struct vcpu *v, uint64_t abs_ns);	/* past: fires at once */
void vtime_stop_singleshot(struct vcpu *v);
int vtime_set_periodic(struct vcpu *v, uint64_t period_ns);	/* 0 stops; -EINVAL below 1 ms */
void vtime_switch_in(struct vcpu *v);		/* moves timers to this CPU, updates time */
void vtime_poll_deadline(struct vcpu *v, uint64_t abs_ns);	/* 0: none */
/* Copies runstate to the guest's registered area (current, kernel mode), or marks VWORK_RUNSTATE. */
void vtime_push_runstate(struct vcpu *v);

#endif
