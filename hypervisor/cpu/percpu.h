/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one per-CPU structure.  It lives at the bottom of the CPU's 64 KiB stack block, so the stack
 * pointer finds it (cpu/layout.h).  The hypervisor runs with interrupts off except in idle and in
 * preempt_due()'s window: fields under "private" are touched by their own CPU only and need no lock;
 * "public" ones are written by others, atomically.
 */
#ifndef CPU_PERCPU_H
#define CPU_PERCPU_H

#include "cpu/layout.h"

/* Offsets for entry.S, pinned below. */
#define PERCPU_current		0
#define PERCPU_softirq		8
#define PERCPU_scratch		16
#define PERCPU_guest_cr3	24

#ifndef __ASSEMBLY__
#include "cpu/lock.h"
#include "cpu/types.h"
#include "cpu/regs.h"
#include "lib/list.h"

struct vcpu;
struct timer;

struct percpu {
	/* private, hot: used by entry.S */
	struct vcpu *vcpu;		/* whom this CPU runs; never NULL once the scheduler is up */
	uint32_t softirq_pending;	/* public: bit per softirq, set with atomic_or */
	uint32_t id;			/* 0..MAX_CPUS-1, dense; 0 is the boot CPU */
	uint64_t scratch;		/* entry.S: guest rsp while the stack is switched */
	uint64_t guest_cr3;		/* what CR3 holds now (cpu/tlb.c, dom/vcpu.c write it) */

	/* private */
	uint32_t apic_id;
	uint32_t acpi_id;
	struct vcpu *idle;		/* this CPU's idle vCPU */
	uint64_t tlb_stamp;		/* tlb clock at this CPU's last full flush (others read it) */
	bool in_panic;
	uint32_t lock_rank;		/* debug: bitmap of ranks held */
	int64_t tsc_offset;		/* boot CPU's TSC minus this one's; 0 when they agree */
	uint64_t *gdt_ptes;		/* 16 leaf entries of the GDT window */
	uint64_t *ldt_ptes;		/* 16 leaf entries of the LDT window */
	uint64_t next_deadline_ns;	/* what the APIC timer is armed for, ~0 = off */
	uint64_t xcr0;			/* value XCR0 holds now (cpu/fpu.c) */
	uint64_t cr4;			/* value CR4 holds now */
	uint64_t loops_ns;		/* watchdog: when this CPU last showed life (others read it) */

	/* public */
	uint32_t ipi_work;		/* bit per request, cpu/smp.c */
	cpumask_t call_todo;		/* who has yet to run what this CPU asked for with smp_call */
	void (*call_fn)(void *arg);
	void *call_arg;
	struct spinlock timer_lock;	/* RANK_TIMER, guards: */
	struct timer *timers;		/* root of the heap, cpu/timer.c */

	/* counters, private, read by anyone */
	uint64_t nr_irqs, nr_switches, nr_flushes;

	/* the upper floors hang their per-CPU state here */
	void *sched;			/* struct runqueue, dom/sched.c */
};

_Static_assert(offsetof(struct percpu, vcpu) == PERCPU_current, "percpu.current");
_Static_assert(offsetof(struct percpu, softirq_pending) == PERCPU_softirq, "percpu.softirq");
_Static_assert(offsetof(struct percpu, scratch) == PERCPU_scratch, "percpu.scratch");
_Static_assert(offsetof(struct percpu, guest_cr3) == PERCPU_guest_cr3, "percpu.guest_cr3");
/* The last bytes of the page are the TSS (cpu/desc.c). */
#define CPU_TSS_OFFSET		0xf80
_Static_assert(sizeof(struct percpu) <= CPU_TSS_OFFSET, "struct percpu must fit its page");

static always_inline struct percpu *this_cpu(void)
{
	uint64_t sp;

	__asm__("mov %%rsp, %0" : "=r"(sp));
	return (struct percpu *)(sp & ~(CPU_STACK_BLOCK - 1ul));
}

static inline struct percpu *percpu_of(unsigned cpu)
{
	return (struct percpu *)(CPU_AREA_BASE + (uint64_t)cpu * CPU_AREA_SIZE);
}

#define current			(this_cpu()->vcpu)
#define cpu_id()		(this_cpu()->id)

/* The guest's registers: the top of the main stack, valid while a guest is entered from. */
static inline struct regs *guest_regs(void)
{
	return (struct regs *)((char *)this_cpu() + CPU_STACK_TOP - sizeof(struct regs));
}

extern cpumask_t cpus_online;		/* cpu/smp.c */
extern unsigned nr_cpus;		/* CPUs brought up; ids are 0..nr_cpus-1 */
#endif
#endif
