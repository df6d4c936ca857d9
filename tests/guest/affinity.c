/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 hvopts="dom0_max_vcpus=4" xenopts="dom0_max_vcpus=4" */
/*
 * Question: does a vCPU that is sent from CPU to CPU all the time, the one that asks for it too, go on
 * exactly where it was, and is none left behind where it may not run?
 */
#include "guest.h"
#include "domu.h"

#define FOR_NS 3000000000UL

static volatile bool done;
static volatile unsigned long steps[MAX_VCPUS];

/* The count in memory and the one in registers part when a vCPU runs twice, or from old registers. */
static void count(void)
{
	unsigned int me = this_vcpu();
	unsigned long mine = 0;

	while (!done) {
		unsigned long was = steps[me];

		for (unsigned int i = 0; i < 50; i++)
			__asm__ volatile("pause" : "+r"(was));
		if (was != mine || steps[me] != was || this_vcpu() != me) {
			test_fail("vCPU %u: %lu steps in memory, %lu in registers", me, steps[me], mine);
			break;
		}
		steps[me] = ++mine;
	}
}

static long send_to(unsigned int vcpu, uint64_t cpus)
{
	static struct xen_domctl o;
	uint64_t soft = 0;

	memset(&o, 0, sizeof(o));
	o.cmd = XEN_DOMCTL_setvcpuaffinity;
	o.u.vcpuaffinity.vcpu = vcpu;
	o.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
	o.u.vcpuaffinity.cpumap_hard = (struct xenctl_bitmap){ PTR(&cpus), 64, 0 };
	o.u.vcpuaffinity.cpumap_soft = (struct xenctl_bitmap){ PTR(&soft), 64, 0 };
	return domctl(&o);
}

void test_main(void)
{
	unsigned long rounds = 0, before[MAX_VCPUS];
	uint64_t end;

	for (unsigned int i = 1; i < 4; i++)
		smp_start_on(i, count);
	end = time_now_ns() + FOR_NS;
	while (time_now_ns() < end) {
		check_ok(send_to(rounds % 4, 1 + (rounds / 4 + rounds % 4) % 3));
		rounds++;
		if (rounds % 3 == 0)
			hc_sched(SCHEDOP_yield, NULL);
	}
	for (unsigned int i = 0; i < 4; i++) {
		check_ok(send_to(i, 3));
		before[i] = steps[i];
	}
	check(rounds > 100, "%lu rounds only", rounds);
	for (unsigned int i = 1; i < 4; i++)
		check(wait_change(&steps[i], before[i], 10000000000UL), "vCPU %u does not run any more", i);
	done = true;
	for (unsigned int i = 1; i < 4; i++)
		smp_wait_on(i);
}
