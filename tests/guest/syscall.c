/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does a user system call reach the syscall callback with the documented frame, masks
 * and registers, and does iret take it back exactly?
 */
#include "guest.h"

extern const char user_syscall[], after_syscall[], user_twice[];
asm(".pushsection .text\n"
    "user_syscall: std; mov $0x1234, %eax; mov $0x77, %ebx; syscall\n"
    "after_syscall: ud2\n"
    "user_twice: syscall; mov %rcx, %rdx; mov %r11, %rsi; syscall; ud2\n"
    ".popsection");

static struct regs seen;
static unsigned int nr_seen;
static uint8_t mask_seen;

/* Return to user mode by the normal path, with a result in rax. */
static bool answer(struct regs *regs)
{
	if (regs->vector != VEC_SYSCALL || nr_seen++)
		return false;
	seen = *regs;
	mask_seen = event_mask_get();
	regs->rax = 0xabcd;
	return true;
}

static void check_frame(uint8_t mask_before, unsigned int flags)
{
	struct user_exit e;

	nr_seen = 0;
	must(hc_callback(CALLBACKTYPE_syscall, flags, (unsigned long)entry_syscall));
	event_mask_set(mask_before);
	user_run(&e, (unsigned long)user_syscall, user_stack(), 0);
	check_equal(e.vector, 6);
	check_equal(e.regs.rip, after_syscall);
	check_equal(e.regs.rax, 0xabcd);
	check_equal(e.regs.rbx, 0x77);
	check_equal(seen.rip, after_syscall);
	check_equal(seen.rax, 0x1234);
	check_equal(seen.cs, FLAT_USER_CS64);
	check_equal(seen.ss & 0xffff, FLAT_USER_SS64);
	check_equal(seen.rsp, user_stack());
	check_equal(seen.rcx, after_syscall);
	check_equal(seen.saved_mask, mask_before);
	check_equal(mask_seen, flags & CALLBACKF_mask_events ? 1 : mask_before);
	check_equal(seen.rflags & RFLAGS_IF, mask_before ? 0 : RFLAGS_IF);
	event_mask_set(1);
}

/* After an iret without VGCF_in_syscall rcx and r11 are what the frame said. */
static bool change_rcx(struct regs *regs)
{
	if (regs->vector != VEC_SYSCALL || nr_seen++)
		return false;
	regs->rcx = 0x1111;
	regs->r11 = 0x2222;
	return true;
}

static void check_rcx(void)
{
	struct user_exit e;

	nr_seen = 0;
	this_cpu()->hook = change_rcx;
	user_run(&e, (unsigned long)user_twice, user_stack(), 0);
	check_equal(e.vector, VEC_SYSCALL);
	check_equal(e.regs.rdx, 0x1111);
	check_equal(e.regs.rsi, 0x2222);
}

/* Without a callback the instruction is undefined. */
static void check_no_callback(void)
{
	struct user_exit e;

	this_cpu()->hook = NULL;
	must(hc_callback(CALLBACKTYPE_syscall, 0, 0));
	user_run(&e, (unsigned long)user_twice, user_stack(), 0);
	check_equal(e.vector, 6);
	check_equal(e.regs.rip, user_twice);
}

void test_main(void)
{
	this_cpu()->hook = answer;
	check_frame(1, 0);
	check_frame(0, 0);
	check_frame(0, CALLBACKF_mask_events);
	check_rcx();
	check_no_callback();
}
