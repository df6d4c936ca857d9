/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 hvopts="dom0_max_vcpus=3" xenopts="dom0_max_vcpus=3" */
/*
 * Break-in: one vCPU says without end that another has an unmasked upcall, also when the hypervisor
 * has just masked it to deliver one.  The victim must not be buried under frames nor keep its CPU: a
 * third vCPU goes on, and when the pestering ends so does the victim.
 */
#include "guest.h"

#define PLAY_NS 4000000000UL

static volatile bool started, over, done;
static volatile unsigned long upcalls, witness, witnessed;
static uint64_t lowest = ~0UL;

static void pester(void)
{
	volatile uint16_t *word = (volatile uint16_t *)&shared_info->vcpu_info[0];
	uint64_t end = time_now_ns() + PLAY_NS;
	unsigned long before = witness;

	started = true;
	while (time_now_ns() < end)
		for (unsigned int i = 0; i < 1000; i++)
			*word = 1;		/* pending, not masked */
	witnessed = witness - before;
	*word = 0x100;
	over = true;
}

static void watch(void)
{
	while (!done) {
		witness++;
		asm volatile("pause");
	}
}

static bool on_event(struct regs *regs)
{
	if (regs->vector != VEC_EVENT)
		return false;
	if (regs->rsp < lowest)
		lowest = regs->rsp;
	upcalls++;
	return true;
}

void test_main(void)
{
	uint64_t here = (uint64_t)__builtin_frame_address(0);

	this_cpu()->hook = on_event;
	smp_start_on(2, watch);
	smp_start_on(1, pester);
	while (!started)
		hc_sched(SCHEDOP_yield, NULL);
	while (!over)
		hc_sched(SCHEDOP_yield, NULL);
	check(witnessed > 0, "the third vCPU stood still");
	done = true;
	smp_wait();
	smp_wait_on(2);
	event_disable();
	check(upcalls > 0, "no upcall");
	check(here - lowest < STACK_SIZE / 2, "%lu bytes of stack in frames", here - lowest);
	print("  %lu upcalls\n", upcalls);
}
