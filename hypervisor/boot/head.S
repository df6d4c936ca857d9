/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first instructions: from the boot loader's 32-bit protected mode (Multiboot 1 specification
 * 3.2, Multiboot 2 specification 3.3; GRUB enters UEFI systems the same way) to C in 64-bit mode
 * at our linked address.
 *
 * The boot page tables map the first 4 GiB twice, at 0 and at IMAGE_BASE, with 2 MiB pages, and
 * hold an empty level-2 table behind them for boot/early.c's window.  They serve application
 * processors too (boot/trampoline.S), until start.c gives this part of the image to the heap.
 */
#define __ASSEMBLY__ 1
#include "cpu/layout.h"

#define PHYS(sym)	(sym - IMAGE_BASE)

#define MB1_MAGIC	0x1badb002
#define MB1_FLAGS	0x00010003	/* modules on page boundaries, memory map, addresses */
#define MB2_MAGIC	0xe85250d6

#define EFER		0xc0000080
#define EFER_LME	0x100
#define EFER_NXE	0x800
#define CR4_PAE		0x20
#define CR0_LONG	0x80050033	/* PG AM WP NE ET MP PE */
#define CPUID_LM	(1 << 29)	/* leaf 0x80000001, edx */
#define COM1		0x3f8

#define TABLE		3		/* P RW */
#define PAGE_2M		0xe3		/* P RW A D PS */
#define BOOT_DATA	0x10

	.section .boot.head, "ax"

	.balign	8
mb1_header:
	.long	MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)
	.long	PHYS(mb1_header)
	.long	PHYS(image_start)
	.long	PHYS(image_file_end)
	.long	PHYS(image_end)
	.long	PHYS(boot_entry)

	.balign	8
mb2_header:
	.long	MB2_MAGIC, 0, mb2_end - mb2_header, -(MB2_MAGIC + (mb2_end - mb2_header))
	.short	3, 0				/* entry address, instead of the ELF header's */
	.long	12
	.long	PHYS(boot_entry)
	.balign	8
	.short	4, 1				/* console, optional: EGA text is understood */
	.long	12
	.long	2
	.balign	8
	.short	6, 0				/* modules on page boundaries */
	.long	8
	.short	0, 0
	.long	8
mb2_end:

	.section .boot.text, "ax"

/*
 * Boot CPU.  In: eax = loader's magic, ebx = its information (machine address); 32-bit protected
 * mode, paging off, interrupts off.
 */
	.code32
	.globl	boot_entry
boot_entry:
	cli
	cld
	mov	%eax, %edi
	mov	%ebx, %esi
	mov	$PHYS(boot_stack + CPU_STACK_TOP), %esp
	mov	$0x80000000, %eax
	cpuid
	cmp	$0x80000001, %eax
	jb	no_long_mode
	mov	$0x80000001, %eax
	cpuid
	test	$CPUID_LM, %edx
	jz	no_long_mode

	mov	$PHYS(boot_l2), %ebx			/* four tables: 0 to 4 GiB */
	mov	$PAGE_2M, %eax
1:	mov	%eax, (%ebx)
	add	$8, %ebx
	add	$0x200000, %eax
	jnc	1b
	mov	$PHYS(boot_l3), %ebx
	mov	$PHYS(boot_l2) + TABLE, %eax
	mov	$5, %ecx				/* the fifth is the window's */
2:	mov	%eax, (%ebx)
	add	$8, %ebx
	add	$0x1000, %eax
	loop	2b
	mov	$PHYS(boot_l3) + TABLE, %eax
	mov	%eax, PHYS(boot_l4)
	mov	%eax, PHYS(boot_l4) + (IMAGE_BASE >> 39 & 511) * 8
	mov	$EFER_LME, %ebp				/* NX is features.c's to find */
	jmp	enter_long_mode

/*
 * Application processor, from trampoline.S.  In: ebx = linear address of the trampoline's page;
 * flat 32-bit code segment, paging off.
 */
	.globl	boot_ap_entry
boot_ap_entry:
	mov	$BOOT_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%edi, %edi				/* no loader magic: an AP */
	mov	$EFER_LME | EFER_NXE, %ebp		/* the tables it loads have it set */

/* In: edi, esi, ebx kept; ebp = bits of EFER.  Clobbers eax, ecx, edx. */
enter_long_mode:
	mov	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	$PHYS(boot_l4), %eax
	mov	%eax, %cr3
	mov	$EFER, %ecx
	rdmsr
	or	%ebp, %eax
	wrmsr
	mov	$CR0_LONG, %eax
	mov	%eax, %cr0
	lgdt	PHYS(boot_gdtr)				/* its low 32 bits: the machine address */
	ljmp	$SEL_BOOT_CODE64, $PHYS(in_long_mode)

no_long_mode:
	mov	$PHYS(no_long_mode_text), %esi
4:	mov	$COM1 + 5, %dx				/* until the serial port can take one */
	mov	$0x10000, %ecx
5:	in	%dx, %al
	test	$0x20, %al
	loopz	5b
	lodsb
	test	%al, %al
	jz	6f
	mov	$COM1, %dx
	out	%al, %dx
	jmp	4b
6:	hlt
	jmp	6b

	.code64
in_long_mode:
	movabs	$1f, %rax
	jmp	*%rax
1:	lgdt	boot_gdtr(%rip)
	mov	$BOOT_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	lldt	%ax
	xor	%ebp, %ebp
	test	%edi, %edi
	jz	ap_in_long_mode
	lea	boot_stack + CPU_STACK_TOP(%rip), %rsp
	call	boot_main				/* edi = magic, esi = information */
	ud2

ap_in_long_mode:
	mov	%ebx, %ebx
	mov	$boot_trampoline_params_offset, %eax
	add	%rax, %rbx
	mov	(%rbx), %rax				/* struct smp_trampoline_params: cr3, */
	mov	8(%rbx), %rcx				/* stack, */
	mov	16(%rbx), %rdx				/* entry */
	mov	%rax, %cr3
	mov	%rcx, %rsp
	call	*%rdx
	ud2

/* In: rdi = function, rsi = end of the new stack.  Does not return. */
	.globl	boot_switch_stack
boot_switch_stack:
	mov	%rsi, %rsp
	xor	%ebp, %ebp
	call	*%rdi
	ud2

	.section .boot.data, "aw"
	.balign	8
boot_gdt:
	.quad	0
	.quad	0x00af9b000000ffff			/* 0x08 64-bit code */
	.quad	0x00cf93000000ffff			/* 0x10 data */
	.quad	0x00cf9b000000ffff			/* 0x18 32-bit code, for the trampoline */
boot_gdt_end:
	.globl	boot_gdt, boot_gdt_end

boot_gdtr:
	.short	boot_gdt_end - boot_gdt - 1
	.quad	boot_gdt

no_long_mode_text:
	.asciz	"mica: cannot boot: this CPU has no 64-bit mode\r\n"

/* The boot stack block begins with this CPU's first struct percpu, all zero: this_cpu() works at
 * once. */
	.section .bss.boot.pages, "aw", @nobits
	.balign	CPU_STACK_BLOCK
	.globl	boot_stack, boot_l4, boot_window_l2
boot_stack:
	.skip	CPU_STACK_BLOCK
boot_l4:
	.skip	4096
boot_l3:
	.skip	4096
boot_l2:
	.skip	4 * 4096
boot_window_l2:
	.skip	4096

	.section .note.GNU-stack, "", @progbits
