/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: a table entry that refers to its own table, or a cycle through another root, which
 * makes tables reachable as data one level down.
 *
 * Differs on purpose: Xen allows read-only self-references (linear page tables), Mica refuses every
 * one with -EINVAL.  Both must refuse writable ones, also when RW is added by the fast path.
 */
#include "guest.h"

static void check_level(struct tree *t, unsigned int level)
{
	uint64_t at = t->mfn[level] * PAGE_SIZE + 8 * 300;
	const volatile uint64_t *slot = &t->page[level][300];
	long rc = hc_mmu_update(at, make_pte(t->mfn[level], PTE_P | PTE_US | PTE_A));

	if (on_mica())
		check(rc == -EINVAL, "L%u: read-only self-reference gave %ld", level, rc);
	if (hc_mmu_update(at, make_pte(t->mfn[level], PTE_TABLE)) >= 0)
		test_fail("L%u: writable self-reference", level);
	check(!(*slot & PTE_RW), "L%u: slot %lx", level, *slot);
	if (rc >= 0)
		must(hc_mmu_update(at, 0));
}

/* The same inside a table that is checked as a whole. */
static void check_whole(unsigned int level, uint64_t flags)
{
	struct tree t;
	long rc;

	tree_build(&t, 0, 0);
	page_writable(t.page[level]);
	t.page[level][300] = make_pte(t.mfn[level], flags);
	page_readonly(t.page[level]);
	rc = hc_pin(level, t.mfn[level]);
	if (rc >= 0 && (on_mica() || flags & PTE_RW))
		test_fail("pinned an L%u that contains itself with %lx", level, flags);
	if (rc >= 0)
		must(hc_unpin(t.mfn[level]));
}

/* Two tables of one level that name each other. */
static void check_pair(unsigned int level)
{
	struct tree a, b;

	tree_build(&a, 0, 0);
	tree_build(&b, 0, 0);
	page_writable(a.page[level]);
	page_writable(b.page[level]);
	a.page[level][300] = make_pte(b.mfn[level], PTE_TABLE);
	b.page[level][300] = make_pte(a.mfn[level], PTE_TABLE);
	page_readonly(a.page[level]);
	page_readonly(b.page[level]);
	check_refused(hc_pin(level, a.mfn[level]));
	check_refused(hc_pin(level, b.mfn[level]));
	check_refused(hc_pin(4, a.mfn[4]));
	page_writable(a.page[level]);
	page_writable(b.page[level]);
}

void test_main(void)
{
	struct tree t;

	tree_build(&t, 0, 0);
	must(hc_pin(4, t.mfn[4]));
	for (unsigned int level = 2; level <= 4; level++) {
		check_level(&t, level);
		check_whole(level, PTE_TABLE);
		check_whole(level, PTE_P | PTE_US | PTE_A);
		check_pair(level);
	}
	must(hc_unpin(t.mfn[4]));
}
