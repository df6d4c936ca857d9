/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: use GNTMAP_contains_pte and the unmap side to write PTEs that the checks would refuse -
 * misaligned, in frames that are not L1 tables, in foreign or hypervisor frames, over another
 * mapping, or by unmapping something that is not the grant.
 */
#include "guest.h"

#define REF 12

static uint64_t granted;

static int map_at(uint64_t host_addr, unsigned int flags, uint32_t *handle)
{
	return grant_map(REF, host_addr, GNTMAP_host_map | flags, handle);
}

static void refuse_pte(uint64_t maddr, const char *what)
{
	uint32_t handle;
	int status = map_at(maddr, GNTMAP_contains_pte, &handle);

	check(status < 0, "%s: PTE at %lx accepted", what, maddr);
	check_equal(grant_in_use(REF), 0);
}

static void check_places(void)
{
	uint64_t l1 = pte_maddr((unsigned long)window(0), 1), data = mfn_of(page_alloc());

	for (unsigned int i = 1; i < 8; i++)
		refuse_pte(l1 + i, "misaligned");
	refuse_pte(pte_maddr(WINDOW_BASE, 2) + 8, "L2");
	refuse_pte(pte_maddr(WINDOW_BASE, 3) + 8, "L3");
	refuse_pte(root_mfn() * PAGE_SIZE + 8, "L4");
	refuse_pte(data * PAGE_SIZE, "data");
	refuse_pte(start_info->shared_info, "shared_info");
	refuse_pte(pte_mfn(pte_get(HOLE_START, 4)) * PAGE_SIZE, "hypervisor");
	refuse_pte(~7UL, "no memory");
	refuse_pte(0x1000000000000, "no memory");
}

static void check_addresses(void)
{
	uint32_t handle;

	check(map_at(HOLE_START, 0, &handle) < 0, "mapped over the M2P");
	check(map_at(HOLE_END - PAGE_SIZE, 0, &handle) < 0, "mapped in the hole");
	check(map_at(NONCANONICAL, 0, &handle) < 0, "mapped at a non-canonical address");
	check(map_at(0x123456789000, 0, &handle) < 0, "mapped without an L1");
	check(grant_map(REF, (uint64_t)window(0), 0, &handle) < 0, "neither host nor device");
	check(grant_map(0xfffffff0, (uint64_t)window(0), GNTMAP_host_map, &handle) ==
	      GNTST_bad_gntref, "reference out of range");
	check_equal(grant_in_use(REF), 0);
}

/* Over a live mapping: the old reference must not be lost. */
static void check_over(void)
{
	uint64_t *victim = page_alloc();
	uint32_t handle;

	if (map_at((uint64_t)victim, 0, &handle) >= 0)
		check_equal(grant_unmap((uint64_t)victim, handle), GNTST_okay);
	/* a table mapped here read-only was not made writable by the round trip */
	check_refused(hc_map((unsigned long)window(5), make_pte(mfn_of(window_l1()), PTE_RW_PAGE)));
}

/* The guest changes the PTE behind the mapping: unmap must notice. */
static void check_changed(void)
{
	uint64_t *other = page_alloc(), va = (uint64_t)window(1);
	uint32_t handle;

	check_equal(map_at(va, 0, &handle), GNTST_okay);
	if (!hc_map(va, make_pte(mfn_of(other), PTE_RW_PAGE))) {
		check(grant_unmap(va, handle) < 0, "unmapped another frame's PTE");
		check_equal(pte_mfn(pte_get(va, 1)), mfn_of(other));
		must(hc_map(va, make_pte(granted, PTE_RW_PAGE)));
	}
	check_equal(grant_unmap(va, handle), GNTST_okay);
	check_equal(grant_in_use(REF), 0);
	check(grant_unmap(va, 0xffffffff) < 0, "a handle out of range");
	check(grant_unmap(va, 0xdead) < 0, "a handle never given");
}

/* A page table granted to oneself writable. */
static void check_table_grant(void)
{
	uint32_t handle;

	grant_give(REF, mfn_of(window_l1()), 0);
	check(map_at((uint64_t)window(2), 0, &handle) < 0, "a page table was granted writable");
	check(grant_copy_to(REF, 0, granted, 0, 8) < 0, "copied onto a page table");
	check_equal(map_at((uint64_t)window(2), GNTMAP_readonly, &handle), GNTST_okay);
	check_refused(hc_map((unsigned long)window(2),
			     make_pte(mfn_of(window_l1()), PTE_RW_PAGE)));
	check_equal(grant_unmap((uint64_t)window(2), handle), GNTST_okay);
}

void test_main(void)
{
	grant_init(1);
	granted = mfn_of(page_alloc());
	grant_give(REF, granted, 0);
	check_places();
	check_addresses();
	check_over();
	check_changed();
	check_table_grant();
}
