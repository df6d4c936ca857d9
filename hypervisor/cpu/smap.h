/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * STAC and CLAC for assembly: a 3-byte NOP here, and a note in .smap_sites from which boot/start.c
 * writes the real instruction when the CPU has SMAP.
 */
#ifndef CPU_SMAP_H
#define CPU_SMAP_H

#ifdef __ASSEMBLY__
.macro SMAP_SITE insn
99:	.byte	0x0f, 0x1f, 0x00
	.pushsection .smap_sites, "a"
	.long	99b - .
	.long	\insn
	.popsection
.endm
#define STAC		SMAP_SITE 0xcb010f
#define CLAC		SMAP_SITE 0xca010f
#endif

#endif
