/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does the iret hypercall load what the frame says, in both directions: rax always,
 * rcx and r11 unless VGCF_in_syscall, rflags with its privileged bits removed, the upcall mask
 * from IF, and the mode from cs?
 */
#include "guest.h"

extern const char landing[];
asm(".pushsection .text\nlanding: ud2\n.popsection");

/* iret to `landing` in user mode and catch the #UD that shows every register */
static void land_user(struct user_exit *e, const struct iret_context *frame)
{
	struct iret_regs regs = { .rdi = 1, .rsi = 2, .rdx = 3, .rbx = 4, .rbp = 5, .r8 = 6,
				  .r9 = 7, .r10 = 8, .r12 = 9, .r13 = 10, .r14 = 11, .r15 = 12 };

	user_run_frame(e, frame, &regs);
	check_equal(e->vector, 6);
}

static void check_user(void)
{
	struct iret_context frame = {
		.rax = 0xa0, .rcx = 0xc0, .r11 = 0xb0, .rip = (uint64_t)landing,
		.cs = FLAT_USER_CS64, .rflags = 0x8d7 | RFLAGS_DF, .rsp = user_stack() - 40,
		.ss = FLAT_USER_SS64,
	};
	struct user_exit e;

	land_user(&e, &frame);
	check_equal(e.regs.rip, landing);
	check_equal(e.regs.rax, 0xa0);
	check_equal(e.regs.rcx, 0xc0);
	check_equal(e.regs.r11, 0xb0);
	check_equal(e.regs.rdi + e.regs.rsi * 100 + e.regs.r15 * 10000, 120201);
	check_equal(e.regs.rsp, user_stack() - 40);
	check_equal(e.regs.cs, FLAT_USER_CS64);
	check_equal(e.regs.rflags & 0xcd5, 0xcd5);
	check_equal(e.regs.saved_mask, 1);
	frame.rflags = 0x202;
	frame.cs = FLAT_USER_CS64 & 0xfff3;
	land_user(&e, &frame);
	check_equal(e.regs.saved_mask, 0);
	check(e.regs.rflags & RFLAGS_IF, "IF is not the inverse of the mask");
	frame.flags = VGCF_in_syscall;
	frame.rflags = 0x2;
	land_user(&e, &frame);
	check_equal(e.regs.rax, 0xa0);
	check_equal(e.regs.rip, landing);
	check_equal(e.regs.rsp, user_stack() - 40);
	check_equal(e.regs.r15, 12);
}

/* RPL 0-2 in cs: stays in kernel mode, whatever the selector's other bits. */
static void check_kernel(void)
{
	struct iret_context frame = {
		.rax = 0xa0, .rcx = 0xc0, .r11 = 0xb0, .rip = (uint64_t)landing,
		.cs = FLAT_KERNEL_CS64 & ~3, .rflags = 0x2, .ss = FLAT_KERNEL_SS64,
	};
	struct iret_regs regs = { .r15 = 99 };
	struct fault f;

	frame.rsp = (uint64_t)__builtin_frame_address(0) - 4096;
	FAULT_IN(&f, iret_to(&frame, &regs));
	check_fault(&f, 6, 0);
	check_equal(f.regs.cs, FLAT_KERNEL_CS64 & ~3);
	check_equal(f.regs.rax, 0xa0);
	check_equal(f.regs.rcx, 0xc0);
	check_equal(f.regs.r11, 0xb0);
	check_equal(f.regs.r15, 99);
	check_equal(f.regs.rsp, frame.rsp);
	check_equal(event_mask_get(), 1);
	frame.rflags = 0x202;
	frame.flags = VGCF_in_syscall;
	FAULT_IN(&f, iret_to(&frame, &regs));
	check_fault(&f, 6, 0);
	check_equal(event_mask_get(), 0);
	event_mask_set(1);
}

void test_main(void)
{
	check_user();
	check_kernel();
}
