/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The image.  Linked at IMAGE_BASE + 1 MiB, loaded at 1 MiB (p_paddr); cpu/image.h names the parts
 * and says how long each is needed.  Multiboot 1 loaders that do not read ELF64 copy the file from
 * its header on in one piece, so file offsets and addresses must run in parallel: everything with
 * contents first, page by page, then everything that is zero.
 */
#include "cpu/layout.h"

#define AT_PHYS(name)	AT(ADDR(name) - IMAGE_BASE)

OUTPUT_FORMAT("elf64-x86-64")
OUTPUT_ARCH(i386:x86-64)
ENTRY(boot_entry)

PHDRS {
	boot PT_LOAD FLAGS(7);
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	data PT_LOAD FLAGS(6);
	bootmem PT_LOAD FLAGS(6);	/* apart: its alignment must not move data in the file */
}

SECTIONS {
	. = IMAGE_BASE + IMAGE_PHYS;
	image_start = .;
	.boot : AT_PHYS(.boot) {
		KEEP(*(.boot.head))
		*(.boot.text .boot.text.*)
		. = ALIGN(16);
		*(.boot.data .boot.data.*)
		. = ALIGN(4096);
	} :boot

	image_text = .;
	.text : AT_PHYS(.text) {
		*(.text.hot .text.hot.*)
		*(.text .text.*)
		. = ALIGN(4096);
	} :text

	image_rodata = .;
	.rodata : AT_PHYS(.rodata) {
		__start_dom_services = .;
		KEEP(*(.data.rel.ro.dom_services))
		__stop_dom_services = .;
		. = ALIGN(8);
		ex_table_start = .;
		KEEP(*(.ex_table))
		ex_table_end = .;
		smap_sites_start = .;
		KEEP(*(.smap_sites))
		smap_sites_end = .;
		*(EXCLUDE_FILE(*symbols.o) .rodata EXCLUDE_FILE(*symbols.o) .rodata.*)
		/* Constants that hold addresses; nothing relocates us, so they can be read-only. */
		*(.data.rel.ro .data.rel.ro.*)
		*(.got .got.plt)
		. = ALIGN(8);
	} :rodata
	/* Apart and last: their number is known only after a first link (see Makefile). */
	.symbols : AT_PHYS(.symbols) {
		KEEP(*(.rodata.symbols))
		. = ALIGN(4096);
	} :rodata

	image_data = .;
	.data : AT_PHYS(.data) {
		*(.data.page_aligned)
		*(.data .data.*)
		. = ALIGN(4096);
	} :data
	image_file_end = .;

	.bss : AT_PHYS(.bss) {
		*(.bss COMMON)
		. = ALIGN(4096);
	} :data
	image_bootmem = .;
	.bootmem (NOLOAD) : AT_PHYS(.bootmem) {
		*(.bss.boot.pages)
		*(.bss.boot)
		. = ALIGN(4096);
	} :bootmem
	image_end = .;

	/DISCARD/ : { *(.note .note.* .comment .eh_frame .eh_frame_hdr) }
}

ASSERT(image_end - image_start < 0x600000, "the image must end below 7 MiB: UEFI uses what follows")
