/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page tables a new domain starts on.  All of them are mapped here at once, since they are
 * few and, as all of a new domain's memory, empty; entries hold machine frames.  A table is mapped read-only in the domain, as a PV guest must
 * have it; the leaf entries carry no USER flag, which the hypervisor adds.
 */
#include "lib/build_priv.h"

#define PTE_P		(1ull << 0)
#define PTE_RW		(1ull << 1)
#define PTE_US		(1ull << 2)
#define PTE_A		(1ull << 5)
#define PTE_D		(1ull << 6)
#define PTE_ADDRESS	0x000ffffffffff000ull
#define LEAF		(PTE_P | PTE_RW | PTE_A)
#define UPPER		(PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define ENTRIES		512

/* A run of table pages, mapped here, handed out from its start. */
struct pool {
	const struct mica_area *area;
	uint64_t (*page)[ENTRIES];
	uint64_t used;
};

struct tables {
	struct build *b;
	struct pool first, p2m;
	struct pool *from;		/* where new tables are taken */
};

static uint64_t *new_table(struct tables *t, uint64_t *mfn)
{
	struct pool *p = t->from;

	if (p->used == p->area->nr)
		return NULL;
	*mfn = t->b->mfn[p->area->pfn + p->used];
	return p->page[p->used++];
}

/* The table that an entry with machine frame @mfn names, found among ours. */
static uint64_t *table_at(struct tables *t, uint64_t mfn)
{
	struct pool *pools[] = { &t->first, &t->p2m };

	for (unsigned i = 0; i < 2; i++)
		for (uint64_t n = 0; n < pools[i]->used; n++)
			if (t->b->mfn[pools[i]->area->pfn + n] == mfn)
				return pools[i]->page[n];
	return NULL;
}

/* The L1 table for @va, made with all above it as needed; NULL: the plan was too small. */
static uint64_t *leaf_table(struct tables *t, uint64_t va)
{
	uint64_t *table = t->first.page[0];

	for (unsigned shift = 39; shift > 12; shift -= 9) {
		uint64_t *entry = &table[va >> shift & (ENTRIES - 1)], mfn;

		if (*entry & PTE_P) {
			table = table_at(t, (*entry & PTE_ADDRESS) >> 12);
		} else {
			table = new_table(t, &mfn);
			if (table)
				*entry = mfn << 12 | UPPER;
		}
		if (!table)
			return NULL;
	}
	return table;
}

static bool is_table(const struct mica_layout *l, uint64_t pfn)
{
	return (pfn >= l->tables.pfn && pfn < l->tables.pfn + l->tables.nr) ||
	       (pfn >= l->p2m_tables.pfn && pfn < l->p2m_tables.pfn + l->p2m_tables.nr);
}

/* Map @nr pages from @pfn on at @va. */
static bool map_run(struct tables *t, uint64_t va, uint64_t pfn, uint64_t nr)
{
	const struct mica_layout *l = &t->b->b->layout;
	uint64_t *leaf = NULL;

	for (uint64_t i = 0; i < nr; i++, va += MICA_PAGE_BYTES) {
		unsigned slot = va >> 12 & (ENTRIES - 1);

		if (!leaf || !slot)
			leaf = leaf_table(t, va);
		if (!leaf)
			return false;
		leaf[slot] = t->b->mfn[pfn + i] << 12 |
			(is_table(l, pfn + i) ? LEAF & ~PTE_RW : LEAF);
	}
	return true;
}

static int fill(struct tables *t)
{
	struct build *b = t->b;
	const struct mica_layout *l = &b->b->layout;
	const struct mica_kernel *k = b->r->kernel;
	uint64_t root;

	t->from = &t->first;
	new_table(t, &root);
	if (!map_run(t, k->virt_base, 0, l->mapped))
		return mica_fail(b->e, "MICA-INT-001", "the plan has too few page tables");
	t->from = &t->p2m;
	if (k->has_init_p2m && !map_run(t, l->p2m_va, l->p2m.pfn, l->p2m.nr))
		return mica_fail(b->e, "MICA-INT-001", "the plan has too few p2m tables");
	return 0;
}

int build_tables(struct build *b)
{
	const struct mica_layout *l = &b->b->layout;
	struct tables t = { .b = b, .first.area = &l->tables, .p2m.area = &l->p2m_tables };
	int rc = build_map(b, l->tables.pfn, l->tables.nr, (void **)&t.first.page);

	if (rc)
		return rc;
	if (l->p2m_tables.nr)
		rc = build_map(b, l->p2m_tables.pfn, l->p2m_tables.nr, (void **)&t.p2m.page);
	if (!rc) {
		rc = fill(&t);
		if (l->p2m_tables.nr)
			mica_unmap(b->m, t.p2m.page, l->p2m_tables.nr);
	}
	mica_unmap(b->m, t.first.page, l->tables.nr);
	return rc;
}
