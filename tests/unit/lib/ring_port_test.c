/* unit: dom0-tools/lib/ring_port.c dom0-tools/lib/call.c tests/unit/lib/fake_xen_open.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is learnt of a port: the hypervisor's answer, and its bits where the hypervisor is Mica; that
 * elsewhere they stay unknown; and that raising names the port and the domain meant.
 */
#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <mica/evtchn.h>
#include <mica/hypercall.h>
#include <mica/mica_op.h>

#include "lib/ring_look.h"

static struct mica *m;
static struct evtchn_status answer;
static int refused, bits, raised;

static long fake_call(void *ctx, unsigned op, const uint64_t args[5])
{
	struct evtchn_status *arg = (void *)(uintptr_t)args[1];
	struct mica_port *port = (void *)(uintptr_t)args[1];

	if (op == __HYPERVISOR_mica_op) {
		assert_int_equal(args[0], MICA_OP_port);
		assert_true(port->dom == answer.dom && port->port == answer.port);
		raised += port->flags == MICA_PORT_RAISE;
		return bits;
	}
	assert_int_equal(op, __HYPERVISOR_event_channel_op);
	assert_int_equal(args[0], EVTCHNOP_status);
	assert_true(arg->dom == answer.dom && arg->port == answer.port);
	*arg = answer;
	return refused;
}

static void *fake_alloc(void *ctx, size_t bytes)
{
	return calloc(1, bytes);
}

static void fake_free(void *ctx, void *p)
{
	free(p);
}

static void fake_close(void *ctx)
{
}

static const struct mica_hv_ops ops = {
	.call = fake_call, .alloc = fake_alloc, .free = fake_free, .close = fake_close,
};

static struct ring_port look(domid_t domain, uint32_t port)
{
	struct ring_port p;

	answer = (struct evtchn_status){ .dom = domain, .port = port, .vcpu = 1,
					 .status = EVTCHNSTAT_interdomain };
	answer.u.interdomain.dom = 0;
	answer.u.interdomain.port = 31;
	ring_port_look(m, domain, port, &p);
	assert_int_equal(raised, 0);
	return p;
}

static int make(void **state)
{
	refused = bits = raised = 0;
	return mica_open_with(&m, &ops, NULL);
}

static int end(void **state)
{
	mica_close(m);
	return 0;
}

static void test_bits(void **state)
{
	struct ring_port p = look(7, 70);

	assert_true(p.known && p.port == 70 && p.status == EVTCHNSTAT_interdomain && p.vcpu == 1);
	assert_true(p.peer == 0 && p.peer_port == 31);
	assert_true(p.pending == RING_BIT_NO && p.masked == RING_BIT_NO);
	bits = MICA_PORT_PENDING;
	p = look(7, 70);
	assert_true(p.pending == RING_BIT_YES && p.masked == RING_BIT_NO);
	bits = MICA_PORT_MASKED;
	p = look(0, 131071);
	assert_true(p.pending == RING_BIT_NO && p.masked == RING_BIT_YES);
}

static void test_what_cannot_be_seen(void **state)
{
	struct ring_port p;

	bits = -ENOSYS;
	p = look(7, 70);
	assert_true(p.known && p.pending == RING_BIT_UNKNOWN && p.masked == RING_BIT_UNKNOWN);
	refused = -EINVAL;
	p = look(7, 70);
	assert_true(!p.known && p.port == 70);
	p = look(7, 0);
	assert_true(!p.known && !p.port);
}

static void test_raise(void **state)
{
	answer = (struct evtchn_status){ .dom = 7, .port = 70 };
	bits = MICA_PORT_PENDING | MICA_PORT_MASKED;
	assert_int_equal(ring_port_raise(m, 7, 70), 0);
	assert_int_equal(raised, 1);
	bits = -ENOSYS;
	assert_int_equal(ring_port_raise(m, 7, 70), -ENOSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bits, make, end),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_seen, make, end),
		cmocka_unit_test_setup_teardown(test_raise, make, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
