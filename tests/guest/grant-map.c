/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: can a granted frame (version 1) be mapped by address and by PTE, read-only and
 * read-write, seen through, counted in the entry, and unmapped exactly once?
 */
#include "guest.h"

#define REF 20

static void check_by_address(unsigned int flags, unsigned int use)
{
	volatile uint64_t *va = window(0), *page = page_alloc();
	uint64_t mfn = mfn_of((void *)page);
	struct fault f;
	uint32_t handle, again;

	*page = 4711;
	grant_give(REF, mfn, 0);
	check_equal(grant_map(REF, (uint64_t)va, GNTMAP_host_map | flags, &handle), GNTST_okay);
	check_equal(*va, 4711);
	check_equal(grant_in_use(REF), use);
	check(!grant_take(REF), "a mapped grant could be taken back");
	FAULT_IN(&f, *va = 4712);
	check_fault(&f, flags & GNTMAP_readonly ? 14 : -1, 3);
	/* a second mapping elsewhere */
	check_equal(grant_map(REF, (uint64_t)window(1), GNTMAP_host_map | flags, &again), 0);
	check_equal(grant_unmap((uint64_t)window(1), again), 0);
	check_equal(grant_in_use(REF), use);
	check(grant_unmap((uint64_t)window(1), handle) != 0, "unmapped at the wrong address");
	check_equal(grant_unmap((uint64_t)va, handle), GNTST_okay);
	check_equal(pte_get((unsigned long)va, 1), 0);
	check_equal(grant_in_use(REF), 0);
	check_equal(grant_unmap((uint64_t)va, handle), GNTST_bad_handle);
	check(grant_take(REF), "grant still in use");
	page_readonly((void *)page);
}

static void check_by_pte(void)
{
	volatile uint64_t *va = window(2);
	uint64_t *page = page_alloc(), at = pte_maddr((unsigned long)va, 1);
	struct gnttab_map_grant_ref op = {
		.host_addr = at, .ref = REF, .dom = 0,
		.flags = GNTMAP_host_map | GNTMAP_contains_pte | GNTMAP_application_map |
			 1 << GNTMAP_guest_avail0,
	};

	*page = 1;
	grant_give(REF, mfn_of(page), 0);
	check_ok(hc_gnttab(GNTTABOP_map_grant_ref, &op, 1));
	check_equal(op.status, GNTST_okay);
	check_equal(op.dev_bus_addr, mfn_of(page) * PAGE_SIZE);
	check_equal(*va, 1);
	check_equal(pte_get((unsigned long)va, 1) & PTE_AVAIL, 0x200);
	check_equal(grant_unmap(at, op.handle), GNTST_okay);
	check_equal(pte_get((unsigned long)va, 1), 0);
	check(grant_take(REF), "grant still in use");
}

static void check_replace(void)
{
	volatile uint64_t *va = window(3), *other = window(4), *a = page_alloc();
	uint64_t spare = frame_spare(9);
	struct gnttab_unmap_and_replace op = { .host_addr = PTR(va), .new_addr = PTR(other) };

	check_ok(hc_map((unsigned long)other, make_pte(spare, PTE_RW_PAGE)));
	*other = 99;
	grant_give(REF, mfn_of((void *)a), 0);
	check_equal(grant_map(REF, (uint64_t)va, GNTMAP_host_map, &op.handle), GNTST_okay);
	check_ok(hc_gnttab(GNTTABOP_unmap_and_replace, &op, 1));
	check_equal(op.status, GNTST_okay);
	check_equal(*va, 99);
	check_equal(pte_get((unsigned long)other, 1), 0);
	check_ok(hc_map((unsigned long)va, 0));
	check(grant_take(REF), "grant still in use");
}

static void check_size(void)
{
	struct gnttab_query_size q = { .dom = DOMID_SELF };
	struct gnttab_get_version v = { .dom = DOMID_SELF };

	check_ok(hc_gnttab(GNTTABOP_query_size, &q, 1));
	check_equal(q.status, GNTST_okay);
	check(q.nr_frames >= 1 && q.max_nr_frames >= q.nr_frames, "%u of %u frames", q.nr_frames,
	      q.max_nr_frames);
	check_ok(hc_gnttab(GNTTABOP_get_version, &v, 1));
	check_equal(v.version, 1);
	check_equal(hc_gnttab(99, &v, 1), -ENOSYS);
}

void test_main(void)
{
	grant_init(1);
	check_size();
	check_by_address(0, GTF_reading | GTF_writing);
	check_by_address(GNTMAP_readonly, GTF_reading);
	check_by_pte();
	check_replace();
}
