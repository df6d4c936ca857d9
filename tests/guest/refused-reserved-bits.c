/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: entries with bits the processor reserves or the level does not allow, which would turn
 * a later walk into a reserved-bit fault inside the hypervisor.
 */
#include "guest.h"

static uint64_t entry_at(uint64_t maddr)
{
	return ((volatile uint64_t *)va_of_mfn(maddr / PAGE_SIZE))[maddr % PAGE_SIZE / 8];
}

/* Every address bit above what the machine has. */
static void check_address(unsigned int level, uint64_t mfn)
{
	uint64_t at = pte_maddr(WINDOW_BASE, level) + 8;
	uint64_t flags = level == 1 ? PTE_RO_PAGE : PTE_TABLE;

	for (unsigned int bit = 40; bit < 52; bit++) {
		if (hc_mmu_update(at, make_pte(mfn, flags) | 1UL << bit) >= 0)
			test_fail("L%u: address bit %u accepted", level, bit);
		check_equal(entry_at(at), 0);
	}
}

static void check_flags(unsigned int level, uint64_t mfn)
{
	static const uint64_t bad[] = { PTE_PSE, PTE_G, PTE_PWT, PTE_PCD };
	uint64_t at = pte_maddr(WINDOW_BASE, level) + 8;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		long rc = hc_mmu_update(at, make_pte(mfn, PTE_TABLE) | bad[i]);

		/* Xen tolerates cache bits here; a table entry with G or PSE nobody may accept */
		if (rc >= 0 && (on_mica() || i < 2))
			test_fail("L%u: flag %lx accepted", level, bad[i]);
		if (rc >= 0)
			must(hc_mmu_update(at, 0));
	}
}

static void check_pinned(void)
{
	struct tree t;

	for (unsigned int level = 1; level <= 4; level++) {
		tree_build(&t, 1, PTE_RO_PAGE);
		page_writable(t.page[level]);
		t.page[level][0] |= 1UL << 51;
		page_readonly(t.page[level]);
		if (hc_pin(level, t.mfn[level]) >= 0)
			test_fail("L%u with a reserved bit was pinned", level);
	}
}

void test_main(void)
{
	uint64_t *table[4];

	window(0);
	for (unsigned int level = 1; level <= 3; level++) {
		table[level] = page_alloc();
		page_readonly(table[level]);
	}
	check_address(1, frame_spare(0));
	for (unsigned int level = 2; level <= 4; level++) {
		check_address(level, mfn_of(table[level - 1]));
		check_flags(level, mfn_of(table[level - 1]));
	}
	check_pinned();
}
