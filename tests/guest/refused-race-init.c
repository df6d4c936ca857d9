/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 hvopts="dom0_max_vcpus=24" xenopts="dom0_max_vcpus=24" */
/*
 * Break-in: two vCPUs give a third one its context, or its vcpu_info, at the same time.  Exactly one
 * succeeds; contexts that are refused half way leave nothing behind.
 */
#include "guest.h"

#define FIRST	2
#define LAST	23
#define BAD_ROUNDS 300

extern char cpu_stacks[MAX_VCPUS][STACK_SIZE];
static struct vcpu_guest_context good, bad[2];
static volatile long result[2], info_result[2];
static uint64_t info_mfn[2];
static volatile bool started;

static void both(unsigned int side)
{
	struct vcpu_register_vcpu_info info = { .mfn = info_mfn[side] };

	for (unsigned int i = 0; i < BAD_ROUNDS; i++)
		check_refused(hc_vcpu(VCPUOP_initialise, FIRST, &bad[side]));
	for (unsigned int v = FIRST; v <= LAST; v++) {
		info.offset = 128 * v;
		smp_meet();
		result[side] = hc_vcpu(VCPUOP_initialise, v, &good);
		info_result[side] = hc_vcpu(VCPUOP_register_vcpu_info, v, &info);
		smp_meet();
		if (side)
			continue;
		check((result[0] == 0) + (result[1] == 0) == 1, "vCPU %u initialised: %ld and %ld",
		      v, result[0], result[1]);
		check((info_result[0] == 0) + (info_result[1] == 0) == 1,
		      "vCPU %u's vcpu_info: %ld and %ld", v, info_result[0], info_result[1]);
	}
}

static void second(void)
{
	both(1);
}

static void starts(void)
{
	started = true;
	hc_vcpu(VCPUOP_down, FIRST, NULL);
}

void test_main(void)
{
	uint64_t *gdt = page_alloc(), end;

	smp_context(&good, (uint64_t)starts, (uint64_t)cpu_stacks[FIRST] + STACK_SIZE - 8);
	bad[0] = bad[1] = good;
	/* refused after the root was taken: a descriptor table that is none, a user root that is none */
	bad[0].gdt_ents = 1024;
	bad[0].gdt_frames[0] = mfn_of(gdt);
	bad[0].gdt_frames[1] = root_mfn();
	bad[1].ctrlreg[1] = pte_mfn(pte_get(HOLE_START, 4)) << 12;
	page_readonly(gdt);
	info_mfn[0] = mfn_of(page_alloc());
	info_mfn[1] = mfn_of(page_alloc());
	smp_start(second);
	both(0);
	smp_wait();
	must(hc_vcpu(VCPUOP_up, FIRST, NULL));
	end = time_now_ns() + 10000000000UL;
	while (!started && time_now_ns() < end)
		hc_sched(SCHEDOP_yield, NULL);
	check(started, "the vCPU does not run");
	smp_wait_on(FIRST);
	page_writable(gdt);
}
