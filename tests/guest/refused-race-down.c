/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 hvopts="dom0_max_vcpus=4" xenopts="dom0_max_vcpus=4" */
/*
 * Break-in: vCPUs that take each other down and up as fast as they can.  Nobody may wait for
 * somebody who waits for him; who was taken down must not take down another any more, so two that
 * do it to each other are never both gone.
 */
#include "guest.h"

#define ROUND_NS 4000000000UL

static volatile bool done;
static volatile uint64_t round_end;
static volatile bool finished[MAX_VCPUS];
static volatile unsigned long rounds[MAX_VCPUS];

/* After it comes a moment, now none and now a long one: where CPUs run in step, the other would be down
 * again each time before it gets anywhere. */
static void swing(unsigned int other, unsigned long round)
{
	hc_vcpu(VCPUOP_down, other, NULL);
	hc_vcpu(VCPUOP_up, other, NULL);
	for (unsigned long n = round * 37 % 4096; n; n--)
		asm volatile("pause");
}

static void three(void)
{
	unsigned int me = this_vcpu();

	for (unsigned int i = 0; !done; i++) {
		swing(1 + (me + i % 2) % 3, i);
		rounds[me]++;
	}
	finished[me] = true;
}

static void back_at_me(void)
{
	while (!done && time_now_ns() < round_end) {
		swing(0, rounds[1]);
		rounds[1]++;
	}
}

static void check_three(void)
{
	uint64_t end = time_now_ns() + ROUND_NS;

	for (unsigned int i = 1; i < 4; i++)
		smp_start_on(i, three);
	while (time_now_ns() < end)
		for (unsigned int i = 1; i < 4; i++)
			hc_vcpu(VCPUOP_up, i, NULL);
	done = true;
	/* each may be taken down by one that is late itself: wake them until all are through */
	end = time_now_ns() + ROUND_NS;
	while (!(finished[1] && finished[2] && finished[3]) && time_now_ns() < end)
		for (unsigned int i = 1; i < 4; i++)
			hc_vcpu(VCPUOP_up, i, NULL);
	for (unsigned int i = 1; i < 4; i++) {
		check(rounds[i] > 0 && finished[i], "vCPU %u: %lu rounds, then %s", i, rounds[i],
		      finished[i] ? "home" : "lost");
		smp_wait_on(i);
	}
}

static void check_two(void)
{
	unsigned long mine = 0, before = rounds[1];

	done = false;
	round_end = time_now_ns() + ROUND_NS;
	smp_again(1, back_at_me);
	while (time_now_ns() < round_end) {
		swing(1, mine);
		mine++;
	}
	done = true;
	check(mine > 0 && rounds[1] > before, "%lu and %lu rounds", mine, rounds[1] - before);
	smp_wait();
}

void test_main(void)
{
	if (!on_mica())
		test_skip("on Xen the vCPUs wait for each other");
	check_three();
	check_two();
}
