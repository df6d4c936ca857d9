/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The last audit: when dom0 powers off, reboots or crashes, and when it could not be built at all.
 *
 * The CPU that ends the machine pauses every vCPU, which takes them off their CPUs, then asks the other
 * CPUs to park.  They do so as a softirq behind SOFTIRQ_SCHED: where no lock is held, no hypercall is half
 * done, and the CPU has gone idle if it ran a guest.  A CPU that parks serves requests of the others and
 * nothing else, until it is stopped.  One that does not come in time leaves the audit undone, and is named.
 *
 * A panic never comes here: its state is not known.
 */
#include <mica/errno.h>
#include "cpu/log.h"
#include "cpu/panic.h"
#include "cpu/smp.h"
#include "cpu/softirq.h"
#include "cpu/time.h"
#include "dom/ending.h"
#include "dom/vcpu.h"
#include "mm/audit.h"
#include "mm/frame.h"

#define PARK_LIMIT_NS		5000000000ul	/* generous, for a loaded host under emulation */
#define AUDIT_FRAMES_MAX	(256ul << 18)	/* 256 GiB; beyond, it would take minutes */

static cpumask_t parked;
static uint32_t begun;

static void noreturn park(void)
{
	atomic_or(&parked, BIT(cpu_id()));
	for (;;)
		cpu_relax_poll();
}

static void pause_all(void)
{
	struct domain *d;
	struct vcpu *v;

	for_each_domain(d)
		for_each_vcpu(d, v)
			if (v != current)
				vcpu_pause_nosync(v);
}

static bool park_others(void)
{
	cpumask_t others = cpus_online & ~BIT(cpu_id()), late;
	uint64_t end;
	unsigned id;

	if (!dom0 || dom0->life == DOM_NEW)
		return true;		/* they still wait for the boot CPU to build it */
	end = now_ns() + PARK_LIMIT_NS;
	pause_all();
	for_each_cpu(id, others)
		softirq_raise_on(id, SOFTIRQ_PARK);
	while ((late = others & ~atomic_acquire(&parked))) {
		if (now_ns() > end) {
			log_warn("audit: skipped, CPU %u did not stop", (unsigned)__builtin_ctzl(late));
			return false;
		}
		cpu_relax_poll();
	}
	return true;
}

static void audit(void)
{
	if (max_mfn > AUDIT_FRAMES_MAX)
		log_info("audit: skipped, it would take minutes");
	else if (frame_audit() == -ENOMEM)
		log_warn("audit: skipped, no memory for the counts");
}

void ending_audit(void)
{
	if (atomic_xchg(&begun, 1))
		park();			/* another CPU ends the machine */
	if (park_others())
		audit();
}

void ending_init(void)
{
	softirq_register(SOFTIRQ_PARK, park);
	boot_failing = ending_audit;
}
