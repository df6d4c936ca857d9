/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: expect=crash */
/*
 * Break-in: have the hypervisor push an exception frame into its own memory: the kernel's stack
 * pointer lies in the hole when the exception comes.  The domain must be crashed.
 */
#include "guest.h"

void test_main(void)
{
	asm volatile("mov %0, %%rsp; ud2" : : "r"(HOLE_START + 0x10000));
	__builtin_unreachable();
}
