/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: change the hypervisor's slots of a root - in a live one, in one about to be pinned -
 * or reach its part of the address space through lower levels.
 */
#include "guest.h"

static void check_live(void)
{
	const volatile uint64_t *l4 = (const volatile uint64_t *)start_info->pt_base;
	uint64_t *l3 = page_alloc();

	page_readonly(l3);
	for (unsigned int i = HOLE_SLOT; i < HOLE_SLOT_END; i++) {
		uint64_t at = root_mfn() * PAGE_SIZE + i * 8, before = l4[i];

		if (hc_mmu_update(at, make_pte(mfn_of(l3), PTE_TABLE)) >= 0)
			test_fail("slot %u was written", i);
		if (before && hc_mmu_update(at, 0) >= 0)
			test_fail("slot %u was cleared", i);
		if (before && hc_mmu_update(at, before ^ PTE_NX) >= 0)
			test_fail("slot %u: flags changed", i);
		check(l4[i] == before, "slot %u became %lx", i, l4[i]);
	}
	page_writable(l3);
}

/* A forged root: whatever is in the slots must not come into force. */
static void check_forged(void)
{
	uint64_t *l4 = root_clone(), *data = page_alloc(), *l3 = page_alloc();
	const volatile uint64_t *live = (const volatile uint64_t *)start_info->pt_base;
	long rc;

	page_readonly(l3);
	page_writable(l4);
	for (unsigned int i = HOLE_SLOT; i < HOLE_SLOT_END; i++)
		l4[i] = make_pte(mfn_of(i & 1 ? l3 : data), PTE_TABLE);
	page_readonly(l4);
	rc = hc_pin(4, mfn_of(l4));
	if (rc >= 0) {
		for (unsigned int i = HOLE_SLOT + 1; i < HOLE_SLOT_END; i++)
			check(pte_mfn(l4[i]) != mfn_of(l3) && pte_mfn(l4[i]) != mfn_of(data),
			      "forged slot %u survived", i);
		check_ok(hc_mmuext(MMUEXT_NEW_BASEPTR, mfn_of(l4), 0));
		check_equal(p2m()[M2P[root_mfn()]], root_mfn());
		check_ok(hc_mmuext(MMUEXT_NEW_BASEPTR, root_mfn(), 0));
		check_ok(hc_unpin(mfn_of(l4)));
	}
	check(live[256] & PTE_P, "the live root lost its M2P");
}

/* The hypervisor's own tables, found in the root, are not the guest's to link or to write. */
static void check_borrow(void)
{
	const volatile uint64_t *l4 = (const volatile uint64_t *)start_info->pt_base;
	uint64_t free_slot = pte_maddr(0x500000000000, 4);

	for (unsigned int i = HOLE_SLOT; i < HOLE_SLOT_END; i++) {
		uint64_t mfn = pte_mfn(l4[i]);

		if (!(l4[i] & PTE_P) || mfn == root_mfn())
			continue;
		if (hc_mmu_update(free_slot, make_pte(mfn, PTE_TABLE)) >= 0)
			test_fail("slot %u's table linked elsewhere", i);
		if (hc_mmu_update(mfn * PAGE_SIZE, 0) >= 0)
			test_fail("slot %u's table written", i);
		if (hc_map((unsigned long)window(0), make_pte(mfn, PTE_RO_PAGE)) >= 0)
			test_fail("slot %u's table mapped", i);
		check_refused(hc_pin(3, mfn));
	}
}

void test_main(void)
{
	check_live();
	check_forged();
	check_borrow();
	check_refused(hc_map(HOLE_START, make_pte(frame_spare(0), PTE_RW_PAGE)));
	check_refused(hc_map(HOLE_END - PAGE_SIZE, make_pte(frame_spare(0), PTE_RW_PAGE)));
}
