/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 */
/*
 * Break-in: one vCPU maps, copies and unmaps a grant while the other rewrites the entry, unmaps the
 * same handle and tries to turn the frame into a table.  Nothing may stay referenced, nothing may
 * be freed twice.
 */
#include "guest.h"

#define REF 20
#define ROUNDS 600		/* at least, and until ENOUGH maps succeeded or 30 s passed */
#define ENOUGH 20

static uint64_t *page;
static volatile bool done;
static volatile uint32_t last_handle;

static void second(void)
{
	uint64_t mfn = mfn_of(page);

	smp_meet();
	for (unsigned int i = 0; !done; i++) {
		grant_v1(REF)->flags = (uint16_t)(i & 1 ? GTF_permit_access | GTF_readonly : 0);
		grant_give(REF, mfn, 0);
		grant_unmap((uint64_t)window(0), last_handle);
		if (hc_pin(1, mfn) >= 0)
			hc_unpin(mfn);
		if (!(i % 8))
			hc_gnttab(GNTTABOP_swap_grant_ref, &(struct gnttab_swap_grant_ref){
				  .ref_a = REF, .ref_b = REF + 1 }, 1);
	}
}

void test_main(void)
{
	uint64_t own = mfn_of(page_alloc());
	unsigned int mapped = 0;
	uint64_t end = time_now_ns() + 30000000000UL;
	uint32_t handle;
	int status;

	grant_init(1);
	page = page_alloc();
	page_readonly(page);
	grant_give(REF, mfn_of(page), 0);
	smp_start(second);
	smp_meet();
	for (unsigned int i = 0; i < ROUNDS || (mapped < ENOUGH && time_now_ns() < end); i++) {
		if (grant_map(REF, (uint64_t)window(0), GNTMAP_host_map, &handle) >= 0) {
			last_handle = handle;
			mapped++;
			status = grant_unmap((uint64_t)window(0), handle);
			check(status == GNTST_okay || status == GNTST_bad_handle,
			      "round %u: unmap status %d", i, status);
		}
		grant_copy_from(REF, 0, own, 0, 128);
	}
	done = true;
	smp_wait();
	grant_unmap((uint64_t)window(0), last_handle);
	check(mapped > 0, "the grant was never mapped");
	check_equal(pte_get((unsigned long)window(0), 1), 0);
	check_ok(hc_pin(1, mfn_of(page)));
	check_ok(hc_unpin(mfn_of(page)));
	page_writable(page);
}
