/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: INS and OUTS at the ends of the address space - the last bytes of the last page, the
 * edges of the hole, wrapping pointers - where a check by address can go round for ever.
 */
#include "guest.h"

#define PORT	0x80			/* reads and writes do nothing */
#define TOP	0xfffffffffffff000UL

static void map_at(unsigned long va, uint64_t mfn)
{
	uint64_t child = 0;

	for (unsigned int level = 1; level <= 3; level++) {
		if (level == 3 && pte_get(va, 4) & PTE_P)
			break;
		uint64_t *table = page_alloc();

		table[va >> (12 + 9 * (level - 1)) & 511] =
			level == 1 ? make_pte(mfn, PTE_RW_PAGE) : make_pte(child, PTE_TABLE);
		page_readonly(table);
		child = mfn_of(table);
	}
	must(hc_mmu_update(pte_maddr(va, pte_get(va, 4) & PTE_P ? 3 : 4),
			   make_pte(child, PTE_TABLE)));
}

static void ins(struct fault *f, unsigned long va)
{
	FAULT_IN(f, asm volatile("insl" : "+D"(va) : "d"(PORT) : "memory"));
}

static void outs(struct fault *f, unsigned long va)
{
	FAULT_IN(f, asm volatile("outsl" : "+S"(va) : "d"(PORT) : "memory"));
}

static void rep_ins(struct fault *f, unsigned long va, unsigned long n)
{
	FAULT_IN(f, asm volatile("rep insl" : "+D"(va), "+c"(n) : "d"(PORT) : "memory"));
}

void test_main(void)
{
	struct physdev_set_iopl iopl = { .iopl = 1 };
	uint64_t *page = page_alloc(), *low = page_alloc();
	struct fault f;

	must(hc_physdev(PHYSDEVOP_set_iopl, &iopl));
	ins(&f, TOP + 0xffc);
	check_fault(&f, 14, 2);
	check_equal(f.cr2, TOP + 0xffc);
	map_at(TOP, mfn_of(page));
	map_at(0, mfn_of(low));
	page[511] = 0x1111111122222222;
	ins(&f, TOP + 0xffc);
	check_fault(&f, -1, 0);
	outs(&f, TOP + 0xffc);
	check_fault(&f, -1, 0);
	check_equal(page[511] & 0xffffffff, 0x22222222);
	/* one byte round the corner: a fault, or a wrap */
	ins(&f, TOP + 0xffd);
	check(!on_mica() || f.hit, "wrapped round the end");
	outs(&f, TOP + 0xffd);
	check(!on_mica() || f.hit, "wrapped round the end");
	rep_ins(&f, TOP, ~0UL);
	check(f.hit, "2^64 elements");
	ins(&f, HOLE_START);
	check(f.hit, "the hypervisor's");
	ins(&f, HOLE_END - 2);
	check(f.hit, "the hypervisor's");
	ins(&f, NONCANONICAL);
	check(f.hit, "not canonical");
	ins(&f, NONCANONICAL - 2);
	check(f.hit, "half canonical");
}
