/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does set_segment_base set each of its four registers, do kernel and user GS swap with
 * the mode, and are bad values refused?
 */
#include "guest.h"

static uint64_t cell_kernel = 11, cell_user = 22, cell_fs = 33;

extern const char user_reads[];
asm(".pushsection .text\n"
    "user_reads: mov %gs:0, %rax; mov %fs:0, %rbx; mov %gs, %ecx; mov %rcx, %rdx; syscall; ud2\n"
    ".popsection");

static uint64_t read_gs(void)
{
	uint64_t v;

	asm volatile("mov %%gs:0, %0" : "=r"(v));
	return v;
}

static uint64_t read_fs(void)
{
	uint64_t v;

	asm volatile("mov %%fs:0, %0" : "=r"(v));
	return v;
}

void test_main(void)
{
	struct user_exit e;
	uint16_t sel = 0xffff;

	check_ok(hc_segment_base(SEGBASE_FS, PTR(&cell_fs)));
	check_ok(hc_segment_base(SEGBASE_GS_KERNEL, PTR(&cell_kernel)));
	check_ok(hc_segment_base(SEGBASE_GS_USER, PTR(&cell_user)));
	check_equal(read_fs(), 33);
	check_equal(read_gs(), 11);
	user_run(&e, (unsigned long)user_reads, user_stack(), 0);
	check_equal(e.vector, VEC_SYSCALL);
	check_equal(e.regs.rax, 22);
	check_equal(e.regs.rbx, 33);
	check_equal(read_gs(), 11);
	check_ok(hc_segment_base(SEGBASE_GS_USER_SEL, FLAT_USER_DS32));
	user_run(&e, (unsigned long)user_reads, user_stack(), 0);
	check_equal(e.vector, 14);			/* the selector's base is 0 */
	check_equal(read_gs(), 11);
	check_ok(hc_segment_base(SEGBASE_GS_USER_SEL, 0x1238));	/* bad: the null selector */
	check_ok(hc_segment_base(SEGBASE_GS_USER, PTR(&cell_user)));
	user_run(&e, (unsigned long)user_reads, user_stack(), 0);
	check_equal(e.regs.rax, 22);
	check_equal(e.regs.rdx, 0);
	for (unsigned int which = SEGBASE_FS; which <= SEGBASE_GS_KERNEL; which++)
		check_equal(hc_segment_base(which, NONCANONICAL), -EINVAL);
	check_equal(hc_segment_base(4, 0), -EINVAL);
	check_equal(read_fs(), 33);
	check_equal(read_gs(), 11);
	asm volatile("mov %%gs, %0" : "=r"(sel));
	check_equal(sel, 0);
}
