/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: are the initial page tables laid out as kernels rely on - tables read-only and
 * contiguous from pt_base, everything else read-write and executable, p2m and M2P inverse to each
 * other, the root pinned?
 */
#include "guest.h"

static bool is_table(unsigned long va)
{
	return va >= start_info->pt_base &&
	       va < start_info->pt_base + start_info->nr_pt_frames * PAGE_SIZE;
}

/* First address from the base that is not mapped. */
static unsigned long mapped_end(void)
{
	unsigned long va = VIRT_BASE;

	while (pte_get(va, 1) & PTE_P)
		va += PAGE_SIZE;
	return va;
}

static void check_leaves(unsigned long end)
{
	for (unsigned long va = VIRT_BASE; va < end; va += PAGE_SIZE) {
		uint64_t pte = pte_get(va, 1);
		bool writable = pte & PTE_RW;

		if (va == ((unsigned long)shared_info & -PAGE_SIZE))
			continue;
		if (pte_mfn(pte) != p2m()[(va - VIRT_BASE) / PAGE_SIZE])
			test_fail("%lx maps frame %lx, p2m says %lx", va, pte_mfn(pte),
				  p2m()[(va - VIRT_BASE) / PAGE_SIZE]);
		if (writable == is_table(va))
			test_fail("%lx: writable %d, page table %d", va, writable, is_table(va));
		if (pte & PTE_NX)
			test_fail("%lx is not executable", va);
	}
}

static void check_p2m(void)
{
	unsigned long wrong = 0;

	for (unsigned long pfn = 0; pfn < start_info->nr_pages; pfn++)
		if (M2P[p2m()[pfn]] != pfn)
			wrong++;
	check(!wrong, "%lu frames where M2P and p2m disagree", wrong);
}

static void check_root(void)
{
	const uint64_t *l4 = (const uint64_t *)start_info->pt_base;
	uint64_t mfn = root_mfn(), cr3;

	asm volatile("mov %%cr3, %0" : "=r"(cr3));
	check_equal(cr3, mfn << 12);
	check(l4[256] & PTE_P, "no M2P in the root");
	check_ok(hc_unpin(mfn));
	check_refused(hc_unpin(mfn));
	check_ok(hc_pin(4, mfn));
}

void test_main(void)
{
	unsigned long end = mapped_end();
	unsigned long stack_end = boot_regs[2];

	check(end % (4 << 20) == 0, "mapping ends at %lx, no multiple of 4 MiB", end);
	check(end - stack_end >= 512 << 10, "only %lu bytes behind the stack", end - stack_end);
	check_leaves(end);
	check_p2m();
	check_root();
}
