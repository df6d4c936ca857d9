/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: expect=crash */
/*
 * Break-in: iret with a stack the hypervisor cannot or must not read.  The domain must be crashed.
 */
#include "guest.h"

void test_main(void)
{
	asm volatile("mov %0, %%rsp; syscall" : : "r"(HOLE_START + 0x10000),
		     "a"(__HYPERVISOR_iret));
	__builtin_unreachable();
}
