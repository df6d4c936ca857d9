/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: expect=crash */
/*
 * Break-in: take an exception for which no handler is registered.  There is nowhere to go: the
 * domain must be crashed, and the hypervisor must live to say so.
 */
#include "guest.h"

void test_main(void)
{
	must(hypercall(__HYPERVISOR_set_trap_table, NULL));
	asm volatile("ud2");
	test_fail("survived an exception without a handler");
}
