/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 mem=512 */
/*
 * Break-in: a vCPU begins to pin a big tree and goes down for ever in the middle of it, by itself or
 * taken down by another.  Its half-checked tables must not stay busy: another vCPU can pin the tree,
 * write it, and give it back.
 */
#include "guest.h"

#define TABLES	300
#define TICK_NS	1000000UL

static struct tree big;
static volatile bool in_pin, down_yourself;
static volatile unsigned int inside, finished;

static bool on_event(struct regs *regs)
{
	if (regs->vector != VEC_EVENT)
		return false;
	event_upcall();
	if (this_vcpu() == 1 && in_pin) {
		in_pin = false;
		inside++;
		if (down_yourself)
			hc_vcpu(VCPUOP_down, 1, NULL);
		while (!down_yourself)		/* until vCPU 0 does it */
			asm volatile("pause");
	}
	return true;
}

static void pin_it(void)
{
	struct vcpu_set_periodic_timer tick = { .period_ns = TICK_NS };
	uint64_t mfn = big.mfn[4];

	event_bind_virq(VIRQ_TIMER, 1);
	this_cpu()->hook = on_event;
	must(hc_vcpu(VCPUOP_set_periodic_timer, 1, &tick));
	event_enable();
	for (;;) {
		in_pin = true;
		if (!hc_pin(4, mfn))
			hc_unpin(mfn);
		in_pin = false;
		finished++;
	}
}

static void check_free(const char *how)
{
	check_ok(hc_pin(4, big.mfn[4]));
	check_ok(hc_unpin(big.mfn[4]));
	for (unsigned int i = 0; i < TABLES; i += 10) {
		page_writable(tree_l1(&big, i));
		page_readonly(tree_l1(&big, i));
	}
	print("  %s: %u events inside, %u calls finished\n", how, inside, finished);
}

static void wait_inside(unsigned int n)
{
	uint64_t end = time_now_ns() + 20000000000UL;

	while (inside < n && time_now_ns() < end)
		asm volatile("pause");
	if (inside < n)
		test_error("no event arrived inside a pin");
}

void test_main(void)
{
	window(0);
	tree_build_big(&big, TABLES);
	smp_start(pin_it);
	wait_inside(1);
	check_ok(hc_vcpu(VCPUOP_down, 1, NULL));
	check_free("taken down");
	down_yourself = true;
	must(hc_vcpu(VCPUOP_up, 1, NULL));
	wait_inside(2);
	smp_wait();
	check_free("went down");
}
