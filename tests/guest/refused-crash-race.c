/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=3 expect=crash */
/*
 * Break-in: crash while two other vCPUs are in the middle of pinning, undoing and rewriting one tree.
 * The machine ends, but not before their CPUs came out of the hypercalls: the audit must be clean.
 */
#include "guest.h"

#define ROUNDS 200		/* of both, before the crash */

static struct tree t;
static volatile unsigned long rounds[3];

static void pinner(void)
{
	for (unsigned int i = 0;; i++) {
		unsigned int level = 1 + i % 4;

		if (!hc_pin(level, t.mfn[level]))
			hc_unpin(t.mfn[level]);
		rounds[1]++;
	}
}

static void writer(void)
{
	uint64_t l1 = t.mfn[1] * PAGE_SIZE, l2 = t.mfn[2] * PAGE_SIZE;

	for (unsigned int i = 0;; i++) {
		hc_mmu_update(l1 + 8 * (i % 64), make_pte(frame_spare(i % 32), PTE_RW_PAGE));
		hc_mmu_update(l1 + 8 * (i % 64), 0);
		hc_mmu_update(l2 + 8, make_pte(t.mfn[1], PTE_TABLE));
		hc_mmu_update(l2 + 8, 0);
		rounds[2]++;
	}
}

void test_main(void)
{
	tree_build(&t, 16, PTE_RO_PAGE);
	smp_start_on(1, pinner);
	smp_start_on(2, writer);
	while (rounds[1] < ROUNDS || rounds[2] < ROUNDS)
		asm volatile("pause");
	must(hypercall(__HYPERVISOR_set_trap_table, NULL));
	asm volatile("ud2");
	test_fail("survived an exception without a handler");
}
