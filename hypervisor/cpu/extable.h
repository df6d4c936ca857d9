/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The exception table: where to go on when an instruction that touches guest memory, or a guest's MSR,
 * faults.  One entry is two 32-bit distances, each relative to its own place.
 *
 *   assembly:  EX_TABLE 1b, fixup
 *   C:         asm volatile("1: ...\n" "2:\n" EX_TABLE(1b, 2b) ...)
 *
 * The fixup runs with the registers and the stack of the fault; uaccess_fixup() finds it.
 */
#ifndef CPU_EXTABLE_H
#define CPU_EXTABLE_H

#ifdef __ASSEMBLY__
.macro EX_TABLE from, to
	.pushsection .ex_table, "a"
	.p2align 2
	.long	\from - .
	.long	\to - .
	.popsection
.endm
#else
#define EX_TABLE(from, to) \
	".pushsection .ex_table, \"a\"\n" \
	".p2align 2\n" \
	".long " #from " - .\n" \
	".long " #to " - .\n" \
	".popsection\n"
#endif

#endif
