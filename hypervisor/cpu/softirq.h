/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work that must run before this CPU returns to a guest or to idle: one bit per kind, the handlers
 * registered at boot.  entry.S calls softirq_run() when percpu.softirq_pending is not zero.
 */
#ifndef CPU_SOFTIRQ_H
#define CPU_SOFTIRQ_H

#include "cpu/percpu.h"

enum softirq {
	SOFTIRQ_TIMER,			/* deadlines passed: run timer functions */
	SOFTIRQ_REAP,			/* free domains that nothing refers to any more */
	SOFTIRQ_SCHED,			/* choose whom to run: may not return to the caller */
	SOFTIRQ_PARK,			/* the machine ends: stay here, once SCHED left what ran here */
	NR_SOFTIRQS
};

void softirq_register(enum softirq nr, void (*fn)(void));
void softirq_raise(enum softirq nr);			/* on this CPU */
void softirq_raise_on(unsigned cpu, enum softirq nr);	/* kicks it if it is another one */
void softirq_run(void);

/*
 * Long calls ask this between items.  It opens an interrupt window of one instruction, then says
 * whether anything waits for this CPU (softirq pending).
 */
bool preempt_due(void);

#endif
