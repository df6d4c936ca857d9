/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: expect=crash */
/*
 * Break-in: the same by stack_switch: the stack for entries from user mode lies in the hole.
 */
#include "guest.h"

extern const char user_ud2[];
asm(".pushsection .text\nuser_ud2: ud2\n.popsection");

void test_main(void)
{
	struct user_exit e;

	hc_stack_switch(FLAT_KERNEL_SS64, 0xffff82d080000000);
	user_run(&e, (unsigned long)user_ud2, user_stack(), 0);
	test_fail("survived a frame pushed into the hypervisor");
}
