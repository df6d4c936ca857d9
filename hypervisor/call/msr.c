/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model-specific registers a guest kernel may read and write (abi-inventory 2.6), and the
 * hypercall page, which one of them fills.
 *
 * A table says how each reads and what becomes of writes; what is not in it is a #GP.  Nothing here
 * writes a register that another vCPU would notice, but those that are loaded on every switch.
 */
#include <mica/errno.h>
#include <mica/hypercall.h>
#include "call/privileged.h"
#include "cpu/asm.h"
#include "cpu/log.h"
#include "cpu/msr.h"
#include "cpu/time.h"
#include "lib/string.h"
#include "mm/hvmap.h"

#define EFER_SHOWN	((uint64_t)(EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE))
#define APIC_ADDRESS	0xfee00000ul
#define MCE_BANKS	2
#define MISC_NO_PERFMON	(3ul << 11)		/* BTS and PEBS unavailable */
#define MISC_HIDDEN	(BIT(7) | BIT(18))	/* performance monitoring, MONITOR */

#define VECTOR_GP	13

enum reading {
	ABSENT,			/* no register of this number for guests */
	LIVE,			/* the guest's own, in the processor; the bits of the rule's value */
	FIXED, FIXED_AMD, FIXED_INTEL,	/* the rule's value; on other makers' processors absent */
	MACHINE,		/* the hardware domain sees the machine's, others 0 */
	COMPUTED,
};
enum writing {
	REFUSED,
	DROPPED,		/* without a word: kernels write them as a matter of course */
	IF_READABLE,		/* the same, where the register is */
	IF_HARDWARE,		/* the same, for the hardware domain */
	IF_SAME,		/* must be what reads back */
	BASE,			/* an address, goes into the processor */
	ACTED,
};

/* Microcode is not dom0's to load; bit 31 of PLATFORM_INFO, CPUID faulting, is not passed on. */
static const struct rule {
	uint32_t first, last;
	uint8_t read, write;
	uint64_t value;
} rules[] = {
	{ MSR_FS_BASE, MSR_KERNEL_GS_BASE, LIVE, BASE, ~0ul },
	{ MSR_EFER, MSR_EFER, LIVE, IF_SAME, EFER_SHOWN },
	{ MSR_TSC, MSR_TSC, COMPUTED, DROPPED, 0 },
	{ MSR_APIC_BASE, MSR_APIC_BASE, COMPUTED, REFUSED, 0 },
	{ MSR_PAT, MSR_PAT, FIXED, REFUSED, PAT_VALUE },
	{ MSR_TSC_AUX, MSR_TSC_AUX, COMPUTED, ACTED, 0 },
	{ MSR_HYPERCALL_PAGE, MSR_HYPERCALL_PAGE, FIXED, ACTED, 0 },
	{ MSR_MISC_ENABLE, MSR_MISC_ENABLE, COMPUTED, IF_READABLE, 0 },
	{ MSR_PLATFORM_INFO, MSR_PLATFORM_INFO, FIXED_INTEL, REFUSED, 0 },
	{ MSR_DEBUGCTL, MSR_DEBUGCTL, FIXED, IF_SAME, 0 },
	{ MSR_PERF_CAPABILITIES, MSR_PERF_CAPABILITIES, FIXED, REFUSED, 0 },
	{ MSR_MCG_CAP, MSR_MCG_CAP, FIXED, REFUSED, MCE_BANKS },
	{ MSR_MCG_STATUS, MSR_MCG_CTL, FIXED, DROPPED, 0 },
	{ MSR_P5_MC_ADDR, MSR_P5_MC_TYPE, FIXED, DROPPED, 0 },
	{ MSR_MC0_CTL, MSR_MC0_CTL + 127, FIXED, DROPPED, 0 },
	{ MSR_MC0_CTL2, MSR_MC0_CTL2 + 31, FIXED, DROPPED, 0 },
	{ MSR_PLATFORM_ID, MSR_PLATFORM_ID, MACHINE, REFUSED, 0 },
	{ MSR_UCODE_REV, MSR_UCODE_REV, MACHINE, DROPPED, 0 },
	{ MSR_UCODE_WRITE, MSR_UCODE_WRITE, ABSENT, IF_HARDWARE, 0 },
	{ MSR_PERF_STATUS, MSR_PERF_STATUS, MACHINE, REFUSED, 0 },
	{ MSR_PERF_CTL, MSR_PERF_CTL, MACHINE, DROPPED, 0 },
	{ MSR_THERM_INTERRUPT, MSR_THERM_STATUS, MACHINE, DROPPED, 0 },
	{ MSR_AMD_HWCR, MSR_AMD_HWCR, FIXED, DROPPED, 0 },
	{ MSR_AMD_DE_CFG, MSR_AMD_DE_CFG, FIXED_AMD, DROPPED, 2 },
	{ MSR_AMD_SYSCFG, MSR_AMD_SYSCFG, MACHINE, DROPPED, 0 },
	{ MSR_AMD_NB_CFG, MSR_AMD_NB_CFG, MACHINE, DROPPED, 0 },
	{ MSR_AMD_TOP_MEM, MSR_AMD_TOP_MEM, MACHINE, REFUSED, 0 },
	{ MSR_AMD_TOP_MEM2, MSR_AMD_TOP_MEM2, MACHINE, REFUSED, 0 },
	{ MSR_AMD_PATCH_LOADER, MSR_AMD_PATCH_LOADER, ABSENT, IF_HARDWARE, 0 },
	{ MSR_AMD_FAM10H_MMIO_CONF, MSR_AMD_FAM10H_MMIO_CONF, MACHINE, DROPPED, 0 },
	{ MSR_AMD_PSTATE_LIMIT, MSR_AMD_PSTATE_LIMIT + 10, MACHINE, DROPPED, 0 },
};

static const struct rule *rule_of(uint32_t msr)
{
	static const struct rule none;		/* absent, refused */

	for (const struct rule *m = rules; m < rules + ARRAY_SIZE(rules); m++)
		if (msr - m->first <= m->last - m->first)
			return m;
	return &none;
}

/* A kernel that has no #GP handler yet reads 0 where the machine has a register: it cannot be told
 * otherwise. */
static int absent(const struct vcpu *v, uint32_t msr, uint64_t *value)
{
	uint64_t real;

	*value = 0;
	if (v->dom->msr_relaxed || (!v->traps[VECTOR_GP].address && rdmsr_safe(msr, &real)))
		return 0;
	return refuse(-EINVAL, "rdmsr %x", msr);
}

static int computed(const struct vcpu *v, uint32_t msr, uint64_t *value)
{
	switch (msr) {
	case MSR_TSC:
		*value = rdtsc();
		return 0;
	case MSR_APIC_BASE:
		*value = APIC_ADDRESS | APIC_BASE_ENABLE | (v->id ? 0 : APIC_BASE_BSP);
		return 0;
	case MSR_TSC_AUX:
		*value = v->tsc_aux;
		return cpu.rdtscp ? 0 : absent(v, msr, value);
	default:				/* MISC_ENABLE */
		if (!rdmsr_safe(msr, value))
			return -EINVAL;
		*value = (*value & ~MISC_HIDDEN) | MISC_NO_PERFMON;
		return 0;
	}
}

int msr_read(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	const struct rule *m = rule_of(msr);

	*value = m->value;
	switch (m->read) {
	case LIVE:
		*value &= rdmsr(msr);
		return 0;
	case FIXED: return 0;
	case FIXED_AMD: return cpu.amd ? 0 : absent(v, msr, value);
	case FIXED_INTEL: return cpu.amd ? absent(v, msr, value) : 0;
	case MACHINE: return v->dom->hardware && !rdmsr_safe(msr, value) ? -EINVAL : 0;
	case COMPUTED: return computed(v, msr, value);
	default: return absent(v, msr, value);
	}
}

/*
 * One slot:  push rcx; push r11; mov nr, eax; syscall; pop r11; pop rcx; ret.  Slot 23, iret, does
 * not come back:  push rcx; push r11; push rax; mov 23, eax; syscall.  INT3 fills the rest.
 */
void hypercall_page_fill(void *page)
{
	static const uint8_t call[] = { 0x51, 0x41, 0x53, 0xb8, 0, 0, 0, 0,
					0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3 };
	static const uint8_t iret[] = { 0x51, 0x41, 0x53, 0x50, 0xb8, __HYPERVISOR_iret, 0, 0, 0,
					0x0f, 0x05 };

	memset(page, 0xcc, PAGE_SIZE);
	for (unsigned nr = 0; nr < HYPERCALL_PAGE_SLOTS; nr++) {
		uint8_t *slot = (uint8_t *)page + nr * HYPERCALL_PAGE_SLOT_BYTES;

		memcpy(slot, call, sizeof(call));
		slot[4] = nr;
		if (nr == __HYPERVISOR_iret)
			memcpy(slot, iret, sizeof(iret));
	}
}

int hypercall_page_put(struct vcpu *self, struct domain *d, uint64_t gmfn)
{
	int rc;

	if (!frame_valid(mfn(gmfn)))
		return refuse(-EINVAL, "hypercall page: frame %lx is not RAM", gmfn);
	rc = frame_take(frame_of(mfn(gmfn)), &d->mem, KIND_WRITABLE, &self->scan);
	if (rc)
		return rc;
	hypercall_page_fill(mfn_to_virt(mfn(gmfn)));
	frame_drop(frame_of(mfn(gmfn)), KIND_WRITABLE);
	return 0;
}

static bool act(struct vcpu *v, uint32_t msr, uint64_t value)
{
	if (msr == MSR_HYPERCALL_PAGE)
		return !(value & ~PAGE_MASK) && !hypercall_page_put(v, v->dom, value >> PAGE_SHIFT);
	if (!cpu.rdtscp || value > ~0u)
		return false;
	v->tsc_aux = value;
	wrmsr(MSR_TSC_AUX, value);
	return true;
}

int msr_write(struct vcpu *v, uint32_t msr, uint64_t value)
{
	bool done = false;
	uint64_t now;

	switch (rule_of(msr)->write) {
	case BASE:
		if (!va_canonical(value))
			break;
		wrmsr(msr, value);
		return 0;
	case DROPPED: return 0;
	case IF_READABLE: done = !msr_read(v, msr, &now); break;
	case IF_HARDWARE: done = v->dom->hardware; break;
	case IF_SAME: done = !msr_read(v, msr, &now) && now == value; break;
	case ACTED: done = act(v, msr, value); break;
	}
	return done ? 0 : refuse(-EINVAL, "wrmsr %x: %lx", msr, value);
}
