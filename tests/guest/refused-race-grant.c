/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 */
/*
 * Break-in: one vCPU maps, copies and unmaps grants while the other rewrites the entries, unmaps
 * the same handles and tries to turn the frames into tables.  Nothing may stay referenced, nothing
 * may be freed twice.
 *
 * Every address has a reference and a frame of its own: a handle used at a wrong address never
 * matches what is mapped there.
 */
#include "guest.h"

#define REF 20
#define COPY_REF 100
#define SLOTS 64
#define ROUNDS 600		/* at least, and until ENOUGH maps succeeded or 30 s passed */
#define ENOUGH 20

static char *pages;
static volatile bool done;
static volatile uint64_t last;		/* slot << 32 | handle */
static uint32_t handles[SLOTS];

static uint64_t frame(unsigned int slot)
{
	return mfn_of(pages + slot * PAGE_SIZE);
}

static void second(void)
{
	struct gnttab_swap_grant_ref swap = { .ref_a = COPY_REF, .ref_b = COPY_REF + 1 };

	smp_meet();
	for (unsigned int i = 0; !done; i++) {
		uint64_t now = last;
		unsigned int slot = (unsigned int)(now >> 32);

		grant_v1(REF + slot)->flags = (uint16_t)(i & 1 ? GTF_permit_access | GTF_readonly :
							 0);
		grant_give(REF + slot, frame(slot), 0);
		grant_unmap((uint64_t)window(slot), (uint32_t)now);
		if (hc_pin(1, frame(slot)) >= 0)
			hc_unpin(frame(slot));
		if (!(i % 8))
			hc_gnttab(GNTTABOP_swap_grant_ref, &swap, 1);
	}
}

/* An address nothing is mapped at; the other side may still be busy taking the last one down. */
static unsigned int free_slot(void)
{
	unsigned int slot = (unsigned int)(last >> 32);

	do
		slot = (slot + 1) % SLOTS;
	while (((volatile uint64_t *)window_l1())[slot]);
	return slot;
}

/*
 * Map at a free address; both sides may try to unmap, one of them succeeds.  Who finds the handle in
 * the other's hands waits until that is decided, so nothing is mapped there afterwards.
 */
static bool one_round(void)
{
	unsigned int slot = free_slot();
	uint32_t handle;
	int status;

	if (grant_map(REF + slot, (uint64_t)window(slot), GNTMAP_host_map, &handle) < 0)
		return false;
	handles[slot] = handle;
	last = (uint64_t)slot << 32 | handle;
	status = grant_unmap((uint64_t)window(slot), handle);
	check(status == GNTST_okay || status == GNTST_bad_handle, "slot %u handle %u: status %d",
	      slot, handle, status);
	check_equal(((volatile uint64_t *)window_l1())[slot], 0);
	return true;
}

static void sweep(void)
{
	for (unsigned int i = 0; i < SLOTS; i++) {
		if (window_l1()[i])
			check_equal(grant_unmap((uint64_t)window(i), handles[i]), GNTST_okay);
		check_equal(window_l1()[i], 0);
		check_equal(grant_in_use(REF + i), 0);
		check_ok(hc_pin(1, frame(i)));
		check_ok(hc_unpin(frame(i)));
		page_writable(pages + i * PAGE_SIZE);
	}
}

void test_main(void)
{
	uint64_t own = mfn_of(page_alloc()), end = time_now_ns() + 30000000000UL;
	unsigned int mapped = 0;

	grant_init(1);
	pages = pages_alloc(SLOTS);
	for (unsigned int i = 0; i < SLOTS; i++) {
		page_readonly(pages + i * PAGE_SIZE);
		grant_give(REF + i, frame(i), 0);
	}
	grant_give(COPY_REF, frame_spare(0), 0);
	smp_start(second);
	smp_meet();
	for (unsigned int i = 0; i < ROUNDS || (mapped < ENOUGH && time_now_ns() < end); i++) {
		mapped += one_round();
		grant_copy_from(COPY_REF, 0, own, 0, 128);
	}
	done = true;
	smp_wait();
	check(mapped > 0, "the grant was never mapped");
	sweep();
}
