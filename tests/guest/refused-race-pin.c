/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 */
/*
 * Break-in: two vCPUs on one tree - one pins and unpins it while the other writes its tables by
 * every road and tries to map them writable in between.  Whoever loses a race gets an error; no
 * frame may ever be a table and writable at once.  The audit at the end decides.
 */
#include "guest.h"

#define ROUNDS 400		/* at least, and until ENOUGH pins succeeded or 30 s passed */
#define ENOUGH 20

static struct tree t;
static volatile bool done;
static volatile unsigned long writable_while_pinned;

static void writer_round(unsigned int i)
{
	uint64_t l1 = t.mfn[1] * PAGE_SIZE, l2 = t.mfn[2] * PAGE_SIZE;
	struct fault f;

	hc_mmu_update(l1 + 8 * (i % 64), make_pte(frame_spare(i % 32), PTE_RW_PAGE));
	hc_mmu_update(l1 + 8 * (i % 64), 0);
	hc_mmu_update(l2 + 8, make_pte(t.mfn[1], PTE_TABLE));
	hc_mmu_update(l2 + 8, 0);
	hc_map((unsigned long)t.page[1], make_pte(t.mfn[1], i & 1 ? PTE_RW_PAGE : PTE_RO_PAGE));
	FAULT_IN(&f, *(volatile uint64_t *)&t.page[1][70] = 0);
	hc_map((unsigned long)t.page[1], make_pte(t.mfn[1], PTE_RO_PAGE));
	hc_map((unsigned long)window(2), make_pte(t.mfn[2], PTE_RW_PAGE));
	hc_map((unsigned long)window(2), 0);
}

static void writer(void)
{
	smp_meet();
	for (unsigned int i = 0; !done; i++)
		writer_round(i);
}

/* While pinned from here, the tables must not be writable for us either. */
static void pinner(void)
{
	uint64_t end = time_now_ns() + 30000000000UL;
	unsigned int pinned = 0;

	smp_meet();
	for (unsigned int i = 0; i < ROUNDS || (pinned < ENOUGH && time_now_ns() < end); i++) {
		unsigned int level = 1 + i % 4;

		if (hc_pin(level, t.mfn[level]) < 0)
			continue;
		pinned++;
		if (!hc_map((unsigned long)window(3), make_pte(t.mfn[level], PTE_RW_PAGE)))
			writable_while_pinned++;
		hc_map((unsigned long)window(3), 0);
		if (hc_unpin(t.mfn[level]) < 0)
			test_fail("round %u: unpin of L%u failed", i, level);
	}
	done = true;
	check(pinned > 0, "no round ever pinned");
}

void test_main(void)
{
	window(0);
	must(hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables));
	tree_build(&t, 16, PTE_RO_PAGE);
	smp_start(writer);
	pinner();
	smp_wait();
	check(!writable_while_pinned, "%lu pinned tables mapped writable", writable_while_pinned);
	for (unsigned int level = 1; level <= 4; level++)
		page_writable(t.page[level]);
}
