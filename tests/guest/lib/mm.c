/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool, the window and page-table helpers.
 *
 * The pool is .bss, so it is part of the initial mapping: pages are handed out once and never
 * come back.  Tables are always read-only mapped before the hypervisor sees them as tables.
 */
#include "mm.h"
#include "hyper.h"
#include "result.h"

#define POOL_PAGES 1024

const struct start_info *start_info;
struct shared_info *shared_info;
static char pool[POOL_PAGES][PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned int pool_used;
static char shared_page[PAGE_SIZE] __attribute__((aligned(4096)));
static uint64_t *window_tables[4];	/* by level; [1] = L1 */

void mm_init(void)
{
	shared_info = (struct shared_info *)shared_page;
	must(hc_map((uint64_t)shared_page, start_info->shared_info | PTE_RW_PAGE));
}

const uint64_t *p2m(void)
{
	return (const uint64_t *)start_info->mfn_list;
}

uint64_t mfn_of(const void *va)
{
	return p2m()[((uint64_t)va - VIRT_BASE) / PAGE_SIZE];
}

void *va_of_mfn(uint64_t mfn)
{
	return (void *)(VIRT_BASE + M2P[mfn] * PAGE_SIZE);
}

void *pages_alloc(unsigned int n)
{
	void *page = pool[pool_used];

	if (pool_used + n > POOL_PAGES)
		test_error("page pool exhausted");
	pool_used += n;
	return page;
}

void *page_alloc(void)
{
	return pages_alloc(1);
}

/* The initrd, if any, and the loader's tail sit right behind the mapping; count from the top. */
uint64_t pfn_spare(unsigned int n)
{
	return start_info->nr_pages - 1 - n;
}

uint64_t frame_spare(unsigned int n)
{
	return p2m()[pfn_spare(n)];
}

uint64_t root_mfn(void)
{
	return mfn_of((const void *)start_info->pt_base);
}

static unsigned int slot(unsigned long va, unsigned int level)
{
	return va >> (12 + 9 * (level - 1)) & 511;
}

uint64_t pte_maddr(unsigned long va, unsigned int level)
{
	uint64_t mfn = root_mfn();

	for (unsigned int l = 4; l > level; l--) {
		const uint64_t *table = va_of_mfn(mfn);
		uint64_t entry = table[slot(va, l)];

		if (!(entry & PTE_P))
			return 0;
		mfn = pte_mfn(entry);
	}
	return mfn * PAGE_SIZE + slot(va, level) * 8;
}

uint64_t pte_get(unsigned long va, unsigned int level)
{
	uint64_t maddr = pte_maddr(va, level);

	if (!maddr)
		return 0;
	return *(volatile uint64_t *)((char *)va_of_mfn(maddr / PAGE_SIZE) + maddr % PAGE_SIZE);
}

void page_readonly(void *page)
{
	must(hc_map((uint64_t)page, make_pte(mfn_of(page), PTE_RO_PAGE)));
}

void page_writable(void *page)
{
	must(hc_map((uint64_t)page, make_pte(mfn_of(page), PTE_RW_PAGE)));
}

static void window_build(void)
{
	uint64_t child = 0;

	for (unsigned int level = 1; level <= 3; level++) {
		uint64_t *table = page_alloc();

		if (child)
			table[slot(WINDOW_BASE, level)] = make_pte(child, PTE_TABLE);
		page_readonly(table);
		window_tables[level] = table;
		child = mfn_of(table);
	}
	must(hc_mmu_update(pte_maddr(WINDOW_BASE, 4), make_pte(child, PTE_TABLE)));
}

void *window(unsigned int n)
{
	if (!window_tables[1])
		window_build();
	return (void *)(WINDOW_BASE + n * PAGE_SIZE);
}

uint64_t *window_l1(void)
{
	window(0);
	return window_tables[1];
}

uint64_t *root_clone(void)
{
	uint64_t *l4 = page_alloc();

	memcpy(l4, (const void *)start_info->pt_base, PAGE_SIZE);
	for (unsigned int i = HOLE_SLOT; i < HOLE_SLOT_END; i++)
		l4[i] = 0;
	page_readonly(l4);
	return l4;
}

static void tree_pages(struct tree *t, unsigned int tables)
{
	for (unsigned int level = 1; level <= 4; level++) {
		t->page[level] = level == 1 ? pages_alloc(tables) : page_alloc();
		t->mfn[level] = mfn_of(t->page[level]);
		if (level > 1)
			t->page[level][0] = make_pte(t->mfn[level - 1], PTE_TABLE);
	}
}

void tree_build(struct tree *t, unsigned int leaves, uint64_t leaf_flags)
{
	tree_pages(t, 1);
	for (unsigned int i = 0; i < leaves; i++)
		t->page[1][i] = make_pte(frame_spare(i), leaf_flags);
	for (unsigned int level = 1; level <= 4; level++)
		page_readonly(t->page[level]);
}

void tree_build_big(struct tree *t, unsigned int tables)
{
	tree_pages(t, tables);
	for (unsigned int i = 0; i < tables; i++) {
		for (unsigned int e = 0; e < 512; e++)
			tree_l1(t, i)[e] = make_pte(frame_spare((i + e) % 1024), PTE_RO_PAGE);
		page_readonly(tree_l1(t, i));
		t->page[2][i] = make_pte(mfn_of(tree_l1(t, i)), PTE_TABLE);
	}
	for (unsigned int level = 2; level <= 4; level++)
		page_readonly(t->page[level]);
}
