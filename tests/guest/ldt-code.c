/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: can user code run in a code segment of the LDT whose page the hypervisor has not seen
 * yet, is a fault on the LDT's own page reported at the guest's address, and do emulated instructions
 * work there?
 */
#include "guest.h"

#define CODE64		0x00affb000000ffffUL
#define CODE32		0x00cffb000000ffffUL

extern const char user_code[], user_cpuid[];
asm(".pushsection .text\n"
    "user_code: mov %cs, %eax; syscall; ud2\n"
    "user_cpuid: .byte 0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2; mov %cs, %edx; ud2\n"
    ".popsection");

static uint64_t *ldt;

static void enter(struct user_exit *e, const char *code, unsigned int sel)
{
	struct iret_context frame = { .rip = (uint64_t)code, .cs = sel, .rflags = 2,
				      .rsp = user_stack(), .ss = FLAT_USER_SS64 };
	struct iret_regs regs = { .rdi = 0, .r15 = 15 };

	user_run_frame(e, &frame, &regs);
	check_equal(e->regs.r15, 15);
}

static void fresh(unsigned long base)
{
	must(hc_mmuext(MMUEXT_SET_LDT, 0, 0));
	must(hc_mmuext(MMUEXT_SET_LDT, base, 512));
}

void test_main(void)
{
	struct user_exit e;

	ldt = page_alloc();
	ldt[1] = CODE64;
	ldt[2] = CODE64 & ~(1UL << 47);
	page_readonly(ldt);
	for (unsigned int i = 0; i < 3; i++) {
		fresh((unsigned long)ldt);
		enter(&e, user_code, 1 << 3 | 7);
		check_equal(e.vector, VEC_SYSCALL);
		check_equal(e.regs.rax, 1 << 3 | 7);
		enter(&e, user_code, 1 << 3 | 7);
		check_equal(e.vector, VEC_SYSCALL);
	}
	fresh((unsigned long)ldt);
	enter(&e, user_cpuid, 1 << 3 | 7);
	check_equal(e.vector, 6);
	check_equal(e.regs.rdx, 1 << 3 | 7);
	fresh((unsigned long)ldt);
	enter(&e, user_code, 2 << 3 | 7);
	check_equal(e.vector, 11);
	check_equal(e.error, 2 << 3 | 4);
	/* nothing mapped there: the guest's own fault, at the guest's address */
	fresh(0x1000);
	enter(&e, user_code, 3 << 3 | 7);
	check_equal(e.vector, 14);
	check_equal(e.cr2, 0x1018);
	must(hc_mmuext(MMUEXT_SET_LDT, 0, 0));
	enter(&e, user_code, 1 << 3 | 7);
	check_equal(e.vector, 13);
	page_writable(ldt);
}
