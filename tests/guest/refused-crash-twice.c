/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 expect=crash */
/*
 * Break-in: two vCPUs crash at the same moment.  One of them ends the machine, the other CPU must be
 * found standing still, and the audit clean.
 */
#include "guest.h"

static void crash(void)
{
	must(hypercall(__HYPERVISOR_set_trap_table, NULL));
	smp_meet();
	asm volatile("ud2");
	test_fail("survived an exception without a handler");
}

void test_main(void)
{
	smp_start(crash);
	crash();
}
