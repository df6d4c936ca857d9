/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The watchdog.  Once a second each CPU writes the time into its percpu.loops_ns and looks at the
 * next online CPU's.  A peer that has been silent for ten seconds while we have been awake all
 * that time is named, once per silence, and gets an NMI.  Its NMI handler leaves a copy of its
 * registers for us - printing there could wait for a log that the silent CPU itself holds - and we
 * report them, with what is on its stack, at our next beat.  Nothing is stopped: a debugger looks
 * the same.
 *
 * One question is open at a time:  0 -> peer + 1 (asked) -> peer + 1 | ANSWERED -> 0, each step by
 * cmpxchg; `seen` belongs to whoever made the last step.
 */
#include "cpu/apic.h"
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/percpu.h"
#include "cpu/time.h"
#include "cpu/timer.h"
#include "cpu/watchdog.h"

#define PERIOD_NS	1000000000ul
#define SILENCE_NS	10000000000ul

static struct timer watch_timer[MAX_CPUS];
static uint64_t awake_since[MAX_CPUS];	/* each its own CPU's: no gap in its beats since */
static cpumask_t named;			/* silences that have been reported */

#define ANSWERED	0x80000000u
static uint32_t question;
static struct regs seen;		/* the answer: where the peer was */

static unsigned next_cpu(unsigned cpu)
{
	cpumask_t above = cpus_online & ~(MASK(cpu) | BIT(cpu));

	return (unsigned)__builtin_ctzl(above ? above : cpus_online);
}

static void look_at(unsigned peer, uint64_t now)
{
	uint64_t last = read_once(percpu_of(peer)->loops_ns);
	uint32_t none = 0;

	if (!last || now < last + SILENCE_NS) {
		if (atomic_read(&named) & BIT(peer)) {
			atomic_and(&named, ~BIT(peer));
			log_warn("watchdog: CPU %u answers again", peer);
		}
		return;
	}
	if (now - awake_since[cpu_id()] < SILENCE_NS || (atomic_or(&named, BIT(peer)) & BIT(peer)))
		return;
	log_err("watchdog: CPU %u has not answered for %lu seconds", peer,
		(now - last) / PERIOD_NS);
	if (atomic_cmpxchg(&question, &none, peer + 1))
		apic_send(percpu_of(peer)->apic_id, APIC_NMI);
}

static void report_answer(void)
{
	uint32_t q = atomic_acquire(&question);

	if (!(q & ANSWERED))
		return;
	log_err("watchdog: CPU %u was here:", (q & ~ANSWERED) - 1);
	panic_show_regs(&seen);
	if (!regs_from_guest(&seen))
		panic_backtrace(seen.rip, seen.rsp);
	atomic_cmpxchg(&question, &q, 0);
}

static void beat(void *data)
{
	struct percpu *me = this_cpu();
	uint64_t now = now_ns();
	unsigned peer = next_cpu(me->id);

	if (now - me->loops_ns > 3 * PERIOD_NS)
		awake_since[me->id] = now;
	write_once(me->loops_ns, now);
	report_answer();
	if (peer != me->id)
		look_at(peer, now);
	timer_set(&watch_timer[me->id], now + PERIOD_NS);
}

void watchdog_init_cpu(void)
{
	unsigned cpu = cpu_id();

	timer_init(&watch_timer[cpu], beat, NULL, cpu);
	beat(NULL);
}

bool watchdog_nmi(const struct regs *r)
{
	uint32_t q = cpu_id() + 1;

	if (atomic_read(&question) != q)
		return false;
	seen = *r;
	return atomic_cmpxchg(&question, &q, q | ANSWERED);
}
