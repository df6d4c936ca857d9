/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does the virtual TS bit raise #NM once and clear itself, through the hypercall and
 * through CR0, and does the FPU state survive the hypervisor?
 */
#include "guest.h"

static struct fault f;

static void use_fpu(void)
{
	FAULT_IN(&f, asm volatile("fninit"));
}

static uint64_t read_cr0(void)
{
	uint64_t v;

	asm volatile("mov %%cr0, %0" : "=r"(v));
	return v;
}

static void check_survives(void)
{
	uint64_t in = 0x123456789abcdef, out = 0;
	uint16_t cw = 0x37f;

	asm volatile("fninit; fldcw %0; movq %1, %%xmm7" : : "m"(cw), "r"(in));
	hc_sched(SCHEDOP_yield, NULL);
	for (int i = 0; i < 100; i++)
		hc_version(XENVER_version, NULL);
	asm volatile("movq %%xmm7, %0" : "=r"(out));
	check_equal(out, in);
}

void test_main(void)
{
	use_fpu();
	check_fault(&f, -1, 0);
	check_ok(hypercall(__HYPERVISOR_fpu_taskswitch, 1));
	check_equal(read_cr0() & 8, 8);
	use_fpu();
	check_fault(&f, 7, 0);
	check_equal(read_cr0() & 8, 0);
	use_fpu();
	check_fault(&f, -1, 0);
	check_ok(hypercall(__HYPERVISOR_fpu_taskswitch, 1));
	check_ok(hypercall(__HYPERVISOR_fpu_taskswitch, 0));
	use_fpu();
	check_fault(&f, -1, 0);
	asm volatile("mov %0, %%cr0" : : "r"(read_cr0() | 8));
	use_fpu();
	check_fault(&f, 7, 0);
	asm volatile("mov %0, %%cr0" : : "r"(read_cr0() | 8));
	asm volatile("clts");
	use_fpu();
	check_fault(&f, -1, 0);
	check_survives();
}
