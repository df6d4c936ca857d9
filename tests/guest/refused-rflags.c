/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: bring TF, NT, AC, VM, RF, IOPL or a cleared IF into the hypervisor or back into the
 * guest through iret frames, popf and system calls.  The real IF stays on, IOPL stays 0, and the
 * hypervisor does not trip over TF or NT.
 */
#include "guest.h"

extern const char spin_code[], flags_then_call[];
asm(".pushsection .text\n"
    "spin_code: mov $3000000, %ecx; 1: dec %ecx; jnz 1b; pushfq; pop %rbx; syscall; ud2\n"
    "flags_then_call: push %rdi; popfq; syscall; ud2\n"
    ".popsection");

static uint64_t run(uint64_t rip, uint64_t rflags, uint64_t arg, struct user_exit *e)
{
	struct iret_context frame = { .rip = rip, .cs = FLAT_USER_CS64, .rflags = rflags,
				      .rsp = user_stack(), .ss = FLAT_USER_SS64 };
	struct iret_regs regs = { .rdi = arg };

	user_run_frame(e, &frame, &regs);
	return e->vector;
}

/* What arrives in user mode when the frame asks for @bad. */
static void check_frame(uint64_t bad)
{
	struct user_exit e;

	run((uint64_t)spin_code, bad | 2, 0, &e);
	check(e.vector == VEC_SYSCALL, "rflags %lx: vector %lu", bad, e.vector);
	check(e.regs.rbx & RFLAGS_IF, "rflags %lx: IF really off", bad);
	check(!(e.regs.rbx & (RFLAGS_IOPL | RFLAGS_VM)), "rflags %lx: became %lx", bad,
	      e.regs.rbx);
}

static void check_kernel_popf(void)
{
	uint64_t seen = 0;

	asm volatile("push %1; popfq; pushfq; pop %0" : "=r"(seen)
		     : "r"(RFLAGS_IOPL | 2) : "cc", "memory");
	check(seen & RFLAGS_IF, "popf cleared IF: %lx", seen);
	check(!(seen & RFLAGS_IOPL), "popf raised IOPL: %lx", seen);
}

/* TF with a system call: single-step must end up in the guest, not in the entry path. */
static void check_tf(void)
{
	struct user_exit e;
	uint64_t v;
	struct fault f;

	v = run((uint64_t)flags_then_call, 2, RFLAGS_TF | 2, &e);
	check(v == 1 || v == VEC_SYSCALL, "TF before a user's syscall: vector %lu", v);
	v = run((uint64_t)flags_then_call, RFLAGS_TF | 2, 2, &e);
	check(v == 1, "TF in the frame: vector %lu", v);
	FAULT_IN(&f, asm volatile("push %0; popfq; syscall; nop" : : "r"(RFLAGS_TF | 2),
				  "a"(__HYPERVISOR_xen_version), "D"(0), "S"(0)
				  : "rcx", "r11", "memory"));
	check(f.hit && f.vector == 1, "TF before a hypercall: vector %lu", f.vector);
	v = run((uint64_t)flags_then_call, 2, RFLAGS_NT | 2, &e);
	check(v == VEC_SYSCALL, "NT before a syscall: vector %lu", v);
	v = run((uint64_t)flags_then_call, 2, RFLAGS_AC | RFLAGS_DF | 2, &e);
	check(v == VEC_SYSCALL, "AC and DF before a syscall: vector %lu", v);
	asm volatile("push %0; popfq" : : "r"(RFLAGS_NT | RFLAGS_AC | RFLAGS_DF | 2) : "memory");
	hc_version(XENVER_version, NULL);
	FAULT_IN(&f, asm volatile("ud2"));
	asm volatile("push %0; popfq" : : "r"(2UL) : "memory");
	check_fault(&f, 6, 0);
}

void test_main(void)
{
	check_frame(0);
	check_frame(RFLAGS_IOPL);
	check_frame(RFLAGS_VM);
	check_frame(RFLAGS_RF);
	check_frame(RFLAGS_NT);
	check_frame(RFLAGS_AC);
	check_frame(RFLAGS_VM | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_AC | RFLAGS_RF | 0x180000);
	check_frame(0xfffffffffffffe00 & ~RFLAGS_TF);
	check_kernel_popf();
	check_tf();
}
