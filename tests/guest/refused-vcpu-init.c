/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 */
/*
 * Break-in: start a vCPU from a context that asks for too much - roots that are none, GDT frames
 * that are tables, addresses in the hole, privileged selectors and flags.
 */
#include "guest.h"

static struct vcpu_guest_context ctx;
static uint8_t stack[8192] __attribute__((aligned(16)));

static void fresh(void)
{
	smp_context(&ctx, (unsigned long)smp_entry, (unsigned long)stack + sizeof(stack));
}

static void refuse(const char *what)
{
	long rc = hc_vcpu(VCPUOP_initialise, 1, &ctx);

	if (rc >= 0)
		test_error("accepted: %s", what);
	fresh();
}

static void check_roots(void)
{
	ctx.ctrlreg[3] = 0;
	refuse("root 0");
	ctx.ctrlreg[3] = mfn_of(window_l1()) << 12;
	refuse("an L1 as root");
	ctx.ctrlreg[3] = mfn_of(page_alloc()) << 12;
	refuse("a writable frame as root");
	ctx.ctrlreg[3] = 0xffffffffffUL << 12;
	refuse("a root outside the machine");
	ctx.ctrlreg[1] = mfn_of(window_l1()) << 12;
	refuse("an L1 as user root");
}

static void check_gdt(void)
{
	ctx.gdt_ents = FIRST_RESERVED_GDT_ENTRY + 1;
	refuse("too many GDT entries");
	ctx.gdt_ents = 512;
	ctx.gdt_frames[0] = root_mfn();
	refuse("the root as GDT");
	ctx.gdt_ents = 512;
	ctx.gdt_frames[0] = mfn_of(page_alloc());
	refuse("a writable frame as GDT");
	ctx.ldt_ents = 8193;
	refuse("too many LDT entries");
	ctx.ldt_ents = 10;
	ctx.ldt_base = 0x1001;
	refuse("an unaligned LDT");
}

static void check_addresses(void)
{
	ctx.user_regs.rip = NONCANONICAL;
	refuse("rip");
	ctx.user_regs.rsp = NONCANONICAL;
	refuse("rsp");
	ctx.kernel_sp = NONCANONICAL;
	refuse("kernel_sp");
	ctx.event_callback_eip = NONCANONICAL;
	refuse("event callback");
	ctx.failsafe_callback_eip = NONCANONICAL;
	refuse("failsafe callback");
	ctx.syscall_callback_eip = NONCANONICAL;
	refuse("syscall callback");
	ctx.trap_ctxt[3].address = NONCANONICAL;
	refuse("trap handler");
	ctx.fs_base = NONCANONICAL;
	refuse("fs_base");
	ctx.gs_base_kernel = NONCANONICAL;
	refuse("gs_base_kernel");
	ctx.gs_base_user = NONCANONICAL;
	refuse("gs_base_user");
}

/* Accepted with its teeth drawn: RPL 3, IF on, IOPL 0. */
static volatile unsigned long ran;
static volatile uint64_t seen_flags, seen_cs;

static void second(void)
{
	uint64_t flags, cs;

	asm volatile("pushfq; pop %0; mov %%cs, %1" : "=r"(flags), "=r"(cs));
	seen_flags = flags;
	seen_cs = cs & 0xffff;
	ran = 1;
}

void test_main(void)
{
	if (hc_vcpu(VCPUOP_is_up, 1, NULL) < 0)
		test_skip("one vCPU only");
	fresh();
	check_roots();
	check_gdt();
	check_addresses();
	check_equal(hc_vcpu(VCPUOP_up, 1, NULL), -EINVAL);
	smp_start(second);
	check(wait_change(&ran, 0, 10000000000UL), "vCPU 1 does not run");
	smp_wait();
	check(seen_flags & RFLAGS_IF, "rflags %lx", seen_flags);
	check_equal(seen_flags & RFLAGS_IOPL, 0);
	check_equal(seen_cs & 3, 3);
}
