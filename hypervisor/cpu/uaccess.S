/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies between us and a guest, and MSR access that may fail.  C has checked the guest's range
 * (uaccess.c); what faults here goes through the exception table, only on the guest's side of a copy.
 *
 * All follow the C calling convention, use no stack, and clobber rax, rcx, rdx, rsi, rdi only.
 */
#define __ASSEMBLY__ 1
#include <mica/errno.h>
#include "cpu/extable.h"
#include "cpu/func.h"
#include "cpu/smap.h"

	.text

.macro GUEST insn:vararg		/* may fault: then the function returns -EFAULT */
77:	\insn
	EX_TABLE 77b, uaccess_fault
.endm

.macro MOVE from_guest, load, store	/* one access on the guest's side, one on ours */
	.if	\from_guest
	GUEST	\load
	\store
	.else
	\load
	GUEST	\store
	.endif
.endm

/*
 * int NAME(void *dst, const void *src, size_t n): rdi, rsi, rdx -> eax = 0 or -EFAULT.
 * Up to 128 bytes: a jump into a ladder of 8-byte moves.  A rung is 8 bytes of code for 8 bytes of
 * data (both displacements fit a byte), so the place to enter is ladder's end minus the length.
 * Beyond: REP MOVSQ.  Then at most 7 single bytes.
 */
.macro COPY name, from_guest
	.p2align 4
FUNC \name
	STAC
	cmp	$128, %rdx
	ja	1f
	mov	%edx, %ecx
	and	$~7, %ecx
	lea	2f(%rip), %rax
	add	%rcx, %rsi
	add	%rcx, %rdi
	sub	%rcx, %rax
	jmp	*%rax
1:	mov	%rdx, %rcx
	shr	$3, %rcx
	GUEST	rep movsq
	jmp	2f
	.irp	off, -128, -120, -112, -104, -96, -88, -80, -72, -64, -56, -48, -40, -32, -24, -16, -8
	MOVE	\from_guest, "mov \off(%rsi), %rax", "mov %rax, \off(%rdi)"
	.endr
2:	test	$7, %dl
	jnz	3f
	CLAC
	xor	%eax, %eax
	ret

3:	test	$4, %dl
	jz	4f
	MOVE	\from_guest, "mov (%rsi), %eax", "mov %eax, (%rdi)"
	add	$4, %rsi
	add	$4, %rdi
4:	and	$3, %edx
	jz	6f
5:	MOVE	\from_guest, "movzbl (%rsi), %eax", "mov %al, (%rdi)"
	inc	%rsi
	inc	%rdi
	dec	%edx
	jnz	5b
6:	CLAC
	xor	%eax, %eax
	ret
	.size	\name, . - \name
.endm

	COPY uaccess_copy_from, 1
	COPY uaccess_copy_to, 0

FUNC uaccess_fault
	CLAC
	mov	$-EFAULT, %eax
	ret

/* int uaccess_get64(uint64_t *dst, const void *src): rdi, rsi. */
FUNC uaccess_get64
	STAC
	GUEST	mov (%rsi), %rax
	CLAC
	mov	%rax, (%rdi)
	xor	%eax, %eax
	ret

/* int uaccess_put64(void *dst, uint64_t v): rdi, rsi. */
FUNC uaccess_put64
	STAC
	GUEST	mov %rsi, (%rdi)
	CLAC
	xor	%eax, %eax
	ret

/* bool rdmsr_safe(uint32_t msr, uint64_t *v): edi, rsi.  *v = 0 when the CPU has no such register. */
FUNC rdmsr_safe
	mov	%edi, %ecx
1:	rdmsr
	shl	$32, %rdx
	or	%rdx, %rax
	mov	%rax, (%rsi)
	mov	$1, %eax
	ret
2:	movq	$0, (%rsi)
	xor	%eax, %eax
	ret
	EX_TABLE 1b, 2b

	.section .note.GNU-stack, "", @progbits
