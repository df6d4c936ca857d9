/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: map memory by large pages, which would make tables and foreign frames reachable
 * unchecked: PSE in L2, L3 and L4 entries, by update, by pin, and smuggled in after the check.
 */
#include "guest.h"

static void check_update(unsigned int level, uint64_t flags)
{
	uint64_t at = pte_maddr(WINDOW_BASE, level) + 8;
	const volatile uint64_t *entry = va_of_mfn(at / PAGE_SIZE);

	entry += at % PAGE_SIZE / 8;
	if (hc_mmu_update(at, make_pte(0, flags | PTE_PSE)) >= 0)
		test_fail("L%u: superpage at 0 with %lx", level, flags);
	if (hc_mmu_update(at, make_pte(frame_spare(0) & ~0x3ffffUL, flags | PTE_PSE)) >= 0)
		test_fail("L%u: superpage of RAM with %lx", level, flags);
	check_equal(*entry, 0);
	/* the flag added to a good entry */
	at -= 8;
	entry--;
	if (hc_mmu_update(at, *entry | PTE_PSE) >= 0)
		test_fail("L%u: PSE added", level);
	check_equal(*entry & PTE_PSE, 0);
}

static void check_pin(unsigned int level)
{
	struct tree t;

	tree_build(&t, 1, PTE_RO_PAGE);
	page_writable(t.page[level]);
	t.page[level][7] = make_pte(0, PTE_TABLE | PTE_PSE);
	page_readonly(t.page[level]);
	if (hc_pin(level, t.mfn[level]) >= 0 || hc_pin(4, t.mfn[4]) >= 0)
		test_fail("tree with a superpage in L%u was pinned", level);
}

/* Not-present entries may hold anything; present ones made of them may not. */
static void check_smuggle(void)
{
	uint64_t at = pte_maddr(WINDOW_BASE, 2) + 16;
	const volatile uint64_t *l2 = va_of_mfn(at / PAGE_SIZE);

	if (!hc_mmu_update(at, make_pte(0, PTE_RW | PTE_US | PTE_PSE))) {
		check_refused(hc_mmu_update(at, make_pte(0, PTE_TABLE | PTE_PSE)));
		check_equal(l2[2] & PTE_P, 0);
		check_ok(hc_mmu_update(at, 0));
	}
}

void test_main(void)
{
	window(0);
	for (unsigned int level = 2; level <= 4; level++) {
		check_update(level, PTE_TABLE);
		check_update(level, PTE_P | PTE_US);
		check_pin(level);
	}
	check_smuggle();
	must(hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_pae_extended_cr3));
}
