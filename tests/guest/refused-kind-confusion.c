/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: have one frame used as two kinds at once - a table of one level as another, a table as
 * descriptors, descriptors as a table, a leaf's target as a table.
 */
#include "guest.h"

static struct tree t;

static void check_pins(void)
{
	for (unsigned int level = 1; level <= 4; level++)
		for (unsigned int as = 1; as <= 4; as++)
			if (as != level && hc_pin(as, t.mfn[level]) >= 0)
				test_fail("L%u pinned as L%u", level, as);
}

/* Entry of level n that points at a table which is not of level n-1. */
static void check_links(void)
{
	for (unsigned int level = 2; level <= 4; level++)
		for (unsigned int child = 1; child <= 4; child++) {
			uint64_t at = t.mfn[level] * PAGE_SIZE + 8 * 9;

			if (child == level - 1)
				continue;
			/* a table's own level is the linear mapping: refused by refused-self-* */
			if (child == level)
				continue;
			if (hc_mmu_update(at, make_pte(t.mfn[child], PTE_TABLE)) >= 0)
				test_fail("L%u links to an L%u", level, child);
			check_equal(t.page[level][9], 0);
		}
}

static void check_roots(void)
{
	for (unsigned int level = 1; level <= 3; level++) {
		check_refused(hc_mmuext(MMUEXT_NEW_BASEPTR, t.mfn[level], 0));
		check_refused(hc_mmuext(MMUEXT_NEW_USER_BASEPTR, t.mfn[level], 0));
	}
}

static void check_descriptors(void)
{
	uint64_t *gdt = page_alloc(), mfn = mfn_of(gdt);

	for (unsigned int level = 1; level <= 4; level++)
		check_refused(hypercall(__HYPERVISOR_set_gdt, &t.mfn[level], 16));
	page_readonly(gdt);
	check_ok(hypercall(__HYPERVISOR_set_gdt, &mfn, 16));
	for (unsigned int level = 1; level <= 4; level++)
		if (hc_pin(level, mfn) >= 0)
			test_fail("GDT frame pinned as L%u", level);
	check_refused(hc_mmu_update(t.mfn[2] * PAGE_SIZE + 72, make_pte(mfn, PTE_TABLE)));
	check_refused(hc_map((unsigned long)gdt, make_pte(mfn, PTE_RW_PAGE)));
	check_refused(hc_mmu_update(t.mfn[4] * PAGE_SIZE | MMU_MACHPHYS_UPDATE | 4, 0));
	check_ok(hypercall(__HYPERVISOR_set_gdt, NULL, 0));
	page_writable(gdt);
}

/* A live data frame (mapped writable) becomes an L1 by linking it. */
static void check_data(void)
{
	uint64_t *data = page_alloc();

	check_refused(hc_mmu_update(t.mfn[2] * PAGE_SIZE + 72, make_pte(mfn_of(data), PTE_TABLE)));
	check_refused(hc_pin(1, mfn_of(data)));
	data[0] = 1;
}

void test_main(void)
{
	tree_build(&t, 4, PTE_RO_PAGE);
	must(hc_pin(4, t.mfn[4]));
	check_pins();
	check_links();
	check_roots();
	check_descriptors();
	check_data();
	check_ok(hc_unpin(t.mfn[4]));
}
