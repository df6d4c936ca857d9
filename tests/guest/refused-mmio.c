/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: map the interrupt controllers, the MSI window, the HPET for writing, and the hypervisor's
 * memory as if it were a device, by every call that maps device memory.  Ordinary device memory must
 * work.
 */
#include "guest.h"

#define LAPIC	0xfee00UL
#define IOAPIC	0xfec00UL
#define HPET	0xfed00UL
#define VGA	0xa0UL

static long by_update(uint64_t mfn, uint64_t flags, unsigned int domid)
{
	return hc_mmu_update_from(pte_maddr((unsigned long)window(0), 1), make_pte(mfn, flags), domid);
}

static void refuse(const char *what, uint64_t mfn, uint64_t flags)
{
	struct mmu_update req = { .val = make_pte(mfn, flags) };

	check(by_update(mfn, flags, DOMID_IO) < 0, "%s: mapped as I/O", what);
	check(by_update(mfn, flags, DOMID_SELF) < 0, "%s: mapped as its own", what);
	check(by_update(mfn, flags, DOMID_XEN) < 0, "%s: mapped as the hypervisor's", what);
	check(hc_map((unsigned long)window(0), make_pte(mfn, flags)) < 0, "%s: mapped by address",
	      what);
	req.ptr = pte_maddr((unsigned long)window(0), 1) | MMU_PT_UPDATE_PRESERVE_AD;
	check(hypercall(__HYPERVISOR_mmu_update, &req, 1, 0, DOMID_IO) < 0, "%s: keeping A and D",
	      what);
	check_equal(pte_get((unsigned long)window(0), 1), 0);
}

static void check_tables(void)
{
	struct tree t;

	/* as a leaf of a table that is checked whole */
	tree_build(&t, 0, 0);
	page_writable(t.page[1]);
	t.page[1][7] = make_pte(LAPIC, PTE_RW_PAGE);
	page_readonly(t.page[1]);
	check_refused(hc_pin(1, t.mfn[1]));
	check_refused(hc_pin(4, t.mfn[4]));
	/* a device as a table, as a root, as descriptors */
	check_refused(hc_mmu_update_from(pte_maddr((unsigned long)window(0), 2) + 8,
					 make_pte(VGA, PTE_TABLE), DOMID_IO));
	check_refused(hc_pin(1, VGA));
	check_refused(user_root(VGA));
	check_refused(hc_mmuext(MMUEXT_CLEAR_PAGE, LAPIC, 0));
	check_refused(hc_mmuext(MMUEXT_COPY_PAGE, t.mfn[3], LAPIC));
	for (unsigned int level = 1; level <= 4; level++)
		page_writable(t.page[level]);
}

static void check_readonly(void)
{
	volatile uint32_t *hpet = window(0);
	struct fault f;
	uint32_t before;

	if (by_update(HPET, PTE_RO_PAGE | PTE_PCD, DOMID_IO) < 0)
		return;
	before = hpet[4];
	FAULT_IN(&f, hpet[4] = ~before);
	check(!f.hit || f.vector == 14, "vector %lu", f.vector);
	check_equal(hpet[4], before);
	must(hc_map((unsigned long)window(0), 0));
	if (by_update(HPET, PTE_RW_PAGE | PTE_PCD, DOMID_IO) >= 0)
		check(!(pte_get((unsigned long)window(0), 1) & PTE_RW), "the HPET is writable");
	must(hc_map((unsigned long)window(0), 0));
}

void test_main(void)
{
	window(0);
	refuse("local APIC", LAPIC, PTE_RW_PAGE);
	refuse("local APIC, read-only", LAPIC, PTE_RO_PAGE);
	refuse("MSI window", 0xfeeff, PTE_RW_PAGE);
	if (on_mica())
		refuse("IO-APIC", IOAPIC, PTE_RW_PAGE);
	refuse("the hypervisor", pte_mfn(pte_get(HOLE_START, 4)), PTE_RW_PAGE);
	refuse("the hypervisor", 0x200, PTE_RW_PAGE);
	check_tables();
	check_readonly();
	must(by_update(VGA, PTE_RW_PAGE | PTE_PCD, DOMID_IO));
	*(volatile uint8_t *)window(0) = 0x5a;
	must(hc_map((unsigned long)window(0), 0));
}
