/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: arming, stopping, and running what is due.
 *
 *   off --timer_set--> armed (in its CPU's heap) --deadline--> running --> off
 *
 * percpu.timer_lock guards that CPU's heap and, for the timers in it, everything in struct timer; a
 * timer's CPU changes only under both CPUs' locks.  running_on is set under the lock and cleared by
 * the CPU that ran the function, as its last access to the timer.
 *
 * The APIC timer is armed for the root.  When the root goes away or moves to a later time, the APIC
 * is left alone: it fires once for nothing and is then armed anew, which is cheaper than touching
 * it at each change.  A root that another CPU put in our heap reaches us as SOFTIRQ_TIMER.
 */
#include "cpu/apic.h"
#include "cpu/irq.h"
#include "cpu/percpu.h"
#include "cpu/smp.h"
#include "cpu/softirq.h"
#include "cpu/time.h"
#include "cpu/timer.h"

#define NEVER		(~0ul)
#define ROUND		32		/* functions run before the guest gets its turn */

void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned cpu)
{
	*t = (struct timer){ .fn = fn, .data = data, .cpu = (uint16_t)cpu };
}

/* Locks the heap of the CPU the timer belongs to. */
LOCKS_UNCHECKED static struct percpu *lock_home(struct timer *t)
{
	for (;;) {
		struct percpu *home = percpu_of(read_once(t->cpu));

		lock_take(&home->timer_lock);
		if (home == percpu_of(t->cpu))
			return home;
		lock_drop(&home->timer_lock);
	}
}

static void insert(struct percpu *home, struct timer *t)
{
	home->timers = timer_heap_insert(home->timers, t);
	write_once(t->armed, true);
}

static void remove(struct percpu *home, struct timer *t)
{
	home->timers = timer_heap_remove(home->timers, t);
	write_once(t->armed, false);
}

/* This CPU's APIC timer shall fire no later than the root is due. */
static void arm_apic(struct percpu *p, uint64_t deadline)
{
	p->next_deadline_ns = deadline;
	apic_timer_arm(deadline);
}

/* @t has become the root of @home's heap, and the lock was dropped. */
static void new_root(struct percpu *home, uint64_t deadline)
{
	struct percpu *me = this_cpu();

	if (home != me)
		softirq_raise_on(home->id, SOFTIRQ_TIMER);
	else if (deadline < me->next_deadline_ns)
		arm_apic(me, deadline);
}

LOCKS_UNCHECKED void timer_set(struct timer *t, uint64_t deadline_ns)
{
	struct percpu *home = lock_home(t);
	bool first;

	if (t->armed)
		remove(home, t);
	t->deadline_ns = deadline_ns;
	insert(home, t);
	first = home->timers == t;
	lock_drop(&home->timer_lock);
	if (first)
		new_root(home, deadline_ns);
}

LOCKS_UNCHECKED void timer_stop(struct timer *t)
{
	unsigned me = cpu_id() + 1, runner;

	for (;;) {
		struct percpu *home = lock_home(t);

		if (t->armed)
			remove(home, t);
		runner = atomic_acquire(&t->running_on);
		lock_drop(&home->timer_lock);
		if (!runner || runner == me)
			return;
		cpu_relax_poll();		/* and once more: fn may re-arm */
	}
}

LOCKS_UNCHECKED void timer_migrate(struct timer *t, unsigned cpu)
{
	struct percpu *to = percpu_of(cpu), *home;
	bool first = false;

	for (;;) {
		home = percpu_of(read_once(t->cpu));
		if (home == to)
			return;
		lock_pair(&home->timer_lock, &to->timer_lock);
		if (home == percpu_of(t->cpu))
			break;
		lock_pair_drop(&home->timer_lock, &to->timer_lock);
	}
	if (t->armed) {
		remove(home, t);
		insert(to, t);
		first = to->timers == t;
	}
	t->cpu = (uint16_t)cpu;
	lock_pair_drop(&home->timer_lock, &to->timer_lock);
	if (first)
		softirq_raise_on(cpu, SOFTIRQ_TIMER);
}

LOCKS_UNCHECKED static void run_one(struct percpu *me, struct timer *t)
{
	void (*fn)(void *) = t->fn;
	void *data = t->data;

	remove(me, t);
	t->running_on = (uint16_t)(me->id + 1);
	lock_drop(&me->timer_lock);
	fn(data);
	atomic_release(&t->running_on, (uint16_t)0);
	lock_take(&me->timer_lock);
}

/* SOFTIRQ_TIMER.  What is due beyond one round, or was armed anew for now, waits for the interrupt that
 * a deadline in the past raises at once. */
static void run_due(void)
{
	struct percpu *me = this_cpu();
	uint64_t now = now_ns();
	unsigned left = ROUND;
	struct timer *t;

	lock_take(&me->timer_lock);
	while ((t = me->timers) && t->deadline_ns <= now && left) {
		if (!atomic_acquire(&t->running_on)) {
			run_one(me, t);
			left--;
			continue;
		}
		/* it moved here while its function still runs where it was */
		lock_drop(&me->timer_lock);
		cpu_relax_poll();
		lock_take(&me->timer_lock);
	}
	arm_apic(me, t ? t->deadline_ns : NEVER);
	lock_drop(&me->timer_lock);
}

static void timer_interrupt(unsigned vector, void *data)
{
	this_cpu()->next_deadline_ns = NEVER;
	softirq_raise(SOFTIRQ_TIMER);
}

void timer_init_cpu(void)
{
	struct percpu *me = this_cpu();

	lock_init(&me->timer_lock, RANK_TIMER);
	me->timers = NULL;
	me->next_deadline_ns = NEVER;
	if (me->id)
		return;
	irq_vector_set(VECTOR_APIC_TIMER, timer_interrupt, NULL);
	softirq_register(SOFTIRQ_TIMER, run_due);
}
