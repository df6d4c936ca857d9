/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do set_gdt, update_descriptor, SET_LDT and loads of the resulting selectors work, with
 * bases that count, and do the reserved selectors survive it all?
 */
#include "guest.h"

#define DATA64		0x00cff3000000ffffUL	/* DPL 3, read-write, flat */
#define CODE64		0x00affb000000ffffUL	/* DPL 3, long mode */
#define NOT_PRESENT	0x00cf73000000ffffUL

static uint64_t *gdt;

static uint64_t data_at(uint32_t base)
{
	return DATA64 | (uint64_t)(base & 0xffffff) << 16 | (uint64_t)(base >> 24) << 56;
}

static uint64_t gdt_maddr(unsigned int i)
{
	return mfn_of(gdt) * PAGE_SIZE + i * 8;
}

static void check_gdt(void)
{
	uint64_t mfn, *old;

	gdt = page_alloc();
	mfn = mfn_of(gdt);
	gdt[1] = DATA64;
	page_readonly(gdt);
	check_ok(hypercall(__HYPERVISOR_set_gdt, &mfn, 512));
	check_equal(gdt[1], DATA64);
	/* a second one replaces the first, whose frame is free again */
	old = gdt;
	gdt = page_alloc();
	mfn = mfn_of(gdt);
	page_readonly(gdt);
	check_ok(hypercall(__HYPERVISOR_set_gdt, &mfn, 16));
	page_writable(old);
}

static void check_update(void)
{
	check_ok(hc_update_descriptor(gdt_maddr(2), DATA64));
	check_equal(gdt[2], DATA64);
	check_ok(hc_update_descriptor(gdt_maddr(3), CODE64));
	check_ok(hc_update_descriptor(gdt_maddr(4), NOT_PRESENT));
	check_ok(hc_update_descriptor(gdt_maddr(6), data_at(0x1000)));
	check_equal(hc_update_descriptor(gdt_maddr(5) + 4, DATA64), -EINVAL);
	check_refused(hc_update_descriptor(0xffffffffffff000, DATA64));
}

static void check_loads(void)
{
	uint16_t sel;
	struct fault f;

	FAULT_IN(&f, asm volatile("mov %w0, %%ds; mov %w0, %%es" : : "r"(2 << 3 | 3)));
	check_fault(&f, -1, 0);
	asm volatile("mov %%ds, %0" : "=r"(sel));
	check_equal(sel, 2 << 3 | 3);
	FAULT_IN(&f, asm volatile("mov %w0, %%fs" : : "r"(4 << 3 | 3)));
	check_fault(&f, 11, 4 << 3);
	FAULT_IN(&f, asm volatile("mov %w0, %%fs" : : "r"(5 << 3 | 3)));
	check_fault(&f, 13, 5 << 3);
	/* a base below 4 GiB reaches memory through the segment */
	FAULT_IN(&f, asm volatile("mov %w0, %%fs; mov %%fs:0x234, %%al" : : "r"(6 << 3 | 3)
				  : "al"));
	check_fault(&f, 14, 0);
	check_equal(f.cr2, 0x1234);
	/* own code segment */
	FAULT_IN(&f, asm volatile("push %0; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:"
				  : : "r"(3UL << 3 | 3) : "rax", "memory"));
	check_fault(&f, -1, 0);
	asm volatile("mov %%cs, %0" : "=r"(sel));
	check_equal(sel, 3 << 3 | 3);
	check_equal(hc_version(XENVER_version, NULL), 0x40011);
	asm volatile("mov %w0, %%ds; mov %w0, %%es; mov %w0, %%fs" : : "r"(0));
}

static void check_ldt(void)
{
	uint64_t *ldt = page_alloc();
	struct fault f;

	ldt[0] = data_at(0x2000);
	page_readonly(ldt);
	check_ok(hc_mmuext(MMUEXT_SET_LDT, (unsigned long)ldt, 512));
	FAULT_IN(&f, asm volatile("mov %w0, %%fs; mov %%fs:0x345, %%al" : : "r"(7) : "al"));
	check_fault(&f, 14, 0);
	check_equal(f.cr2, 0x2345);
	check_refused(hc_map((unsigned long)ldt, make_pte(mfn_of(ldt), PTE_RW_PAGE)));
	check_ok(hc_update_descriptor(mfn_of(ldt) * PAGE_SIZE + 8, DATA64));
	FAULT_IN(&f, asm volatile("mov %w0, %%fs" : : "r"(8 | 7)));
	check_fault(&f, -1, 0);
	asm volatile("mov %w0, %%fs" : : "r"(0));
	check_ok(hc_mmuext(MMUEXT_SET_LDT, 0, 0));
	FAULT_IN(&f, asm volatile("mov %w0, %%fs" : : "r"(7)));
	check_fault(&f, 13, 4);
	page_writable(ldt);
	check_equal(hc_mmuext(MMUEXT_SET_LDT, (unsigned long)ldt, 8193), -EINVAL);
	check_equal(hc_mmuext(MMUEXT_SET_LDT, (unsigned long)ldt + 8, 16), -EINVAL);
}

void test_main(void)
{
	check_gdt();
	check_update();
	check_loads();
	check_ldt();
	check_ok(hypercall(__HYPERVISOR_set_gdt, NULL, 0));
	page_writable(gdt);
}
