/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do the MSRs a PV kernel reads and writes answer as the table in the inventory says, and
 * are segment bases live?
 */
#include "guest.h"

static struct fault f;

static uint64_t rdmsr(uint32_t nr)
{
	uint32_t lo = 0, hi = 0;

	FAULT_IN(&f, asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(nr)));
	return f.hit ? 0 : (uint64_t)hi << 32 | lo;
}

static void wrmsr(uint32_t nr, uint64_t val)
{
	FAULT_IN(&f, asm volatile("wrmsr" : : "c"(nr), "a"((uint32_t)val),
				  "d"((uint32_t)(val >> 32)) : "memory"));
}

static void expect_ok(const char *what)
{
	check(!f.hit, "%s raised vector %lu", what, f.vector);
}

static void expect_gp(const char *what)
{
	check(f.hit && f.vector == 13 && f.error == 0, "%s: hit %d vector %lu error %lx", what,
	      f.hit, f.vector, f.error);
}

static void check_bases(void)
{
	volatile uint64_t v;

	wrmsr(0xc0000100, 0x123456789);
	expect_ok("FS_BASE write");
	check_equal(rdmsr(0xc0000100), 0x123456789);
	wrmsr(0xc0000101, (uint64_t)&v);
	expect_ok("GS_BASE write");
	check_equal(rdmsr(0xc0000101), &v);
	v = 0x5555;
	asm volatile("mov %%gs:0, %0" : "=r"(v) : : "memory");
	check_equal(v, 0x5555);
	wrmsr(0xc0000102, 0x7777);
	expect_ok("SHADOW_GS_BASE write");
	check_equal(rdmsr(0xc0000102), 0x7777);
	wrmsr(0xc0000100, NONCANONICAL);
	expect_gp("FS_BASE non-canonical");
	wrmsr(0xc0000101, NONCANONICAL);
	expect_gp("GS_BASE non-canonical");
	wrmsr(0xc0000102, NONCANONICAL);
	expect_gp("SHADOW_GS_BASE non-canonical");
	check_equal(rdmsr(0xc0000100), 0x123456789);
}

static void check_identity(void)
{
	uint64_t efer, apic;

	efer = rdmsr(0xc0000080);
	expect_ok("EFER read");
	check_equal(efer & 0xd01, 0xd01);
	check_equal(efer & 0x1000, 0);			/* SVME */
	wrmsr(0xc0000080, efer);
	expect_ok("EFER rewrite");
	wrmsr(0xc0000080, efer ^ 0x800);
	expect_gp("EFER change");
	apic = rdmsr(0x1b);
	expect_ok("APIC_BASE read");
	check_equal(apic, 0xfee00900);
	check_equal(rdmsr(0x277), 0x50100070406);
	expect_ok("PAT read");
}

static void check_machine_check(void)
{
	rdmsr(0x179);
	expect_ok("MCG_CAP read");
	rdmsr(0x17a);
	expect_ok("MCG_STATUS read");
	rdmsr(0x401);
	expect_ok("MC0_STATUS read");
	rdmsr(0x10);
	expect_ok("TSC read");
	rdmsr(0x8b);
	expect_ok("UCODE_REV read");
}

static void check_none(void)
{
	rdmsr(0x12345678);
	expect_gp("unknown MSR read");
	rdmsr(0x802);
	expect_gp("x2APIC read");
	rdmsr(0x48);
	rdmsr(0x10a);
	wrmsr(0x10a, 0);
	expect_gp("ARCH_CAPABILITIES write");
	check_equal(rdmsr(0x40000000), 0);
}

void test_main(void)
{
	check_bases();
	check_identity();
	check_machine_check();
	check_none();
}
