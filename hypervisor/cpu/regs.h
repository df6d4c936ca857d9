/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What entry.S leaves on the stack: the guest's registers, at the very top of the CPU's main stack.
 * The order is the ABI's cpu_user_regs (abi-inventory 11), so a context is copied, not translated.
 */
#ifndef CPU_REGS_H
#define CPU_REGS_H

/* Byte offsets for assembly, pinned below. */
#define REGS_r15		0
#define REGS_r14		8
#define REGS_r13		16
#define REGS_r12		24
#define REGS_rbp		32
#define REGS_rbx		40
#define REGS_r11		48
#define REGS_r10		56
#define REGS_r9			64
#define REGS_r8			72
#define REGS_rax		80
#define REGS_rcx		88
#define REGS_rdx		96
#define REGS_rsi		104
#define REGS_rdi		112
#define REGS_error_code		120
#define REGS_vector		124
#define REGS_rip		128
#define REGS_cs			136
#define REGS_rflags		144
#define REGS_rsp		152
#define REGS_ss			160
#define REGS_SIZE		168

#define RFLAGS_CF		0x1
#define RFLAGS_TF		0x100
#define RFLAGS_IF		0x200
#define RFLAGS_DF		0x400
#define RFLAGS_IOPL		0x3000
#define RFLAGS_NT		0x4000
#define RFLAGS_RF		0x10000
#define RFLAGS_VM		0x20000
#define RFLAGS_AC		0x40000
#define RFLAGS_ID		0x200000

/* regs.vector beyond the 256 real ones */
#define VECTOR_SYSCALL		0x100

#ifndef __ASSEMBLY__
#include "lib/util.h"

struct regs {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint32_t error_code, vector;
	uint64_t rip;
	uint64_t cs;			/* only bits 0-15 matter */
	uint64_t rflags, rsp;
	uint64_t ss;			/* only bits 0-15 matter */
};

_Static_assert(offsetof(struct regs, rax) == REGS_rax, "regs.rax");
_Static_assert(offsetof(struct regs, error_code) == REGS_error_code, "regs.error_code");
_Static_assert(offsetof(struct regs, rip) == REGS_rip, "regs.rip");
_Static_assert(offsetof(struct regs, ss) == REGS_ss, "regs.ss");
_Static_assert(sizeof(struct regs) == REGS_SIZE, "regs size");

/* Did the event that made @r interrupt the guest (ring 3) rather than us? */
static inline bool regs_from_guest(const struct regs *r)
{
	return r->cs & 3;
}
#endif
#endif
