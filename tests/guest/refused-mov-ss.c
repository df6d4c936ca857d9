/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: a data breakpoint on the operand of MOV SS puts off the #DB until after the next
 * instruction (SDM vol. 3, 6.8.3).  If that enters ring 0 - SYSCALL, INT3, INT 0x80, #UD, #GP - the
 * #DB comes at the hypervisor's first instruction, on whatever stack it has then.
 */
#include "guest.h"

#define MOV_SS(after)	asm volatile("mov %0, %%ss; " after : : "m"(selector) :			\
				     "rax", "rcx", "r11", "rdi", "rsi", "rdx", "memory")

static uint16_t selector __attribute__((aligned(8))) = FLAT_KERNEL_SS64;

extern const char user_syscall[], user_int3[], user_int80[], user_sysenter[];
asm(".pushsection .text\n"
    "user_syscall: mov (%rdi), %ss; syscall; ud2\n"
    "user_int3: mov (%rdi), %ss; int3; ud2\n"
    "user_int80: mov (%rdi), %ss; int $0x80; ud2\n"
    "user_sysenter: mov (%rdi), %ss; sysenter; ud2\n"
    ".popsection");

static unsigned int debugs;

/* The breakpoint itself is the guest's to have; the instruction behind it goes on. */
static bool skip_debug(struct regs *regs)
{
	if (regs->vector != 1)
		return false;
	debugs++;
	return true;
}

static void watch(uint64_t type)
{
	check_ok(hypercall(__HYPERVISOR_set_debugreg, 0, &selector));
	check_ok(hypercall(__HYPERVISOR_set_debugreg, 7, 0x400 | 3 | (type << 16)));
}

static void from_kernel(void)
{
	struct fault f;

	FAULT_IN(&f, MOV_SS("mov $17, %%eax; xor %%edi, %%edi; xor %%esi, %%esi; syscall"));
	check_fault(&f, -1, 0);
	/* with the shadow reaching the SYSCALL itself */
	FAULT_IN(&f, asm volatile("mov $17, %%eax; xor %%edi, %%edi; xor %%esi, %%esi;"
				  "mov %0, %%ss; syscall" : : "m"(selector)
				  : "rax", "rcx", "r11", "rdi", "rsi", "rdx", "memory"));
	check_fault(&f, -1, 0);
	FAULT_IN(&f, MOV_SS("int3"));
	check_fault(&f, 3, 0);
	FAULT_IN(&f, MOV_SS("ud2"));
	check_fault(&f, 6, 0);
	FAULT_IN(&f, MOV_SS("int $0x80"));
	check(f.hit && (f.vector == 13 || f.vector == 0x80), "vector %lu", f.vector);
	FAULT_IN(&f, MOV_SS("hlt"));
	check_fault(&f, 13, 0);
	FAULT_IN(&f, MOV_SS("mov %%cr0, %%rax"));
	check_fault(&f, -1, 0);
}

static void from_user(void)
{
	const char *const code[] = { user_syscall, user_int3, user_int80, user_sysenter };
	struct user_exit e;

	for (unsigned int i = 0; i < ARRAY_SIZE(code); i++) {
		user_run(&e, (unsigned long)code[i], user_stack(), (unsigned long)&selector);
		check(e.vector == VEC_SYSCALL || e.vector == VEC_SYSENTER || e.vector == 3 ||
		      e.vector == 13 || e.vector == 6 || e.vector == 0x80,
		      "user code %u: vector %lu", i, e.vector);
	}
}

/* The hypervisor touches a watched word of ours: the #DB is in ring 0, and nobody's. */
static void watched_argument(void)
{
	static struct sched_watchdog arg __attribute__((aligned(8))) = { .id = 77 };

	check_ok(hypercall(__HYPERVISOR_set_debugreg, 1, &arg));
	check_ok(hypercall(__HYPERVISOR_set_debugreg, 7, 0x400 | 0xf | 3UL << 20 | 3UL << 22));
	for (unsigned int i = 0; i < 100; i++)
		check_equal(hc_sched(SCHEDOP_watchdog, &arg), -EINVAL);
}

void test_main(void)
{
	this_cpu()->hook = skip_debug;
	must(hc_callback(CALLBACKTYPE_sysenter, 0, (unsigned long)entry_sysenter));
	for (uint64_t type = 1; type < 4; type += 2) {		/* on write; on read and write */
		watch(type);
		from_kernel();
		from_user();
	}
	watched_argument();
	check_ok(hypercall(__HYPERVISOR_set_debugreg, 7, 0x400));
	print("  %u debug exceptions\n", debugs);
}
