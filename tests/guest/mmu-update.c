/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does mmu_update do each of its commands, show the bits the hypervisor adds, keep A and
 * D when asked, report how far it came, and stop at the first bad entry?
 */
#include "guest.h"

#define KEPT (PTE_MFN_MASK | PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D | PTE_NX | PTE_AVAIL)

static uint64_t slot_maddr(unsigned int i)
{
	return mfn_of(window_l1()) * PAGE_SIZE + i * 8;
}

static void check_normal(void)
{
	volatile uint64_t *va = window(0);
	uint64_t *l1 = window_l1();
	uint64_t mfn = frame_spare(0);

	check_ok(hc_mmu_update(slot_maddr(0), make_pte(mfn, PTE_RW_PAGE | 0x200)));
	check_equal(l1[0] & KEPT, make_pte(mfn, PTE_RW_PAGE | 0x200));
	*va = 42;
	check_ok(hc_mmu_update(slot_maddr(0), make_pte(mfn, PTE_RO_PAGE)));
	check_equal(*va, 42);
	check_ok(hc_mmu_update(slot_maddr(0), make_pte(mfn, PTE_RO_PAGE | PTE_NX)));
	check_equal(l1[0] & KEPT, make_pte(mfn, PTE_RO_PAGE | PTE_NX));
	/* no US: the hypervisor adds it and marks the page as the kernel's */
	check_ok(hc_mmu_update(slot_maddr(0), make_pte(mfn, PTE_P | PTE_RW)));
	check_equal(l1[0] & PTE_US, PTE_US);
	check_equal(*va, 42);
	check_ok(hc_mmu_update(slot_maddr(0), 0));
	check_equal(l1[0], 0);
	/* not present: stored verbatim */
	check_ok(hc_mmu_update(slot_maddr(0), 0x123456789abcde00));
	check_equal(l1[0], 0x123456789abcde00);
	check_ok(hc_mmu_update(slot_maddr(0), 0));
}

static void check_preserve(void)
{
	uint64_t *l1 = window_l1();
	uint64_t mfn = frame_spare(0);

	check_ok(hc_mmu_update(slot_maddr(1), make_pte(mfn, PTE_RW_PAGE)));
	check_ok(hc_mmu_update(slot_maddr(1) | MMU_PT_UPDATE_PRESERVE_AD,
			       make_pte(mfn, PTE_P | PTE_US | PTE_RW)));
	check_equal(l1[1] & (PTE_A | PTE_D), PTE_A | PTE_D);
	check_ok(hc_mmu_update(slot_maddr(1), make_pte(mfn, PTE_P | PTE_US | PTE_RW)));
	check_equal(l1[1] & (PTE_A | PTE_D), 0);
	check_ok(hc_mmu_update(slot_maddr(1) | MMU_PT_UPDATE_NO_TRANSLATE,
			       make_pte(mfn, PTE_RO_PAGE)));
	check_equal(l1[1] & KEPT, make_pte(mfn, PTE_RO_PAGE));
	check_ok(hc_mmu_update(slot_maddr(1), 0));
}

/* A frame that is no table: the word is simply written. */
static void check_plain_page(void)
{
	uint64_t *page = page_alloc();

	check_ok(hc_mmu_update(mfn_of(page) * PAGE_SIZE + 24, 0xdeadbeefcafe));
	check_equal(page[3], 0xdeadbeefcafe);
}

static void check_machphys(void)
{
	uint64_t mfn = frame_spare(1), pfn = M2P[mfn];

	check_ok(hc_mmu_update(mfn * PAGE_SIZE | MMU_MACHPHYS_UPDATE, 0x55555));
	check_equal(M2P[mfn], 0x55555);
	check_ok(hc_mmu_update(mfn * PAGE_SIZE | MMU_MACHPHYS_UPDATE, pfn));
}

static void check_batch(void)
{
	struct mmu_update req[4];
	uint64_t *l1 = window_l1();
	unsigned int done = 99;

	for (unsigned int i = 0; i < 4; i++) {
		req[i].ptr = slot_maddr(i);
		req[i].val = make_pte(frame_spare(i), PTE_RO_PAGE);
	}
	check_ok(hypercall(__HYPERVISOR_mmu_update, req, 4, &done, DOMID_SELF));
	check_equal(done, 4);
	for (unsigned int i = 0; i < 4; i++)
		req[i].val = 0;
	req[2].val = make_pte(0xffffffff, PTE_RO_PAGE);
	check_refused(hypercall(__HYPERVISOR_mmu_update, req, 4, &done, DOMID_SELF));
	check_equal(done, 2);
	check_equal(l1[1], 0);
	check(l1[2] & l1[3] & PTE_P, "entries behind the bad one were touched");
	check_refused(hypercall(__HYPERVISOR_mmu_update, req + 2, 1, NULL, DOMID_SELF));
	req[2].val = 0;
	check_ok(hypercall(__HYPERVISOR_mmu_update, req, 4, NULL, DOMID_SELF));
	check_ok(hypercall(__HYPERVISOR_mmu_update, req, 0, &done, DOMID_SELF));
	check_equal(done, 0);
	check_equal(hc_mmu_update_from(slot_maddr(0), 0, 77), -ESRCH);
}

void test_main(void)
{
	window(0);
	check_normal();
	check_preserve();
	check_plain_page();
	check_machphys();
	check_batch();
}
