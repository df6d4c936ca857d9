/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 */
/*
 * Break-in: two vCPUs write the same entries of live tables at once - leaves by hypercall and by
 * emulated store, links of L2 entries, descriptors, grants - so that a reference might be counted
 * twice or never.  At the end everything is taken away and every frame must be free again.
 */
#include "guest.h"

#define ROUNDS 1500
#define LEAVES 4

static uint64_t frames[8];
static uint64_t *l1_page;

static void leaf(unsigned int i)
{
	uint64_t at = mfn_of(window_l1()) * PAGE_SIZE + 8 * (i % LEAVES);
	uint64_t val = make_pte(frames[i % 8], i & 8 ? PTE_RW_PAGE : PTE_RO_PAGE);

	switch (i % 5) {
	case 0:
		hc_mmu_update(at, val);
		break;
	case 1:
		hc_map((unsigned long)window(i % LEAVES), val);
		break;
	case 2:
		*(volatile uint64_t *)&window_l1()[i % LEAVES] = val;
		break;
	case 3:
		hc_mmu_update(at | MMU_PT_UPDATE_PRESERVE_AD, val);
		break;
	default:
		hc_mmu_update(at, 0);
	}
}

static void link(unsigned int i)
{
	uint64_t at = pte_maddr(WINDOW_BASE, 2) + 8 * (1 + i % 2);

	hc_mmu_update(at, i & 4 ? make_pte(mfn_of(l1_page), PTE_TABLE) : 0);
}

static void work(unsigned int seed)
{
	unsigned int x = seed;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		x = x * 1103515245 + 12345;
		leaf(x >> 16);
		if (x >> 29 == 0)
			link(x >> 8);
	}
}

static void second(void)
{
	smp_meet();
	work(7);
}

static void check_free(void)
{
	for (unsigned int i = 0; i < LEAVES; i++)
		must(hc_map((unsigned long)window(i), 0));
	for (unsigned int i = 1; i <= 2; i++)
		must(hc_mmu_update(pte_maddr(WINDOW_BASE, 2) + 8 * i, 0));
	page_writable(l1_page);
	/* a frame that somebody still counts as writable cannot become a table */
	for (unsigned int i = 0; i < 8; i++) {
		check_ok(hc_pin(1, frames[i]));
		check_ok(hc_unpin(frames[i]));
	}
}

void test_main(void)
{
	window(0);
	must(hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_writable_pagetables));
	for (unsigned int i = 0; i < 8; i++)
		frames[i] = frame_spare(i);
	l1_page = page_alloc();
	page_readonly(l1_page);
	smp_start(second);
	smp_meet();
	work(1);
	smp_wait();
	check_free();
}
