/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: go on using a frame that was given back - through an old mapping, a stale TLB entry, a
 * pin, a grant - or give back a frame that is still a table.
 */
#include "guest.h"

static long give_back(uint64_t mfn)
{
	struct xen_memory_reservation r = {
		.extent_start = PTR(&mfn), .nr_extents = 1, .domid = DOMID_SELF,
	};

	return hc_memory(XENMEM_decrease_reservation, &r);
}

/* Gone: no new mapping, no new use. */
static void check_gone(uint64_t mfn)
{
	check_refused(hc_map((unsigned long)window(0), make_pte(mfn, PTE_RW_PAGE)));
	check_refused(hc_map((unsigned long)window(0), make_pte(mfn, PTE_RO_PAGE)));
	check_refused(hc_pin(1, mfn));
	check_refused(hc_mmu_update(mfn * PAGE_SIZE | MMU_MACHPHYS_UPDATE, 1));
	check_refused(hc_mmu_update(mfn * PAGE_SIZE, 0));
	check_equal(give_back(mfn), 0);
}

/* Still mapped: the frame stays alive until the mapping goes. */
static void check_mapped(void)
{
	volatile uint64_t *va = window(1);
	uint64_t mfn = frame_spare(1);
	struct fault f;

	must(hc_map((unsigned long)va, make_pte(mfn, PTE_RW_PAGE)));
	*va = 123;
	check_equal(give_back(mfn), 1);
	*va = 124;
	check_equal(*va, 124);
	must(hc_map((unsigned long)va, 0));
	FAULT_IN(&f, *va = 125);
	check_fault(&f, 14, 2);
	check_gone(mfn);
}

/* A table of a live tree: it stays a table, whatever is answered, until the tree lets go of it. */
static void check_pinned(void)
{
	struct tree t;

	tree_build(&t, 0, 0);
	must(hc_pin(4, t.mfn[4]));
	give_back(t.mfn[1]);
	check_refused(hc_map((unsigned long)window(3), make_pte(t.mfn[1], PTE_RW_PAGE)));
	check_refused(hc_map((unsigned long)t.page[1], make_pte(t.mfn[1], PTE_RW_PAGE)));
	check_ok(hc_mmu_update(t.mfn[1] * PAGE_SIZE, make_pte(frame_spare(7), PTE_RO_PAGE)));
	check_ok(hc_unpin(t.mfn[4]));
}

static void check_granted(void)
{
	uint64_t mfn = frame_spare(5);
	uint32_t handle;

	grant_give(9, mfn, 0);
	check_equal(grant_map(9, (uint64_t)window(4), GNTMAP_host_map, &handle), GNTST_okay);
	give_back(mfn);
	*(volatile uint64_t *)window(4) = 5;
	check_equal(grant_unmap((uint64_t)window(4), handle), GNTST_okay);
	check(grant_map(9, (uint64_t)window(4), GNTMAP_host_map, &handle) < 0,
	      "a freed frame was granted");
	check(grant_copy_to(9, 0, mfn_of(page_alloc()), 0, 8) < 0, "copied into a freed frame");
}

void test_main(void)
{
	uint64_t mfn = frame_spare(0);

	grant_init(1);
	check_equal(give_back(mfn), 1);
	check_gone(mfn);
	check_mapped();
	check_pinned();
	check_granted();
	check_equal(give_back(root_mfn() + 0x10000000), 0);
}
