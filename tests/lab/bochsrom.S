/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An option ROM for Bochs that starts a Multiboot 1 image: it reads image, modules and Multiboot
 * information from the first ATA disk to where they belong, by itself.  A boot loader that goes through the
 * BIOS takes a minute for the same.
 *
 * The BIOS calls the entry at 3 while it looks for ROMs.  That takes over INT 19h, "load the system", and
 * returns; so at the time the BIOS would boot, its ACPI tables and memory map are complete.  Then the
 * memory map is asked for (INT 15h, E820) and put where the Multiboot information says, the disk is
 * read, and the image is entered as the specification 0.6.96, section 3.2 wants it: 32-bit protected
 * mode, A20 on, flat segments, magic in eax, information in ebx.
 *
 * bochs.py fills in the three numbers from 8 on, and the byte at 20 that brings the sum of all to zero.
 * Low memory used: from MAP - 4 on, and the BIOS's own stack.
 */
#define MAP		0x8000		/* bochs.py says so in mmap_addr */
#define MAP_BYTES	(MAP - 4)
#define ENTRY_BYTES	20		/* of E820; in front of each goes its size */
#define MMAP_LENGTH	44		/* offset in the Multiboot information */
#define MB1_LOADER	0x2badb002
#define VECTOR_19	(4 * 0x19)

#define ATA_COUNT	0x1f2		/* and after it the sector's number */
#define ATA_DATA	0x1f0
#define ATA_STATUS	0x1f7		/* written: the command */
#define ATA_READ	0x20
#define ATA_LBA		0xe0		/* in front of the highest four bits of the number */
#define BUSY_DATA_ERROR	0x89
#define DATA		0x08
#define RUN		128		/* sectors of one command */

	.code16
	.globl	_start
_start:
	.byte	0x55, 0xaa, 1			/* signature, units of 512 bytes */
	.byte	0xeb, take_over - (. + 1)	/* jmp; three bytes to spare */
	.balign	8
image_entry:
	.long	0
information:
	.long	0
sectors:
	.long	0
	.byte	0				/* of the sum */

/* In: far call, cs = this ROM's segment.  All registers but flags are kept. */
take_over:
	push	%ds
	pushw	$0
	pop	%ds
	movw	$boot, VECTOR_19
	mov	%cs, VECTOR_19 + 2
	pop	%ds
	lret

boot:
	cli
	cld
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	$MAP, %di
	xor	%ebx, %ebx
next_region:
	movl	$ENTRY_BYTES, (%di)
	add	$4, %di
	mov	$0xe820, %eax
	mov	$0x534d4150, %edx		/* "SMAP" */
	mov	$ENTRY_BYTES, %ecx
	int	$0x15
	jc	end_of_map
	add	$ENTRY_BYTES, %di
	test	%ebx, %ebx
	jnz	next_region
	add	$4, %di
end_of_map:
	sub	$(MAP + 4), %di
	movzwl	%di, %edi
	cli
	in	$0x92, %al			/* A20 */
	or	$2, %al
	out	%al, $0x92
	movl	%edi, MAP_BYTES
	lgdtl	%cs:gdt_pointer
	mov	%cr0, %eax
	or	$1, %eax
	mov	%eax, %cr0
	ljmpl	$8, $(ROM_ADDRESS + flat)

	.code32
flat:
	mov	$16, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %fs
	mov	%eax, %gs
	mov	%eax, %ss

	/* edi: to; esi: sectors to come; ebx: the next one */
	mov	$LOAD_ADDRESS, %edi
	mov	ROM_ADDRESS + sectors, %esi
	xor	%ebx, %ebx
next_run:
	mov	$RUN, %ebp
	cmp	%esi, %ebp
	jbe	1f
	mov	%esi, %ebp
1:	mov	$ATA_COUNT, %edx
	mov	%ebp, %eax
	out	%al, (%dx)
	mov	%ebx, %eax
	mov	$3, %ecx
1:	inc	%edx
	out	%al, (%dx)
	shr	$8, %eax
	loop	1b
	or	$ATA_LBA, %al
	inc	%edx
	out	%al, (%dx)
	mov	$ATA_READ, %al
	inc	%edx
	out	%al, (%dx)
	add	%ebp, %ebx
	sub	%ebp, %esi
next_sector:
	mov	$ATA_STATUS, %edx
	in	(%dx), %al
	and	$BUSY_DATA_ERROR, %al
	cmp	$DATA, %al			/* an error stops here for ever */
	jne	next_sector
	mov	$ATA_DATA, %edx
	mov	$128, %ecx
	rep insl
	dec	%ebp
	jnz	next_sector
	test	%esi, %esi
	jnz	next_run

	mov	ROM_ADDRESS + information, %ebx
	mov	MAP_BYTES, %eax
	mov	%eax, MMAP_LENGTH(%ebx)
	mov	$MB1_LOADER, %eax
	jmp	*ROM_ADDRESS + image_entry

	.balign	8
gdt:
	.quad	0
	.quad	0x00cf9b000000ffff		/* code, 4 GiB */
	.quad	0x00cf93000000ffff		/* data */
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	ROM_ADDRESS + gdt

	.org	512
