/* SPDX-License-Identifier: BSD-2-Clause */
/* Question: is not a frame lost in 200 domains made, filled and destroyed, in any state of building? */
#include "domu.h"
#include "guest.h"

#define CYCLES	200
#define PAGES	200

static uint64_t mfn[PAGES];

/* How far cycle @n gets before it is destroyed. */
static void cycle(unsigned int n)
{
	struct mmuext_op pin = { .cmd = MMUEXT_PIN_L1_TABLE };
	long id = domu_create(1 + n % 3);
	uint64_t *page;

	must(id);
	if (n % 5 == 0)
		goto destroy;
	must(domu_max_vcpus((unsigned int)id, 1 + n % 3));
	if (n % 5 == 1)
		goto destroy;
	must(domu_max_mem((unsigned int)id, PAGES));
	check_equal(domu_populate((unsigned int)id, 0, n % PAGES + 1, mfn), n % PAGES + 1);
	if (n % 5 == 2)
		goto destroy;
	page = domu_map((unsigned int)id, mfn[0], DOMU_SLOT, true, NULL);
	check(page, "cannot map");
	for (unsigned int i = 1; page && i <= n % PAGES && i < 512; i++)
		page[i] = make_pte(mfn[i], i & 1 ? PTE_RW_PAGE : PTE_RO_PAGE);
	domu_unmap(DOMU_SLOT);
	pin.arg1.mfn = mfn[0];
	check_ok(hypercall(__HYPERVISOR_mmuext_op, &pin, 1, 0, id));
	if (n % 5 == 4) {
		pin.cmd = MMUEXT_UNPIN_TABLE;
		check_ok(hypercall(__HYPERVISOR_mmuext_op, &pin, 1, 0, id));
	}
destroy:
	check(domu_destroy((unsigned int)id), "domain %ld is still there", id);
	check_equal(domctl_simple(XEN_DOMCTL_destroydomain, (unsigned int)id), -ESRCH);
}

void test_main(void)
{
	uint64_t before;

	window(0);
	for (unsigned int n = 0; n < 10; n++)
		cycle(n);
	before = free_pages();
	for (unsigned int n = 0; n < CYCLES; n++)
		cycle(n);
	check_equal(free_pages(), before);
}
