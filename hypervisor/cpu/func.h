/* SPDX-License-Identifier: BSD-2-Clause */
/* FUNC name: for assembly, the beginning of a function that other files may call. */
#ifndef CPU_FUNC_H
#define CPU_FUNC_H

#ifdef __ASSEMBLY__
.macro FUNC name
	.globl	\name
	.type	\name, @function
\name:
.endm
#endif

#endif
