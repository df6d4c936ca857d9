/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of areas is the one every PV kernel of the last twenty years was started with; NetBSD
 * relies on it and on 512 KiB of slack after the stack.  Tables map the areas and themselves, so
 * their number is found by trying: more tables can only make more tables necessary.
 */
#include <string.h>
#include <mica/mmu.h>

#include "lib/layout.h"

#define PAGE_BYTES	4096ull
#define PAGES(bytes)	(((bytes) + PAGE_BYTES - 1) / PAGE_BYTES)
#define END_ALIGN	(4ull << 20)
#define END_SLACK	(512ull << 10)
#define ENTRIES		512ull

/* Tables of one level that cover [va, va + bytes); each covers 1 << shift bytes. */
static uint64_t tables_at(uint64_t va, uint64_t bytes, unsigned shift)
{
	return ((va + bytes - 1) >> shift) - (va >> shift) + 1;
}

/* L3, L2 and L1 tables that map [va, va + bytes). */
static uint64_t tables_for(uint64_t va, uint64_t bytes)
{
	return tables_at(va, bytes, 39) + tables_at(va, bytes, 30) + tables_at(va, bytes, 21);
}

static struct mica_area take(uint64_t *next, uint64_t nr)
{
	struct mica_area a = { *next, nr };

	*next += nr;
	return a;
}

/* Where the mapped part ends if the stack ends at pfn @after_stack. */
static uint64_t mapped_end(uint64_t after_stack, uint64_t virt_base)
{
	uint64_t end = virt_base + after_stack * PAGE_BYTES;
	uint64_t up = (end + END_ALIGN - 1) & ~(END_ALIGN - 1);

	if (up - end < END_SLACK)
		up += END_ALIGN;
	return (up - virt_base) / PAGE_BYTES;
}

int mica_layout_plan(const struct mica_kernel *k, uint64_t nr_pages, uint64_t initrd_bytes,
		     struct mica_layout *l, struct mica_error *e)
{
	/* Whole pages: Linux writes entries up to the next multiple of 512. */
	uint64_t p2m_pages = PAGES(nr_pages * 8), next = PAGES(k->end), tables = 1, need;
	uint64_t p2m_bytes = p2m_pages * PAGE_BYTES;

	memset(l, 0, sizeof(*l));
	if (initrd_bytes && !k->mod_start_pfn)
		l->initrd = take(&next, PAGES(initrd_bytes));
	if (!k->has_init_p2m) {
		l->p2m = take(&next, p2m_pages);
		l->p2m_va = k->virt_base + l->p2m.pfn * PAGE_BYTES;
	}
	l->start_info = take(&next, 1);
	l->store = take(&next, 1);
	l->console = take(&next, 1);
	for (;;) {
		l->mapped = mapped_end(next + tables + 1, k->virt_base);
		if (k->virt_base + l->mapped * PAGE_BYTES - 1 < k->virt_base)
			return mica_fail(e, "MICA-KRN-004", "kernel, initrd and tables do not fit "
					 "between the kernel's base and the end of the address space");
		need = 1 + tables_for(k->virt_base, l->mapped * PAGE_BYTES);
		if (need <= tables)
			break;
		tables = need;
	}
	l->tables = take(&next, tables);
	l->stack = take(&next, 1);
	next = l->mapped;
	if (initrd_bytes && k->mod_start_pfn)
		l->initrd = take(&next, PAGES(initrd_bytes));
	if (k->has_init_p2m) {
		l->p2m_va = k->init_p2m;
		l->p2m = take(&next, p2m_pages);
		l->p2m_tables = take(&next, tables_for(k->init_p2m, p2m_bytes));
		if (k->init_p2m + p2m_bytes - 1 < k->init_p2m ||
		    (k->init_p2m >> 39) == (k->virt_base >> 39) ||
		    ((k->init_p2m + p2m_bytes - 1) >> 39) == (k->virt_base >> 39))
			return mica_fail(e, "MICA-KRN-004", "the kernel wants its p2m list at 0x%llx, "
					 "which collides with the kernel itself",
					 (unsigned long long)k->init_p2m);
	}
	l->used = next;
	if (l->used <= nr_pages)
		return 0;
	mica_fail(e, "MICA-MEM-002", "kernel, initrd and tables need %llu MiB, the domain has %llu",
		  (unsigned long long)(l->used * PAGE_BYTES + 0xfffff) >> 20,
		  (unsigned long long)(nr_pages * PAGE_BYTES) >> 20);
	mica_fact(e, "kernel ends at %llu MiB, initrd %llu MiB",
		  (unsigned long long)k->end >> 20, (unsigned long long)initrd_bytes >> 20);
	return -e->code->errnum;
}
