/* unit: dom0-tools/lib/ring_port.c dom0-tools/lib/call.c dom0-tools/lib/host.c tests/unit/lib/fake_xen_open.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is learnt of a port: the hypervisor's answer, the bits of a guest that uses the bitmaps, and
 * that those of a guest with FIFO events, of dom0, and of ports past the bitmaps stay unknown.
 */
#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <mica/evtchn.h>
#include <mica/hypercall.h>
#include <mica/shared_info.h>

#include "lib/ring_look.h"

static struct mica *m;
static struct evtchn_status answer;
static int refused, mapped;
static struct shared_info info;

static long fake_call(void *ctx, unsigned op, const uint64_t args[5])
{
	struct evtchn_status *arg = (void *)(uintptr_t)args[1];

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

static void *fake_map(void *ctx, uint16_t dom, size_t n, const uint64_t *mfns, int *errs)
{
	assert_true(dom == 7 && n == 1 && mfns[0] == 42);
	errs[0] = 0;
	mapped++;
	return &info;
}

static void fake_unmap(void *ctx, void *p, size_t n)
{
	mapped--;
}

static void fake_close(void *ctx)
{
}

static const struct mica_hv_ops ops = {
	.call = fake_call, .alloc = fake_alloc, .free = fake_free, .map = fake_map,
	.unmap = fake_unmap, .close = fake_close,
};

static struct ring_port look(domid_t domain, uint64_t frame, uint32_t port)
{
	struct ring_port p;

	answer = (struct evtchn_status){ .dom = domain, .port = port, .vcpu = 1,
					 .status = EVTCHNSTAT_interdomain };
	answer.u.interdomain.dom = 0;
	answer.u.interdomain.port = 31;
	ring_port_look(m, domain, frame, port, &p);
	assert_int_equal(mapped, 0);
	return p;
}

static int make(void **state)
{
	memset(&info, 0, sizeof(info));
	refused = 0;
	return mica_open_with(&m, &ops, NULL);
}

static int end(void **state)
{
	mica_close(m);
	return 0;
}

static void test_bitmaps(void **state)
{
	struct ring_port p;

	memset(info.evtchn_mask, 0xff, sizeof(info.evtchn_mask));
	info.evtchn_mask[1] &= ~(1ull << 6);
	p = look(7, 42, 70);
	assert_true(p.known && p.port == 70 && p.status == EVTCHNSTAT_interdomain && p.vcpu == 1);
	assert_true(p.peer == 0 && p.peer_port == 31);
	assert_true(p.pending == RING_BIT_NO && p.masked == RING_BIT_NO);
	info.evtchn_pending[1] = 1ull << 6;
	p = look(7, 42, 70);
	assert_true(p.pending == RING_BIT_YES && p.masked == RING_BIT_NO);
	p = look(7, 42, 71);
	assert_true(p.pending == RING_BIT_NO && p.masked == RING_BIT_YES);
	p = look(7, 42, 4095);
	assert_int_equal(p.masked, RING_BIT_YES);
}

static void test_what_cannot_be_seen(void **state)
{
	struct ring_port p = look(7, 42, 70);		/* nothing masked anywhere: FIFO */

	assert_true(p.known && p.pending == RING_BIT_UNKNOWN && p.masked == RING_BIT_UNKNOWN);
	memset(info.evtchn_mask, 0xff, sizeof(info.evtchn_mask));
	p = look(0, 0, 70);
	assert_true(p.known && p.pending == RING_BIT_UNKNOWN);
	p = look(7, 42, 4096);
	assert_true(p.known && p.pending == RING_BIT_UNKNOWN);
	p = look(7, 42, 0xffffffff);
	assert_int_equal(p.pending, RING_BIT_UNKNOWN);
	refused = -EINVAL;
	p = look(7, 42, 70);
	assert_true(!p.known && p.port == 70);
	p = look(7, 42, 0);
	assert_true(!p.known && !p.port);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bitmaps, make, end),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_seen, make, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
