/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: leave the hypervisor through iret with a RIP that is not canonical or lies in its own
 * range, selectors that are not ours, and SYSRET-style flags - in both modes.  The guest must get
 * an exception; the hypervisor must never fault in ring 0 with guest state.
 */
#include "guest.h"

static struct iret_regs regs;

static void user_case(uint64_t rip, uint64_t cs, uint64_t ss, uint64_t flags, int vector)
{
	struct iret_context frame = { .rip = rip, .cs = cs, .rflags = 2, .rsp = user_stack(),
				      .ss = ss, .flags = flags };
	struct user_exit e;
	struct fault f;

	this_cpu()->catch = NULL;
	FAULT_IN(&f, user_run_frame(&e, &frame, &regs));
	if (f.hit)				/* reported in kernel mode: as good */
		e.vector = f.vector;
	check(vector < 0 || e.vector == (uint64_t)vector,
	      "user rip %lx cs %lx ss %lx flags %lx: vector %lu error %lx", rip, cs, ss, flags,
	      e.vector, e.error);
}

static void kernel_case(uint64_t rip, uint64_t flags, int vector)
{
	struct iret_context frame = { .rip = rip, .cs = FLAT_KERNEL_CS64 & ~3, .rflags = 2,
				      .ss = FLAT_KERNEL_SS64, .flags = flags };
	struct fault f;

	frame.rsp = (uint64_t)__builtin_frame_address(0) - 4096;
	FAULT_IN(&f, iret_to(&frame, &regs));
	check(f.hit && f.vector == (uint64_t)vector,
	      "kernel rip %lx flags %lx: vector %lu error %lx", rip, flags, f.vector, f.error);
}

static void check_addresses(uint64_t flags)
{
	static const uint64_t bad[] = { NONCANONICAL, 0xffff7fffffffffff, 0x8000000000000000,
					0x7fffffffffffffff };

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		user_case(bad[i], FLAT_USER_CS64, FLAT_USER_SS64, flags, 13);
		kernel_case(bad[i], flags, 13);
	}
	user_case(HOLE_START, FLAT_USER_CS64, FLAT_USER_SS64, flags, 14);
	user_case(HOLE_END - 16, FLAT_USER_CS64, FLAT_USER_SS64, flags, 14);
	user_case(0xffff82d040200000, FLAT_USER_CS64, FLAT_USER_SS64, flags, 14);
	kernel_case(HOLE_START, flags, 14);
	kernel_case(HOLE_END - 16, flags, 14);
	kernel_case(0xffff82d040200000, flags, 14);
	user_case(0x1000, FLAT_USER_CS64, FLAT_USER_SS64, flags, 14);
}

/* Selectors: whatever is loaded, its RPL becomes 3 and bad ones fault in the guest. */
static void check_selectors(void)
{
	uint64_t rip = (uint64_t)user_stack;	/* any mapped code */

	user_case(rip, 0x0b, FLAT_USER_SS64, 0, 13);
	user_case(rip, 0x1233, FLAT_USER_SS64, 0, 13);
	user_case(rip, 0xe00b, FLAT_USER_SS64, 0, 13);
	user_case(rip, 0xe02b, FLAT_USER_SS64, 0, 13);
	user_case(rip, 7, FLAT_USER_SS64, 0, 13);
	user_case(rip, FLAT_USER_CS64, 0x1233, 0, 13);
	user_case(rip, FLAT_USER_CS64, 0xe033, 0, 13);
	user_case(rip, FLAT_USER_CS64, 0xe013, 0, 13);
	user_case(rip, 3, FLAT_USER_SS64, 0, 13);
}

void test_main(void)
{
	check_addresses(0);
	check_addresses(VGCF_in_syscall);
	check_selectors();
}
