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
static volatile uint32_t last_handle, last_slot;
static uint32_t handles[256];

static void second(void)
{
	uint64_t mfn = mfn_of(page);

	smp_meet();
	for (unsigned int i = 0; !done; i++) {
		grant_v1(REF)->flags = (uint16_t)(i & 1 ? GTF_permit_access | GTF_readonly : 0);
		grant_give(REF, mfn, 0);
		grant_unmap((uint64_t)window(last_slot), last_handle);
		if (hc_pin(1, mfn) >= 0)
			hc_unpin(mfn);
		if (!(i % 8))
			hc_gnttab(GNTTABOP_swap_grant_ref, &(struct gnttab_swap_grant_ref){
				  .ref_a = REF, .ref_b = REF + 1 }, 1);
	}
}

/* An address nothing is mapped at; the other side may still be busy taking the last one down. */
static unsigned int free_slot(void)
{
	unsigned int slot = last_slot;

	do
		slot = (slot + 1) % 256;
	while (window_l1()[slot]);
	return slot;
}

/*
 * Map at a free address; both sides may try to unmap, at most one succeeds.  Both may fail when the
 * other side holds the handle with a wrong address at that moment; sweep() takes what is left.
 */
static bool one_round(unsigned int i)
{
	unsigned int slot = free_slot();
	uint32_t handle;
	int status;

	if (grant_map(REF, (uint64_t)window(slot), GNTMAP_host_map, &handle) < 0)
		return false;
	last_handle = handles[slot] = handle;
	last_slot = slot;
	status = grant_unmap((uint64_t)window(slot), handle);
	check(status == GNTST_okay || status == GNTST_bad_handle, "round %u: unmap status %d", i,
	      status);
	return true;
}

static void sweep(void)
{
	for (unsigned int i = 0; i < 256; i++) {
		if (window_l1()[i])
			check_equal(grant_unmap((uint64_t)window(i), handles[i]), GNTST_okay);
		check_equal(window_l1()[i], 0);
	}
}

void test_main(void)
{
	uint64_t own = mfn_of(page_alloc());
	unsigned int mapped = 0;
	uint64_t end = time_now_ns() + 30000000000UL;

	grant_init(1);
	page = page_alloc();
	page_readonly(page);
	grant_give(REF, mfn_of(page), 0);
	smp_start(second);
	smp_meet();
	for (unsigned int i = 0; i < ROUNDS || (mapped < ENOUGH && time_now_ns() < end); i++) {
		mapped += one_round(i);
		grant_copy_from(REF, 0, own, 0, 128);
	}
	done = true;
	smp_wait();
	check(mapped > 0, "the grant was never mapped");
	sweep();
	check_equal(grant_in_use(REF) | grant_in_use(REF + 1), 0);
	check_ok(hc_pin(1, mfn_of(page)));
	check_ok(hc_unpin(mfn_of(page)));
	page_writable(page);
}
