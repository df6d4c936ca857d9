/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ways into a test kernel: the first instruction, exceptions, callbacks; and the ways back.
 *
 * The hypervisor pushes (low to high) rcx, r11, [error], rip, cs|mask<<32, rflags, rsp, ss.
 * Every stub turns that into a struct regs (lib/trap.h) on the same stack, calls trap_dispatch()
 * and leaves by the iret hypercall.  User mode is entered and left through lib/user.c.
 *
 * There is no hypercall page: each hypercall is an inline SYSCALL.
 */
#include "layout.h"

#define NR_IRET		23

	.macro note type, body:vararg
	.pushsection .note.guest, "a", @note
	.align 4
	.long 4, 2f - 1f, \type
	.asciz "Xen"
1:	\body
2:	.align 4
	.popsection
	.endm

	note 5, .asciz "xen-3.0"			/* XEN_VERSION */
	note 6, .asciz "MicaTest"			/* GUEST_OS */
	note 8, .asciz "generic"			/* LOADER */
	note 3, .quad 0xffffffff80000000		/* VIRT_BASE */
	note 4, .quad 0					/* PADDR_OFFSET */
	note 1, .quad _start				/* ENTRY */

/* in: rsi = start_info, rsp = boot stack; everything is kept in boot_regs for boot-state */
	.section .text.start, "ax"
	.globl _start
_start:
	mov	%rax, boot_regs + 0(%rip)
	mov	%rsi, boot_regs + 8(%rip)
	mov	%rsp, boot_regs + 16(%rip)
	mov	%cs, %eax
	mov	%rax, boot_regs + 24(%rip)
	mov	%ss, %eax
	mov	%rax, boot_regs + 32(%rip)
	mov	%ds, %eax
	mov	%rax, boot_regs + 40(%rip)
	mov	%es, %eax
	mov	%rax, boot_regs + 48(%rip)
	mov	%fs, %eax
	mov	%rax, boot_regs + 56(%rip)
	mov	%gs, %eax
	mov	%rax, boot_regs + 64(%rip)
	pushfq
	popq	boot_regs + 72(%rip)
	lea	cpu_stacks + STACK_SIZE(%rip), %rsp
	xor	%ebp, %ebp
	mov	%rsi, %rdi
	call	guest_start
	ud2

/* in: rsp = top of this vCPU's stack; a further vCPU started by lib/smp.c */
	.text
	.globl smp_entry
smp_entry:
	xor	%ebp, %ebp
	call	smp_main
	ud2

	.macro stub name, vector, has_error=0
	.globl \name
\name:
	pop	%rcx
	pop	%r11
	.if !\has_error
	push	$0
	.endif
	push	$\vector
	jmp	trap_common
	.endm

/* one stub per vector, reachable through trap_stubs[] */
	.altmacro
	.macro vector_stub n
	.if \n == 8 || (\n >= 10 && \n <= 14) || \n == 17 || \n == 21
	stub trap_\n, \n, 1
	.else
	stub trap_\n, \n, 0
	.endif
	.pushsection .rodata
	.quad trap_\n
	.popsection
	.endm

	.pushsection .rodata
	.align 8
	.globl trap_stubs
trap_stubs:
	.popsection
	.set vec, 0
	.rept 256
	vector_stub %vec
	.set vec, vec + 1
	.endr

	stub entry_syscall, VEC_SYSCALL
	stub entry_event, VEC_EVENT
	stub entry_nmi, VEC_NMI
	stub entry_syscall32, VEC_SYSCALL32
	stub entry_sysenter, VEC_SYSENTER

/* failsafe frame: rcx, r11, ds, es, fs, gs, rip, ... */
	.globl entry_failsafe
entry_failsafe:
	pop	%rcx
	pop	%r11
	add	$32, %rsp
	push	$0
	push	$VEC_FAILSAFE
	jmp	trap_common

/* in: stack = vector, error, iret frame; every register belongs to the interrupted code */
trap_common:
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	cld
	mov	%rsp, %rdi
	mov	%rsp, %rbx
	and	$-16, %rsp
	call	trap_dispatch
	mov	%rbx, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
	movq	$0, 8(%rsp)		/* flags: restore rcx and r11 */
	mov	%rcx, (%rsp)
	push	%r11
	push	%rax
	mov	$NR_IRET, %eax
	syscall
	ud2

/* int jump_save(struct jump *ctx): 0 now, 1 when jump_back(ctx) is called */
	.globl jump_save
jump_save:
	mov	(%rsp), %rax
	mov	%rax, 0(%rdi)
	lea	8(%rsp), %rax
	mov	%rax, 8(%rdi)
	mov	%rbx, 16(%rdi)
	mov	%rbp, 24(%rdi)
	mov	%r12, 32(%rdi)
	mov	%r13, 40(%rdi)
	mov	%r14, 48(%rdi)
	mov	%r15, 56(%rdi)
	xor	%eax, %eax
	ret

/* void jump_back(struct jump *ctx) */
	.globl jump_back
jump_back:
	mov	16(%rdi), %rbx
	mov	24(%rdi), %rbp
	mov	32(%rdi), %r12
	mov	40(%rdi), %r13
	mov	48(%rdi), %r14
	mov	56(%rdi), %r15
	mov	8(%rdi), %rsp
	mov	$1, %eax
	cld
	jmp	*(%rdi)

/*
 * void iret_to(const struct iret_context *frame, const struct iret_regs *regs)
 * Loads rdi, rsi, rdx, rbx, rbp, r8-r10, r12-r15 from @regs and issues iret on @frame.
 */
	.globl iret_to
iret_to:
	mov	%rdi, %rsp
	mov	0(%rsi), %rdi
	mov	16(%rsi), %rdx
	mov	24(%rsi), %rbx
	mov	32(%rsi), %rbp
	mov	40(%rsi), %r8
	mov	48(%rsi), %r9
	mov	56(%rsi), %r10
	mov	64(%rsi), %r12
	mov	72(%rsi), %r13
	mov	80(%rsi), %r14
	mov	88(%rsi), %r15
	mov	8(%rsi), %rsi
	mov	$NR_IRET, %eax
	syscall
	.globl iret_to_end
iret_to_end:
	ud2

	.section .note.GNU-stack, "", @progbits
