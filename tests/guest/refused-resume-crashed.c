/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: a guest crashes at once - its one page is an empty root - and the toolstack resumes it
 * all the same, again and again, gives it bad contexts, resets it, and destroys it.  The CPU must
 * come back every time: there is only one.
 */
#include "guest.h"
#include <mica/domctl.h>

static struct xen_domctl op;
static domid_t victim;
static struct vcpu_guest_context context, broken;

static long control(uint32_t cmd)
{
	op.cmd = cmd;
	op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	op.domain = victim;
	return hypercall(__HYPERVISOR_domctl, &op);
}

static void create(void)
{
	memset(&op, 0, sizeof(op));
	op.u.createdomain.max_vcpus = 1;
	op.u.createdomain.max_evtchn_port = 1023;
	op.u.createdomain.max_grant_frames = -1;
	op.u.createdomain.max_maptrack_frames = -1;
	op.u.createdomain.grant_opts = 1;
	must(control(XEN_DOMCTL_createdomain));
	victim = op.domain;
	op.u.max_mem.max_memkb = 1024;
	must(control(XEN_DOMCTL_max_mem));
	op.u.max_vcpus.max = 1;
	must(control(XEN_DOMCTL_max_vcpus));
}

static uint64_t frame_for(void)
{
	uint64_t list[1] = { 0 };
	struct xen_memory_reservation r = { .extent_start = PTR(list), .nr_extents = 1,
					    .domid = victim };

	if (hc_memory(XENMEM_populate_physmap, &r) != 1)
		test_error("no page for the guest");
	return list[0];
}

static long give(struct vcpu_guest_context *c)
{
	memset(&op, 0, sizeof(op));
	op.u.vcpucontext.ctxt = PTR(c);
	return control(XEN_DOMCTL_setvcpucontext);
}

static bool is_shut(void)
{
	memset(&op, 0, sizeof(op));
	must(control(XEN_DOMCTL_getdomaininfo));
	return op.u.getdomaininfo.flags & XEN_DOMINF_shutdown;
}

static void wait_shut(const char *when)
{
	uint64_t end = time_now_ns() + 10000000000UL;

	while (!is_shut() && time_now_ns() < end)
		hc_sched(SCHEDOP_yield, NULL);
	check(is_shut(), "%s: it goes on", when);
}

void test_main(void)
{
	uint64_t end;

	create();
	smp_context(&context, 0x1000, 0x3000);
	memset(context.trap_ctxt, 0, sizeof(context.trap_ctxt));
	context.kernel_sp = 0x3000;
	context.flags |= VGCF_online;
	context.ctrlreg[3] = frame_for() << 12;
	broken = context;
	broken.gdt_ents = 1;
	check_refused(give(&broken));
	check_ok(give(&context));
	check_refused(give(&broken));
	check_ok(control(XEN_DOMCTL_unpausedomain));
	wait_shut("no tables");
	for (unsigned int i = 0; i < 5; i++) {
		check_ok(control(XEN_DOMCTL_resumedomain));
		wait_shut("resumed");
	}
	check_ok(control(XEN_DOMCTL_pausedomain));
	check_ok(give(NULL));
	check_refused(give(&broken));
	check_ok(control(XEN_DOMCTL_resumedomain));
	check_ok(control(XEN_DOMCTL_unpausedomain));
	for (unsigned int i = 0; i < 50; i++)
		hc_sched(SCHEDOP_yield, NULL);
	check_ok(give(&context));
	check_ok(control(XEN_DOMCTL_pausedomain));
	check_ok(control(XEN_DOMCTL_unpausedomain));
	wait_shut("with a new context");
	end = time_now_ns() + 10000000000UL;
	while (control(XEN_DOMCTL_destroydomain) == -EBUSY && time_now_ns() < end)
		hc_sched(SCHEDOP_yield, NULL);
	memset(&op, 0, sizeof(op));
	check(control(XEN_DOMCTL_getdomaininfo) == -ESRCH || op.domain != victim,
	      "it is still there");
}
