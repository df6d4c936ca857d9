/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dom0's first page tables: 4 KiB leaves, writable and executable, but the tables' own pages
 * read-only (a frame is writable or a table, never both: mm/frame.h).  Tables are taken from their
 * area in the order in which the walk needs them: L4, L3, L2, L1, L1, ...
 *
 * Nothing is checked here; dom0.c pins the root, which checks everything.
 */
#include "boot/dom0_tables.h"
#include "lib/bug.h"
#include "lib/string.h"
#include "mm/hvmap.h"

#define TABLE_FLAGS	(PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)

struct pool {				/* pages that become tables */
	struct dom0_memory *mem;
	uint64_t next, end;
};

static boot_text mfn_t new_table(struct pool *p)
{
	bug_on(p->next == p->end);
	page_clear(dom0_mem_va(p->mem, p->next, NULL));
	return dom0_mem_mfn(p->mem, p->next++);
}

/* The level-1 entry for @va. */
static boot_text uint64_t *leaf_of(struct pool *p, uint64_t *table, uint64_t va)
{
	for (unsigned level = PT_LEVELS; level > 1; level--) {
		uint64_t *e = &table[pt_index(va, level)];

		if (!pte_present(pte(*e)))
			*e = pte_make(new_table(p), TABLE_FLAGS).v;
		table = mfn_to_virt(pte_mfn(pte(*e)));
	}
	return &table[pt_index(va, 1)];
}

static boot_text void map(struct pool *p, uint64_t *root, uint64_t va, uint64_t pfn, uint64_t nr)
{
	uint64_t *leaf = NULL;

	for (uint64_t i = 0; i < nr; i++, va += PAGE_SIZE) {
		leaf = leaf && pt_index(va, 1) ? leaf + 1 : leaf_of(p, root, va);
		*leaf = pte_make(dom0_mem_mfn(p->mem, pfn + i), TABLE_FLAGS).v;
	}
}

boot_text void dom0_build_tables(struct dom0_memory *m, const struct dom0_kernel *k,
				 const struct dom0_layout *l)
{
	struct pool tables = { m, l->tables.pfn, l->tables.pfn + l->tables.nr };
	struct pool p2m = { m, l->p2m_tables.pfn, l->p2m_tables.pfn + l->p2m_tables.nr };
	uint64_t *root = mfn_to_virt(new_table(&tables));
	uint64_t nr = l->tables.pfn + l->tables.nr;

	map(&tables, root, k->virt_base, 0, l->mapped);
	bug_on(tables.next != tables.end);
	for (uint64_t pfn = l->tables.pfn; pfn < nr; pfn++)
		*leaf_of(&tables, root, k->virt_base + pfn * PAGE_SIZE) &= ~PTE_RW;
	if (k->has_init_p2m)
		map(&p2m, root, l->p2m_va, l->p2m.pfn, l->p2m.nr);
}

boot_text void dom0_build_p2m(struct dom0_memory *m, const struct dom0_layout *l, uint64_t nr_pages)
{
	const unsigned per_page = PAGE_SIZE / sizeof(uint64_t);
	uint64_t *list = NULL;

	/* What is left of the last page has no frame behind it; the runs below cover everything before. */
	for (uint64_t pfn = nr_pages; pfn % per_page; pfn++) {
		list = dom0_mem_va(m, l->p2m.pfn + pfn / per_page, NULL);
		list[pfn % per_page] = ~0ul;
	}
	for (unsigned r = 0; r < m->nr; r++) {
		const struct mem_run *run = &m->run[r];

		for (uint64_t i = 0, pfn = run->pfn; i < run->nr && pfn < nr_pages; i++, pfn++) {
			if (!i || pfn % per_page == 0)
				list = dom0_mem_va(m, l->p2m.pfn + pfn / per_page, NULL);
			list[pfn % per_page] = run->mfn + i;
			m2p_set(mfn(run->mfn + i), pfn);
		}
	}
}
