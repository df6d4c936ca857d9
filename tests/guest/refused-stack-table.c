/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: expect=crash */
/*
 * Break-in: the stack lies in a page table (mapped read-only).  The frame must not be pushed there,
 * not even through write emulation: the domain must be crashed.
 */
#include "guest.h"

void test_main(void)
{
	must(hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables));
	asm volatile("mov %0, %%rsp; ud2" : : "r"((uint64_t)window_l1() + 2048));
	__builtin_unreachable();
}
