/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: LDT tricks - an LDT in a writable page, over a page table, in the hypervisor's range,
 * changed through a writable alias while it is loaded, or grown past its end.
 */
#include "guest.h"

#define DATA64	0x00cff3000000ffffUL

static struct fault f;

static void load(unsigned int index)
{
	FAULT_IN(&f, asm volatile("mov %w0, %%fs" : : "r"(index << 3 | 7)));
	if (!f.hit)
		asm volatile("mov %w0, %%fs" : : "r"(0));
}

/* A writable page: the descriptor must not come into force. */
static void check_writable(void)
{
	uint64_t *ldt = page_alloc();

	ldt[0] = DATA64;
	if (hc_mmuext(MMUEXT_SET_LDT, (unsigned long)ldt, 512) < 0)
		return;
	load(0);
	check(f.hit, "a descriptor in a writable LDT page was loaded");
	ldt[0] = 0;
	must(hc_mmuext(MMUEXT_SET_LDT, 0, 0));
}

/* Once touched, the frame is held: no writable alias by any road. */
static void check_alias(void)
{
	uint64_t *ldt = page_alloc(), mfn = mfn_of(ldt);

	ldt[0] = DATA64;
	page_readonly(ldt);
	must(hc_mmuext(MMUEXT_SET_LDT, (unsigned long)ldt, 512));
	load(0);
	check_fault(&f, -1, 0);
	check_refused(hc_map((unsigned long)ldt, make_pte(mfn, PTE_RW_PAGE)));
	check_refused(hc_map((unsigned long)window(0), make_pte(mfn, PTE_RW_PAGE)));
	check_refused(hc_pin(1, mfn));
	check_refused(hc_mmuext(MMUEXT_CLEAR_PAGE, mfn, 0));
	FAULT_IN(&f, *(volatile uint64_t *)ldt = 0);
	check_fault(&f, 14, 3);
	check_refused(hc_update_descriptor(mfn * PAGE_SIZE + 16, 0x00008b0000001067));
	/* selectors beyond the entries */
	must(hc_mmuext(MMUEXT_SET_LDT, (unsigned long)ldt, 1));
	load(0);
	check_fault(&f, -1, 0);
	load(1);
	check_fault(&f, 13, 8 | 4);
	must(hc_mmuext(MMUEXT_SET_LDT, 0, 0));
}

/* A table read as descriptors: its entries could be anything. */
static void check_table(void)
{
	if (hc_mmuext(MMUEXT_SET_LDT, start_info->pt_base, 512) >= 0) {
		load(256);
		check(f.hit, "a page-table entry was loaded as a descriptor");
		load(511);
		check(f.hit, "a page-table entry was loaded as a descriptor");
		must(hc_mmuext(MMUEXT_SET_LDT, 0, 0));
	}
}

static void check_places(void)
{
	check_refused(hc_mmuext(MMUEXT_SET_LDT, HOLE_START, 512));
	check_refused(hc_mmuext(MMUEXT_SET_LDT, HOLE_END - PAGE_SIZE, 512));
	check_refused(hc_mmuext(MMUEXT_SET_LDT, HOLE_START - PAGE_SIZE, 1024));
	check_refused(hc_mmuext(MMUEXT_SET_LDT, NONCANONICAL, 1));
	check_refused(hc_mmuext(MMUEXT_SET_LDT, 0x1001, 1));
	check_refused(hc_mmuext(MMUEXT_SET_LDT, 0x1000, 0xffffffff));
	/* nothing mapped there: a fault at the guest's address, not the hypervisor's */
	must(hc_mmuext(MMUEXT_SET_LDT, 0x1000, 512));
	load(3);
	check(f.hit && f.vector == 14 && f.cr2 == 0x1018, "vector %lu cr2 %lx", f.vector, f.cr2);
	must(hc_mmuext(MMUEXT_SET_LDT, 0, 0));
}

void test_main(void)
{
	check_writable();
	check_alias();
	check_table();
	check_places();
}
