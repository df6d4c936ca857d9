/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deadlines.  Each CPU has a skew heap of timers (the links are inside struct timer, so arming never
 * allocates) and one local APIC timer armed for the earliest.  A timer's function runs in SOFTIRQ_TIMER
 * on the timer's CPU, without locks held.
 */
#ifndef CPU_TIMER_H
#define CPU_TIMER_H

#include "cpu/types.h"

struct timer {
	uint64_t deadline_ns;		/* hypervisor time, now_ns() */
	void (*fn)(void *data);
	void *data;
	struct timer *left, *right, *parent;	/* heap links, under the CPU's timer lock */
	uint16_t cpu;			/* whose heap it is, or goes to */
	uint16_t running_on;		/* CPU + 1 that runs fn now, 0 = none */
	bool armed;
};

void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned cpu);
/* Arms (or re-arms).  A deadline in the past fires at once, through the softirq. */
void timer_set(struct timer *t, uint64_t deadline_ns);
/*
 * After it returns, fn is not running on another CPU and the timer is off.  It may wait for fn: the
 * caller holds no lock that fn takes.  fn itself may stop or re-arm its timer, but not free it.
 */
void timer_stop(struct timer *t);
static inline bool timer_armed(const struct timer *t) { return read_once(t->armed); }
/* Moves it to another CPU's heap, keeping the deadline. */
void timer_migrate(struct timer *t, unsigned cpu);
void timer_init_cpu(void);			/* on each CPU, once, after its APIC */

/* The heap itself (cpu/timer_heap.c), pure: both return the new root. */
struct timer *timer_heap_insert(struct timer *root, struct timer *t);
struct timer *timer_heap_remove(struct timer *root, struct timer *t);

#endif
