/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: event channel operations on ports that are out of range, not ours, reserved, or of the
 * wrong sort, with scribbled shared bitmaps.
 */
#include "guest.h"

static const uint32_t bad_ports[] = { 0, 1000, 4095, 4096, 131071, 131072, 0x7fffffff, 0x80000000,
				      0xffffffff };

static void check_ports(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(bad_ports); i++) {
		struct evtchn_bind_vcpu bind = { .port = bad_ports[i], .vcpu = 0 };
		struct evtchn_bind_interdomain inter = { .remote_dom = DOMID_SELF,
							 .remote_port = bad_ports[i] };
		struct evtchn_status st = { .dom = DOMID_SELF, .port = bad_ports[i] };

		check_refused(event_send(bad_ports[i]));
		check_refused(event_close(bad_ports[i]));
		if (bad_ports[i] >= EVTCHN_FIFO_NR_CHANNELS)
			check_refused(event_unmask(bad_ports[i]));
		check_refused(hc_evtchn(EVTCHNOP_bind_vcpu, &bind));
		check_refused(hc_evtchn(EVTCHNOP_bind_interdomain, &inter));
		if (hc_evtchn(EVTCHNOP_status, &st) >= 0)
			check_equal(st.status, EVTCHNSTAT_closed);
	}
}

static void check_domains(void)
{
	struct evtchn_alloc_unbound alloc = { .dom = 99, .remote_dom = 0 };
	struct evtchn_bind_interdomain inter = { .remote_dom = 99, .remote_port = 1 };
	struct evtchn_status st = { .dom = 99, .port = 1 };
	struct evtchn_reset reset = { .dom = 99 };

	check_equal(hc_evtchn(EVTCHNOP_alloc_unbound, &alloc), -ESRCH);
	check_equal(hc_evtchn(EVTCHNOP_bind_interdomain, &inter), -ESRCH);
	check_equal(hc_evtchn(EVTCHNOP_status, &st), -ESRCH);
	check_equal(hc_evtchn(EVTCHNOP_reset, &reset), -ESRCH);
	/* an unbound port made for somebody else is not ours to take */
	alloc.dom = DOMID_SELF;
	alloc.remote_dom = 7;
	if (!hc_evtchn(EVTCHNOP_alloc_unbound, &alloc)) {
		inter.remote_dom = DOMID_SELF;
		inter.remote_port = alloc.port;
		check_equal(hc_evtchn(EVTCHNOP_bind_interdomain, &inter), -EINVAL);
	}
}

static void check_pirqs(void)
{
	static const uint32_t bad[] = { 1000000, 0x7fffffff, 0xffffffff };

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		struct evtchn_bind_pirq op = { .pirq = bad[i] };

		check_refused(hc_evtchn(EVTCHNOP_bind_pirq, &op));
	}
}

/* Every port that can be had, then a clean refusal. */
static void check_exhaustion(void)
{
	long port, last = 0;

	for (unsigned int i = 0; i < 5000; i++) {
		port = event_bind_ipi(0);
		if (port < 0)
			break;
		last = port;
	}
	check_equal(port, -ENOSPC);
	check(last < 4096, "two-level port %ld", last);
	for (unsigned int i = 0; i < 64; i++)
		shared_info->evtchn_pending[i] = shared_info->evtchn_mask[i] = -1UL;
	shared_info->vcpu_info[0].evtchn_pending_sel = -1UL;
	check_ok(event_send((unsigned int)last));
	check_ok(event_unmask((unsigned int)last));
	check_ok(event_close((unsigned int)last));
}

void test_main(void)
{
	event_disable();
	check_ports();
	check_domains();
	check_pirqs();
	check_exhaustion();
}
