/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Other CPUs: starting them, and asking them to do something.
 *
 * A request is a bit in the target's percpu.ipi_work; the IPI only says "look".  Since we run with
 * interrupts off, everybody who spins calls smp_poll(), which serves the requests directly: two CPUs
 * that wait for each other both make progress.
 */
#ifndef CPU_SMP_H
#define CPU_SMP_H

#include "cpu/percpu.h"

enum ipi_bit {
	IPI_FLUSH,			/* reload CR3 (cpu/tlb.c) */
	IPI_CALL,			/* some CPU's call_todo names us: run its call_fn */
	IPI_SOFTIRQ,			/* softirq_pending was set: leave the guest or idle and look */
	IPI_STOP,			/* panic: stop for good */
};

/* Once, on the boot CPU, after apic_init_bsp(): from now on it can be asked. */
void smp_init(void);
/*
 * Starts the application processor whose percpu (area already mapped and filled) is @cpu and waits until
 * it says it is online.  Returns 0 or -EIO when it never answered.
 */
int smp_start_cpu(unsigned cpu);
/* Serves this CPU's pending requests.  Called by every spin loop and by the IPI handler. */
void smp_poll(void);
/* Sets @bit in each CPU of @mask but this one, and interrupts them; does not wait. */
void smp_kick(cpumask_t mask, enum ipi_bit bit);
/*
 * Runs fn(arg) on every CPU of @mask (this one included if in it), returns when all have.  fn runs
 * wherever its CPU polls, with whatever locks are held there: it takes none and makes no smp_call.
 */
void smp_call(cpumask_t mask, void (*fn)(void *arg), void *arg);
/* Returns when every CPU has polled, left the hypervisor or not been in it: what one found without a lock and
 * used without polling before is not used any more. */
void smp_pass_all(void);
/* Panic: all others stop for good; waits for them at most 100 ms. */
void smp_stop_others(void);
/* Where an application processor goes after its own set-up; boot/start.c fills it in. */
extern void (*smp_ap_main)(void);

/*
 * The first code of an application processor (boot/trampoline.S), position independent: smp.c copies
 * it to the start of a page below 1 MiB and fills in the parameters, its last bytes.  It switches to
 * long mode on the boot page tables, then loads @cr3 and @stack and calls @entry(), interrupts off.
 */
struct smp_trampoline_params {
	uint64_t cr3, stack, entry, spare;
};
/* The code, position independent below 1 MiB, and its size with the parameters (at most a page).  It belongs
 * to boot/, which sets these before smp_start_cpu(). */
extern const uint8_t *smp_trampoline;
extern uint32_t smp_trampoline_size;
/* The page it goes to: kept out of the heap by boot/start.c until the CPUs are up. */
#define SMP_TRAMPOLINE_PHYS	0x8000ul

static inline void cpu_relax_poll(void)
{
	__asm__ volatile("pause" ::: "memory");
	if (unlikely(read_once(this_cpu()->ipi_work)))
		smp_poll();
}

#endif
