/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Other CPUs: starting them, and requests between them.
 *
 * A request is a bit in percpu.ipi_work of its target, set atomically by anyone, taken with one
 * exchange by the target (smp_poll); whoever sets the first bit sends the interrupt.  An smp_call is
 * described in the caller's own percpu (call_fn, call_arg) and each target clears its bit in
 * call_todo when done, so a CPU has at most one call under way and no queue is needed.
 *
 * One CPU is started at a time, by the boot CPU.  ap_stage: 0 asleep -> 1 runs our C code, waits for
 * its TSC to be compared -> 2 online.
 */
#include <mica/errno.h>
#include "cpu/apic.h"
#include "cpu/asm.h"
#include "cpu/desc.h"
#include "cpu/features.h"
#include "cpu/fpu.h"
#include "cpu/irq.h"
#include "cpu/log.h"
#include "cpu/smp.h"
#include "cpu/time.h"
#include "cpu/timer.h"
#include "cpu/tlb.h"
#include "lib/bug.h"
#include "lib/string.h"

#define SIPI_AGAIN_US		1000		/* no sign of life: the second SIPI */
#define START_LIMIT_US		5000000		/* gives up; generous, for a loaded host under emulation */

enum { AP_ASLEEP, AP_ALIVE, AP_ONLINE };

cpumask_t cpus_online = 1;
unsigned nr_cpus = 1;
void (*smp_ap_main)(void);
const uint8_t *smp_trampoline;
uint32_t smp_trampoline_size;
static uint32_t ap_stage;

/* First C code of a new CPU, on its own stack, page tables those of the boot CPU. */
static void noreturn ap_entry(void)
{
	struct percpu *me = this_cpu();

	features_init_cpu();
	desc_load_cpu();
	tlb_load_cr3(read_cr3());
	apic_init_cpu();
	fpu_init_cpu();
	timer_init_cpu();
	atomic_release(&ap_stage, AP_ALIVE);
	time_sync_new_cpu();
	atomic_or(&cpus_online, BIT(me->id));
	atomic_release(&ap_stage, AP_ONLINE);
	smp_ap_main();
	bug("smp_ap_main returned", __FILE__, __LINE__);
}

/* The IPI only says "look": what is wanted is a bit in percpu.ipi_work.  This CPU looks anyway, and gets none:
 * a bit without its interrupt would keep others from sending theirs.  tour:hypercall/6 */
void smp_kick(cpumask_t mask, enum ipi_bit bit)
{
	unsigned id;

	mask &= cpus_online & ~BIT(cpu_id());
	for_each_cpu(id, mask) {
		struct percpu *p = percpu_of(id);

		/* other bits still there: their interrupt is on its way and will find this one too */
		if (!atomic_or(&p->ipi_work, 1u << bit))
			apic_send(p->apic_id, VECTOR_IPI);
	}
}

static void serve_calls(struct percpu *me)
{
	cpumask_t online = cpus_online;
	unsigned id;

	for_each_cpu(id, online) {
		struct percpu *p = percpu_of(id);

		if (atomic_acquire(&p->call_todo) & BIT(me->id)) {
			p->call_fn(p->call_arg);
			atomic_and(&p->call_todo, ~BIT(me->id));
		}
	}
}

void smp_poll(void)
{
	struct percpu *me = this_cpu();
	uint32_t work = atomic_xchg(&me->ipi_work, 0);

	if (work & 1u << IPI_STOP) {
		atomic_and(&cpus_online, ~BIT(me->id));
		cpu_hang();
	}
	if (work & 1u << IPI_FLUSH)
		tlb_flush_local();
	if (work & 1u << IPI_CALL)
		serve_calls(me);
	/* IPI_SOFTIRQ: to have interrupted the guest or HLT was all */
}

static void ipi_interrupt(unsigned vector, void *data)
{
	smp_poll();
}

boot_text void smp_init(void)
{
	irq_vector_set(VECTOR_IPI, ipi_interrupt, NULL);
}

static boot_text void place_trampoline(struct percpu *ap)
{
	uint8_t *page = (uint8_t *)(DIRECT_MAP_BASE + SMP_TRAMPOLINE_PHYS);
	struct smp_trampoline_params params = {
		.cr3 = read_cr3(),
		.stack = (uint64_t)ap + CPU_STACK_TOP,
		.entry = (uint64_t)ap_entry,
	};

	bug_on(smp_trampoline_size > PAGE_SIZE);
	memcpy(page, smp_trampoline, smp_trampoline_size);
	memcpy(page + smp_trampoline_size - sizeof(params), &params, sizeof(params));
	smp_fence();
}

static boot_text bool wait_stage(uint32_t stage, uint32_t limit_us)
{
	uint64_t end = now_ns() + limit_us * 1000ul;

	while (atomic_acquire(&ap_stage) < stage) {
		if (now_ns() > end)
			return false;
		cpu_relax_poll();
	}
	return true;
}

/* INIT, STARTUP, and a second STARTUP if the first went unheard (SDM vol. 3, 8.4.4.1).  The long pauses
 * it asks for are for CPUs older than 64-bit mode. */
boot_text int smp_start_cpu(unsigned cpu)
{
	struct percpu *ap = percpu_of(cpu);

	ap_stage = AP_ASLEEP;
	place_trampoline(ap);
	apic_send(ap->apic_id, APIC_INIT);
	time_delay_us(20);
	apic_send(ap->apic_id, APIC_STARTUP | SMP_TRAMPOLINE_PHYS >> PAGE_SHIFT);
	if (!wait_stage(AP_ALIVE, SIPI_AGAIN_US)) {
		apic_send(ap->apic_id, APIC_STARTUP | SMP_TRAMPOLINE_PHYS >> PAGE_SHIFT);
		if (!wait_stage(AP_ALIVE, START_LIMIT_US)) {
			apic_send(ap->apic_id, APIC_INIT);	/* back to sleep, should it wake after all */
			log_err("CPU %u (APIC %x) does not start", cpu, ap->apic_id);
			return -EIO;
		}
	}
	time_sync_boot_cpu(ap);
	while (atomic_acquire(&ap_stage) != AP_ONLINE)
		cpu_relax_poll();
	nr_cpus++;
	return 0;
}

void smp_call(cpumask_t mask, void (*fn)(void *arg), void *arg)
{
	struct percpu *me = this_cpu();
	cpumask_t others = mask & cpus_online & ~BIT(me->id);

	bug_on(me->call_todo);			/* fn must not call on */
	if (others) {
		me->call_fn = fn;
		me->call_arg = arg;
		atomic_release(&me->call_todo, others);
		smp_kick(others, IPI_CALL);
	}
	if (mask & BIT(me->id))
		fn(arg);
	while (atomic_acquire(&me->call_todo))
		cpu_relax_poll();
}

static void nothing(void *arg)
{
}

void smp_pass_all(void)
{
	smp_call(cpus_online, nothing, NULL);
}

void smp_stop_others(void)
{
	cpumask_t others;

	if (nr_cpus == 1)			/* and percpu may not even be there */
		return;
	others = cpus_online & ~BIT(cpu_id());
	smp_kick(others, IPI_STOP);
	for (unsigned us = 0; us < 100000 && (atomic_read(&cpus_online) & others); us += 10)
		time_delay_us(10);
}
