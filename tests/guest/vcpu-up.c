/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 */
/*
 * Question: can a second vCPU be initialised, started, reached by an IPI both ways, taken down and
 * started again, with the documented errors on the way?
 */
#include "guest.h"

static volatile unsigned long alive, kicked;
static unsigned int port_to_1, port_to_0;

static void second(void)
{
	unsigned long n = event_count[port_to_1];

	alive++;
	event_enable();
	if (!wait_change(&event_count[port_to_1], n, 10000000000UL))
		test_fail("no IPI on vCPU 1");
	if (this_vcpu() != 1)
		test_fail("vCPU 1 thinks it is %u", this_vcpu());
	kicked++;
	event_send(port_to_0);
	event_disable();
}

static void one_round(void)
{
	unsigned long a = alive, n = event_count[port_to_0];

	check_equal(hc_vcpu(VCPUOP_up, 1, NULL), 0);
	check(wait_change(&alive, a, 10000000000UL), "vCPU 1 does not run");
	check_equal(hc_vcpu(VCPUOP_is_up, 1, NULL), 1);
	check_ok(event_send(port_to_1));
	check(wait_change(&event_count[port_to_0], n, 10000000000UL), "no IPI on vCPU 0");
	smp_wait();
}

static void check_errors(void)
{
	static struct vcpu_guest_context ctx;

	check_equal(hc_vcpu(VCPUOP_is_up, 0, NULL), 1);
	check_equal(hc_vcpu(VCPUOP_is_up, 1, NULL), 0);
	check_equal(hc_vcpu(VCPUOP_is_up, 2, NULL), -ENOENT);
	check_equal(hc_vcpu(VCPUOP_up, 1, NULL), -EINVAL);
	check_equal(hc_vcpu(VCPUOP_initialise, 1, (void *)0xdead000), -EFAULT);
	smp_context(&ctx, (unsigned long)smp_entry, 0);
	check_equal(hc_vcpu(VCPUOP_initialise, 0, &ctx), -EEXIST);
	check_equal(hc_vcpu(VCPUOP_initialise, 2, &ctx), -ENOENT);
	check_equal(hc_vcpu(99, 0, NULL), -ENOSYS);
}

void test_main(void)
{
	long to_1, to_0;

	if (hc_vcpu(VCPUOP_is_up, 1, NULL) < 0)
		test_skip("one vCPU only");
	check_errors();
	to_1 = event_bind_ipi(1);
	to_0 = event_bind_ipi(0);
	must(to_1);
	must(to_0);
	port_to_1 = (unsigned int)to_1;
	port_to_0 = (unsigned int)to_0;
	event_enable();
	smp_start(second);
	check(wait_change(&alive, 0, 10000000000UL), "vCPU 1 does not run");
	check_ok(event_send(port_to_1));
	check(wait_change(&event_count[port_to_0], 0, 10000000000UL), "no IPI on vCPU 0");
	smp_wait();
	check_equal(kicked, 1);
	one_round();
}
