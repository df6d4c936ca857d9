/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: a SYSCALL in the last bytes of the lower half, so that the return address is the first
 * non-canonical one.  A SYSRET to it would fault in ring 0 on the user's stack (CVE-2012-0217);
 * the guest must see #GP instead, for a user's system call and for a kernel's hypercall.
 */
#include "guest.h"

#define LAST_PAGE	0x00007ffffffff000UL

static void map_last_page(void)
{
	uint8_t *code = page_alloc();
	uint64_t child;

	code[4094] = 0x0f;
	code[4095] = 0x05;
	child = mfn_of(code);
	for (int level = 1; level <= 3; level++) {
		uint64_t *table = page_alloc();

		table[511] = make_pte(child, level == 1 ? PTE_RO_PAGE : PTE_TABLE);
		page_readonly(table);
		child = mfn_of(table);
	}
	must(hc_mmu_update(pte_maddr(LAST_PAGE, 4), make_pte(child, PTE_TABLE)));
}

/* Give the system call back to user mode as it came. */
static unsigned int nr_calls;

static bool answer(struct regs *regs)
{
	if (regs->vector != VEC_SYSCALL || nr_calls++)
		return false;
	check(regs->rip == NONCANONICAL, "return address %lx", regs->rip);
	return true;
}

static void check_user(void)
{
	struct user_exit e;
	struct fault f;

	this_cpu()->hook = answer;
	FAULT_IN(&f, user_run(&e, LAST_PAGE + 4094, user_stack(), 0));
	this_cpu()->hook = NULL;
	check_equal(nr_calls, 1);
	check_equal(f.hit ? f.vector : e.vector, 13);
}

static void check_kernel(void)
{
	struct fault f;

	FAULT_IN(&f, asm volatile("jmp *%0" : : "r"(LAST_PAGE + 4094),
				  "a"(__HYPERVISOR_xen_version), "D"(0), "S"(0)
				  : "rcx", "r11", "memory"));
	check_fault(&f, 13, 0);
	check_equal(f.regs.rip, NONCANONICAL);
}

void test_main(void)
{
	map_last_page();
	check_user();
	check_kernel();
}
