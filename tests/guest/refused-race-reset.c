/* SPDX-License-Identifier: BSD-2-Clause */
/* guest: smp=2 */
/*
 * Break-in: two vCPUs reset the domain's event channels at once, thousands of ports at a time, while
 * both bind, close and send.  Resets share a cursor; neither may follow it over the edge.
 */
#include "guest.h"

#define PLAY_NS	4000000000UL
#define PORTS	1500

static volatile bool done;

static void reset(void)
{
	struct evtchn_reset op = { .dom = DOMID_SELF };

	hc_evtchn(EVTCHNOP_reset, &op);
}

static void round(unsigned int ports)
{
	unsigned int a, b;

	for (unsigned int i = 0; i < ports; i++) {
		if (i % 3) {
			event_bind_ipi(0);
		} else if (!event_loop(&a, &b)) {
			event_send(a);
			event_close(i & 1 ? a : b);
		}
	}
	reset();
}

static void second(void)
{
	smp_meet();
	while (!done)
		round(0);
}

void test_main(void)
{
	struct evtchn_status st = { .dom = DOMID_SELF };
	uint64_t end;

	for (unsigned int i = 0; i < PORTS; i++)
		event_bind_ipi(0);
	smp_start(second);
	smp_meet();
	end = time_now_ns() + PLAY_NS;
	for (unsigned int i = 0; time_now_ns() < end; i++)
		round(i % 64 ? i % 3 : PORTS / 4);
	done = true;
	smp_wait();
	reset();
	for (st.port = 1; st.port < PORTS; st.port++) {
		must(hc_evtchn(EVTCHNOP_status, &st));
		check_equal(st.status, EVTCHNSTAT_closed);
	}
	check(event_bind_ipi(0) > 0, "no port after the reset");
}
