/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first instructions of an application processor.  cpu/smp.c copies boot_trampoline to the
 * start of a page below 1 MiB, fills in the parameters at its end, and sends the STARTUP IPI with
 * the page's number (SDM vol. 3, 8.4).  Nothing here knows where it was copied to but by its own
 * code segment.
 */
#define __ASSEMBLY__ 1
#include "cpu/layout.h"

#define CR0_PE		1
#define BOOT_CODE32	0x18		/* in head.S's boot_gdt */

	.section .boot.data, "aw"
	.balign	16
	.globl	boot_trampoline, boot_trampoline_size, boot_trampoline_params_offset

/* In: real mode, cs = page << 8, ip = 0, interrupts off.  Out: ebx = linear address of the page. */
	.code16
boot_trampoline:
	cli
	cld
	xor	%ebx, %ebx
	mov	%cs, %bx
	mov	%bx, %ds
	shl	$4, %ebx
	lgdtl	gdtr - boot_trampoline
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	ljmpl	$BOOT_CODE32, $(boot_ap_entry - IMAGE_BASE)

	.balign	8
gdtr:
	.short	4 * 8 - 1
	.long	boot_gdt - IMAGE_BASE

	.balign	8
params:						/* struct smp_trampoline_params, cpu/smp.h */
	.quad	0, 0, 0, 0
trampoline_end:

	.set	boot_trampoline_params_offset, params - boot_trampoline

	.balign	4
boot_trampoline_size:
	.long	trampoline_end - boot_trampoline

	.section .note.GNU-stack, "", @progbits
