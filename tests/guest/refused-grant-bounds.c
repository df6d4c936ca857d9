/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: grants used beyond what was granted - read-only ones written, copies across page ends,
 * wrong domains, empty and foreign entries, counts and pointers out of range.
 */
#include "guest.h"

#define REF 15

static void check_copy(uint64_t granted, uint64_t own)
{
	check_equal(grant_copy_from(REF, 4095, own, 0, 2), GNTST_bad_copy_arg);
	check_equal(grant_copy_from(REF, 0, own, 4090, 7), GNTST_bad_copy_arg);
	check(grant_copy_from(REF, 0xffff, own, 0, 1) < 0, "offset beyond the page");
	check(grant_copy_from(REF, 1, own, 0, 0xffff) < 0, "length beyond the page");
	check(grant_copy_from(REF, 4096, own, 0, 1) < 0, "offset 4096");
	check(grant_copy_to(REF, 0, own, 0, 8) < 0, "wrote through a read-only grant");
	check(grant_copy_from(0xffffffff, 0, own, 0, 8) < 0, "reference out of range");
	check(grant_copy_from(REF, 0, root_mfn(), 0, 8) < 0, "copied over the root");
	check(grant_copy_from(REF, 0, mfn_of(window_l1()), 0, 8) < 0, "copied over an L1");
	check(grant_copy_from(REF, 0, 0xffffffffff, 0, 8) < 0, "copied to no frame");
	check(grant_copy_from(REF, 0, pte_mfn(pte_get(HOLE_START, 4)), 0, 8) < 0,
	      "copied over the hypervisor");
	check_equal(grant_in_use(REF), 0);
}

static void check_map(void)
{
	struct gnttab_map_grant_ref op = { .host_addr = PTR(window(0)), .flags = GNTMAP_host_map,
					   .ref = REF, .dom = 1 };
	uint32_t handle;

	check(grant_map(REF, (uint64_t)window(0), GNTMAP_host_map, &handle) < 0,
	      "mapped a read-only grant writable");
	check(grant_map(REF + 1, (uint64_t)window(0), GNTMAP_host_map, &handle) < 0,
	      "mapped an empty entry");
	must(hc_gnttab(GNTTABOP_map_grant_ref, &op, 1));
	check_equal(op.status, GNTST_bad_domain);
	check_equal(grant_map(REF, (uint64_t)window(0), GNTMAP_host_map | GNTMAP_readonly, &handle),
		    GNTST_okay);
	check_equal(grant_unmap((uint64_t)window(0), handle), GNTST_okay);
}

/* Entries that name frames which are not the granter's. */
static void check_foreign_entries(void)
{
	static const uint32_t frames[] = { 0xffffffff, 0xfffffff };
	uint32_t handle;

	for (unsigned int i = 0; i < ARRAY_SIZE(frames); i++) {
		grant_give(REF + 2, frames[i], 0);
		check(grant_map(REF + 2, (uint64_t)window(1), GNTMAP_host_map, &handle) < 0,
		      "granted frame %x", frames[i]);
	}
	grant_give(REF + 2, pte_mfn(pte_get(HOLE_START, 4)), 0);
	check(grant_map(REF + 2, (uint64_t)window(1), GNTMAP_host_map | GNTMAP_readonly, &handle) <
	      0, "granted a hypervisor frame");
	check(grant_copy_from(REF + 2, 0, mfn_of(page_alloc()), 0, 64) < 0,
	      "copied out of a hypervisor frame");
	grant_give(REF + 2, mfn_of(page_alloc()), 0);
	grant_v1(REF + 2)->domid = 7;
	check(grant_map(REF + 2, (uint64_t)window(1), GNTMAP_host_map, &handle) < 0,
	      "mapped a grant to another domain");
}

static void check_calls(void)
{
	struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = 100000,
					    .frame_list = 0xdead000 };
	struct gnttab_query_size q = { .dom = 99 };

	check_equal(hc_gnttab(GNTTABOP_map_grant_ref, (void *)0xdead000, 1), -EFAULT);
	check_equal(hc_gnttab(GNTTABOP_copy, (void *)0xdead000, 1), -EFAULT);
	check_refused(hc_gnttab(GNTTABOP_map_grant_ref, (void *)HOLE_END - 64, 1));
	check(hc_gnttab(GNTTABOP_map_grant_ref, &q, 0xffffffff) < 0, "count of 4 G accepted");
	check(hc_gnttab(GNTTABOP_setup_table, &setup, 1) < 0 || setup.status < 0,
	      "a table of 100000 frames");
	check(hc_gnttab(GNTTABOP_query_size, &q, 1) < 0 || q.status < 0, "no such domain");
}

void test_main(void)
{
	uint64_t granted, own;

	grant_init(1);
	granted = mfn_of(page_alloc());
	own = mfn_of(page_alloc());
	grant_give(REF, granted, GTF_readonly);
	check_copy(granted, own);
	check_map();
	check_foreign_entries();
	check_calls();
}
