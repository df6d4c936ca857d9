/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: can whole trees be pinned through their top alone, level by level, used as a root, and
 * given back so that every frame is ordinary memory again?
 */
#include "guest.h"

static void give_back(struct tree *t)
{
	for (unsigned int level = 1; level <= 4; level++) {
		page_writable(t->page[level]);
		memset(t->page[level], 0, PAGE_SIZE);
	}
}

static void check_tree(unsigned int leaves, uint64_t flags)
{
	struct tree t;

	tree_build(&t, leaves, flags);
	check_ok(hc_pin(4, t.mfn[4]));
	/* every level is a table now: none can be mapped writable */
	for (unsigned int level = 1; level <= 4; level++)
		check_refused(hc_map((unsigned long)t.page[level],
				     make_pte(t.mfn[level], PTE_RW_PAGE)));
	check_refused(hc_pin(4, t.mfn[4]));
	check_ok(hc_unpin(t.mfn[4]));
	check_refused(hc_unpin(t.mfn[4]));
	give_back(&t);
}

static void check_by_level(void)
{
	struct tree t;

	tree_build(&t, 8, PTE_RW_PAGE);
	for (unsigned int level = 1; level <= 4; level++)
		check_ok(hc_pin(level, t.mfn[level]));
	for (unsigned int level = 1; level <= 4; level++)
		check_ok(hc_unpin(t.mfn[level]));
	give_back(&t);
}

/* Growing and shrinking a pinned tree: children come and go with one entry. */
static void check_grow(void)
{
	uint64_t *l1 = page_alloc();
	struct tree t;

	tree_build(&t, 0, 0);
	check_ok(hc_pin(4, t.mfn[4]));
	l1[0] = make_pte(frame_spare(3), PTE_RW_PAGE);
	page_readonly(l1);
	check_ok(hc_mmu_update(t.mfn[2] * PAGE_SIZE + 8, make_pte(mfn_of(l1), PTE_TABLE)));
	check_refused(hc_map((unsigned long)l1, make_pte(mfn_of(l1), PTE_RW_PAGE)));
	check_ok(hc_mmu_update(mfn_of(l1) * PAGE_SIZE + 16,
			       make_pte(frame_spare(4), PTE_RW_PAGE)));
	check_ok(hc_mmu_update(t.mfn[2] * PAGE_SIZE + 8, 0));
	page_writable(l1);
	/* clearing the top slot releases everything below */
	check_ok(hc_mmu_update(t.mfn[4] * PAGE_SIZE, 0));
	page_writable(t.page[3]);
	page_writable(t.page[2]);
	page_writable(t.page[1]);
	check_ok(hc_unpin(t.mfn[4]));
	page_writable(t.page[4]);
}

static void check_batch(void)
{
	struct mmuext_op ops[3] = { { .cmd = MMUEXT_PIN_L4_TABLE }, { .cmd = MMUEXT_UNPIN_TABLE },
				    { .cmd = MMUEXT_UNPIN_TABLE } };
	unsigned int done = 0;
	struct tree t;

	tree_build(&t, 4, PTE_RO_PAGE);
	for (int i = 0; i < 3; i++)
		ops[i].arg1.mfn = t.mfn[4];
	check_refused(hypercall(__HYPERVISOR_mmuext_op, ops, 3, &done, DOMID_SELF));
	check_equal(done, 2);
	give_back(&t);
}

void test_main(void)
{
	check_tree(0, 0);
	check_tree(64, PTE_RO_PAGE);
	check_tree(512, PTE_RW_PAGE);
	check_by_level();
	check_grow();
	check_batch();
}
