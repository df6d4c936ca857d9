/* unit: dom0-tools/netd/path.c dom0-tools/netd/deliver.c dom0-tools/netd/batch.c dom0-tools/netd/feed.c dom0-tools/netd/drain.c dom0-tools/netd/drain_resume.c dom0-tools/netd/port.c dom0-tools/netd/config.c dom0-tools/netd/tap.c dom0-tools/netd/switch.c dom0-tools/netd/mac.c dom0-tools/netd/bucket.c dom0-tools/netd/frame.c dom0-tools/netd/guard.c dom0-tools/netd/offload.c dom0-tools/netd/layout.c dom0-tools/netd/capture.c dom0-tools/netd/control.c dom0-tools/netd/multicast.c dom0-tools/netd/staging.c dom0-tools/netd/steer.c tests/unit/netd/world.c tests/unit/netd/world_back.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Multicast control: the flag at any time, the list with the frames, both after a restart. */
#include "world.h"
#include "frames.h"

static void begin(void)
{
	world_begin();
	guest_connect(0, 1, linux_keys);
	guest_connect(1, 1, linux_keys);
	say_hello();
}

static void group(unsigned type, unsigned n)
{
	union nettx_request r = { .req = { .size = 0, .flags = NETTXF_extra_info } };

	guest_raw(0, &r);
	r.extra = (struct netif_extra_info){ .type = (uint8_t)type,
					     .u.mcast.addr = { 1, 0, 0x5e, 0, 0, (uint8_t)n } };
	guest_raw(0, &r);
	nettx_front_push(&guests[0].queue[0].tx);
	net_kind.event(&guests[0].dev, 1);
	world_run();
}

static bool hears(unsigned n)
{
	bool heard;

	make(1, 0, 100, n);
	memcpy(frame, (uint8_t[]){ 1, 0, 0x5e, 0, 0, (uint8_t)n }, 6);
	assert_true(guest_send(1, 0, frame, 100, 0, NULL));
	world_run();
	heard = guests[0].n_got;
	guest_forget(0);
	return heard;
}

static void ask_for_filter(const char *value)
{
	guest_set(&guests[0], "request-multicast-control", value);
	strcpy(guests[0].dev.front, "/local/domain/1/device/vif/0");
	multicast_changed(net, "/local/domain/1/device/vif/0/request-multicast-control");
}

static void filters_come_and_go(void **state)
{
	begin();
	assert_true(hears(1));
	group(XEN_NETIF_EXTRA_TYPE_MCAST_ADD, 1);	/* a list without a filter */
	assert_true(hears(2));
	ask_for_filter("1");
	assert_true(hears(1));
	assert_false(hears(2));
	group(XEN_NETIF_EXTRA_TYPE_MCAST_ADD, 2);
	group(XEN_NETIF_EXTRA_TYPE_MCAST_DEL, 1);
	assert_true(hears(2));
	assert_false(hears(1));
	for (unsigned i = 0; i < 10; i++)
		ask_for_filter("nonsense");		/* stays as it is, and is told once */
	assert_false(hears(1));
	assert_int_equal(guests[0].notes, 1);
	ask_for_filter("0");
	assert_true(hears(1));
	assert_int_equal(guests[0].errors + guests[0].cut_off, 0);
	world_end();
}

static void lists_have_an_end_and_outlive_the_daemon(void **state)
{
	begin();
	ask_for_filter("1");
	for (unsigned i = 0; i < SWITCH_GROUPS; i++)
		group(XEN_NETIF_EXTRA_TYPE_MCAST_ADD, i);
	group(XEN_NETIF_EXTRA_TYPE_MCAST_ADD, 3);	/* there already */
	assert_int_equal(guests[0].errors, 0);
	group(XEN_NETIF_EXTRA_TYPE_MCAST_ADD, 200);
	assert_int_equal(guests[0].errors, 1);
	multicast_keep(guests[0].dev.priv);
	world_restart();
	say_hello();
	for (unsigned i = 0; i < SWITCH_GROUPS; i++)
		assert_true(hears(i));
	assert_false(hears(200));
	assert_false(net->sw.ports[((struct port *)guests[0].dev.priv)->number].groups_changed);
	group(XEN_NETIF_EXTRA_TYPE_MCAST_DEL, SWITCH_GROUPS - 1);
	multicast_keep(guests[0].dev.priv);
	world_restart();
	assert_false(hears(SWITCH_GROUPS - 1));
	guest_set(&guests[0], "groups", "01005e0000 and so on");
	world_restart();
	assert_false(hears(1));
	group(XEN_NETIF_EXTRA_TYPE_MCAST_ADD, 1);
	multicast_keep(guests[0].dev.priv);
	assert_true(*guest_key(0, "groups"));
	assert_int_equal(net_kind.disconnect(&guests[0].dev), 0);
	assert_string_equal(guest_key(0, "groups"), "");
	guest_set(&guests[0], "groups", "01005e000001 ");
	guest_connect(0, 1, linux_keys);
	assert_string_equal(guest_key(0, "groups"), "");
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(filters_come_and_go),
		cmocka_unit_test(lists_have_an_end_and_outlive_the_daemon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
