/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first instructions after SYSCALL.  It does not change RSP, so each CPU has a stub of its own that
 * knows its stack: 32 bytes exactly, the two for 64-bit and 32-bit callers in one cache line, in the
 * order of CPU numbers (cpu/desc.c loads their addresses).  A slot is where the guest's rsp is parked, and
 * the top of the CPU's main stack.
 */
#include "cpu/layout.h"
#include "cpu/percpu.h"

#define SLOT		syscall_slots + 64 * cpu

.macro SYSCALL_STUB entry
	mov	%rsp, SLOT(%rip)
	mov	SLOT + 8(%rip), %rsp
	pushq	SLOT(%rip)
	popq	PERCPU_scratch - CPU_STACK_TOP(%rsp)	/* it counts from the rsp it leaves */
	jmp	\entry					/* 5 bytes: in another file */
.endm

	.text
	.globl	syscall_stubs
	.type	syscall_stubs, @function
	.p2align 6
syscall_stubs:
	.set	cpu, 0
	.rept	MAX_CPUS
	SYSCALL_STUB entry_syscall64
	.org	syscall_stubs + 64 * cpu + 32		/* an error, should the first be longer */
	SYSCALL_STUB entry_syscall32
	.org	syscall_stubs + 64 * cpu + 64
	.set	cpu, cpu + 1
	.endr

	.data
	.p2align 6
syscall_slots:
	.set	cpu, 0
	.rept	MAX_CPUS
	.quad	0, CPU_AREA_BASE + cpu * CPU_AREA_SIZE + CPU_STACK_TOP
	.p2align 6
	.set	cpu, cpu + 1
	.endr

	.section .note.GNU-stack, "", @progbits
