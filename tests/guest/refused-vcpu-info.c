/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 */
/*
 * Break-in: have the hypervisor write its per-vCPU areas to places that are not the guest's -
 * across a page end, into tables, into its own memory - and register twice.
 */
#include "guest.h"

static long reg(unsigned int vcpu, uint64_t mfn, uint32_t offset)
{
	struct vcpu_register_vcpu_info op = { .mfn = mfn, .offset = offset };

	return hc_vcpu(VCPUOP_register_vcpu_info, vcpu, &op);
}

static void check_places(uint64_t mine)
{
	check_refused(reg(0, mine, 4096));
	check_refused(reg(0, mine, 4096 - 63));
	check_refused(reg(0, mine, 0xffffffff));
	check_refused(reg(0, mine, 0xffffffc0));
	check_refused(reg(0, root_mfn(), 0));
	check_refused(reg(0, mfn_of(window_l1()), 0));
	check_refused(reg(0, ~0UL, 0));
	check_refused(reg(0, 0xffffffffff, 0));
	check_refused(reg(0, pte_mfn(pte_get(HOLE_START, 4)), 0));
	check_equal(reg(9, mine, 0), -ENOENT);
}

static void check_areas(void)
{
	static const uint64_t bad[] = { HOLE_START, HOLE_START + 0x10000, HOLE_END - 8,
					0xffff82d080000000, NONCANONICAL, ~0UL - 16 };
	struct vcpu_register_runstate_memory_area run;
	struct vcpu_register_time_memory_area time;
	uint64_t before = M2P[0x10000 / 8], root_start[8];

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		run.addr = bad[i];
		time.addr = bad[i];
		/* accepted is fine as long as nothing is ever written there */
		hc_vcpu(VCPUOP_register_runstate_memory_area, 0, &run);
		hc_vcpu(VCPUOP_register_vcpu_time_memory_area, 0, &time);
		hc_sched(SCHEDOP_yield, NULL);
	}
	check_equal(M2P[0x10000 / 8], before);
	run.addr = start_info->pt_base;
	memcpy(root_start, (void *)run.addr, sizeof(root_start));
	hc_vcpu(VCPUOP_register_runstate_memory_area, 0, &run);
	hc_sched(SCHEDOP_yield, NULL);
	check(!memcmp(root_start, (void *)run.addr, sizeof(root_start)),
	      "runstate written over the root");
	run.addr = 0;
	hc_vcpu(VCPUOP_register_runstate_memory_area, 0, &run);
}

void test_main(void)
{
	void *page = page_alloc();
	uint64_t mfn = mfn_of(page);

	check_places(mfn);
	check_areas();
	check_ok(reg(1, mfn, 128));
	check_refused(reg(1, mfn, 256));
	/* held: not a table while the hypervisor writes into it */
	page_readonly(page);
	check_refused(hc_pin(1, mfn));
	page_writable(page);
}
