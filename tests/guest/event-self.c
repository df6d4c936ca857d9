/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does an event sent to oneself arrive as an upcall exactly when port and vCPU are
 * unmasked - on send, on unmask, on clearing the upcall mask by hand - with the mask set inside the
 * handler and the old one in the frame?
 */
#include "guest.h"

static struct regs seen;
static uint8_t mask_inside;

static bool record(struct regs *regs)
{
	if (regs->vector == VEC_EVENT) {
		seen = *regs;
		mask_inside = event_mask_get();
	}
	return false;
}

static void check_delivery(unsigned int port)
{
	unsigned long n = event_count[port];

	event_enable();
	check_ok(event_send(port));
	check_equal(event_count[port], n + 1);
	check_equal(mask_inside, 1);
	check_equal(seen.saved_mask, 0);
	check_equal(seen.cs, FLAT_KERNEL_CS64 & ~3);
	check(seen.rflags & RFLAGS_IF, "IF clear in the upcall's frame");
	check_equal(event_mask_get(), 0);
}

/* Masked vCPU: pending stays, and arrives when the mask is cleared and a hypercall is made. */
static void check_masked_vcpu(unsigned int port)
{
	unsigned long n = event_count[port];

	event_disable();
	check_ok(event_send(port));
	check_ok(event_send(port));
	check_equal(event_count[port], n);
	check(port_test(shared_info->evtchn_pending, port), "not pending");
	check_equal(shared_info->vcpu_info[0].evtchn_upcall_pending, 1);
	check_equal(shared_info->vcpu_info[0].evtchn_pending_sel >> (port / 64) & 1, 1);
	event_enable();
	check_equal(event_count[port], n + 1);
	check_equal(shared_info->vcpu_info[0].evtchn_upcall_pending, 0);
}

static void check_masked_port(unsigned int port)
{
	unsigned long n = event_count[port];

	port_set(shared_info->evtchn_mask, port);
	check_ok(event_send(port));
	check_equal(event_count[port], n);
	check(port_test(shared_info->evtchn_pending, port), "not pending");
	check_equal(shared_info->vcpu_info[0].evtchn_pending_sel, 0);
	check_ok(event_unmask(port));
	check_equal(event_count[port], n + 1);
	check(!port_test(shared_info->evtchn_mask, port), "still masked");
	check_ok(event_unmask(port));
	check_equal(event_count[port], n + 1);
}

/* iret with IF set unmasks, and what is due arrives at the iret's target. */
static void check_iret_unmask(unsigned int port)
{
	unsigned long n = event_count[port];
	struct iret_context frame = {
		.rip = 0, .cs = FLAT_KERNEL_CS64 & ~3, .rflags = 0x202, .ss = FLAT_KERNEL_SS64,
	};
	struct iret_regs regs = { 0 };
	struct jump here;

	event_disable();
	check_ok(event_send(port));
	if (!jump_save(&here)) {
		frame.rip = (uint64_t)jump_back;
		frame.rsp = (uint64_t)__builtin_frame_address(0) - 8192;
		regs.rdi = (uint64_t)&here;
		iret_to(&frame, &regs);
	}
	check_equal(event_count[port], n + 1);
	check_equal(seen.rip, jump_back);
	check_equal(event_mask_get(), 0);
}

void test_main(void)
{
	unsigned int a, b;
	long ipi = event_bind_ipi(0);

	this_cpu()->hook = record;
	must(ipi);
	check_delivery((unsigned int)ipi);
	check_masked_vcpu((unsigned int)ipi);
	check_masked_port((unsigned int)ipi);
	check_iret_unmask((unsigned int)ipi);
	event_disable();
	must(event_loop(&a, &b));
	/* a fresh interdomain port starts pending at the binder */
	check(port_test(shared_info->evtchn_pending, b), "port not pending at bind");
	event_enable();
	check_equal(event_count[b], 1);
	check_ok(event_send(b));
	check_equal(event_count[a], 1);
	check_ok(event_send(a));
	check_equal(event_count[b], 2);
}
