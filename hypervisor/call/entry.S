/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every way into the hypervisor and every way back to a guest.
 *
 * In:  SYSCALL (through the per-CPU stub of syscall_stubs.S, which saves the guest's RSP in percpu.scratch
 *      and switches to the CPU's main stack), SYSENTER, and 256 IDT gates.
 * Out: ret_to_guest, which first does whatever is due (softirqs, vCPU work, event delivery).
 *
 * Interrupts are off from the first instruction to the last.  The guest's registers form a struct regs
 * at the very top of the main stack.  GS is never ours: SWAPGS toggles the guest's two bases and
 * belongs to the switch between guest kernel and guest user.
 *
 * Two paths never build a whole struct regs: a guest's system call that goes straight to its kernel's
 * callback (user_syscall), and the iret hypercall that comes back (fast_iret).  Anything they do not
 * know - a mode flag, a foreign selector, a pending event - falls back to C with nothing changed.
 *
 * CS and SS of SYSRET are fixed (0xe033, 0xe02b); SYSRET to a non-canonical RIP would fault in ring 0
 * on the guest's stack (Intel), so it is checked each time.
 */
#include <mica/regs.h>
#include <mica/hypercall.h>
#include "cpu/extable.h"
#include "cpu/func.h"
#include "cpu/irq.h"
#include "cpu/layout.h"
#include "cpu/percpu.h"
#include "cpu/regs.h"
#include "cpu/smap.h"
#include "dom/vcpu.h"

/* percpu field @f seen from a stack pointer that stands at the struct regs on top of the main stack */
#define PC(f)		(PERCPU_##f + REGS_SIZE - CPU_STACK_TOP)

/* Where each register lies in struct regs, which begins with them in this order. */
	.set	offset, 0
	.irp	reg, r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi
	.set	AT_\reg, offset
	.set	offset, offset + 8
	.endr
	.if	offset != REGS_error_code
	.error	"struct regs has other registers"
	.endif

.macro SAVE regs:vararg			/* into the struct regs at rsp */
	.irp	reg, \regs
	mov	%\reg, AT_\reg(%rsp)
	.endr
.endm

.macro LOAD regs:vararg
	.irp	reg, \regs
	mov	AT_\reg(%rsp), %\reg
	.endr
.endm

.macro LOAD_REGS			/* all but rcx, r11, rsp; rsp stays at struct regs */
	LOAD	r15, r14, r13, r12, rbp, rbx, r10, r9, r8, rax, rdx, rsi, rdi
.endm

.macro GATE_ENTER			/* rdi..r15 below {error code, vector} */
	.irp	reg, rdi, rsi, rdx, rcx, rax, r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15
	push	%\reg
	.endr
	cld
	CLAC
.endm

.macro LOAD_CR3 root			/* field @root of the vCPU at rdi, if it is not loaded; rax lost */
	mov	\root(%rdi), %rax
	cmp	%rax, PC(guest_cr3)(%rsp)
	je	.Lloaded\@
	mov	%rax, %cr3
	mov	%rax, PC(guest_cr3)(%rsp)
.Lloaded\@:
.endm

.macro GUEST fixup, insn:vararg		/* touches guest memory: a fault goes on at @fixup */
77:	\insn
	EX_TABLE 77b, \fixup
.endm

	.text

/*
 * entry_syscall64: SYSCALL from 64-bit guest code.  tour:hypercall/1
 * In: rsp = top of the main stack, percpu.scratch = guest rsp, rcx = guest rip, r11 = guest rflags, all
 * other registers the guest's.  In guest-kernel mode it is a hypercall: rax = number, arguments in
 * rdi, rsi, rdx, r10, r8.
 */
FUNC entry_syscall64
	sub	$REGS_SIZE, %rsp
	SAVE	rdi
	mov	PC(current)(%rsp), %rdi
	testb	$VMODE_KERNEL, VCPU_mode(%rdi)
	jz	user_syscall
	cmp	$__HYPERVISOR_iret, %rax
	je	fast_iret

	SAVE	rsi
	mov	PC(scratch)(%rsp), %rsi
	movq	$SEL_GUEST_DATA, REGS_ss(%rsp)
	mov	%rsi, REGS_rsp(%rsp)
	mov	%r11, REGS_rflags(%rsp)
	movq	$SEL_GUEST_CODE64, REGS_cs(%rsp)
	mov	%rcx, REGS_rip(%rsp)
	movl	$VECTOR_SYSCALL, REGS_vector(%rsp)
	SAVE	rdx, rcx, rax, r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15

	mov	%eax, VCPU_hc_nr(%rdi)
	mov	%rdi, %rbx			/* the vCPU, across the call */
	cmp	$64, %rax			/* NR_HYPERCALLS */
	jae	unknown_hypercall
	sbb	%r11, %r11			/* all ones below 64: speculation past the branch sees 0 */
	and	%r11, %rax
	lea	hypercall_table(%rip), %r11
	mov	%r8, %r9			/* fifth argument */
	mov	%r10, %r8
	mov	%rdx, %rcx
	mov	AT_rsi(%rsp), %rdx
	mov	AT_rdi(%rsp), %rsi
	call	*(%r11, %rax, 8)
	SAVE	rax
	jmp	ret_check			/* rbx = current, still: only exit_work switches */

unknown_hypercall:
	mov	%rax, %rsi
	call	hypercall_unknown
	SAVE	rax
	jmp	ret_check

/*
 * ret_to_guest: rsp = struct regs at the top of the main stack.  tour:hypercall/7
 * Does what is due, then leaves: by SYSRET when regs.vector says that rcx and r11 are free to be
 * lost, else by IRET.
 */
FUNC ret_to_guest
	mov	PC(current)(%rsp), %rbx
ret_check:
	cmpl	$0, PC(softirq)(%rsp)
	jne	ret_work
	cmpl	$0, VCPU_work(%rbx)
	jne	ret_work
	mov	VCPU_info(%rbx), %rcx
	movzwl	(%rcx), %ecx			/* upcall_pending, upcall_mask */
	test	%cl, %cl
	jz	1f
	test	%ch, %ch
	jz	ret_work
1:	cmpl	$VECTOR_SYSCALL, REGS_vector(%rsp)
	jne	ret_iret
	mov	REGS_rip(%rsp), %rcx
	mov	%rcx, %r11
	shl	$16, %r11
	sar	$16, %r11
	cmp	%rcx, %r11
	jne	ret_iret
	LOAD_REGS
	mov	REGS_rflags(%rsp), %r11
	mov	REGS_rsp(%rsp), %rsp
	sysretq

ret_iret:
	LOAD_REGS
	LOAD	rcx, r11
	add	$REGS_rip, %rsp
	.globl	ret_iretq
ret_iretq:					/* a fault here is the guest's: trap.c makes it failsafe */
	iretq

ret_work:
	call	exit_work
	jmp	ret_to_guest

/*
 * user_syscall: a guest process made a system call.  tour:syscall/1  Pushes the bounce frame {rcx, r11, rip, cs, rflags,
 * rsp, ss} on the guest kernel's stack and enters its callback.
 * In: as entry_syscall64, rsp = struct regs with rdi saved, rdi = the vCPU.
 * VCPU_syscall_entry is 0 unless everything below is allowed (vcpu_update_fast): callback present,
 * kernel stack inside the guest's range, a kernel root.
 */
user_syscall:
	SAVE	rsi, rax
	cmpl	$0, VCPU_mode(%rdi)
	jne	user_syscall_slow
	cmpq	$0, VCPU_syscall_entry(%rdi)
	je	user_syscall_slow
	mov	VCPU_info(%rdi), %rsi
	cmpb	$0, 1(%rsi)			/* evtchn_upcall_mask */
	jne	user_syscall_slow
	cmpl	$0, VCPU_syscall_masks(%rdi)
	jne	9f
	cmpb	$0, (%rsi)			/* not masked on entry: a pending event comes first */
	jne	user_syscall_slow
9:	LOAD_CR3 VCPU_kernel_cr3
	mov	VCPU_bounce_sp(%rdi), %rax
	STAC
	GUEST	user_syscall_fault, movq $SEL_GUEST_DATA, -8(%rax)
	GUEST	user_syscall_fault, mov %r11, -24(%rax)
	GUEST	user_syscall_fault, movq $SEL_GUEST_CODE64, -32(%rax)
	GUEST	user_syscall_fault, mov %rcx, -40(%rax)
	GUEST	user_syscall_fault, mov %r11, -48(%rax)
	GUEST	user_syscall_fault, mov %rcx, -56(%rax)
	mov	PC(scratch)(%rsp), %rcx
	GUEST	user_syscall_fault_rcx, mov %rcx, -16(%rax)
	CLAC
	mov	VCPU_syscall_masks(%rdi), %ecx
	mov	%cl, 1(%rsi)			/* events masked while the handler starts, if it wants */
	movl	$VMODE_KERNEL, VCPU_mode(%rdi)
	swapgs
	sub	$56, %rax
	mov	%rax, REGS_rsp(%rsp)
	mov	VCPU_syscall_entry(%rdi), %rcx
	and	$~(RFLAGS_AC | RFLAGS_VM | RFLAGS_RF | RFLAGS_NT | RFLAGS_TF | RFLAGS_DF | RFLAGS_IOPL), %r11
	LOAD	rax, rsi, rdi
	mov	REGS_rsp(%rsp), %rsp
	sysretq

user_syscall_fault_rcx:				/* written a moment ago; if it went away, C will fault too */
	GUEST	user_syscall_fault, mov -40(%rax), %rcx
user_syscall_fault:
	CLAC
	/* C redoes it from the beginning, and finds the same fault: the domain crashes there.  The user
	 * root need not be loaded again: the slow path loads the kernel's anyway. */
user_syscall_slow:
	mov	$SEL_GUEST_CODE64, %eax
	lea	bounce_syscall(%rip), %rsi
/*
 * bounce_slow: a guest's system call for C to bounce.
 * In: rsp = struct regs with rdi, rsi, rax saved; eax = the guest's code selector, rsi = the C function.
 */
bounce_slow:
	mov	%rdi, REGS_ss(%rsp)		/* park the vCPU a moment */
	mov	%rax, REGS_cs(%rsp)
	mov	PC(scratch)(%rsp), %rax
	mov	%rax, REGS_rsp(%rsp)
	mov	%r11, REGS_rflags(%rsp)
	mov	%rcx, REGS_rip(%rsp)
	movl	$VECTOR_SYSCALL, REGS_vector(%rsp)
	movl	$0, REGS_error_code(%rsp)
	SAVE	rdx, rcx, r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15
	mov	REGS_ss(%rsp), %rdi
	movq	$SEL_GUEST_DATA, REGS_ss(%rsp)
	call	*%rsi
	jmp	ret_to_guest

/* SYSCALL from 32-bit guest code (AMD).  In: as entry_syscall64. */
FUNC entry_syscall32
	sub	$REGS_SIZE, %rsp
	SAVE	rdi, rsi, rax
	mov	PC(current)(%rsp), %rdi
	mov	$SEL_GUEST_CODE32, %eax
	lea	bounce_syscall32(%rip), %rsi
	jmp	bounce_slow

/*
 * SYSENTER: the CPU loaded our stack (top of the main stack) but saved nothing: rip and rsp are lost,
 * and TF, NT, AC are still the guest's.
 */
FUNC entry_sysenter
	pushq	$2
	popfq
	sub	$REGS_SIZE, %rsp
	SAVE	rdi, rsi, rax
	mov	PC(current)(%rsp), %rdi
	movq	$0, PC(scratch)(%rsp)
	xor	%ecx, %ecx
	mov	$RFLAGS_IF | 2, %r11d
	mov	$3, %eax
	lea	bounce_sysenter(%rip), %rsi
	jmp	bounce_slow

/* The rest of the frame at rcx: rax and r11 to struct regs, rcx; the new upcall mask (dl) takes effect. */
.macro FETCH_IRET_REGS
	GUEST	slow_iret_clac, mov 0(%rcx), %rax
	SAVE	rax
	GUEST	slow_iret_clac, mov 8(%rcx), %rax
	mov	%rax, REGS_r11(%rsp)
	GUEST	slow_iret_clac, mov 16(%rcx), %rcx
	CLAC
	movb	%dl, 1(%rsi)
.endm

/*
 * fast_iret: the iret hypercall.  tour:syscall/2  Frame on the guest kernel's stack, lowest first: rax, r11, rcx, flags,
 * rip, cs, rflags, rsp, ss.  Handled here: the frame lies in the upper guest range, code selector flat
 * 64-bit (user 0xe033 or kernel 0xe030), canonical rip, and nothing is pending.
 * In: rsp = struct regs with rdi saved, rdi = the vCPU, percpu.scratch = guest rsp.  rax, rcx, r11 free.
 */
fast_iret:
	SAVE	rsi, rdx
	cmpl	$VMODE_KERNEL, VCPU_mode(%rdi)
	jne	slow_iret
	mov	PC(scratch)(%rsp), %rcx
	movabs	$HV_END, %rax
	cmp	%rax, %rcx
	jb	slow_iret
	mov	PC(softirq)(%rsp), %eax
	or	VCPU_work(%rdi), %eax
	jne	slow_iret
	STAC
	GUEST	slow_iret_clac, mov 56(%rcx), %rax	/* rsp */
	mov	%rax, REGS_rsp(%rsp)
	GUEST	slow_iret_clac, movzwl 64(%rcx), %eax	/* ss */
	cmp	$SEL_GUEST_DATA, %eax
	jne	slow_iret_clac
	GUEST	slow_iret_clac, mov 32(%rcx), %rax	/* rip */
	mov	%rax, REGS_rip(%rsp)
	mov	%rax, %rdx
	shl	$16, %rdx
	sar	$16, %rdx
	cmp	%rax, %rdx
	jne	slow_iret_clac
	GUEST	slow_iret_clac, mov 48(%rcx), %r11	/* rflags */
	mov	VCPU_info(%rdi), %rsi
	mov	%r11d, %edx
	shr	$9, %edx
	and	$1, %edx
	xor	$1, %edx			/* the new upcall mask = !IF */
	jnz	1f
	cmpb	$0, (%rsi)			/* unmasking while an event is pending: C delivers it */
	jne	slow_iret_clac
1:	and	$~(RFLAGS_IOPL | RFLAGS_VM | 0x180000), %r11d	/* VIF, VIP too; upper half is reserved */
	or	$RFLAGS_IF | 2, %r11d
	GUEST	slow_iret_clac, movzwl 40(%rcx), %eax	/* cs */
	cmp	$SEL_GUEST_CODE64, %eax
	jne	fast_iret_kernel

	/* to guest user */
	cmpq	$0, VCPU_user_cr3(%rdi)
	je	slow_iret_clac
	GUEST	slow_iret_clac, testl $VGCF_in_syscall, 24(%rcx)
	jnz	fast_iret_sysret
	FETCH_IRET_REGS
	movl	$0, VCPU_mode(%rdi)
	swapgs
	LOAD_CR3 VCPU_user_cr3
	jmp	fast_iret_leave

fast_iret_kernel:
	cmp	$SEL_GUEST_CODE64 & ~3, %eax
	jne	slow_iret_clac
	FETCH_IRET_REGS
fast_iret_leave:
	mov	%r11, REGS_rflags(%rsp)
	movq	$SEL_GUEST_CODE64, REGS_cs(%rsp)
	movq	$SEL_GUEST_DATA, REGS_ss(%rsp)
	LOAD	rax, r11, rdx, rsi, rdi
	add	$REGS_rip, %rsp
	.globl	fast_iretq
fast_iretq:
	iretq

	/* rcx and r11 may be lost, so SYSRET; cs, ss, rip were checked above */
fast_iret_sysret:
	GUEST	slow_iret_clac, mov 0(%rcx), %rax
	CLAC
	SAVE	rax
	movb	%dl, 1(%rsi)
	movl	$0, VCPU_mode(%rdi)
	swapgs
	LOAD_CR3 VCPU_user_cr3
	mov	REGS_rip(%rsp), %rcx
	LOAD	rax, rdx, rsi, rdi
	mov	REGS_rsp(%rsp), %rsp
	sysretq

slow_iret_clac:
	CLAC
slow_iret:
	mov	$SEL_GUEST_CODE64, %eax
	xor	%ecx, %ecx
	mov	$RFLAGS_IF | 2, %r11d
	lea	iret_slow(%rip), %rsi		/* call/hc_trap.c */
	movq	$__HYPERVISOR_iret, REGS_rax(%rsp)
	LOAD	rdx
	jmp	bounce_slow

/*
 * Gates.  entry_table holds the address of each vector's stub for desc_init_idt().  A stub pushes a zero
 * where the CPU pushes no error code, notes the vector, and joins its kind.
 */
.macro GATE vec
	.pushsection .rodata.gates, "a"
	.quad	gate_\vec
	.popsection
	.p2align 4
gate_\vec:
	.if \vec != 8 && \vec != 10 && \vec != 11 && \vec != 12 && \vec != 13 && \vec != 14 && \vec != 17 && \vec != 21 && \vec != 29 && \vec != 30
	pushq	$0
	.endif
	movl	$\vec, 4(%rsp)
	.if \vec == 1
	jmp	gate_debug
	.elseif \vec == 2 || \vec == 8 || \vec == 18
	jmp	gate_ist
	.elseif \vec < 32 || \vec == VECTOR_GUEST_INT80
	jmp	gate_exception
	.else
	jmp	gate_irq
	.endif
.endm

	.pushsection .rodata.gates, "a"
	.p2align 3
	.globl	entry_table
entry_table:
	.popsection
	.altmacro
	.set	n, 0
	.rept	256
	GATE %n
	.set	n, n + 1
	.endr
	.noaltmacro

gate_exception:
	GATE_ENTER
	mov	%rsp, %rdi
	testb	$3, REGS_cs(%rsp)
	jz	1f
	call	trap_from_guest
	jmp	ret_to_guest
1:	call	trap_from_hypervisor
	jmp	ret_hypervisor

gate_irq:
	GATE_ENTER
	mov	REGS_vector(%rsp), %edi
	call	irq_dispatch
	testb	$3, REGS_cs(%rsp)
	jnz	ret_to_guest
ret_hypervisor:
	.irp	reg, r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi
	pop	%\reg
	.endr
	add	$8, %rsp
	iretq

	/* NMI, #DF, #MC on their own stacks: C looks, we go back to exactly where it hit. */
gate_ist:
	GATE_ENTER
	mov	%rsp, %rdi
	call	trap_ist
	jmp	ret_hypervisor

	/*
	 * #DB arrives on an own stack as well (cpu/layout.h).  From a guest it moves to the main stack and is
	 * an ordinary exception; from ring 0 C clears it and we go on.
	 */
gate_debug:
	GATE_ENTER
	testb	$3, REGS_cs(%rsp)
	jz	1f
	mov	%rsp, %rsi
	mov	%rsp, %rdi
	and	$~(CPU_STACK_BLOCK - 1), %rdi
	add	$CPU_STACK_TOP - REGS_SIZE, %rdi
	mov	%rdi, %rsp
	mov	$REGS_SIZE / 8, %ecx
	rep movsq
	mov	%rsp, %rdi
	call	trap_from_guest
	jmp	ret_to_guest
1:	mov	%rsp, %rdi
	call	trap_debug_in_hypervisor
	jmp	ret_hypervisor

	.section .note.GNU-stack, "", @progbits
