/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model-specific registers a guest kernel may read and write (abi-inventory 2.6), and the
 * hypercall page, which one of them fills.
 *
 * A register is live (the guest's own, in the processor), shown (the machine's value, masked),
 * fixed, or absent: #GP.  What the hardware domain may see of the machine, other domains see as
 * zero.  Nothing here writes a register that another vCPU would notice, but those that are loaded
 * on every switch.
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
#define SPEC_CTRL_MASK	7ul			/* IBRS, STIBP, SSBD */
/* ARCH_CAPABILITIES: the bits that say a flaw is absent or does not matter, and RSBA. */
#define ARCH_CAPS_SHOWN	0x000000000d12e17dul
#define MISC_NO_PERFMON	(3ul << 11)		/* BTS and PEBS unavailable */
#define MISC_HIDDEN	(BIT(7) | BIT(18))	/* performance monitoring, MONITOR */

#define VECTOR_GP	13

/* Bit @bit of register edx of leaf 7 as this guest sees it. */
static bool leaf7_edx(struct vcpu *v, unsigned bit)
{
	struct cpuid_leaf l;

	cpuid_for_guest(v, 7, 0, true, &l);
	return l.d >> bit & 1;
}

static bool has_ibpb(struct vcpu *v)
{
	struct cpuid_leaf l;

	cpuid_for_guest(v, 0x80000008, 0, true, &l);
	return leaf7_edx(v, 26) || (l.b >> 12 & 1);
}

/* Part of the machine: the hardware domain sees it, others see 0. */
static int shown(const struct vcpu *v, uint32_t msr, uint64_t *value)
{
	return v->dom->hardware && !rdmsr_safe(msr, value) ? -EINVAL : 0;
}

static int masked(uint32_t msr, uint64_t keep, uint64_t set, uint64_t *value)
{
	if (!rdmsr_safe(msr, value))
		return -EINVAL;
	*value = (*value & keep) | set;
	return 0;
}

/* No register of this number for guests.  A kernel that has no #GP handler yet reads 0 where the
 * machine has a register: it cannot be told otherwise. */
static int absent(const struct vcpu *v, uint32_t msr, uint64_t *value)
{
	uint64_t real;

	*value = 0;
	if (v->dom->msr_relaxed || (!v->traps[VECTOR_GP].address && rdmsr_safe(msr, &real)))
		return 0;
	return refuse(-EINVAL, "rdmsr %x", msr);
}

static bool is_mce_bank(uint32_t msr)
{
	return (msr >= MSR_MC0_CTL && msr < MSR_MC0_CTL + 128) ||
	       (msr >= MSR_MC0_CTL2 && msr < MSR_MC0_CTL2 + 32);
}

static int read_feature_msr(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	switch (msr) {
	case MSR_SPEC_CTRL:
		return leaf7_edx(v, 26) ? masked(msr, SPEC_CTRL_MASK, 0, value)
					: absent(v, msr, value);
	case MSR_ARCH_CAPABILITIES:
		return leaf7_edx(v, 29) ? masked(msr, ARCH_CAPS_SHOWN, 0, value)
					: absent(v, msr, value);
	case MSR_MISC_ENABLE: return masked(msr, ~MISC_HIDDEN, MISC_NO_PERFMON, value);
	case MSR_PLATFORM_INFO:			/* bit 31, CPUID faulting, is not passed on */
		return cpu.amd ? absent(v, msr, value) : 0;
	case MSR_TSC_AUX:
		*value = v->tsc_aux;
		return cpu.rdtscp ? 0 : absent(v, msr, value);
	default: return absent(v, msr, value);
	}
}

int msr_read(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	*value = 0;
	switch (msr) {
	case MSR_FS_BASE: case MSR_GS_BASE: case MSR_KERNEL_GS_BASE:
		*value = rdmsr(msr);
		return 0;
	case MSR_EFER:
		*value = rdmsr(msr) & EFER_SHOWN;
		return 0;
	case MSR_TSC:
		*value = rdtsc();
		return 0;
	case MSR_APIC_BASE:
		*value = APIC_ADDRESS | APIC_BASE_ENABLE | (v->id ? 0 : APIC_BASE_BSP);
		return 0;
	case MSR_PAT:
		*value = PAT_VALUE;
		return 0;
	case MSR_MCG_CAP:
		*value = MCE_BANKS;
		return 0;
	case MSR_MCG_STATUS: case MSR_MCG_CTL: case MSR_P5_MC_ADDR: case MSR_P5_MC_TYPE:
	case MSR_PERF_CAPABILITIES: case MSR_AMD_HWCR: case MSR_DEBUGCTL: case MSR_HYPERCALL_PAGE:
		return 0;
	case MSR_AMD_DE_CFG:
		*value = 2;
		return cpu.amd ? 0 : absent(v, msr, value);
	case MSR_UCODE_REV: case MSR_PLATFORM_ID: case MSR_PERF_STATUS: case MSR_PERF_CTL:
	case MSR_THERM_INTERRUPT: case MSR_THERM_STATUS: case MSR_AMD_SYSCFG: case MSR_AMD_TOP_MEM:
	case MSR_AMD_TOP_MEM2: case MSR_AMD_NB_CFG: case MSR_AMD_FAM10H_MMIO_CONF:
	case MSR_AMD_PSTATE_LIMIT ... MSR_AMD_PSTATE_LIMIT + 10:
		return shown(v, msr, value);
	default: return is_mce_bank(msr) ? 0 : read_feature_msr(v, msr, value);
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

static int write_base(uint32_t msr, uint64_t value)
{
	if (!va_canonical(value))
		return refuse(-EINVAL, "wrmsr %x: base %lx", msr, value);
	wrmsr(msr, value);
	return 0;
}

/* A write that must be what reads back. */
static int write_same(struct vcpu *v, uint32_t msr, uint64_t value)
{
	uint64_t now;

	return msr_read(v, msr, &now) || now != value ? refuse(-EINVAL, "wrmsr %x: %lx", msr, value)
						      : 0;
}

static int write_feature_msr(struct vcpu *v, uint32_t msr, uint64_t value)
{
	switch (msr) {
	case MSR_SPEC_CTRL:
		if (leaf7_edx(v, 26) && !(value & ~SPEC_CTRL_MASK))
			return wrmsr_safe(msr, value) ? 0 : -EINVAL;
		break;
	case MSR_PRED_CMD:
		if (value <= 1 && has_ibpb(v))
			return !value || wrmsr_safe(msr, value) ? 0 : -EINVAL;
		break;
	case MSR_TSC_AUX:
		if (cpu.rdtscp && value <= ~0u) {
			v->tsc_aux = value;
			wrmsr(msr, value);
			return 0;
		}
		break;
	case MSR_DEBUGCTL: return value ? -EINVAL : 0;
	case MSR_UCODE_WRITE: case MSR_AMD_PATCH_LOADER:	/* microcode is not dom0's to load */
		if (v->dom->hardware)
			return 0;
		break;
	}
	return refuse(-EINVAL, "wrmsr %x: %lx", msr, value);
}

int msr_write(struct vcpu *v, uint32_t msr, uint64_t value)
{
	switch (msr) {
	case MSR_FS_BASE: case MSR_GS_BASE: case MSR_KERNEL_GS_BASE:
		return write_base(msr, value);
	case MSR_EFER: return write_same(v, msr, value);
	case MSR_HYPERCALL_PAGE:
		if ((value & ~PAGE_MASK) || hypercall_page_put(v, v->dom, value >> PAGE_SHIFT))
			return refuse(-EINVAL, "hypercall page %lx", value);
		return 0;
	/* Dropped without a word: kernels write them as a matter of course. */
	case MSR_TSC: case MSR_MCG_STATUS: case MSR_MCG_CTL: case MSR_P5_MC_ADDR: case MSR_P5_MC_TYPE:
	case MSR_UCODE_REV: case MSR_PERF_CTL: case MSR_THERM_INTERRUPT: case MSR_THERM_STATUS:
	case MSR_AMD_HWCR: case MSR_AMD_DE_CFG: case MSR_AMD_NB_CFG: case MSR_AMD_SYSCFG:
	case MSR_AMD_FAM10H_MMIO_CONF: case MSR_AMD_PSTATE_LIMIT ... MSR_AMD_PSTATE_LIMIT + 10:
		return 0;
	case MSR_MISC_ENABLE: return rdmsr_safe(msr, &value) ? 0 : -EINVAL;
	default: return is_mce_bank(msr) ? 0 : write_feature_msr(v, msr, value);
	}
}
