/* SPDX-License-Identifier: MIT */
/*
 * CPUID as guests and toolstack see it: the hypervisor's own leaves, and the form in
 * which a domain's CPUID and MSR policy travels through domctl and sysctl.
 *
 * A guest finds the base leaf by scanning from 0x40000000 in steps of 0x100 for the
 * signature; XEN_CPUID_LEAF(i) assumes the first place.
 */
#ifndef MICA_ABI_CPUID_H
#define MICA_ABI_CPUID_H

#include <mica/types.h>

#define XEN_CPUID_FIRST_LEAF		0x40000000
#define XEN_CPUID_LEAF(i)		(XEN_CPUID_FIRST_LEAF + (i))

/*
 * Base+0  eax last leaf of the range, ebx ecx edx the signature
 * Base+1  eax version, major << 16 | minor
 * Base+2  eax hypercall pages, ebx MSR that fills one, ecx features, edx 0
 * Base+3  time: .0 eax flags, ebx tsc_mode, ecx guest TSC kHz, edx incarnation
 *               .1 eax ebx TSC offset, ecx multiplier, edx shift
 *               .2 eax host TSC kHz
 * Base+4  hardware-virtualized guests only
 * Base+5  .0 ebx bits 0-7 width of the largest machine address
 */
#define XEN_CPUID_SIGNATURE_EBX		0x566e6558	/* "XenV" */
#define XEN_CPUID_SIGNATURE_ECX		0x65584d4d	/* "MMXe" */
#define XEN_CPUID_SIGNATURE_EDX		0x4d4d566e	/* "nVMM" */

#define XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD	(1u << 0)	/* base+2 ecx */
#define XEN_CPUID_HYPERCALL_MSR		0x40000000	/* base+2 ebx */

#define XEN_CPUID_TSC_EMULATED		(1u << 0)	/* base+3.0 eax */
#define XEN_CPUID_TSC_HOST_SAFE		(1u << 1)
#define XEN_CPUID_TSC_RDTSCP		(1u << 2)

#define XEN_CPUID_MACHINE_ADDRESS_WIDTH_MASK		0xffu		/* base+5.0 ebx */

#define XEN_CPUID_MAX_NUM_LEAVES	5

#define XEN_CPUID_NO_SUBLEAF		0xffffffffu	/* subleaf of a leaf that has none */

/* Most entries a policy can need. */
#define XEN_CPUID_MAX_SERIALISED_LEAVES	120
#define XEN_MSR_MAX_SERIALISED_ENTRIES	2

#ifndef __ASSEMBLER__

struct xen_cpuid_leaf {
	uint32_t leaf, subleaf;
	uint32_t a, b, c, d;		/* what eax ebx ecx edx become */
};
ABI_SIZE(struct xen_cpuid_leaf, 24);

struct xen_msr_entry {
	uint32_t idx;			/* number of the MSR */
	uint32_t flags;			/* zero */
	uint64_t val;
};
ABI_SIZE(struct xen_msr_entry, 16);

#endif /* __ASSEMBLER__ */
#endif /* MICA_ABI_CPUID_H */
