/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do FIFO event channels work: control block, word array, queues by priority, masking,
 * ports beyond the first page, and the way back to two-level by reset?
 */
#include "guest.h"

static struct evtchn_fifo_control_block *control;
static uint32_t *words;
static unsigned int order[16], nr_order;

static void take_queue(unsigned int priority)
{
	unsigned int port = control->head[priority];

	while (port) {
		uint32_t w = words[port];

		__atomic_fetch_and(&words[port], ~(1u << EVTCHN_FIFO_LINKED |
						   EVTCHN_FIFO_LINK_MASK), __ATOMIC_SEQ_CST);
		if (w >> EVTCHN_FIFO_PENDING & 1 && !(w >> EVTCHN_FIFO_MASKED & 1)) {
			__atomic_fetch_and(&words[port], ~(1u << EVTCHN_FIFO_PENDING),
					   __ATOMIC_SEQ_CST);
			if (nr_order < 16)
				order[nr_order++] = port;
		}
		port = w & EVTCHN_FIFO_LINK_MASK;
	}
	control->head[priority] = 0;
}

static void scan(void)
{
	uint32_t ready = __atomic_exchange_n(&control->ready, 0, __ATOMIC_SEQ_CST);

	while (ready) {
		take_queue((unsigned int)__builtin_ctz(ready));
		ready &= ready - 1;
	}
}

static void start(void)
{
	struct evtchn_init_control init = { .vcpu = 0, .offset = 64 };
	struct evtchn_expand_array expand;
	char *page = page_alloc();

	control = (struct evtchn_fifo_control_block *)(page + 64);
	init.control_gfn = mfn_of(page);
	words = page_alloc();
	expand.array_gfn = mfn_of(words);
	check_equal(hc_evtchn(EVTCHNOP_expand_array, &expand), -EOPNOTSUPP);
	check_ok(hc_evtchn(EVTCHNOP_init_control, &init));
	check_equal(init.link_bits, EVTCHN_FIFO_LINK_BITS);
	check_ok(hc_evtchn(EVTCHNOP_expand_array, &expand));
	event_set_scan(scan);
}

static unsigned int new_port(unsigned int priority)
{
	struct evtchn_set_priority prio = { .priority = priority };
	long port = event_bind_ipi(0);

	must(port);
	prio.port = (unsigned int)port;
	check_ok(hc_evtchn(EVTCHNOP_set_priority, &prio));
	check_ok(event_unmask((unsigned int)port));
	return (unsigned int)port;
}

static void check_order(void)
{
	unsigned int low = new_port(15), mid = new_port(7), high = new_port(0);
	struct evtchn_set_priority bad = { .port = low, .priority = 16 };

	check_equal(hc_evtchn(EVTCHNOP_set_priority, &bad), -EINVAL);
	event_disable();
	check_ok(event_send(low));
	check_ok(event_send(mid));
	check_ok(event_send(high));
	check(words[mid] >> EVTCHN_FIFO_PENDING & 1, "word %x", words[mid]);
	check(words[mid] >> EVTCHN_FIFO_LINKED & 1, "word %x", words[mid]);
	event_enable();
	check_equal(nr_order, 3);
	check_equal(order[0], high);
	check_equal(order[1], mid);
	check_equal(order[2], low);
}

static void check_mask(void)
{
	unsigned int port = new_port(7);

	nr_order = 0;
	__atomic_fetch_or(&words[port], 1u << EVTCHN_FIFO_MASKED, __ATOMIC_SEQ_CST);
	check_ok(event_send(port));
	check_equal(nr_order, 0);
	check_ok(event_unmask(port));
	check_equal(nr_order, 1);
	check_equal(order[0], port);
}

static void check_reset(void)
{
	struct evtchn_reset reset = { .dom = DOMID_SELF };
	long port;

	event_disable();
	event_set_scan(NULL);
	check_ok(hc_evtchn(EVTCHNOP_reset, &reset));
	port = event_bind_ipi(0);
	must(port);
	port_clear(shared_info->evtchn_mask, (unsigned int)port);
	event_enable();
	check_ok(event_send((unsigned int)port));
	check_equal(event_count[port], 1);
}

void test_main(void)
{
	start();
	check_order();
	check_mask();
	check_reset();
}
