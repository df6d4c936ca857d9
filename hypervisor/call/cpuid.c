/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUID as a guest sees it: the fixed policy of cpu/features.c, the hypervisor's own leaves
 * (abi-inventory 5.1 and our range after them), and what depends on the vCPU that asks (5.2, 5.3).
 */
#include <mica/cpuid.h>
#include <mica/mica_op.h>
#include "call/privileged.h"
#include "cpu/time.h"
#include "mm/frame.h"

#define VERSION		(4 << 16 | 17)
#define MICA_LEAF(i)	(XEN_CPUID_FIRST_LEAF + 0x100 + (i))

#define LEAF1C_XSAVE	BIT(26)
#define LEAF1C_OSXSAVE	BIT(27)

/* Bits of the largest machine address: guests choose their grant table version by it. */
static uint32_t machine_address_bits(void)
{
	return PAGE_SHIFT + (max_mfn > 1 ? 64 - __builtin_clzl(max_mfn - 1) : 1);
}

static struct cpuid_leaf time_leaf(uint32_t sub)
{
	switch (sub) {
	case 0:
		return (struct cpuid_leaf){ .a = (tsc_stable ? XEN_CPUID_TSC_HOST_SAFE : 0) |
						 (cpu.rdtscp ? XEN_CPUID_TSC_RDTSCP : 0), .c = tsc_khz };
	case 1: return (struct cpuid_leaf){ .c = tsc_scale.mul, .d = (uint8_t)tsc_scale.shift };
	default: return (struct cpuid_leaf){ .a = sub == 2 ? tsc_khz : 0 };
	}
}

static struct cpuid_leaf hypervisor_leaf(uint32_t leaf, uint32_t sub)
{
	switch (leaf) {
	case XEN_CPUID_LEAF(0):
		return (struct cpuid_leaf){ XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES), XEN_CPUID_SIGNATURE_EBX,
					    XEN_CPUID_SIGNATURE_ECX, XEN_CPUID_SIGNATURE_EDX };
	case XEN_CPUID_LEAF(1): return (struct cpuid_leaf){ .a = VERSION };
	case XEN_CPUID_LEAF(2):
		return (struct cpuid_leaf){ .a = 1, .b = XEN_CPUID_HYPERCALL_MSR,
					    .c = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD };
	case XEN_CPUID_LEAF(3): return time_leaf(sub);
	case XEN_CPUID_LEAF(5):
		return (struct cpuid_leaf){
			.b = sub ? 0 : machine_address_bits() & XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK };
	case MICA_LEAF(0):
		return (struct cpuid_leaf){ MICA_LEAF(1), MICA_CPUID_SIGNATURE, MICA_CPUID_SIGNATURE,
					    MICA_CPUID_SIGNATURE };
	case MICA_LEAF(1): return (struct cpuid_leaf){ .a = MICA_FEATURE_audit |
							       MICA_FEATURE_port };
	default: return (struct cpuid_leaf){ 0 };
	}
}

/* A kernel that uses the prefix is told OSXSAVE before it sets it in CR4: Linux looks first. */
static bool sees_osxsave(const struct vcpu *v, bool forced)
{
	return (v->guest_cr4 & CR4_OSXSAVE) ||
	       (forced && in_kernel(v) && (this_cpu()->cr4 & CR4_OSXSAVE));
}

/* The size of the XSAVE area depends on the live XCR0, which the processor knows. */
static void live_xsave_size(uint32_t sub, struct cpuid_leaf *out)
{
	struct cpuid_leaf real;

	if (sub > 1 || !(out->a | out->b | out->c | out->d) || !(this_cpu()->cr4 & CR4_OSXSAVE))
		return;
	cpuid(0xd, sub, &real);
	out->b = real.b;
}

void cpuid_for_guest(struct vcpu *v, uint32_t leaf, uint32_t sub, bool forced, struct cpuid_leaf *out)
{
	if (leaf >> 16 == XEN_CPUID_FIRST_LEAF >> 16) {
		*out = hypervisor_leaf(leaf, sub);
		return;
	}
	*out = (struct cpuid_leaf){ 0 };
	features_guest_cpuid(leaf, sub, v->dom->hardware, out);
	if (v->dom->cpuid_words)
		features_words_apply(v->dom->cpuid_words, leaf, sub, out);
	switch (leaf) {
	case 1:
		out->b &= 0x00ffffff;
		out->c &= ~LEAF1C_OSXSAVE;
		if ((out->c & LEAF1C_XSAVE) && sees_osxsave(v, forced))
			out->c |= LEAF1C_OSXSAVE;
		break;
	case 5:					/* MWAIT states, for dom0's ACPI processor driver */
		if (v->dom->hardware && in_kernel(v) && !forced)
			cpuid(leaf, sub, out);
		break;
	case 0xd:
		live_xsave_size(sub, out);
		break;
	}
}
