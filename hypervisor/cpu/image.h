/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the linker put the parts of our own image (boot/mica.lds.S).  All are virtual addresses at
 * page boundaries; physical = virtual - IMAGE_BASE.  In this order, without holes:
 *
 *   image_start  boot code and boot data, needed until dom0 starts   RWX while booting
 *   image_text   code                                                RX
 *   image_rodata constants, tables of pointers, symbols              R
 *   image_data   variables and zeroed variables                      RW
 *   image_bootmem  boot stack, boot page tables, copied strings      RW, needed until dom0 starts
 *   image_end
 */
#ifndef CPU_IMAGE_H
#define CPU_IMAGE_H

#include "cpu/layout.h"
#include "lib/util.h"

extern char image_start[], image_text[], image_rodata[], image_data[], image_bootmem[], image_end[];

static inline uint64_t image_phys(const void *p)
{
	return (uint64_t)p - IMAGE_BASE;
}

/* Big things that are zero at start and not needed after boot. */
#define boot_bss		section(".bss.boot")

#endif
