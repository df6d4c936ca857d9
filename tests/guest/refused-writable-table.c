/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: get a writable mapping of a live page table - of every level, by hypercall, by an
 * emulated store, as a fresh mapping and by adding RW to the read-only one.
 */
#include "guest.h"

static void attack(void *table, const char *what)
{
	uint64_t mfn = mfn_of(table), before = *(volatile uint64_t *)table;
	volatile uint64_t *alias = window(0), *slot = window_l1();
	struct fault f;

	if (hc_map((unsigned long)table, make_pte(mfn, PTE_RW_PAGE)) >= 0)
		test_fail("%s: RW added to its own mapping", what);
	if (hc_map((unsigned long)alias, make_pte(mfn, PTE_RW_PAGE)) >= 0)
		test_fail("%s: mapped writable by update_va_mapping", what);
	if (hc_mmu_update(mfn_of(window_l1()) * PAGE_SIZE, make_pte(mfn, PTE_RW_PAGE)) >= 0)
		test_fail("%s: mapped writable by mmu_update", what);
	if (hc_mmu_update(mfn_of(window_l1()) * PAGE_SIZE | MMU_PT_UPDATE_PRESERVE_AD,
			  make_pte(mfn, PTE_RW_PAGE)) >= 0)
		test_fail("%s: mapped writable with PRESERVE_AD", what);
	/* read-only is fine; RW must not come by the fast path or by a bit instruction */
	check_ok(hc_map((unsigned long)alias, make_pte(mfn, PTE_RO_PAGE)));
	if (hc_map((unsigned long)alias, make_pte(mfn, PTE_RO_PAGE | PTE_RW)) >= 0)
		test_fail("%s: RW added to a read-only mapping", what);
	FAULT_IN(&f, asm volatile("lock btsq $1, %0" : "+m"(*slot) : : "cc"));
	check(!(*slot & PTE_RW), "%s: RW set by an emulated bts: %lx", what, *slot);
	FAULT_IN(&f, *slot = make_pte(mfn, PTE_RW_PAGE));
	check(!(*slot & PTE_RW), "%s: RW set by an emulated mov: %lx", what, *slot);
	/* a store through the alias is checked like any other: this one would map the table */
	FAULT_IN(&f, *alias = make_pte(mfn, PTE_RW_PAGE));
	if (*(volatile uint64_t *)table != before)
		test_fail("%s: content changed from %lx to %lx", what, before,
			  *(volatile uint64_t *)table);
	must(hc_map((unsigned long)alias, 0));
}

void test_main(void)
{
	must(hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables));
	window(0);
	attack(va_of_mfn(pte_mfn(pte_get((unsigned long)page_alloc(), 2))), "L1");
	attack(va_of_mfn(pte_mfn(pte_get(VIRT_BASE, 3))), "L2");
	attack(va_of_mfn(pte_mfn(pte_get(VIRT_BASE, 4))), "L3");
	attack((void *)start_info->pt_base, "L4");
	/* and one that is pinned but not in use */
	{
		struct tree t;

		tree_build(&t, 4, PTE_RW_PAGE);
		must(hc_pin(4, t.mfn[4]));
		for (int level = 1; level <= 4; level++)
			attack(t.page[level], "pinned table");
	}
}
