/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: the control calls with wrong versions and garbage commands, operations for other kinds
 * of guest, and a user program that tries hypercalls itself.
 */
#include "guest.h"

static uint32_t op[64];

static void clear_op(uint32_t cmd, uint32_t version)
{
	memset(op, 0, sizeof(op));
	op[0] = cmd;
	op[1] = version;
}

static void check_versions(void)
{
	for (uint32_t cmd = 0; cmd < 90; cmd++) {
		clear_op(cmd, 0xdeadbeef);
		check_equal(hypercall(__HYPERVISOR_domctl, op), -EACCES);
		clear_op(cmd, 0xdeadbeef);
		check_equal(hypercall(__HYPERVISOR_sysctl, op), -EACCES);
		clear_op(cmd, 0xdeadbeef);
		check_equal(hypercall(__HYPERVISOR_platform_op, op), -EACCES);
	}
}

static void check_commands(void)
{
	clear_op(0xffff, 0x15);
	check_refused(hypercall(__HYPERVISOR_domctl, op));
	clear_op(0xffff, 0x15);
	check_refused(hypercall(__HYPERVISOR_sysctl, op));
	clear_op(0xffff, 0x03000001);
	check_refused(hypercall(__HYPERVISOR_platform_op, op));
}

static void check_others(void)
{
	uint8_t zero[64] = { 0 };

	check_refused(hypercall(__HYPERVISOR_hvm_op, 0, zero));
	check_refused(hypercall(__HYPERVISOR_hvm_op, 99, zero));
	check_refused(hypercall(__HYPERVISOR_dm_op, 0, 0, 0));
	check_refused(hypercall(__HYPERVISOR_xenpmu_op, 99, zero));
	check_refused(hypercall(__HYPERVISOR_hypfs_op, 99, 0, 0, 0, 0));
	check_refused(hypercall(__HYPERVISOR_argo_op, 99, 0, 0, 0, 0));
	check_refused(hypercall(__HYPERVISOR_mica_op, 0x7fffffff, 0));
}

extern const char user_hypercalls[];
asm(".pushsection .text\n"
    "user_hypercalls: mov %edi, %eax; xor %edi, %edi; mov $0x5a, %ebx; syscall; ud2\n"
    ".popsection");

/* From user mode every number is the guest kernel's business. */
static void check_user(void)
{
	struct user_exit e;

	for (unsigned int nr = 0; nr < 64; nr++) {
		user_run(&e, (unsigned long)user_hypercalls, user_stack(), nr);
		check(e.vector == VEC_SYSCALL && e.regs.rax == nr, "call %u: vector %lu rax %lx",
		      nr, e.vector, e.regs.rax);
	}
}

void test_main(void)
{
	check_versions();
	check_commands();
	check_others();
	check_user();
}
