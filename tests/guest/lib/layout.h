/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers that entry.S and the C files of lib/ share.
 *
 * Each vCPU has one stack of STACK_SIZE bytes, aligned to its size, so the vCPU's number follows
 * from rsp.  Code runs on the upper part; entries from user mode start at TRAP_STACK_OFFSET.
 */
#ifndef GUEST_LAYOUT_H
#define GUEST_LAYOUT_H

#define STACK_SIZE		32768
#define TRAP_STACK_OFFSET	12288
#define MAX_VCPUS		4

/* pseudo vectors: the callbacks, which come with the same frame as exceptions */
#define VEC_SYSCALL		256
#define VEC_EVENT		257
#define VEC_FAILSAFE		258
#define VEC_NMI			259
#define VEC_SYSCALL32		260
#define VEC_SYSENTER		261
#define NR_VECTORS		262

#endif
