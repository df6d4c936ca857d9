/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does a domain that dom0 makes, builds and runs live and die as it should - and is
 * everything it had free afterwards?
 */
#include "domu.h"
#include "guest.h"

static struct domu d;

/* what the new domain leaves for dom0 to see */
static volatile struct {
	unsigned long magic, count;
	unsigned int port;
	uint64_t granted;
	char pad[4096 - 32];
} report __attribute__((aligned(4096)));

static char granted_page[4096] __attribute__((aligned(4096)));

static void payload(void)
{
	struct evtchn_alloc_unbound alloc = { .dom = DOMID_SELF, .remote_dom = 0 };
	struct evtchn_send send;

	grant_init(1);
	granted_page[0] = 'm';
	granted_page[4095] = 'a';
	grant_give(9, mfn_of(granted_page), 0);
	must(hc_evtchn(EVTCHNOP_alloc_unbound, &alloc));
	report.port = alloc.port;
	report.magic = 0x6d696361;
	send.port = alloc.port;
	for (;;) {
		report.count++;
		if (report.granted == 1) {
			must(hc_evtchn(EVTCHNOP_send, &send));
			report.granted = 2;
		}
		if (report.granted == 3)
			break;
	}
}

static void wait_for(volatile unsigned long *p, unsigned long value)
{
	uint64_t end = time_now_ns() + 20000000000UL;

	while (*p != value) {
		if (time_now_ns() > end)
			test_error("the domain does not answer: %lx", *p);
		hc_sched(SCHEDOP_yield, NULL);
	}
}

static void check_events(volatile typeof(report) *r)
{
	struct evtchn_bind_interdomain bind = { .remote_dom = (domid_t)d.id, .remote_port = r->port };
	unsigned long before;

	must(hc_evtchn(EVTCHNOP_bind_interdomain, &bind));
	event_enable();
	must(event_unmask(bind.local_port));
	before = event_count[bind.local_port];
	r->granted = 1;
	check(wait_change(&event_count[bind.local_port], before, 10000000000UL), "no event came");
	event_disable();
	check_ok(event_close(bind.local_port));
}

/* The grant is mapped, read, and unmapped. */
static void check_grant(void)
{
	struct gnttab_map_grant_ref map = {
		.host_addr = (uint64_t)window(3), .flags = GNTMAP_host_map, .ref = 9, .dom = (domid_t)d.id,
	};
	struct gnttab_unmap_grant_ref unmap = { .host_addr = map.host_addr };
	const volatile char *p = window(3);

	must(hc_gnttab(GNTTABOP_map_grant_ref, &map, 1));
	check_equal(map.status, 0);
	if (map.status)
		return;
	check(p[0] == 'm' && p[4095] == 'a', "the granted page reads %x %x", p[0], p[4095]);
	unmap.handle = map.handle;
	must(hc_gnttab(GNTTABOP_unmap_grant_ref, &unmap, 1));
	check_equal(unmap.status, 0);
}

static void check_pause(volatile typeof(report) *r)
{
	static struct vcpu_guest_context c;
	struct xen_domctl op = {
		.cmd = XEN_DOMCTL_getvcpucontext, .domain = (domid_t)d.id, .u.vcpucontext.ctxt = PTR(&c),
	};
	struct xen_domctl_getdomaininfo info;
	unsigned long count;

	check_ok(domctl_simple(XEN_DOMCTL_pausedomain, d.id));
	must(domu_info(d.id, &info));
	check(info.flags & XEN_DOMINF_paused, "flags %x: not paused", info.flags);
	count = r->count;
	for (int i = 0; i < 1000; i++)
		hc_sched(SCHEDOP_yield, NULL);
	check_equal(r->count, count);
	check_ok(domctl(&op));
	check(c.user_regs.rip > VIRT_BASE && (c.flags & VGCF_in_kernel), "rip %lx flags %lx",
	      c.user_regs.rip, c.flags);
	check_equal(c.ctrlreg[3] >> 12, pte_mfn(c.ctrlreg[3]));
	op.cmd = XEN_DOMCTL_setvcpucontext;		/* the same again is accepted */
	check_ok(domctl(&op));
	c.ctrlreg[3] += 4096;				/* other tables are not */
	check_equal(domctl(&op), -EOPNOTSUPP);
	check_ok(domctl_simple(XEN_DOMCTL_unpausedomain, d.id));
	check_equal(domctl_simple(XEN_DOMCTL_unpausedomain, d.id), -EINVAL);
	wait_for(&r->magic, 0x6d696361);
}

static void live_once(void)
{
	struct xen_domctl_getdomaininfo info;
	volatile typeof(report) *r;

	domu_build(&d, payload);
	must(domu_info(d.id, &info));
	check(info.flags & XEN_DOMINF_paused, "a new domain is not paused: %x", info.flags);
	check_equal(info.tot_pages, d.nr_pfns - 256);
	r = domu_map_va(&d, &report, DOMU_SLOT + 1);
	domu_run(&d);
	wait_for(&r->magic, 0x6d696361);
	check_events(r);
	check_grant();
	check_pause(r);
	r->granted = 3;
	check_equal(domu_wait_shutdown(&d), SHUTDOWN_poweroff);
	domu_unmap(DOMU_SLOT + 1);
	check(domu_destroy(d.id), "the domain is still there");
}

void test_main(void)
{
	unsigned int port;
	uint64_t before;
	long rc;

	rc = event_bind_virq(VIRQ_DOM_EXC, 0);
	must(rc);
	port = (unsigned int)rc;
	live_once();					/* what is allocated once, is now */
	event_enable();
	event_unmask(port);
	before = free_pages();
	for (int i = 0; i < 3; i++) {
		unsigned long seen = event_count[port];

		live_once();
		event_enable();
		check(event_count[port] != seen, "VIRQ_DOM_EXC did not come");
	}
	check_equal(free_pages(), before);
}
