/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: expect=crash */
/*
 * Break-in: iret to user mode while there is no user root.  The domain must be crashed.
 */
#include "guest.h"

void test_main(void)
{
	struct user_exit e;

	must(user_root(0));
	user_run(&e, (unsigned long)user_stack, user_stack(), 0);
	test_fail("ran user code without a user root: vector %lu", e.vector);
}
