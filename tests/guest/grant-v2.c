/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does version 2 work: wide entries, separate status words, sub-page copies, and can the
 * version be changed back and forth?
 */
#include "guest.h"

#define REF 30

static void check_map(void)
{
	volatile uint64_t *page = page_alloc(), *va = window(0);
	uint32_t handle;

	*page = 77;
	grant_give(REF, mfn_of((void *)page), 0);
	check_equal(grant_map(REF, (uint64_t)va, GNTMAP_host_map, &handle), GNTST_okay);
	check_equal(*va, 77);
	check_equal(grant_in_use(REF), GTF_reading | GTF_writing);
	check_equal(grant_v2(REF)->hdr.flags, GTF_permit_access);
	check_equal(grant_unmap((uint64_t)va, handle), GNTST_okay);
	check_equal(grant_in_use(REF), 0);
	check(grant_take(REF), "grant still in use");
}

static void check_sub_page(void)
{
	uint8_t *page = page_alloc(), *own = page_alloc();
	uint32_t handle;

	memset(page, 0x33, PAGE_SIZE);
	grant_v2(REF)->sub_page.frame = mfn_of(page);
	grant_v2(REF)->sub_page.page_off = 64;
	grant_v2(REF)->sub_page.length = 32;
	grant_v2(REF)->hdr.domid = 0;
	__atomic_store_n(&grant_v2(REF)->hdr.flags, GTF_permit_access | GTF_sub_page,
			 __ATOMIC_SEQ_CST);
	check(grant_map(REF, (uint64_t)window(1), GNTMAP_host_map, &handle) < 0,
	      "a sub-page grant was mapped");
	check_equal(grant_copy_from(REF, 64, mfn_of(own), 0, 32), GNTST_okay);
	check_equal(own[0] + own[31], 0x66);
	check(grant_copy_from(REF, 63, mfn_of(own), 0, 2) < 0, "copied from before the grant");
	check(grant_copy_from(REF, 64, mfn_of(own), 0, 33) < 0, "copied beyond the grant");
	check(grant_take(REF), "grant still in use");
}

/* While an entry is in use the version must not change. */
static void check_busy(void)
{
	struct gnttab_set_version set = { .version = 1 };
	uint64_t *page = page_alloc();
	uint32_t handle;

	grant_give(REF, mfn_of(page), 0);
	check_equal(grant_map(REF, (uint64_t)window(1), GNTMAP_host_map, &handle), GNTST_okay);
	check_equal(hc_gnttab(GNTTABOP_set_version, &set, 1), -EBUSY);
	check_equal(grant_unmap((uint64_t)window(1), handle), GNTST_okay);
	check(grant_take(REF), "grant still in use");
	hc_map((unsigned long)window(WINDOW_PAGES - 1), 0);
	set.version = 1;
	check_ok(hc_gnttab(GNTTABOP_set_version, &set, 1));
	check_equal(set.version, 1);
	set.version = 3;
	check_refused(hc_gnttab(GNTTABOP_set_version, &set, 1));
}

void test_main(void)
{
	grant_init(2);
	check_map();
	check_sub_page();
	check_busy();
}
