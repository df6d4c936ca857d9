/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does update_va_mapping write the L1 entry of the current root for an address, flush as
 * its flags say, and refuse addresses without an L1?
 */
#include "guest.h"

static long update(unsigned long va, uint64_t pte, unsigned long flags)
{
	return hypercall(__HYPERVISOR_update_va_mapping, va, pte, flags);
}

static void check_flags(unsigned long flags)
{
	volatile uint64_t *va = window(5);
	volatile uint64_t *a = page_alloc(), *b = page_alloc();

	*a = 1;
	*b = 2;
	check_ok(update((unsigned long)va, make_pte(mfn_of((void *)a), PTE_RO_PAGE), flags));
	check_equal(*va, 1);
	check_ok(update((unsigned long)va, make_pte(mfn_of((void *)b), PTE_RW_PAGE), flags));
	check_equal(*va, 2);
	*va = 3;
	check_equal(*b, 3);
	check_ok(update((unsigned long)va, 0, flags));
}

void test_main(void)
{
	static uint64_t vcpus[2] = { 1, 0 };
	struct fault f;

	window(0);
	check_flags(UVMF_TLB_FLUSH | UVMF_LOCAL);
	check_flags(UVMF_TLB_FLUSH | UVMF_ALL);
	check_flags(UVMF_INVLPG | UVMF_LOCAL);
	check_flags(UVMF_INVLPG | UVMF_ALL);
	check_flags(UVMF_INVLPG | (unsigned long)vcpus);
	check_flags(UVMF_TLB_FLUSH | (unsigned long)vcpus);
	FAULT_IN(&f, *(volatile char *)window(5) = 0);
	check_fault(&f, 14, 2);
	/* by the machine address of shared_info, as XTF does */
	check_ok(hc_map((unsigned long)window(6), start_info->shared_info | PTE_RW_PAGE));
	check_equal(memcmp(window(6), shared_info, 64), 0);
	check_ok(hc_map((unsigned long)window(6), 0));
	/* no L1 */
	check_equal(update(0x123456789000, 0, UVMF_INVLPG), -EINVAL);
	check_refused(update(HOLE_START, make_pte(frame_spare(0), PTE_RO_PAGE), UVMF_INVLPG));
	check_refused(update(NONCANONICAL, 0, UVMF_INVLPG));
	check_refused(hypercall(__HYPERVISOR_update_va_mapping_otherdomain, window(5),
				make_pte(frame_spare(0), PTE_RO_PAGE), 0, 77));
	check_ok(hypercall(__HYPERVISOR_update_va_mapping_otherdomain, window(5),
			   make_pte(frame_spare(0), PTE_RO_PAGE), UVMF_INVLPG, DOMID_SELF));
	check_ok(hc_map((unsigned long)window(5), 0));
}
