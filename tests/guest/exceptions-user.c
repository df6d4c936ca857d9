/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do exceptions of user code arrive on the kernel stack with RPL 3 in cs, the U bit in
 * page-fault codes, and all registers?
 */
#include "guest.h"

#define USER_CODE(name, code)						\
	extern const char name[];					\
	asm(".pushsection .text\n" #name ": " code "\n ud2\n.popsection")

USER_CODE(user_ud2, "ud2");
USER_CODE(user_de, "xor %eax, %eax; xor %edx, %edx; div %eax");
USER_CODE(user_bp, "int3");
USER_CODE(user_of, "int $4");
USER_CODE(user_db, "pushfq; orl $0x100, (%rsp); popfq; nop; nop");
USER_CODE(user_gp, "hlt");
USER_CODE(user_cli, "cli");
USER_CODE(user_cr, "mov %cr3, %rax");
USER_CODE(user_msr, "mov $0xc0000080, %ecx; rdmsr");
USER_CODE(user_in, "in $0x70, %al");
USER_CODE(user_noncanonical, "mov (%rdi), %al");
USER_CODE(user_write, "movb $0, (%rdi)");
USER_CODE(user_jump, "jmp *%rdi");
USER_CODE(user_regs, "mov $0x1111, %ebx; mov $0x2222, %ecx; mov $0x3333, %r11d; mov $0x4444,%r15d;"
	  "mov $0x5555, %eax; ud2");

static void run(const char *code, unsigned long arg, int vector, long error, struct user_exit *e)
{
	user_run(e, (unsigned long)code, user_stack(), arg);
	check(e->vector == (uint64_t)vector && e->error == (uint64_t)error,
	      "vector %lu error %lx, wanted %d error %lx (rip %lx)", e->vector, e->error, vector,
	      error, e->regs.rip);
	check_equal(e->regs.cs, FLAT_USER_CS64);
	check_equal(e->regs.ss & 0xffff, FLAT_USER_SS64);
	check_equal(e->regs.rflags & RFLAGS_IOPL, 0);
}

/* the frame lies on the stack given by stack_switch, right below its top */
static void check_stack(const struct user_exit *e)
{
	check(e->regs.rsp == user_stack(), "user rsp %lx", e->regs.rsp);
	check_equal(e->regs.rip, user_regs + 27);
	check_equal(e->regs.rbx, 0x1111);
	check_equal(e->regs.rcx, 0x2222);
	check_equal(e->regs.r11, 0x3333);
	check_equal(e->regs.r15, 0x4444);
	check_equal(e->regs.rax, 0x5555);
	check_equal(e->regs.rdi, 77);
}

void test_main(void)
{
	struct user_exit e;

	run(user_ud2, 0, 6, 0, &e);
	check_equal(e.regs.rip, user_ud2);
	run(user_de, 0, 0, 0, &e);
	run(user_bp, 0, 3, 0, &e);
	check_equal(e.regs.rip, user_bp + 1);
	run(user_of, 0, 4, 0, &e);
	run(user_db, 0, 1, 0, &e);
	run(user_gp, 0, 13, 0, &e);
	run(user_cli, 0, 13, 0, &e);
	run(user_cr, 0, 13, 0, &e);
	run(user_msr, 0, 13, 0, &e);
	run(user_in, 0, 13, 0, &e);
	run(user_noncanonical, NONCANONICAL, 13, 0, &e);
	run(user_write, 0x1000, 14, 6, &e);
	check_equal(e.cr2, 0x1000);
	run(user_write, start_info->pt_base, 14, 7, &e);
	check_equal(e.cr2, start_info->pt_base);
	run(user_jump, 0x1000, 14, 0x14, &e);
	run(user_write, HOLE_START, 14, 7, &e);
	run(user_regs, 77, 6, 0, &e);
	check_stack(&e);
}
