/* SPDX-License-Identifier: MIT */
/*
 * The processor as a PV guest sees it: selectors every guest may use, register frames,
 * the trap table, and the whole state of one vCPU.
 *
 * Guest kernel and guest user both run in ring 3; which of the two a vCPU is in is a
 * flag the hypervisor keeps.  struct vcpu_guest_context is written by the guest
 * (VCPUOP_initialise) or the toolstack (domctl setvcpucontext) and read back by the
 * toolstack to save a domain; registers of a running vCPU are never in memory.
 */
#ifndef MICA_ABI_REGS_H
#define MICA_ABI_REGS_H

#include <mica/types.h>

/* Selectors that exist in every guest's GDT; ring 3, base 0, no limit. */
#define FLAT_RING3_CS32		0xe023
#define FLAT_RING3_CS64		0xe033
#define FLAT_RING3_DS32		0xe02b
#define FLAT_RING3_DS64		0x0000
#define FLAT_RING3_SS32		0xe02b
#define FLAT_RING3_SS64		0xe02b

#define FLAT_KERNEL_CS32	FLAT_RING3_CS32
#define FLAT_KERNEL_CS64	FLAT_RING3_CS64
#define FLAT_KERNEL_CS		FLAT_KERNEL_CS64
#define FLAT_KERNEL_DS32	FLAT_RING3_DS32
#define FLAT_KERNEL_DS64	FLAT_RING3_DS64
#define FLAT_KERNEL_DS		FLAT_KERNEL_DS64
#define FLAT_KERNEL_SS32	FLAT_RING3_SS32
#define FLAT_KERNEL_SS64	FLAT_RING3_SS64
#define FLAT_KERNEL_SS		FLAT_KERNEL_SS64

#define FLAT_USER_CS32		FLAT_RING3_CS32
#define FLAT_USER_CS64		FLAT_RING3_CS64
#define FLAT_USER_CS		FLAT_USER_CS64
#define FLAT_USER_DS32		FLAT_RING3_DS32
#define FLAT_USER_DS64		FLAT_RING3_DS64
#define FLAT_USER_DS		FLAT_USER_DS64
#define FLAT_USER_SS32		FLAT_RING3_SS32
#define FLAT_USER_SS64		FLAT_RING3_SS64
#define FLAT_USER_SS		FLAT_USER_SS64

/* The guest fills GDT pages 0-13; from here on the table is the hypervisor's. */
#define FIRST_RESERVED_GDT_PAGE		14
#define FIRST_RESERVED_GDT_BYTE		(FIRST_RESERVED_GDT_PAGE * 4096)
#define FIRST_RESERVED_GDT_ENTRY	(FIRST_RESERVED_GDT_BYTE / 8)

/* set_segment_base(which, base) */
#define SEGBASE_FS		0
#define SEGBASE_GS_USER		1
#define SEGBASE_GS_KERNEL	2
#define SEGBASE_GS_USER_SEL	3	/* base[15:0] is a selector to load into user GS */

/* vcpu_guest_context.flags */
#define VGCF_i387_valid			(1 << 0)	/* fpu_ctxt counts */
#define VGCF_in_kernel			(1 << 2)	/* the vCPU is in guest-kernel mode */
#define VGCF_failsafe_disables_events	(1 << 3)	/* failsafe callback enters masked */
#define VGCF_syscall_disables_events	(1 << 4)	/* syscall callback enters masked */
#define VGCF_online			(1 << 5)	/* the vCPU runs */
#define VGCF_I387_VALID			VGCF_i387_valid
#define VGCF_IN_KERNEL			VGCF_in_kernel

/* iret_context.flags: leave as SYSRET does, do not load rcx and r11. */
#define VGCF_in_syscall			(1 << 8)
#define VGCF_IN_SYSCALL			VGCF_in_syscall

/* trap_info.flags */
#define TI_DPL_MASK		3	/* least privileged mode that may use INT n */
#define TI_EVENT_MASK		4	/* enter with events masked */

/* Prefix that makes CPUID give the domain's own answer: ud2; "xen". */
#define XEN_EMULATE_PREFIX_BYTES	0x0f, 0x0b, 0x78, 0x65, 0x6e

#ifndef __ASSEMBLER__

/* All registers of a guest; field order is fixed by the ABI. */
struct cpu_user_regs {
	uint64_t r15;
	uint64_t r14;
	uint64_t r13;
	uint64_t r12;
	uint64_t rbp;
	uint64_t rbx;
	uint64_t r11;
	uint64_t r10;
	uint64_t r9;
	uint64_t r8;
	uint64_t rax;
	uint64_t rcx;
	uint64_t rdx;
	uint64_t rsi;
	uint64_t rdi;
	uint32_t error_code;		/* hypervisor's own; zero outside */
	uint32_t entry_vector;		/* hypervisor's own; zero outside */
	uint64_t rip;
	uint16_t cs;
	uint16_t _pad0;
	uint8_t saved_upcall_mask;	/* evtchn_upcall_mask when the frame was made */
	uint8_t _pad1[3];
	uint64_t rflags;		/* IF is the inverse of saved_upcall_mask */
	uint64_t rsp;
	uint16_t ss;
	uint16_t _pad2[3];
	uint16_t es;
	uint16_t _pad3[3];
	uint16_t ds;
	uint16_t _pad4[3];
	uint16_t fs;
	uint16_t _pad5[3];
	uint16_t gs;
	uint16_t _pad6[3];
};
ABI_SIZE(struct cpu_user_regs, 200);
ABI_OFFSET(struct cpu_user_regs, rip, 128);
ABI_OFFSET(struct cpu_user_regs, ss, 160);

/* What the guest kernel pushes before the iret hypercall; rsp points at rax. */
struct iret_context {
	uint64_t rax;
	uint64_t r11;
	uint64_t rcx;
	uint64_t flags;			/* VGCF_in_syscall or 0 */
	uint64_t rip;
	uint64_t cs;			/* RPL 3: to guest user; else stay in guest kernel */
	uint64_t rflags;		/* IF is copied, inverted, to evtchn_upcall_mask */
	uint64_t rsp;
	uint64_t ss;
};
ABI_SIZE(struct iret_context, 72);

/* One line of set_trap_table's list; an entry with address 0 ends the list. */
struct trap_info {
	uint8_t vector;			/* exception or INT number */
	uint8_t flags;			/* TI_* */
	uint16_t cs;			/* selector of the handler; ignored on x86-64 */
	uint32_t _pad;
	uint64_t address;		/* virtual address of the handler */
};
ABI_SIZE(struct trap_info, 16);

struct vcpu_guest_context {
	struct {
		uint8_t x[512];		/* FXSAVE image */
	} fpu_ctxt;
	uint64_t flags;			/* VGCF_* */
	struct cpu_user_regs user_regs;
	struct trap_info trap_ctxt[256];	/* indexed by vector */
	uint64_t ldt_base;		/* virtual address, page aligned */
	uint64_t ldt_ents;		/* 8-byte entries, at most 8192 */
	xen_pfn_t gdt_frames[16];	/* mfns; 14 and 15 unused */
	uint64_t gdt_ents;		/* 8-byte entries, at most 7168 */
	uint64_t kernel_ss;		/* stack on entry from user mode */
	uint64_t kernel_sp;
	uint64_t ctrlreg[8];		/* CR0-CR7; [3] kernel root, [1] user root, mfn << 12 */
	uint64_t debugreg[8];		/* DR0-DR7 */
	uint64_t event_callback_eip;	/* virtual addresses of the guest's entry points */
	uint64_t failsafe_callback_eip;
	uint64_t syscall_callback_eip;
	uint64_t vm_assist;		/* bit n: VMASST_TYPE n is on */
	uint64_t fs_base;
	uint64_t gs_base_kernel;	/* GS base in guest-kernel mode */
	uint64_t gs_base_user;		/* GS base in guest-user mode */
};
ABI_SIZE(struct vcpu_guest_context, 5168);
ABI_OFFSET(struct vcpu_guest_context, user_regs, 520);
ABI_OFFSET(struct vcpu_guest_context, ctrlreg, 4984);

#endif /* __ASSEMBLER__ */
#endif /* MICA_ABI_REGS_H */
