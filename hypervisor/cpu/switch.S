/* SPDX-License-Identifier: BSD-2-Clause */
/* Leaving without returning, and segment loads that may fault (cpu/switch.h). */
#include "cpu/extable.h"
#include "cpu/func.h"
#include "cpu/layout.h"
#include "cpu/regs.h"

	.text

/* In: nothing.  Does not return. */
FUNC exit_reset
	mov	%rsp, %rax
	and	$~(CPU_STACK_BLOCK - 1), %rax
	lea	CPU_STACK_TOP - REGS_SIZE(%rax), %rsp
	xor	%ebp, %ebp
	jmp	*guest_exit(%rip)

/* In: rdi = function.  Does not return. */
FUNC stack_reset_call
	mov	%rsp, %rax
	and	$~(CPU_STACK_BLOCK - 1), %rax
	lea	CPU_STACK_TOP(%rax), %rsp
	xor	%ebp, %ebp
	call	*%rdi
	ud2

/* In: di = selector.  Out: al = 1, or 0 after a fault with the register NUL.  Clobbers nothing else. */
.macro LOAD_SEG reg
FUNC load_\reg
	mov	$1, %eax
1:	mov	%di, %\reg
	ret
2:	xor	%eax, %eax
	mov	%eax, %\reg
	ret
	EX_TABLE 1b, 2b
.endm
	.irp	seg, ds, es, fs, gs
	LOAD_SEG \seg
	.endr

	.section .note.GNU-stack, "", @progbits
