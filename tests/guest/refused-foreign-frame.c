/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: map, own or use frames that belong to the hypervisor, to DOMID_XEN, to nobody, or to no
 * machine at all.
 */
#include "guest.h"

static void attack(uint64_t mfn, const char *what)
{
	uint64_t mine = mfn;

	if (hc_map((unsigned long)window(0), make_pte(mfn, PTE_RW_PAGE)) >= 0)
		test_fail("%s %lx mapped writable", what, mfn);
	if (hc_map((unsigned long)window(0), make_pte(mfn, PTE_RO_PAGE)) >= 0)
		test_fail("%s %lx mapped read-only", what, mfn);
	for (unsigned int level = 1; level <= 4; level++)
		if (hc_pin(level, mfn) >= 0)
			test_fail("%s %lx pinned as L%u", what, mfn, level);
	if (hc_mmu_update(mfn * PAGE_SIZE, 0) >= 0)
		test_fail("%s %lx written by mmu_update", what, mfn);
	if (hc_mmu_update(mfn * PAGE_SIZE | MMU_MACHPHYS_UPDATE, 5) >= 0)
		test_fail("%s %lx: M2P changed", what, mfn);
	if (hc_update_descriptor(mfn * PAGE_SIZE, 0) >= 0)
		test_fail("%s %lx written by update_descriptor", what, mfn);
	if (hypercall(__HYPERVISOR_set_gdt, &mine, 16) >= 0)
		test_fail("%s %lx used as GDT", what, mfn);
	check_refused(hc_mmuext(MMUEXT_CLEAR_PAGE, mfn, 0));
	check_refused(hc_mmuext(MMUEXT_COPY_PAGE, mfn, root_mfn()));
	check_refused(hc_mmuext(MMUEXT_COPY_PAGE, frame_spare(0), mfn));
	check_refused(hc_mmuext(MMUEXT_NEW_BASEPTR, mfn, 0));
	check_refused(hc_mmuext(MMUEXT_NEW_USER_BASEPTR, mfn, 0));
}

/* The hypervisor's frames are found through the live root's slots and the M2P's frame list. */
static void attack_hypervisor(void)
{
	const volatile uint64_t *l4 = (const volatile uint64_t *)start_info->pt_base;

	for (unsigned int i = HOLE_SLOT; i < HOLE_SLOT_END; i++)
		if (l4[i] & PTE_P && pte_mfn(l4[i]) != root_mfn())
			attack(pte_mfn(l4[i]), "hypervisor frame");
}

/* DOMID_XEN offers the M2P read-only; nothing more. */
static void attack_m2p_frames(void)
{
	const volatile uint64_t *slot = window_l1();
	uint64_t list[4] = { 0 }, at = mfn_of(window_l1()) * PAGE_SIZE;
	struct xen_machphys_mfn_list ml = { .max_extents = 4, .extent_start = PTR(list) };

	must(hc_memory(XENMEM_machphys_mfn_list, &ml));
	/* refused, or mapped with RW dropped */
	hc_mmu_update_from(at, make_pte(list[0], PTE_RW_PAGE), DOMID_XEN);
	check(!(*slot & PTE_RW), "the M2P was mapped writable as DOMID_XEN: %lx", *slot);
	must(hc_mmu_update(at, 0));
	if (hc_map((unsigned long)window(0), make_pte(list[0], PTE_RW_PAGE)) >= 0)
		test_fail("the M2P was mapped writable as one's own");
	if (hc_mmu_update_from(at, make_pte(list[0], PTE_RO_PAGE), DOMID_XEN) >= 0) {
		check_equal(memcmp(window(0), (const void *)M2P, 512), 0);
		hc_mmu_update_from(at, make_pte(list[0], PTE_RW_PAGE), DOMID_XEN);
		check(!(*slot & PTE_RW), "RW added to the M2P's mapping: %lx", *slot);
		hc_mmu_update(at, make_pte(list[0], PTE_RW_PAGE));
		check(!(*slot & PTE_RW), "RW added to the M2P's mapping: %lx", *slot);
		must(hc_mmu_update(at, 0));
	}
}

void test_main(void)
{
	uint64_t max = (uint64_t)hc_memory(XENMEM_maximum_ram_page, NULL);

	window(0);
	attack_hypervisor();
	attack_m2p_frames();
	for (unsigned int domid = 1; domid < 4; domid++)
		check_equal(hc_mmu_update_from(mfn_of(window_l1()) * PAGE_SIZE, 0, domid), -ESRCH);
	/* beyond the machine: only what dom0 may map as MMIO may be mapped, never used as memory */
	check_refused(hc_pin(1, max + 0x1000000));
	check_refused(hc_pin(4, ~0UL >> 12));
	check_refused(hc_pin(4, ~0UL));
	check_refused(hc_mmuext(MMUEXT_NEW_BASEPTR, max, 0));
	check_refused(hc_mmu_update((max + 1) * PAGE_SIZE, 0));
	check_refused(hc_mmu_update(~7UL, 0));
	check_refused(hc_mmu_update((max + 1) * PAGE_SIZE | MMU_MACHPHYS_UPDATE, 0));
}
