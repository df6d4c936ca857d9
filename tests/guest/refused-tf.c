/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: single-step over every way into the hypervisor and back - SYSCALL from user and kernel,
 * SYSENTER, INT3, the iret hypercall, an emulated instruction.  The step must stay the guest's: no
 * #DB that ends ring 0, no single-stepped hypervisor, and the guest's handlers start without TF.
 */
#include "guest.h"

extern const char step_syscall[], step_sysenter[], step_int3[], step_cpuid[], step_end[];
asm(".pushsection .text\n"
    "step_syscall: nop; mov $1, %eax; syscall; nop; nop; ud2\n"
    "step_sysenter: nop; sysenter; nop; ud2\n"
    "step_int3: nop; int3; nop; ud2\n"
    "step_cpuid: nop; xor %eax, %eax; cpuid; nop; ud2\n"
    "step_end: ud2\n"
    ".popsection");

static unsigned int steps, syscalls, others;
static bool tf_in_handler;

static uint64_t flags_now(void)
{
	uint64_t flags;

	asm volatile("pushfq; pop %0" : "=r"(flags));
	return flags;
}

static bool count(struct regs *regs)
{
	tf_in_handler |= flags_now() & RFLAGS_TF;
	if (regs->vector == 1) {
		steps++;
		hypercall(__HYPERVISOR_set_debugreg, 6, 0xffff0ff0);
		return true;			/* iret sets TF again: the next one */
	}
	if (regs->vector == VEC_SYSCALL && (regs->cs & 3) && !syscalls++)
		return true;
	if (regs->vector == 3) {
		others++;
		return true;
	}
	return false;
}

static void user_steps(const char *code, const char *what, int vector)
{
	struct iret_context frame = {
		.rip = (uint64_t)code, .cs = FLAT_USER_CS64, .rflags = 2 | RFLAGS_TF,
		.rsp = user_stack(), .ss = FLAT_USER_SS64,
	};
	struct iret_regs regs = { .rdi = 0 };
	struct user_exit e;

	steps = syscalls = others = 0;
	user_run_frame(&e, &frame, &regs);
	check(vector < 0 || e.vector == (uint64_t)vector, "%s ended with vector %lu at %lx", what,
	      e.vector, e.regs.rip);
	check(steps > 0, "%s was never stepped", what);
	/* and SYSRET instead of IRET */
	frame.flags = VGCF_in_syscall;
	steps = syscalls = others = 0;
	user_run_frame(&e, &frame, &regs);
	check(vector < 0 || e.vector == (uint64_t)vector, "%s by SYSRET: vector %lu", what,
	      e.vector);
	check(steps > 0, "%s by SYSRET was never stepped", what);
}

/* A hypercall with TF set: done once, its result whole. */
static void kernel_steps(void)
{
	long rc, flags;

	steps = 0;
	asm volatile("pushfq; orq $0x100, (%%rsp); popfq; nop; syscall; nop;"
		     "pushfq; andq $~0x100, (%%rsp); popfq; nop"
		     : "=a"(rc), "=b"(flags)
		     : "a"((long)__HYPERVISOR_xen_version), "D"(XENVER_version), "S"(0)
		     : "rcx", "r11", "rdx", "r10", "r8", "memory", "cc");
	check_equal(rc, 0x40011);
	check(steps >= 3, "%u steps in the kernel", steps);
	steps = 0;
	asm volatile("pushfq; orq $0x100, (%%rsp); popfq; mov %%cr0, %%rax; nop;"
		     "pushfq; andq $~0x100, (%%rsp); popfq; nop" : : : "rax", "memory", "cc");
	check(steps >= 3, "%u steps over an emulated instruction", steps);
}

/* iret into the kernel with TF, by the fast and the slow way. */
static void iret_steps(void)
{
	struct iret_context frame = { .rip = (uint64_t)step_end, .cs = FLAT_KERNEL_CS64 & ~3,
				      .rflags = 2 | RFLAGS_TF, .ss = FLAT_KERNEL_SS64 };
	struct iret_regs regs = { .rdi = 0 };
	struct fault f;

	for (unsigned int i = 0; i < 4; i++) {
		frame.rsp = (uint64_t)__builtin_frame_address(0) - 4096;
		frame.flags = i & 1 ? VGCF_in_syscall : 0;
		frame.rflags = 2 | RFLAGS_TF | (i & 2 ? RFLAGS_NT | RFLAGS_AC : 0);
		FAULT_IN(&f, iret_to(&frame, &regs));
		check_fault(&f, 6, 0);
		check_equal(f.regs.rip, step_end);
	}
}

void test_main(void)
{
	must(hc_callback(CALLBACKTYPE_sysenter, 0, (unsigned long)entry_sysenter));
	this_cpu()->hook = count;
	user_steps(step_syscall, "SYSCALL", 6);
	user_steps(step_sysenter, "SYSENTER", -1);
	user_steps(step_int3, "INT3", 6);
	user_steps(step_cpuid, "CPUID", 6);
	kernel_steps();
	iret_steps();
	check(!tf_in_handler, "a handler was entered with TF set");
}
