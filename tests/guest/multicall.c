/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does multicall run its entries in order with a result in each, go on after a failing
 * one, and refuse nesting?
 */
#include "guest.h"

static struct multicall_entry calls[64];

void test_main(void)
{
	void *va = window(3);
	uint64_t pte = make_pte(frame_spare(0), PTE_RO_PAGE);

	calls[0] = (struct multicall_entry){ .op = __HYPERVISOR_xen_version };
	calls[1] = (struct multicall_entry){ .op = 63, .result = 5 };
	calls[2] = (struct multicall_entry){ .op = __HYPERVISOR_update_va_mapping,
		.args = { (uint64_t)va, pte, UVMF_INVLPG } };
	calls[3] = (struct multicall_entry){ .op = __HYPERVISOR_multicall,
		.args = { PTR(&calls[0]), 1 } };
	calls[4] = (struct multicall_entry){ .op = __HYPERVISOR_set_segment_base,
		.args = { SEGBASE_FS, NONCANONICAL } };
	calls[5] = (struct multicall_entry){ .op = __HYPERVISOR_sched_op,
		.args = { SCHEDOP_yield } };
	check_ok(hypercall(__HYPERVISOR_multicall, calls, 6));
	check_equal(calls[0].result, 0x40011);
	check_equal(calls[1].result, -ENOSYS);
	check_equal(calls[2].result, 0);
	check_equal(pte_get((unsigned long)va, 1) & PTE_MFN_MASK, pte & PTE_MFN_MASK);
	check((long)calls[3].result < 0, "nested multicall gave %ld", (long)calls[3].result);
	check_equal(calls[4].result, -EINVAL);
	check_equal(calls[5].result, 0);
	/* long lists, and none */
	for (unsigned int i = 0; i < 64; i++)
		calls[i] = (struct multicall_entry){ .op = __HYPERVISOR_xen_version };
	check_ok(hypercall(__HYPERVISOR_multicall, calls, 64));
	check_equal(calls[63].result, 0x40011);
	check_ok(hypercall(__HYPERVISOR_multicall, calls, 0));
	check_equal(hypercall(__HYPERVISOR_multicall, 0xdead000, 1), -EFAULT);
	/* the list may change while it runs; what counts is read once per entry */
	calls[0] = (struct multicall_entry){ .op = __HYPERVISOR_xen_version,
		.args = { XENVER_extraversion, PTR(&calls[1]) } };
	check_ok(hypercall(__HYPERVISOR_multicall, calls, 1));
	check_equal(calls[0].result, 0);
	hc_map((unsigned long)va, 0);
}
