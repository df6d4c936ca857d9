/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local APIC (SDM vol. 3 ch. 10): registers in memory (xAPIC) or as MSRs (x2APIC, used when the CPU
 * has it).  Destinations are physical APIC ids.  LINT0 (the old 8259s) is masked, LINT1 is NMI.
 *
 * The timer runs one-shot: with a TSC deadline where the CPU has that, else by its down counter, whose
 * speed is measured once against the TSC.  Each CPU touches only its own APIC, so there is no lock.
 */
#include "cpu/acpi_info.h"
#include "cpu/apic.h"
#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/irq.h"
#include "cpu/log.h"
#include "cpu/map_device.h"
#include "cpu/msr.h"
#include "cpu/panic.h"
#include "cpu/percpu.h"
#include "cpu/time.h"

#define REG_ID			0x020
#define REG_VERSION		0x030
#define REG_TPR			0x080
#define REG_EOI			0x0b0
#define REG_SPURIOUS		0x0f0
#define REG_ERROR		0x280
#define REG_ICR			0x300
#define REG_ICR_HIGH		0x310
#define REG_LVT_TIMER		0x320
#define REG_LVT_THERMAL		0x330
#define REG_LVT_COUNTERS	0x340
#define REG_LVT_LINT0		0x350
#define REG_LVT_LINT1		0x360
#define REG_LVT_ERROR		0x370
#define REG_TIMER_START		0x380
#define REG_TIMER_NOW		0x390
#define REG_TIMER_DIVIDE	0x3e0

#define SPURIOUS_ENABLE		(1u << 8)
#define LVT_MASKED		(1u << 16)
#define LVT_NMI			(4u << 8)
#define LVT_TSC_DEADLINE	(2u << 17)
#define DIVIDE_BY_1		0xb
#define ICR_BUSY		(1u << 12)
#define ICR_ASSERT		(1u << 14)

#define CALIBRATE_US		2000

bool apic_x2;
uint64_t apic_phys;
void *(*map_device)(uint64_t phys, size_t bytes);

static volatile uint32_t *regs;
static uint64_t timer_per_ns;		/* counter ticks per nanosecond, 32.32 fixed point */
static uint64_t tsc_per_ns;

static inline uint32_t reg_read(unsigned reg)
{
	return apic_x2 ? (uint32_t)rdmsr(MSR_X2APIC_FIRST + reg / 16) : regs[reg / 4];
}

static inline void reg_write(unsigned reg, uint32_t v)
{
	if (apic_x2)
		wrmsr(MSR_X2APIC_FIRST + reg / 16, v);
	else
		regs[reg / 4] = v;
}

static inline uint64_t scale(uint64_t ns, uint64_t per_ns)
{
	return (uint64_t)((unsigned __int128)ns * per_ns >> 32);
}

static void error_interrupt(unsigned vector, void *data)
{
	reg_write(REG_ERROR, 0);		/* latches what happened */
	log_guest(LOG_WARN, "CPU %u: APIC error %x", cpu_id(), reg_read(REG_ERROR));
}

static uint32_t own_id(void)
{
	return apic_x2 ? reg_read(REG_ID) : reg_read(REG_ID) >> 24;
}

void apic_init_cpu(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

	wrmsr(MSR_APIC_BASE, base);		/* x2APIC may only be entered from enabled */
	if (apic_x2)
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2);
	/* first, for a disabled APIC keeps its LVT entries masked */
	reg_write(REG_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
	reg_write(REG_LVT_TIMER, LVT_MASKED);
	if ((reg_read(REG_VERSION) >> 16 & 0xff) >= 5)
		reg_write(REG_LVT_THERMAL, LVT_MASKED);
	reg_write(REG_LVT_COUNTERS, LVT_MASKED);
	reg_write(REG_LVT_LINT0, LVT_MASKED);
	reg_write(REG_LVT_LINT1, LVT_NMI);
	reg_write(REG_LVT_ERROR, VECTOR_APIC_ERROR);
	reg_write(REG_ERROR, 0);
	reg_write(REG_TPR, 0);
	reg_write(REG_TIMER_DIVIDE, DIVIDE_BY_1);
	reg_write(REG_LVT_TIMER, VECTOR_APIC_TIMER | (cpu.tsc_deadline ? LVT_TSC_DEADLINE : 0));
	smp_fence();				/* before the first deadline (SDM vol. 3, 10.5.4.1) */
	this_cpu()->apic_id = own_id();
}

static boot_text uint32_t timer_read(void)
{
	return reg_read(REG_TIMER_NOW);
}

static boot_text void calibrate(void)
{
	uint32_t count0, count1;
	uint64_t tsc0, tsc1, ns;

	reg_write(REG_LVT_TIMER, LVT_MASKED);
	reg_write(REG_TIMER_START, ~0u);
	time_read_pair(timer_read, &count0, &tsc0);
	time_delay_us(CALIBRATE_US);
	time_read_pair(timer_read, &count1, &tsc1);
	reg_write(REG_TIMER_START, 0);
	reg_write(REG_LVT_TIMER, VECTOR_APIC_TIMER);
	ns = (tsc1 - tsc0) * 1000000 / tsc_khz;
	timer_per_ns = ((uint64_t)(count0 - count1) << 32) / ns;
	if (!timer_per_ns)
		boot_fail("the local APIC's timer does not run");
	log_debug("APIC timer: %lu kHz", timer_per_ns * 1000000 >> 32);
}

boot_text void apic_init_bsp(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	apic_phys = base & APIC_BASE_ADDR;
	apic_x2 = cpu.x2apic;
	if (!apic_x2) {
		regs = map_device(apic_phys, PAGE_SIZE);
		if (!regs)
			boot_fail("no address space for the local APIC's registers");
	}
	irq_vector_set(VECTOR_APIC_ERROR, error_interrupt, NULL);
	apic_init_cpu();
	tsc_per_ns = ((uint64_t)tsc_khz << 32) / 1000000;
	if (!cpu.tsc_deadline)
		calibrate();
}

void apic_eoi(void)
{
	reg_write(REG_EOI, 0);
}

/* What we stored for the receiver must be visible to it before the interrupt: a store to xAPIC memory
 * is ordered by itself, an MSR write is not. */
void apic_send(uint32_t apic_id, uint32_t what)
{
	if (apic_x2) {
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(MSR_X2APIC_FIRST + REG_ICR / 16, (uint64_t)apic_id << 32 | ICR_ASSERT | what);
		return;
	}
	while (reg_read(REG_ICR) & ICR_BUSY)
		cpu_pause();
	reg_write(REG_ICR_HIGH, apic_id << 24);
	reg_write(REG_ICR, ICR_ASSERT | what);
}

void apic_timer_arm(uint64_t deadline_ns)
{
	uint64_t now = now_ns(), delta = deadline_ns > now ? deadline_ns - now : 0, count;

	if (cpu.tsc_deadline) {
		wrmsr(MSR_TSC_DEADLINE,
		      deadline_ns == ~0ul ? 0 : rdtsc() + scale(delta, tsc_per_ns) + 1);
		return;
	}
	if (deadline_ns == ~0ul) {
		reg_write(REG_TIMER_START, 0);
		return;
	}
	count = scale(MIN(delta, 1ul << 40), timer_per_ns) + 1;
	reg_write(REG_TIMER_START, (uint32_t)MIN(count, 0xfffffffful));
}
