/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypervisor's part of every address space: level-4 slots 256-271 (abi-inventory: the hole that
 * PV guests leave free).  All sixteen slots are the same in every root table, so a table page that
 * serves one address space serves all.
 *
 *   slot 256  0xffff800000000000  M2P, read-only, readable by guests
 *   slot 257  0xffff808000000000  this program's image (text RX, rodata R, data RW)
 *   slot 258  0xffff810000000000  frame table
 *   slot 259  0xffff818000000000  M2P, writable by us (the same lower tables as slot 256)
 *   slot 260  0xffff820000000000  per-CPU areas: 64 KiB stack block and the GDT/LDT windows
 *   slot 261  0xffff828000000000  device registers we map (LAPIC, IO-APIC, HPET, MSI-X tables)
 *   slots 262-271  0xffff830000000000  direct map of all RAM (5 TiB), never executable
 */
#ifndef CPU_LAYOUT_H
#define CPU_LAYOUT_H

#define HV_SLOT_FIRST		256
#define HV_SLOT_LAST		271
#define HV_START		0xffff800000000000
#define HV_END			0xffff880000000000

#define M2P_RO_BASE		0xffff800000000000
#define IMAGE_BASE		0xffff808000000000
#define FRAME_TABLE_BASE	0xffff810000000000
#define M2P_RW_BASE		0xffff818000000000
#define CPU_AREA_BASE		0xffff820000000000
#define DEVICE_BASE		0xffff828000000000
#define DIRECT_MAP_BASE		0xffff830000000000
#define DIRECT_MAP_END		0xffff880000000000

/* The image is loaded at 1 MiB; virtual address = physical address + IMAGE_BASE. */
#define IMAGE_PHYS		0x100000

#define MAX_CPUS		64
/*
 * One CPU's area, CPU_AREA_SIZE bytes at CPU_AREA_BASE + cpu * CPU_AREA_SIZE:
 *   +0x00000  stack block (64 KiB, aligned, see below)
 *   +0x10000  GDT window, 16 pages: 14 guest pages, our reserved page, one unused
 *   +0x20000  LDT window, 16 pages
 * The stack block: page 0 struct percpu, page 1 more of it, 3 NMI stack, 5 #DF stack, 7 #MC stack,
 * 9-15 main stack (28 KiB).  #DB shares the #DF stack: a guest's MOV SS trick can raise it on our first
 * instruction after SYSCALL, when RSP is still the guest's, and a #DF ends everything anyway.  Pages 2, 4, 6, 8 stay unmapped: a stack that overflows faults at once.
 * this_cpu() is the stack pointer rounded down to 64 KiB, on whichever of the four stacks we are.
 */
#define CPU_AREA_SIZE		0x40000
#define CPU_STACK_BLOCK		0x10000
#define CPU_STACK_NMI_TOP	0x4000
#define CPU_STACK_DF_TOP	0x6000
#define CPU_STACK_MC_TOP	0x8000
#define CPU_STACK_TOP		0x10000
#define CPU_GDT_WINDOW		0x10000
#define CPU_LDT_WINDOW		0x20000

/* Selectors.  The ring-3 ones are ABI (abi-inventory 1.6); ours follow what SYSCALL/SYSRET want. */
#define SEL_HV_CODE		0xe008
#define SEL_HV_DATA		0xe010
#define SEL_GUEST_CODE32	0xe023
#define SEL_GUEST_DATA		0xe02b
#define SEL_GUEST_CODE64	0xe033
#define SEL_TSS			0xe040
#define SEL_LDT			0xe050
#define SEL_BOOT_CODE64		0x08		/* boot/head.S's own table */
#define GDT_FIRST_RESERVED	0xe000		/* byte offset: page 14 */
#define GDT_LIMIT		0xefff
#define GDT_GUEST_PAGES		14

#endif
