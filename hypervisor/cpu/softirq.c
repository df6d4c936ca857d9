/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Softirqs: a bit per kind in percpu.softirq_pending, set by anyone, served by the CPU itself on its
 * way back to a guest or to idle.  The lowest bit goes first, and the word is read again after each,
 * so SCHED runs when nothing else is left: it may switch away and never return.  Only PARK, which
 * ends all work of this CPU, is behind it.
 */
#include "cpu/asm.h"
#include "cpu/smp.h"
#include "cpu/softirq.h"

static void (*handlers[NR_SOFTIRQS])(void);

void softirq_register(enum softirq nr, void (*fn)(void))
{
	handlers[nr] = fn;
}

void softirq_raise(enum softirq nr)
{
	atomic_or(&this_cpu()->softirq_pending, 1u << nr);
}

/* A bit that was set already had its kick, or its CPU has not come to look yet. */
void softirq_raise_on(unsigned cpu, enum softirq nr)
{
	uint32_t before = atomic_or(&percpu_of(cpu)->softirq_pending, 1u << nr);

	if (!(before & 1u << nr) && cpu != cpu_id())
		smp_kick(BIT(cpu), IPI_SOFTIRQ);
}

void softirq_run(void)
{
	struct percpu *me = this_cpu();
	uint32_t pending;

	while ((pending = atomic_read(&me->softirq_pending)) != 0) {
		unsigned nr = (unsigned)__builtin_ctz(pending);

		atomic_and(&me->softirq_pending, ~(1u << nr));
		if (handlers[nr])
			handlers[nr]();
	}
}

bool preempt_due(void)
{
	interrupt_window();
	return atomic_read(&this_cpu()->softirq_pending) != 0;
}
