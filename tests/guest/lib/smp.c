/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bring-up of further vCPUs.
 *
 * The context is static: VCPUOP_initialise copies it.  smp_meet() is a barrier of two spinning
 * sides on a generation counter; the hypervisor may run both on one CPU, so they yield.
 */
#include "smp.h"
#include "event.h"
#include "hyper.h"
#include "mm.h"
#include "result.h"

extern char cpu_stacks[MAX_VCPUS][STACK_SIZE];
static struct vcpu_guest_context context;
static void (*smp_fn[MAX_VCPUS])(void);
static volatile unsigned int arrived, generation;

void smp_context(struct vcpu_guest_context *ctx, unsigned long rip, unsigned long rsp)
{
	memset(ctx, 0, sizeof(*ctx));
	ctx->flags = VGCF_in_kernel;
	ctx->user_regs.rip = rip;
	ctx->user_regs.rsp = rsp;
	ctx->user_regs.cs = FLAT_KERNEL_CS64;
	ctx->user_regs.ss = FLAT_KERNEL_SS64;
	ctx->user_regs.rflags = 0x202;
	for (unsigned int i = 0; i < 256; i++) {
		ctx->trap_ctxt[i].vector = (uint8_t)i;
		ctx->trap_ctxt[i].cs = FLAT_KERNEL_CS64;
		ctx->trap_ctxt[i].address = trap_stubs[i];
	}
	ctx->kernel_ss = FLAT_KERNEL_SS64;
	ctx->kernel_sp = rsp - STACK_SIZE + TRAP_STACK_OFFSET;
	ctx->ctrlreg[3] = root_mfn() << 12;
	ctx->event_callback_eip = (uint64_t)entry_event;
	ctx->failsafe_callback_eip = (uint64_t)entry_failsafe;
	ctx->syscall_callback_eip = (uint64_t)entry_syscall;
}

void smp_main(void);
void smp_main(void)
{
	unsigned int me = this_vcpu();

	trap_init();
	hc_vcpu(VCPUOP_stop_periodic_timer, me, NULL);
	for (;;) {
		smp_fn[me]();
		hc_vcpu(VCPUOP_down, me, NULL);
	}
}

void smp_start_on(unsigned int vcpu, void (*fn)(void))
{
	if (hc_vcpu(VCPUOP_is_up, vcpu, NULL) < 0)
		test_skip("no vCPU %u", vcpu);
	smp_fn[vcpu] = fn;
	smp_context(&context, (uint64_t)smp_entry, (uint64_t)cpu_stacks[vcpu] + STACK_SIZE);
	must(hc_vcpu(VCPUOP_initialise, vcpu, &context));
	must(hc_vcpu(VCPUOP_up, vcpu, NULL));
}

void smp_start(void (*fn)(void))
{
	smp_start_on(1, fn);
}

void smp_again(unsigned int vcpu, void (*fn)(void))
{
	smp_fn[vcpu] = fn;
	must(hc_vcpu(VCPUOP_up, vcpu, NULL));
}

void smp_wait_on(unsigned int vcpu)
{
	uint64_t end = time_now_ns() + 20000000000UL;

	while (hc_vcpu(VCPUOP_is_up, vcpu, NULL) == 1) {
		if (time_now_ns() > end)
			test_error("vCPU %u did not finish", vcpu);
		hc_sched(SCHEDOP_yield, NULL);
	}
}

void smp_wait(void)
{
	smp_wait_on(1);
}

void smp_meet(void)
{
	unsigned int old = generation;

	if (__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST) == 2) {
		arrived = 0;
		generation = old + 1;
		return;
	}
	while (generation == old)
		hc_sched(SCHEDOP_yield, NULL);
}
