/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does SCHEDOP_poll return for a port already pending, for one that becomes pending
 * while masked, and at its timeout, without any upcall?
 */
#include "guest.h"

#define MS 1000000UL

static long poll(unsigned int *ports, unsigned int nr, uint64_t timeout)
{
	struct sched_poll op = { .ports = PTR(ports), .nr_ports = nr, .timeout = timeout };

	return hc_sched(SCHEDOP_poll, &op);
}

static void check_errors(unsigned int port)
{
	unsigned int bad = 0x7fffffff;
	static unsigned int many[130];

	check_equal(poll(&bad, 1, time_now_ns() + MS), -EINVAL);
	check_equal(poll(many, 129, time_now_ns() + MS), -EINVAL);
	check_equal(poll((unsigned int *)0xdead000, 1, time_now_ns() + MS), -EFAULT);
	check_equal(hc_sched(SCHEDOP_poll, (void *)0xdead000), -EFAULT);
	bad = port;
	check_ok(poll(&bad, 0, time_now_ns() + MS));
}

void test_main(void)
{
	struct vcpu_set_singleshot_timer timer = { 0 };
	long ipi = event_bind_ipi(0), virq = event_bind_virq(VIRQ_TIMER, 0);
	unsigned int port, ports[2];
	uint64_t start;

	must(ipi);
	must(virq);
	port = (unsigned int)ipi;
	port_set(shared_info->evtchn_mask, port);
	check_errors(port);
	/* already pending */
	check_ok(event_send(port));
	check_ok(poll(&port, 1, 0));
	port_clear(shared_info->evtchn_pending, port);
	/* timeout */
	start = time_now_ns();
	check_ok(poll(&port, 1, start + 20 * MS));
	check(time_now_ns() >= start + 20 * MS, "poll returned early");
	/* woken by a masked port */
	ports[0] = port;
	ports[1] = (unsigned int)virq;
	port_set(shared_info->evtchn_mask, ports[1]);
	timer.timeout_abs_ns = time_now_ns() + 10 * MS;
	check_ok(hc_vcpu(VCPUOP_set_singleshot_timer, 0, &timer));
	check_ok(poll(ports, 2, 0));
	check(port_test(shared_info->evtchn_pending, ports[1]), "woke without the event");
	check_equal(this_cpu()->upcalls, 0);
}
