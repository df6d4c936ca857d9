/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: make a table of a frame that is still mapped writable - the frame itself, or a child
 * anywhere below it - by pinning, as a new child, or as a new root.
 */
#include "guest.h"

static void check_level(unsigned int writable_level)
{
	struct tree t;

	tree_build(&t, 2, PTE_RO_PAGE);
	page_writable(t.page[writable_level]);
	for (unsigned int level = writable_level; level <= 4; level++)
		if (hc_pin(level, t.mfn[level]) >= 0)
			test_fail("L%u pinned with a writable L%u below", level, writable_level);
	check_refused(hc_mmuext(MMUEXT_NEW_BASEPTR, t.mfn[4], 0));
	check_refused(hc_mmuext(MMUEXT_NEW_USER_BASEPTR, t.mfn[4], 0));
	if (writable_level < 4)
		check_refused(hc_mmu_update(pte_maddr(0x500000000000, 4),
					    make_pte(t.mfn[3], PTE_TABLE)));
	/* nothing is left behind: every frame can still be written */
	for (unsigned int level = 1; level <= 4; level++) {
		page_writable(t.page[level]);
		t.page[level][100] = 0;
	}
}

/* The writable mapping is inside the tree itself: an L1 that maps itself, or its L2, writable. */
static void check_inside(unsigned int target)
{
	struct tree t;

	tree_build(&t, 2, PTE_RO_PAGE);
	page_writable(t.page[1]);
	t.page[1][5] = make_pte(t.mfn[target], PTE_RW_PAGE);
	page_readonly(t.page[1]);
	if (hc_pin(4, t.mfn[4]) >= 0)
		test_fail("pinned a tree that maps its L%u writable", target);
	for (unsigned int level = 1; level <= 4; level++)
		page_writable(t.page[level]);
}

/* Two trees, each harmless, that together hold one frame as a table and writable. */
static void check_two_trees(void)
{
	struct tree a, b;

	tree_build(&a, 0, 0);
	tree_build(&b, 0, 0);
	page_writable(b.page[1]);
	b.page[1][0] = make_pte(a.mfn[1], PTE_RW_PAGE);
	page_readonly(b.page[1]);
	check_ok(hc_pin(4, a.mfn[4]));
	check_refused(hc_pin(4, b.mfn[4]));
	check_ok(hc_unpin(a.mfn[4]));
	check_ok(hc_pin(4, b.mfn[4]));
	check_refused(hc_pin(4, a.mfn[4]));
	check_ok(hc_unpin(b.mfn[4]));
}

void test_main(void)
{
	for (unsigned int level = 1; level <= 4; level++)
		check_level(level);
	for (unsigned int level = 1; level <= 4; level++)
		check_inside(level);
	check_two_trees();
}
