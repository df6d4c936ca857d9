/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: a GDT made of frames that are tables, writable, foreign or missing; too many entries;
 * entries in the hypervisor's part; update_descriptor on frames that are not descriptors.
 */
#include "guest.h"

#define DATA64	0x00cff3000000ffffUL

static long set_gdt(uint64_t mfn, unsigned int entries)
{
	return hypercall(__HYPERVISOR_set_gdt, &mfn, entries);
}

static void check_frames(void)
{
	uint64_t *writable = page_alloc();
	uint64_t l4 = root_mfn();

	check_refused(set_gdt(mfn_of(writable), 16));
	writable[0] = 0;
	check_refused(set_gdt(l4, 16));
	check_refused(set_gdt(pte_mfn(pte_get(VIRT_BASE, 2)), 16));
	check_refused(set_gdt(start_info->shared_info / PAGE_SIZE, 16));
	check_refused(set_gdt(0xffffffffff, 16));
	check_refused(set_gdt(~0UL, 16));
	check_equal(set_gdt(frame_spare(0), FIRST_RESERVED_GDT_ENTRY + 1), -EINVAL);
	check_equal(set_gdt(frame_spare(0), 0xffffffff), -EINVAL);
	check_equal(hypercall(__HYPERVISOR_set_gdt, 0xdead000, 16), -EFAULT);
	check_refused(hypercall(__HYPERVISOR_set_gdt, HOLE_START + 0x200000000000, 16));
}

/* All or nothing: a bad second frame leaves the old GDT and releases the first. */
static void check_unwound(void)
{
	uint64_t *good = page_alloc(), *old = page_alloc(), list[2];

	old[1] = DATA64;
	page_readonly(old);
	must(set_gdt(mfn_of(old), 16));
	page_readonly(good);
	list[0] = mfn_of(good);
	list[1] = root_mfn();
	check_refused(hypercall(__HYPERVISOR_set_gdt, list, 600));
	page_writable(good);
	asm volatile("mov %w0, %%ds; mov %w1, %%ds" : : "r"(1 << 3 | 3), "r"(0));
	must(hypercall(__HYPERVISOR_set_gdt, NULL, 0));
}

static void check_update(void)
{
	const uint64_t *l1 = va_of_mfn(pte_mfn(pte_get(VIRT_BASE, 2)));
	uint64_t before = l1[0];

	check_refused(hc_update_descriptor(mfn_of(l1) * PAGE_SIZE, DATA64));
	check_refused(hc_update_descriptor(root_mfn() * PAGE_SIZE + 8, DATA64));
	check_refused(hc_update_descriptor(root_mfn() * PAGE_SIZE + 256 * 8, 0));
	check_equal(*(volatile const uint64_t *)l1, before);
	check_refused(hc_update_descriptor(~7UL, DATA64));
	check_refused(hc_update_descriptor(pte_mfn(pte_get(HOLE_START, 4)) * PAGE_SIZE, DATA64));
	check_refused(hc_update_descriptor(mfn_of(l1) * PAGE_SIZE + 1, DATA64));
}

/* The reserved selectors answer as before, and none gives ring 0. */
static void check_reserved(void)
{
	struct fault f;

	for (unsigned int sel = FIRST_RESERVED_GDT_BYTE; sel < 0x10000; sel += 8) {
		FAULT_IN(&f, asm volatile("push %0; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:"
					  : : "r"((uint64_t)sel) : "rax", "memory"));
		check(f.hit, "far return to selector %x worked", sel);
	}
}

void test_main(void)
{
	check_frames();
	check_unwound();
	check_update();
	check_reserved();
}
