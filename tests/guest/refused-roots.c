/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: roots - load what is none, unpin what is not pinned, unpin or give back the root in
 * use, pin twice, and let the failing switch leave the old root in force.
 */
#include "guest.h"

static uint64_t read_cr3(void)
{
	uint64_t cr3;

	asm volatile("mov %%cr3, %0" : "=r"(cr3));
	return cr3;
}

static void check_switches(void)
{
	static const uint64_t bad[] = { 0, 1, 0xffffffff, 0xffffffffff, ~0UL };

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		check_refused(hc_mmuext(MMUEXT_NEW_BASEPTR, bad[i], 0));
		if (bad[i])
			check_refused(hc_mmuext(MMUEXT_NEW_USER_BASEPTR, bad[i], 0));
	}
	check_refused(hc_mmuext(MMUEXT_NEW_BASEPTR, mfn_of(window_l1()), 0));
	check_refused(hc_mmuext(MMUEXT_NEW_BASEPTR, mfn_of(page_alloc()), 0));
	check_refused(hc_mmuext(MMUEXT_NEW_BASEPTR, start_info->shared_info / PAGE_SIZE, 0));
	check_equal(read_cr3(), root_mfn() << 12);
}

static void check_unpins(void)
{
	struct tree t;

	check_refused(hc_unpin(mfn_of(window_l1())));
	check_refused(hc_unpin(mfn_of(page_alloc())));
	check_refused(hc_unpin(frame_spare(0)));
	check_refused(hc_unpin(~0UL));
	check_refused(hc_unpin(0xffffffffff));
	tree_build(&t, 1, PTE_RO_PAGE);
	check_refused(hc_unpin(t.mfn[4]));
	check_ok(hc_pin(4, t.mfn[4]));
	check_refused(hc_unpin(t.mfn[3]));
	check_refused(hc_unpin(t.mfn[1]));
	check_refused(hc_pin(4, t.mfn[4]));
	check_ok(hc_pin(3, t.mfn[3]));
	check_ok(hc_unpin(t.mfn[4]));
	/* the pinned middle stays a table after its parent went */
	check_refused(hc_map((unsigned long)t.page[1], make_pte(t.mfn[1], PTE_RW_PAGE)));
	check_ok(hc_unpin(t.mfn[3]));
	page_writable(t.page[1]);
}

/* The running root, unpinned: held by being loaded, usable, and pinned again. */
static void check_running(void)
{
	check_ok(hc_unpin(root_mfn()));
	check_refused(hc_unpin(root_mfn()));
	check_refused(hc_map(start_info->pt_base, make_pte(root_mfn(), PTE_RW_PAGE)));
	check_refused(hc_mmu_update(root_mfn() * PAGE_SIZE + 256 * 8, 0));
	check_refused(hc_pin(3, root_mfn()));
	check_ok(hc_mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0));
	check_refused(hc_map(start_info->pt_base, make_pte(root_mfn(), PTE_RW_PAGE)));
	check_ok(hc_pin(4, root_mfn()));
	check_ok(hc_mmuext(MMUEXT_NEW_USER_BASEPTR, root_mfn(), 0));
}

void test_main(void)
{
	window(0);
	check_switches();
	check_unpins();
	check_running();
}
