/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do ports walk through closed, unbound, interdomain, virq and ipi as documented, with
 * the documented errors on the way?
 */
#include "guest.h"

static unsigned int status_of(unsigned int port, struct evtchn_status *st)
{
	memset(st, 0, sizeof(*st));
	st->dom = DOMID_SELF;
	st->port = port;
	check_ok(hc_evtchn(EVTCHNOP_status, st));
	return st->status;
}

static void check_interdomain(void)
{
	struct evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	struct evtchn_bind_interdomain b = { .remote_dom = DOMID_SELF };
	struct evtchn_status st;

	check_ok(hc_evtchn(EVTCHNOP_alloc_unbound, &a));
	check_equal(status_of(a.port, &st), EVTCHNSTAT_unbound);
	check_ok(event_send(a.port));			/* lost, but no error */
	b.remote_port = a.port;
	check_ok(hc_evtchn(EVTCHNOP_bind_interdomain, &b));
	check_equal(status_of(a.port, &st), EVTCHNSTAT_interdomain);
	check_equal(st.u.interdomain.port, b.local_port);
	check_refused(hc_evtchn(EVTCHNOP_bind_interdomain, &b));
	check_ok(event_close(b.local_port));
	check_equal(status_of(b.local_port, &st), EVTCHNSTAT_closed);
	check_equal(status_of(a.port, &st), EVTCHNSTAT_unbound);
	check_ok(event_close(a.port));
	check_equal(event_close(a.port), -EINVAL);
}

static void check_virq(void)
{
	struct evtchn_bind_vcpu move = { .vcpu = 0 };
	struct evtchn_status st;
	long timer = event_bind_virq(VIRQ_TIMER, 0);
	long console = event_bind_virq(VIRQ_CONSOLE, 0);

	must(timer);
	must(console);
	check_equal(event_bind_virq(VIRQ_TIMER, 0), -EEXIST);
	check_equal(event_bind_virq(VIRQ_TIMER, 99), -ENOENT);
	check_equal(event_bind_virq(VIRQ_DOM_EXC, 1), -EINVAL);
	check_equal(event_bind_virq(NR_VIRQS, 0), -EINVAL);
	check_equal(status_of((unsigned int)timer, &st), EVTCHNSTAT_virq);
	check_equal(st.u.virq, VIRQ_TIMER);
	move.port = (unsigned int)timer;
	check_equal(hc_evtchn(EVTCHNOP_bind_vcpu, &move), -EINVAL);
	move.port = (unsigned int)console;
	check_ok(hc_evtchn(EVTCHNOP_bind_vcpu, &move));
	move.vcpu = 99;
	check_equal(hc_evtchn(EVTCHNOP_bind_vcpu, &move), -ENOENT);
	check_equal(event_send((unsigned int)timer), -EINVAL);
	check_ok(event_close((unsigned int)timer));
	check(event_bind_virq(VIRQ_TIMER, 0) > 0, "VIRQ_TIMER cannot be bound again");
}

static void check_ipi(void)
{
	struct evtchn_status st;
	long port = event_bind_ipi(0);

	must(port);
	check_equal(status_of((unsigned int)port, &st), EVTCHNSTAT_ipi);
	check_equal(st.vcpu, 0);
	check_equal(event_bind_ipi(99), -ENOENT);
}

static void check_compat(void)
{
	struct evtchn_op op = { .cmd = EVTCHNOP_bind_ipi };

	check_ok(hypercall(__HYPERVISOR_event_channel_op_compat, &op));
	check(op.u.bind_ipi.port > 0, "compat bind_ipi gave port %u", op.u.bind_ipi.port);
}

void test_main(void)
{
	struct evtchn_reset reset = { .dom = DOMID_SELF };
	struct evtchn_status st;
	long port;

	check_interdomain();
	check_virq();
	check_ipi();
	check_compat();
	port = event_bind_ipi(0);
	must(port);
	check_ok(hc_evtchn(EVTCHNOP_reset, &reset));
	check_equal(status_of((unsigned int)port, &st), EVTCHNSTAT_closed);
	check_equal(hc_evtchn(99, &st), -ENOSYS);
}
