/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does a hypercall keep every register but rax, rcx and r11, keep rflags, resume right
 * behind the SYSCALL, and answer -ENOSYS to numbers that do not exist?
 */
#include "guest.h"

/* in: rdi = hypercall number; fills out[0..14] with the registers after it */
uint64_t out[17];
extern void probe_registers(unsigned long nr);
asm(".pushsection .text\n"
    "probe_registers:\n"
    "	push %rbx\n	push %rbp\n	push %r12\n	push %r13\n	push %r14\n	push %r15\n"
    "	mov %rdi, %rax\n"
    "	mov $0x1111, %ebx\n	mov $0x2222, %edx\n	xor %esi, %esi\n	xor %edi, %edi\n"
    "	mov $0x5555, %ebp\n	mov $0x8888, %r8d\n"
    "	mov $0x9999, %r9d\n	mov $0xaaaa, %r10d\n"
    "	mov $0xcccc, %r12d\n	mov $0xdddd, %r13d\n"
    "	mov $0xeeee, %r14d\n	mov $0xffff, %r15d\n"
    "	std\n	stc\n"
    "	syscall\n"
    "	pushfq\n	popq out + 120(%rip)\n	cld\n"
    "	mov %rbx, out + 0(%rip)\n	mov %rdx, out + 8(%rip)\n	mov %rsi, out + 16(%rip)\n"
    "	mov %rdi, out + 24(%rip)\n	mov %rbp, out + 32(%rip)\n	mov %r8, out + 40(%rip)\n"
    "	mov %r9, out + 48(%rip)\n	mov %r10, out + 56(%rip)\n	mov %r12, out + 64(%rip)\n"
    "	mov %r13, out + 72(%rip)\n	mov %r14, out + 80(%rip)\n	mov %r15, out + 88(%rip)\n"
    "	mov %rax, out + 96(%rip)\n	mov %cs, %eax\n	mov %rax, out + 104(%rip)\n"
    "	mov %ss, %eax\n	mov %rax, out + 112(%rip)\n"
    "	pop %r15\n	pop %r14\n	pop %r13\n	pop %r12\n	pop %rbp\n	pop %rbx\n"
    "	ret\n"
    ".popsection\n");

static void check_kept(unsigned long nr, long want)
{
	static const uint64_t values[] = { 0x1111, 0x2222, 0, 0, 0x5555, 0x8888, 0x9999, 0xaaaa,
					   0xcccc, 0xdddd, 0xeeee, 0xffff };

	probe_registers(nr);
	for (unsigned int i = 0; i < ARRAY_SIZE(values); i++)
		check(out[i] == values[i], "call %lu: register %u became %lx", nr, i, out[i]);
	check_equal(out[12], want);
	check_equal(out[13], FLAT_KERNEL_CS64);
	check_equal(out[14], FLAT_KERNEL_SS64);
	check_equal(out[15] & (RFLAGS_DF | 1), RFLAGS_DF | 1);
	check_equal(out[15] & (RFLAGS_TF | RFLAGS_NT | RFLAGS_IOPL), 0);
}

void test_main(void)
{
	static const unsigned long none[] = { 11, 43, 50, 63, 64, 65, 127, 128, 255, 256, 0x10000,
					      0x7fffffff, 0x80000000UL, 0xffffffffUL,
					      0x100000000UL, 0x8000000000000000UL, -1UL };

	check_kept(__HYPERVISOR_xen_version, 0x40011);
	check_kept(__HYPERVISOR_sched_op, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(none); i++) {
		check_kept(none[i], -ENOSYS);
		check_equal(HC_0(none[i]), -ENOSYS);
	}
	check_equal(hypercall(__HYPERVISOR_tmem_op, 0), -ENOSYS);
	check_refused(hypercall(__HYPERVISOR_xenoprof_op, 0, 0));
}
