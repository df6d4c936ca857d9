/* unit: dom0-tools/netd/path.c dom0-tools/netd/deliver.c dom0-tools/netd/batch.c dom0-tools/netd/feed.c dom0-tools/netd/drain.c dom0-tools/netd/drain_resume.c dom0-tools/netd/port.c dom0-tools/netd/config.c dom0-tools/netd/tap.c dom0-tools/netd/switch.c dom0-tools/netd/mac.c dom0-tools/netd/bucket.c dom0-tools/netd/frame.c dom0-tools/netd/guard.c dom0-tools/netd/offload.c dom0-tools/netd/layout.c dom0-tools/netd/capture.c dom0-tools/netd/control.c dom0-tools/netd/multicast.c dom0-tools/netd/staging.c dom0-tools/netd/steer.c tests/unit/netd/world.c tests/unit/netd/world_back.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What a hostile guest can do to the data path: it harms only itself. */
#include "world.h"
#include "frames.h"

static void one_bad(const union nettx_request *r, unsigned n, bool fatal)
{
	world_begin();
	guest_connect(0, 1, linux_keys);
	guest_connect(1, 1, linux_keys);
	guest_connect(2, 1, linux_keys);
	say_hello();
	for (unsigned i = 0; i < n; i++)
		guest_raw(0, &r[i]);
	nettx_front_push(&guests[0].queue[0].tx);
	net_kind.event(&guests[0].dev, 1);
	world_run();
	assert_int_equal(guests[0].cut_off, fatal);
	make(1, 2, 3000, 3);
	assert_true(guest_send(1, 0, frame, 3000, 0, NULL));
	world_run();
	check_got(2, guests[2].n_got - 1, 3000);
	world_end();
}

#define REQ(...)	{ .req = { .gref = 20, __VA_ARGS__ } }
#define EXTRA(...)	{ .extra = { __VA_ARGS__ } }

static void broken_chains_end_the_port(void **state)
{
	union nettx_request chain[60];

	one_bad((union nettx_request[]){ REQ(.size = 100, .offset = 4000) }, 1, true);
	one_bad((union nettx_request[]){ REQ(.size = 100, .flags = NETTXF_more_data),
					 REQ(.size = 100) }, 2, true);
	one_bad((union nettx_request[]){ REQ(.size = 5000, .flags = NETTXF_more_data),
					 REQ(.size = 4096, .offset = 1) }, 2, true);
	one_bad((union nettx_request[]){ REQ(.size = 100, .flags = NETTXF_more_data),
					 REQ(.size = 0) }, 2, true);
	one_bad((union nettx_request[]){ REQ(.size = 9000, .flags = NETTXF_more_data),
					 REQ(.size = 100) }, 2, true);
	one_bad((union nettx_request[]){ REQ(.size = 100, .flags = NETTXF_more_data),
					 REQ(.size = 50, .flags = NETTXF_extra_info) }, 2, true);
	one_bad((union nettx_request[]){ REQ(.size = 100, .flags = NETTXF_extra_info),
					 EXTRA(.type = 9) }, 2, true);
	one_bad((union nettx_request[]){ REQ(.size = 100, .flags = NETTXF_extra_info),
					 EXTRA(.type = 0) }, 2, true);
	one_bad((union nettx_request[]){ REQ(.size = 100, .flags = NETTXF_extra_info),
					 EXTRA(.type = 1, .u.gso = { .type = 1 }) }, 2, true);
	one_bad((union nettx_request[]){ REQ(.size = 100, .flags = NETTXF_extra_info),
					 EXTRA(.type = 1, .u.gso = { .type = 7, .size = 9 }) }, 2, true);
	chain[0] = (union nettx_request)REQ(.size = 100, .flags = NETTXF_extra_info);
	for (unsigned i = 1; i < 60; i++)
		chain[i] = (union nettx_request)EXTRA(.type = 4, .flags = XEN_NETIF_EXTRA_FLAG_MORE);
	one_bad(chain, 60, true);
	for (unsigned i = 0; i < 60; i++)
		chain[i] = (union nettx_request)REQ(.size = i ? 10 : 900, .flags = NETTXF_more_data);
	one_bad(chain, 60, true);
	/* Not nice, but its own affair: too short, a reference that is none. */
	one_bad((union nettx_request[]){ REQ(.size = 13) }, 1, false);
	one_bad((union nettx_request[]){ { .req = { .gref = 100000, .size = 60 } } }, 1, false);
	one_bad((union nettx_request[]){ { .req = { .gref = 1, .size = 60 } },
					 { .req = { .gref = ~0u, .size = 60 } } }, 2, false);
}

static void impossible_indices_end_the_port(void **state)
{
	for (int which = 0; which < 2; which++) {
		world_begin();
		guest_connect(0, 1, linux_keys);
		guest_connect(1, 1, linux_keys);
		say_hello();
		/* the request index of tx, then of rx */
		((struct ring_header *)guests[0].pages[which])->req_prod += 1000;
		make(1, 0, 60, 0);
		for (int i = 0; i < 300 && !guests[0].cut_off; i++) {
			guest_send(1, 0, frame, 60, 0, NULL);
			if (guests[0].dev.priv)
				net_kind.event(&guests[0].dev, 1);
			path_round(net);
			guest_run(1);
		}
		assert_int_equal(guests[0].cut_off, 1);
		assert_false(guests[1].cut_off);
		world_end();
	}
}

static void storms_end_the_port(void **state)
{
	world_begin();
	guest_connect(0, 1, linux_keys);
	for (unsigned i = 0; i < SPURIOUS_MOST * 2 && guests[0].dev.priv; i++) {
		net_kind.event(&guests[0].dev, 2);
		if (i % 100 == 0)
			path_round(net);
	}
	assert_int_equal(guests[0].cut_off, 1);
	assert_string_equal(guests[0].why, "a storm of events without work");
	world_end();
}

static void errors_name_the_key(void **state)
{
	static const struct { const char *key, *value; } bad[] = {
		{ "queue-0/tx-ring-ref", "4294967296" }, { "queue-1/rx-ring-ref", "much" },
		{ "queue-0/event-channel-tx", "0" }, { "queue-1/event-channel-rx", "" },
		{ "multi-queue-num-queues", "99" }, { "feature-gso-tcpv6", "2" },
		{ "request-rx-copy", "0" },
	};
	char why[120];

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		world_begin();
		guest_connect(0, 2, linux_keys);
		assert_int_equal(net_kind.disconnect(&guests[0].dev), 0);
		guest_set(&guests[0], bad[i].key, bad[i].value);
		assert_int_not_equal(net_kind.connect(&guests[0].dev), 0);
		snprintf(why, sizeof(why), "the guest's rings cannot be used: %s: ", bad[i].key);
		assert_memory_equal(guests[0].why, why, strlen(why));
		assert_null(guests[0].dev.priv);
		world_end();
	}
}

static void take_a_grant(void)
{
	for (unsigned i = 0; i < 20; i++)
		guests[0].granted[RING_REFS + dice(200)] = false;
}

static void grants_taken_away_end_the_port(void **state)
{
	dice_start();
	world_begin();
	guest_connect(0, 1, linux_keys);
	guest_connect(1, 1, linux_keys);
	guest_connect(2, 1, linux_keys);
	say_hello();
	world_meddle = take_a_grant;
	for (int i = 0; i < 3000 && !guests[0].cut_off; i++) {
		make(0, 1, 20000, 0);
		guest_send(0, 0, frame, 20000, 0, NULL);
		path_round(net);
		make(2, 1, 60, (unsigned)i);
		guest_send(2, 0, frame, 60, 0, NULL);
		world_run();
		guest_forget(1);
	}
	assert_int_equal(guests[0].cut_off, 1);
	assert_int_equal(guests[2].errors, 0);
	assert_int_equal(guests[1].cut_off, 0);
	world_end();
}

static unsigned copy_calls;

/* The first call reads heads, the second delivers. */
static void change_the_head(void)
{
	if (++copy_calls != 2)
		return;
	for (unsigned i = 0; i < 200; i++)
		memset(guests[0].pages[RING_REFS + i], 0xee, 4096);
}

/* What was judged is what arrives: the sender rewrites its page after its head was read. */
static void heads_cannot_change_under_way(void **state)
{
	static const char *const guarded[] = { "feature-sg=1", "antispoof=1", NULL };

	world_begin();
	guest_connect(0, 1, guarded);
	guest_connect(1, 1, linux_keys);
	say_hello();
	make(0, 1, 1000, 0);
	assert_true(guest_send(0, 0, frame, 1000, 0, NULL));
	copy_calls = 0;
	world_meddle = change_the_head;
	world_run();
	assert_true(copy_calls >= 2);
	assert_int_equal(guests[1].n_got, 1);
	assert_memory_equal(guests[1].got[0].bytes, frame, 128);
	assert_int_equal(guests[1].got[0].bytes[128], 0xee);
	world_end();
}

static void random_rings_harm_only_their_owner(void **state)
{
	unsigned cuts = 0;

	dice_start();
	for (int world = 0; world < 150; world++) {
		world_begin();
		for (unsigned n = 0; n < 3; n++)
			guest_connect(n, 1, linux_keys);
		say_hello();
		for (int i = 0; i < 60; i++) {
			union nettx_request r = { .req = {
				.gref = (uint32_t)dice(600), .offset = (uint16_t)dice(dice(4) ? 64 : 5000),
				.flags = (uint16_t)dice(16), .size = (uint16_t)dice(dice(4) ? 2000 : 65536),
				.id = (uint16_t)dice(300),
			} };

			if (guests[0].dev.priv) {
				guest_raw(0, &r);
				nettx_front_push(&guests[0].queue[0].tx);
				net_kind.event(&guests[0].dev, 1);
			}
			if (guests[0].dev.priv && !dice(30))
				memset(guests[0].pages[dice(2)] + 64, (int)dice(256), 4032);
			make(1, 2, 1500, (unsigned)i);
			assert_true(guest_send(1, 0, frame, 1500, 0, NULL));
			for (int k = 0; k < 6; k++)
				path_round(net);
			guest_run(1);
			guest_run(2);
			assert_true(guests[2].n_got);
			check_got(2, guests[2].n_got - 1, 1500);
			guest_forget(2);
			guest_forget(1);
		}
		cuts += guests[0].cut_off;
		assert_int_equal(guests[1].cut_off + guests[2].cut_off, 0);
		world_end();
	}
	assert_true(cuts > 50);
}

/* A change is announced, and the store goes away while it is read: nothing is let down. */
static void a_lost_store_opens_no_port(void **state)
{
	static const char *const guarded[] = { "antispoof=1", "isolated=1", "vlan=7",
					       "ip=10.0.0.1", "rate-bps=1000000", NULL };
	struct switch_config before;
	struct port *p;

	world_begin();
	guest_connect(0, 1, guarded);
	p = guests[0].dev.priv;
	before = net->sw.ports[p->number].config;
	assert_true(before.guard.on && before.isolated && before.vlan == 7);
	for (unsigned reads = 1; reads <= 9; reads++) {
		world_reads = reads;
		net_kind.changed(&guests[0].dev, "rate-bps");
		assert_memory_equal(&net->sw.ports[p->number].config, &before, sizeof(before));
		assert_true(p->rate.rate == 1000000);
	}
	world_reads = 0;
	guest_set(&guests[0], "isolated", "0");
	net_kind.changed(&guests[0].dev, "isolated");
	assert_false(net->sw.ports[p->number].config.isolated);
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_chains_end_the_port),
		cmocka_unit_test(impossible_indices_end_the_port),
		cmocka_unit_test(storms_end_the_port),
		cmocka_unit_test(errors_name_the_key),
		cmocka_unit_test(grants_taken_away_end_the_port),
		cmocka_unit_test(heads_cannot_change_under_way),
		cmocka_unit_test(random_rings_harm_only_their_owner),
		cmocka_unit_test(a_lost_store_opens_no_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
