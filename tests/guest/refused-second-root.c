/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: use a second root to get what the first one forbids - a writable alias of a live table
 * in a tree that is loaded, switched to, or only pinned; and change a table behind the back of the
 * root that uses it.
 */
#include "guest.h"

static uint64_t *alias_root(uint64_t mfn, uint64_t flags)
{
	struct tree t;
	uint64_t *l4 = root_clone();

	tree_build(&t, 0, 0);
	page_writable(t.page[1]);
	t.page[1][0] = make_pte(mfn, flags);
	page_readonly(t.page[1]);
	page_writable(l4);
	l4[0] = make_pte(t.mfn[3], PTE_TABLE);
	page_readonly(l4);
	return l4;
}

static void check_writable_alias(uint64_t mfn)
{
	uint64_t *l4 = alias_root(mfn, PTE_RW_PAGE);

	check_refused(hc_pin(4, mfn_of(l4)));
	check_refused(hc_mmuext(MMUEXT_NEW_BASEPTR, mfn_of(l4), 0));
	check_refused(hc_mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(l4), 0));
	page_writable(l4);
	l4[0] = 0;
}

/* Read-only in the second root; the upgrade is refused while the first root lives. */
static void check_upgrade(void)
{
	uint64_t mfn = pte_mfn(pte_get((unsigned long)page_alloc(), 2));
	uint64_t *l4 = alias_root(mfn, PTE_RO_PAGE);
	struct fault f;

	check_ok(hc_mmuext(MMUEXT_NEW_BASEPTR, mfn_of(l4), 0));
	check_refused(hypercall(__HYPERVISOR_update_va_mapping, 0, make_pte(mfn, PTE_RW_PAGE),
				UVMF_INVLPG));
	FAULT_IN(&f, *(volatile uint64_t *)0 = 0);
	check(f.hit || *(volatile uint64_t *)0 == 0, "store neither faulted nor was checked");
	/* now the second root is in use and the first only pinned: still a table */
	check_refused(hc_map((unsigned long)start_info->pt_base,
			     make_pte(root_mfn(), PTE_RW_PAGE)));
	check_ok(hc_mmuext(MMUEXT_NEW_BASEPTR, root_mfn(), 0));
}

/* A root that another root's leaf maps writable, switched to before it is ever pinned. */
static void check_switch_unpinned(void)
{
	uint64_t *l4 = root_clone();

	page_writable(l4);
	check_refused(hc_mmuext(MMUEXT_NEW_BASEPTR, mfn_of(l4), 0));
	page_readonly(l4);
	check_ok(hc_mmuext(MMUEXT_NEW_BASEPTR, mfn_of(l4), 0));
	check_refused(hc_map((unsigned long)l4, make_pte(mfn_of(l4), PTE_RW_PAGE)));
	check_ok(hc_mmuext(MMUEXT_NEW_BASEPTR, root_mfn(), 0));
	page_writable(l4);
}

void test_main(void)
{
	check_writable_alias(root_mfn());
	check_writable_alias(pte_mfn(pte_get(VIRT_BASE, 4)));
	check_writable_alias(pte_mfn(pte_get(VIRT_BASE, 2)));
	check_switch_unpinned();
	check_upgrade();
}
