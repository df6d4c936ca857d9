/* SPDX-License-Identifier: MIT */
/*
 * Page tables: mmu_update, mmuext_op, update_va_mapping, and the addresses that belong
 * to the hypervisor.  The guest owns its tables but cannot write them; these calls
 * ask the hypervisor to check a change and make it.
 *
 * mmu_update(list, count, *done, domains) and mmuext_op(list, count, *done, domain)
 * stop at the first entry that fails and report how many were done.  In mmu_update's
 * `domains` bits 0-15 name the owner of the frames that are mapped, bits 16-31 the owner
 * of the tables plus one (0: the caller).
 */
#ifndef MICA_ABI_MMU_H
#define MICA_ABI_MMU_H

#include <mica/types.h>

/* The hole no guest may map into: L4 slots 256-271. */
#define HYPERVISOR_VIRT_START		0xFFFF800000000000
#define HYPERVISOR_VIRT_END		0xFFFF880000000000

/* In it, read-only to guest kernels: the m2p, one u64 pfn per mfn. */
#define MACH2PHYS_VIRT_START		0xFFFF800000000000
#define MACH2PHYS_VIRT_END		0xFFFF804000000000
#define MACH2PHYS_NR_ENTRIES		((MACH2PHYS_VIRT_END - MACH2PHYS_VIRT_START) >> 3)

/* Command in bits 0-1 of mmu_update.ptr. */
#define MMU_NORMAL_PT_UPDATE		0	/* write entry at machine address ptr */
#define MMU_MACHPHYS_UPDATE		1	/* m2p of the frame at ptr becomes val */
#define MMU_PT_UPDATE_PRESERVE_AD	2	/* as 0, keeping A and D of the old entry */
#define MMU_PT_UPDATE_NO_TRANSLATE	3	/* as 0; val's frame is always an mfn */

/* mmuext_op.cmd, and which arguments it reads. */
#define MMUEXT_PIN_L1_TABLE		0	/* mfn: check as a table of this level and pin */
#define MMUEXT_PIN_L2_TABLE		1
#define MMUEXT_PIN_L3_TABLE		2
#define MMUEXT_PIN_L4_TABLE		3
#define MMUEXT_UNPIN_TABLE		4	/* mfn */
#define MMUEXT_NEW_BASEPTR		5	/* mfn: root for guest-kernel mode */
#define MMUEXT_TLB_FLUSH_LOCAL		6
#define MMUEXT_INVLPG_LOCAL		7	/* linear_addr */
#define MMUEXT_TLB_FLUSH_MULTI		8	/* vcpumask */
#define MMUEXT_INVLPG_MULTI		9	/* linear_addr, vcpumask */
#define MMUEXT_TLB_FLUSH_ALL		10
#define MMUEXT_INVLPG_ALL		11	/* linear_addr */
#define MMUEXT_FLUSH_CACHE		12
#define MMUEXT_SET_LDT			13	/* linear_addr, nr_ents */
#define MMUEXT_NEW_USER_BASEPTR		15	/* mfn: root for guest-user mode; 0: none */
#define MMUEXT_CLEAR_PAGE		16	/* mfn */
#define MMUEXT_COPY_PAGE		17	/* mfn is written, src_mfn read */
#define MMUEXT_FLUSH_CACHE_GLOBAL	18
#define MMUEXT_MARK_SUPER		19	/* superpages are not offered */
#define MMUEXT_UNMARK_SUPER		20

/*
 * Flags of update_va_mapping: what to flush, and where.  UVMF_MULTI takes the address
 * of a vCPU bitmap in the other bits (8-byte aligned); address 0 is UVMF_LOCAL.
 */
#define UVMF_NONE			0
#define UVMF_TLB_FLUSH			1	/* everything */
#define UVMF_INVLPG			2	/* only va */
#define UVMF_FLUSHTYPE_MASK		3
#define UVMF_MULTI			0
#define UVMF_LOCAL			0	/* this vCPU */
#define UVMF_ALL			4	/* every vCPU of the domain */

#ifndef __ASSEMBLER__

struct mmu_update {
	uint64_t ptr;			/* machine address | command */
	uint64_t val;			/* new entry, or new pfn */
};
ABI_SIZE(struct mmu_update, 16);

struct mmuext_op {
	uint32_t cmd;			/* MMUEXT_* */
	uint32_t _pad0;
	union {
		xen_pfn_t mfn;
		uint64_t linear_addr;	/* guest virtual address */
	} arg1;
	union {
		uint32_t nr_ents;	/* 8-byte entries of the LDT */
		uint64_t vcpumask;	/* guest pointer: bit n of a byte array is vCPU n */
		xen_pfn_t src_mfn;
	} arg2;
};
ABI_SIZE(struct mmuext_op, 24);

/* Form of a root in ctrlreg[] and arch_shared_info.p2m_cr3. */
#define xen_pfn_to_cr3(pfn)	((uint64_t)(pfn) << 12)
#define xen_cr3_to_pfn(cr3)	((uint64_t)(cr3) >> 12)

#endif /* __ASSEMBLER__ */
#endif /* MICA_ABI_MMU_H */
