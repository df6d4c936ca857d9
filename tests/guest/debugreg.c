/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do set_debugreg, get_debugreg and MOV DRn keep the guest's breakpoints, fire #DB with
 * a merged DR6, and refuse what would watch the hypervisor or trap its I/O?
 */
#include "guest.h"

static volatile uint64_t watched;

static long set(unsigned int reg, uint64_t val)
{
	return hypercall(__HYPERVISOR_set_debugreg, reg, val);
}

static long get(unsigned int reg)
{
	return hypercall(__HYPERVISOR_get_debugreg, reg);
}

static void check_values(void)
{
	uint64_t v;

	check_ok(set(0, 0x1234));
	check_equal(get(0), 0x1234);
	check_ok(set(3, 0x5678));
	check_equal(get(3), 0x5678);
	asm volatile("mov %%db0, %0" : "=r"(v));
	check_equal(v, 0x1234);
	asm volatile("mov %0, %%db1" : : "r"(0x4321UL));
	check_equal(get(1), 0x4321);
	check_ok(set(6, 0));
	check_equal(get(6), 0xffff0ff0);
	check_equal(get(8), -ENODEV);
	check_equal(set(8, 0), -ENODEV);
}

static void check_refusals(void)
{
	struct fault f;

	check_equal(set(0, HOLE_START + 0x1000), -EPERM);
	check_equal(set(1, HOLE_END - 8), -EPERM);
	check_refused(set(2, NONCANONICAL));
	check_equal(set(7, 1UL << 32), -EINVAL);
	check_equal(set(6, 1UL << 32), -EINVAL);
	check_equal(set(7, 0x2400), -EPERM);		/* GD */
	check_equal(set(7, 0x00020403), -EPERM);	/* I/O breakpoint without CR4.DE */
	FAULT_IN(&f, asm volatile("mov %0, %%db0" : : "r"(HOLE_START + 0x1000)));
	check_fault(&f, 13, 0);
	check_equal(get(0), 0x1234);
	check_equal(get(7), 0x400);
}

static void check_fires(void)
{
	struct fault f;
	extern const char break_here[];

	check_ok(set(0, (uint64_t)&watched));
	check_ok(set(7, 0x000d0403));			/* DR0: 4 bytes, on write */
	FAULT_IN(&f, watched = 1; asm volatile("nop"));
	check_fault(&f, 1, 0);
	check_equal(get(6) & 0xf, 1);
	check_ok(set(6, 0xffff0ff0));
	check_ok(set(0, (uint64_t)break_here));
	check_ok(set(7, 0x00000403));
	FAULT_IN(&f, asm volatile(".globl break_here; break_here: nop"));
	check_fault(&f, 1, 0);
	check_equal(f.regs.rip, break_here);
	check_ok(set(7, 0));
	FAULT_IN(&f, asm volatile("jmp break_here2; break_here2: nop"));
	check_fault(&f, -1, 0);
}

void test_main(void)
{
	check_values();
	check_refusals();
	check_fires();
}
