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
#include "cpu/smap.h"

	.text

/*
 * int NAME(void *dst, const void *src, size_t n): rdi, rsi, rdx -> eax = 0 or -EFAULT.
 * Up to 128 bytes: a jump into a ladder of 8-byte moves.  A rung is 8 bytes of code for 8 bytes of
 * data (both displacements fit a byte), so the place to enter is ladder's end minus the length.
 * Beyond: REP MOVSQ.  Then at most 7 single bytes.
 */
.macro COPY name, src_is_guest
	.globl	\name
	.type	\name, @function
	.p2align 4
\name:
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
9:	rep movsq
	EX_TABLE 9b, uaccess_fault
	jmp	2f
	.irp	off, -128, -120, -112, -104, -96, -88, -80, -72, -64, -56, -48, -40, -32, -24, -16, -8
7:	mov	\off(%rsi), %rax
8:	mov	%rax, \off(%rdi)
	.if \src_is_guest
	EX_TABLE 7b, uaccess_fault
	.else
	EX_TABLE 8b, uaccess_fault
	.endif
	.endr
2:	test	$7, %dl
	jnz	3f
	CLAC
	xor	%eax, %eax
	ret

3:	test	$4, %dl
	jz	4f
7:	mov	(%rsi), %eax
8:	mov	%eax, (%rdi)
	.if \src_is_guest
	EX_TABLE 7b, uaccess_fault
	.else
	EX_TABLE 8b, uaccess_fault
	.endif
	add	$4, %rsi
	add	$4, %rdi
4:	and	$3, %edx
	jz	6f
5:	movzbl	(%rsi), %eax
8:	mov	%al, (%rdi)
	.if \src_is_guest
	EX_TABLE 5b, uaccess_fault
	.else
	EX_TABLE 8b, uaccess_fault
	.endif
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

	.type	uaccess_fault, @function
uaccess_fault:
	CLAC
	mov	$-EFAULT, %eax
	ret

/* int uaccess_clear(void *dst, size_t n): rdi, rsi. */
	.globl	uaccess_clear
	.type	uaccess_clear, @function
uaccess_clear:
	STAC
	xor	%eax, %eax
	mov	%rsi, %rcx
	shr	$3, %rcx
1:	rep stosq
	mov	%esi, %ecx
	and	$7, %ecx
2:	rep stosb
	CLAC
	ret
	EX_TABLE 1b, uaccess_fault
	EX_TABLE 2b, uaccess_fault

/* int uaccess_get8(uint8_t *dst, const void *src), get64 likewise: rdi, rsi. */
	.globl	uaccess_get8
	.type	uaccess_get8, @function
uaccess_get8:
	STAC
1:	mov	(%rsi), %al
	CLAC
	mov	%al, (%rdi)
	xor	%eax, %eax
	ret
	EX_TABLE 1b, uaccess_fault

	.globl	uaccess_get64
	.type	uaccess_get64, @function
uaccess_get64:
	STAC
1:	mov	(%rsi), %rax
	CLAC
	mov	%rax, (%rdi)
	xor	%eax, %eax
	ret
	EX_TABLE 1b, uaccess_fault

/* int uaccess_put64(void *dst, uint64_t v): rdi, rsi. */
	.globl	uaccess_put64
	.type	uaccess_put64, @function
uaccess_put64:
	STAC
1:	mov	%rsi, (%rdi)
	CLAC
	xor	%eax, %eax
	ret
	EX_TABLE 1b, uaccess_fault

/* bool rdmsr_safe(uint32_t msr, uint64_t *v): edi, rsi.  *v = 0 when the CPU has no such register. */
	.globl	rdmsr_safe
	.type	rdmsr_safe, @function
rdmsr_safe:
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

/* bool wrmsr_safe(uint32_t msr, uint64_t v): edi, rsi. */
	.globl	wrmsr_safe
	.type	wrmsr_safe, @function
wrmsr_safe:
	mov	%edi, %ecx
	mov	%esi, %eax
	mov	%rsi, %rdx
	shr	$32, %rdx
1:	wrmsr
	mov	$1, %eax
	ret
2:	xor	%eax, %eax
	ret
	EX_TABLE 1b, 2b

	.section .note.GNU-stack, "", @progbits
