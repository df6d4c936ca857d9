/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: are the privileged instructions a PV kernel may execute emulated with their limits, and
 * all others bounced as #GP or #UD?
 */
#include "guest.h"

static struct fault f;

#define GP(...) do {							\
	FAULT_IN(&f, asm volatile(__VA_ARGS__));			\
	check(f.hit && f.vector == 13 && !f.error, "line %d: hit %d vector %lu error %lx",\
	      __LINE__, f.hit, f.vector, f.error);			\
} while (0)
#define WORKS(...) do {							\
	FAULT_IN(&f, asm volatile(__VA_ARGS__));			\
	check(!f.hit, "line %d: vector %lu error %lx", __LINE__, f.vector, f.error);\
} while (0)

static void check_cr0(void)
{
	uint64_t cr0 = 0;

	WORKS("mov %%cr0, %0" : "=r"(cr0));
	check_equal(cr0 & 0x80000001, 0x80000001);
	WORKS("mov %0, %%cr0" : : "r"(cr0));
	GP("mov %0, %%cr0" : : "r"(cr0 & ~0x80000000));
	GP("mov %0, %%cr0" : : "r"(cr0 ^ 0x10000));
	GP("mov %0, %%cr0" : : "r"(cr0 | 1UL << 40));
}

static void check_cr2_cr3(void)
{
	uint64_t v = 0;

	WORKS("mov %0, %%cr2" : : "r"(0x123456UL));
	WORKS("mov %%cr2, %0" : "=r"(v));
	check_equal(v, 0x123456);
	GP("mov %0, %%cr3" : : "r"(mfn_of(window_l1()) << 12));
	GP("mov %0, %%cr3" : : "r"(~0UL));
	WORKS("mov %%cr3, %0" : "=r"(v));
	check_equal(v, root_mfn() << 12);
	GP("mov %%cr8, %0" : "=r"(v));
	GP("mov %0, %%cr8" : : "r"(v));
}

/* Writes never fault; only the guest's own bits change. */
static void check_cr4(void)
{
	uint64_t cr4 = 0, again = 0;

	WORKS("mov %%cr4, %0" : "=r"(cr4));
	WORKS("mov %0, %%cr4" : : "r"(cr4 ^ 0x2000 ^ 0x20));	/* VMXE, PAE */
	WORKS("mov %%cr4, %0" : "=r"(again));
	check_equal(again & 0x2020, 0x20);
	WORKS("mov %0, %%cr4" : : "r"(cr4));
}

static void check_fsgsbase(void)
{
	uint64_t cr4 = 0, v = 0;

	WORKS("mov %%cr4, %0" : "=r"(cr4));
	WORKS("mov %0, %%cr4" : : "r"(cr4 & ~0x10000UL));
	FAULT_IN(&f, asm volatile("rdfsbase %0" : "=r"(v)));
	check(f.hit && f.vector == 6, "FSGSBASE works while CR4 says no");
	WORKS("mov %0, %%cr4" : : "r"(cr4 | 0x10000));
	WORKS("mov %%cr4, %0" : "=r"(v));
	if (!(v & 0x10000))
		return;
	WORKS("wrfsbase %0" : : "r"(0x77777UL));
	check_equal(hc_version(XENVER_version, NULL), 0x40011);
	WORKS("rdfsbase %0" : "=r"(v));
	check_equal(v, 0x77777);
}

static void check_bounced(void)
{
	uint8_t table[16] = { 0 };
	uint64_t v = 0;

	GP("hlt");
	GP("lgdt %0" : : "m"(table));
	GP("lidt %0" : : "m"(table));
	GP("lldt %w0" : : "r"(0));
	GP("ltr %w0" : : "r"(0xe008));
	GP("invlpg (%0)" : : "r"(&v));
	GP("swapgs");
	GP("sysretq");
	GP("lmsw %w0" : : "r"(1));
	FAULT_IN(&f, asm volatile("vmcall"));
	check(f.hit && (f.vector == 6 || f.vector == 13), "vmcall: vector %lu", f.vector);
}

/* Only once the kernel has set CR4.OSXSAVE. */
static void check_xsetbv(void)
{
	uint64_t cr4 = 0;

	WORKS("mov %%cr4, %0" : "=r"(cr4));
	WORKS("mov %0, %%cr4" : : "r"(cr4 | 0x40000));
	WORKS("mov %%cr4, %0" : "=r"(cr4));
	if (!(cr4 & 0x40000))
		return;
	WORKS("xsetbv" : : "a"(1), "d"(0), "c"(0));
	WORKS("xsetbv" : : "a"(3), "d"(0), "c"(0));
	GP("xsetbv" : : "a"(0), "d"(0), "c"(0));
	GP("xsetbv" : : "a"(1), "d"(0), "c"(7));
	GP("xsetbv" : : "a"(1), "d"(0x80000000), "c"(0));
}

void test_main(void)
{
	check_cr0();
	check_cr2_cr3();
	check_cr4();
	check_fsgsbase();
	check_bounced();
	WORKS("wbinvd");
	WORKS("clts");
	check_xsetbv();
}
