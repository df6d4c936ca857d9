/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does MICA_OP_port tell the pending and the masked bit of a port, two-level and FIFO, and
 * raise just the ports that have another end, as that would?
 */
#include "guest.h"

static unsigned int here, there;

static long port_bits(unsigned int port, uint16_t flags)
{
	struct mica_port op = { .dom = DOMID_SELF, .port = port, .flags = flags };

	return hypercall(__HYPERVISOR_mica_op, MICA_OP_port, &op);
}

/* Two ends, both in this domain. */
static void make_pair(void)
{
	struct evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };
	struct evtchn_bind_interdomain b = { .remote_dom = DOMID_SELF };

	check_ok(hc_evtchn(EVTCHNOP_alloc_unbound, &a));
	check_equal(port_bits(a.port, MICA_PORT_RAISE), -EINVAL);	/* nobody there yet */
	b.remote_port = a.port;
	check_ok(hc_evtchn(EVTCHNOP_bind_interdomain, &b));
	here = a.port;
	there = b.local_port;
}

static void check_bitmaps(void)
{
	check_equal(port_bits(here, 0) & MICA_PORT_MASKED, 0);
	memset(shared_info->evtchn_mask, 0xff, sizeof(shared_info->evtchn_mask));
	port_clear(shared_info->evtchn_pending, here);
	port_clear(shared_info->evtchn_pending, there);
	check_equal(port_bits(here, 0), MICA_PORT_MASKED);
	check_equal(port_bits(here, MICA_PORT_RAISE), MICA_PORT_MASKED);
	check_equal(port_bits(here, 0), MICA_PORT_PENDING | MICA_PORT_MASKED);
	check_equal(port_bits(there, 0), MICA_PORT_MASKED);
	port_clear(shared_info->evtchn_mask, there);
	event_count[there] = 0;
	event_enable();
	check_equal(port_bits(there, MICA_PORT_RAISE), 0);
	check_equal(event_count[there], 1);
	event_disable();
	check_equal(port_bits(there, MICA_PORT_RAISE), 0);
	check_equal(port_bits(there, 0), MICA_PORT_PENDING);
	check_equal(event_count[there], 1);
}

static void check_refusals(void)
{
	struct mica_port op = { .dom = 77, .port = here };
	long ipi = event_bind_ipi(0);

	must(ipi);
	check_equal(port_bits((unsigned int)ipi, 0), MICA_PORT_MASKED);
	check_equal(port_bits((unsigned int)ipi, MICA_PORT_RAISE), -EINVAL);
	check_equal(port_bits(0, 0), -EINVAL);
	check_equal(port_bits(~0u, MICA_PORT_RAISE), -EINVAL);
	check_equal(hypercall(__HYPERVISOR_mica_op, MICA_OP_port, &op), -ESRCH);
	check_equal(hypercall(__HYPERVISOR_mica_op, MICA_OP_port, 8), -EFAULT);
}

static void check_fifo(void)
{
	struct evtchn_init_control init = { .vcpu = 0 };
	struct evtchn_expand_array expand;
	uint32_t *control = page_alloc(), *words = page_alloc();

	init.control_gfn = mfn_of(control);
	expand.array_gfn = mfn_of(words);
	check_ok(hc_evtchn(EVTCHNOP_init_control, &init));
	check_ok(hc_evtchn(EVTCHNOP_expand_array, &expand));
	words[here] = 1u << EVTCHN_FIFO_MASKED;
	words[there] = 0;
	check_equal(port_bits(here, 0), MICA_PORT_MASKED);
	check_equal(port_bits(there, 0), 0);
	check_equal(port_bits(here, MICA_PORT_RAISE), MICA_PORT_MASKED);
	check_equal(words[here], 1u << EVTCHN_FIFO_MASKED | 1u << EVTCHN_FIFO_PENDING);
	check_equal(port_bits(here, 0), MICA_PORT_PENDING | MICA_PORT_MASKED);
	check_equal(port_bits(there, MICA_PORT_RAISE), 0);
	check_equal(port_bits(there, 0), MICA_PORT_PENDING);
	check(words[there] >> EVTCHN_FIFO_LINKED & 1, "not in a queue: %x", words[there]);
}

void test_main(void)
{
	make_pair();
	check_bitmaps();
	check_refusals();
	check_fifo();
}
