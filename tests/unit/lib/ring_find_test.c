/* unit: dom0-tools/lib/ring_find.c dom0-tools/lib/vdev.c dom0-tools/lib/store.c dom0-tools/lib/store_wire.c tests/unit/lib/fake_store.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices and their rings as the store names them: each form of the keys, several queues and pages,
 * names on the command line; and a guest that writes anything into its half.
 */
#include "unit.h"
#include <stdlib.h>

#include "fake_store.h"
#include "lib/ring_look.h"

#define DOMAINS	"/local/domain/"
#define DISK	DOMAINS "7/device/vbd/51712"
#define NIC	DOMAINS "7/device/vif/0"

static struct fake_store *f;
static struct mica_store *s;
static struct ring_device *list;
static int n;

static void device(const char *kind, const char *number, const char *front)
{
	char path[128];

	snprintf(path, sizeof(path), DOMAINS "0/backend/%s/7/%s/frontend", kind, number);
	fake_store_set(f, path, front);
	snprintf(path, sizeof(path), DOMAINS "0/backend/%s/7/%s/state", kind, number);
	fake_store_set(f, path, "4");
	snprintf(path, sizeof(path), DOMAINS "0/backend/%s/7/%s/online", kind, number);
	fake_store_set(f, path, "1");
	snprintf(path, sizeof(path), "%s/state", front);
	fake_store_set(f, path, "4");
}

static int make(void **state)
{
	f = fake_store_new(&s);
	fake_store_set(f, DOMAINS "0/backend", "");
	return 0;
}

static int end(void **state)
{
	mica_store_close(s);
	fake_store_free(f);
	free(list);
	list = NULL;
	return 0;
}

static void find(int only, int expected)
{
	free(list);
	n = ring_find(s, only, &list);
	assert_int_equal(n, expected);
}

static void test_nothing(void **state)
{
	find(-1, 0);
	fake_store_rm(f, DOMAINS "0/backend");
	find(-1, 0);
}

static void test_one_page(void **state)
{
	device("mblk", "51712", DISK);
	fake_store_set(f, DISK "/ring-ref", "8");
	fake_store_set(f, DISK "/event-channel", "5");
	find(-1, 1);
	assert_string_equal(list->name, "xvda");
	assert_string_equal(list->front, DISK);
	assert_int_equal(list->domain, 7);
	assert_true(list->back_state == 4 && list->front_state == 4 && list->will == MICA_BUS_UP);
	assert_true(list->nr_rings == 1 && list->nr_queues == 1 && !list->limited);
	assert_int_equal(list->ring[0].layout, RING_BLK);
	assert_true(list->ring[0].pages == 1 && list->ring[0].refs[0] == 8);
	assert_true(list->ring[0].front_port == 5 && list->ring[0].slot_bytes == 112);
	assert_string_equal(list->ring[0].why, "");
	find(7, 1);
	find(8, 0);
}

static void test_queues_and_pages(void **state)
{
	device("vbd", "51728", DISK);
	fake_store_set(f, DISK "/multi-queue-num-queues", "2");
	fake_store_set(f, DISK "/ring-page-order", "1");
	fake_store_set(f, DISK "/queue-0/ring-ref0", "8");
	fake_store_set(f, DISK "/queue-0/ring-ref1", "9");
	fake_store_set(f, DISK "/queue-0/event-channel", "5");
	fake_store_set(f, DISK "/queue-1/ring-ref0", "10");
	fake_store_set(f, DISK "/queue-1/event-channel", "6");
	find(-1, 1);
	assert_true(list->nr_rings == 2 && list->nr_queues == 2);
	assert_true(list->ring[0].pages == 2 && list->ring[0].refs[1] == 9);
	assert_string_equal(list->ring[1].name, "1");
	assert_int_equal(list->ring[1].pages, 0);
	assert_string_equal(list->ring[1].why, "the guest has written no ring-ref1");
}

static void test_network_cards(void **state)
{
	device("mnet", "0", NIC);
	fake_store_set(f, NIC "/queue-0/tx-ring-ref", "8");
	fake_store_set(f, NIC "/queue-0/rx-ring-ref", "9");
	fake_store_set(f, NIC "/queue-0/event-channel-tx", "5");
	fake_store_set(f, NIC "/queue-0/event-channel-rx", "6");
	fake_store_set(f, NIC "/ctrl-ring-ref", "12");
	fake_store_set(f, NIC "/event-channel-ctrl", "7");
	find(-1, 1);
	assert_string_equal(list->name, "eth0");
	assert_int_equal(list->nr_rings, 3);
	assert_true(list->ring[0].layout == RING_NET_TX && list->ring[0].front_port == 5);
	assert_true(list->ring[1].layout == RING_NET_RX && list->ring[1].front_port == 6);
	assert_true(list->ring[2].layout == RING_NET_CTRL && list->ring[2].refs[0] == 12);
	assert_string_equal(list->ring[1].name, "0/rx");
	/* One port for both, no queue's directory. */
	fake_store_rm(f, NIC);
	fake_store_set(f, NIC "/state", "4");
	fake_store_set(f, NIC "/tx-ring-ref", "8");
	fake_store_set(f, NIC "/rx-ring-ref", "9");
	fake_store_set(f, NIC "/event-channel", "5");
	find(-1, 1);
	assert_int_equal(list->nr_rings, 2);
	assert_true(list->ring[0].front_port == 5 && list->ring[1].front_port == 5);
	assert_string_equal(list->ring[1].why, "");
}

static void test_others(void **state)
{
	device("echo", "0", DOMAINS "7/device/echo/0");
	fake_store_set(f, DOMAINS "7/device/echo/0/ring-ref0", "8");
	fake_store_set(f, DOMAINS "7/device/echo/0/event-channel", "5");
	device("console", "0", DOMAINS "7/console");
	find(-1, 1);
	assert_string_equal(list->name, "echo0");
	assert_true(list->ring[0].layout == RING_GENERIC && list->ring[0].pages == 1);
	assert_int_equal(list->ring[0].slot_bytes, 0);
	fake_store_set(f, DOMAINS "0/backend/echo/7/0/slot-bytes", "24");
	find(-1, 1);
	assert_int_equal(list->ring[0].slot_bytes, 24);
	fake_store_set(f, DOMAINS "0/backend/echo/7/0/slot-bytes", "4096");
	find(-1, 1);
	assert_int_equal(list->ring[0].slot_bytes, 0);
}

static void test_will_and_limits(void **state)
{
	device("mblk", "51712", DISK);
	fake_store_set(f, DOMAINS "0/backend/mblk/7/51712/iops-limit", "0");
	find(-1, 1);
	assert_false(list->limited);
	fake_store_set(f, DOMAINS "0/backend/mblk/7/51712/iops-limit", "500");
	fake_store_set(f, DOMAINS "0/backend/mblk/7/51712/online", "0");
	find(-1, 1);
	assert_true(list->limited && list->will == MICA_BUS_DOWN);
	fake_store_set(f, DOMAINS "0/backend/mblk/7/51712/online", "1");
	fake_store_set(f, DOMAINS "0/backend/mblk/7/51712/state", "6");
	fake_store_set(f, DOMAINS "0/error/backend/mblk/7/51712/error", "no such file");
	ring_find_states(s, list);
	assert_true(list->will == MICA_BUS_BROKEN && list->back_state == 6);
}

static void test_names(void **state)
{
	struct ring_place tx = { .name = "1/tx" }, one = { .name = "1" };

	device("mblk", "51712", DISK);
	device("mnet", "0", NIC);
	find(-1, 2);
	assert_true(ring_device_is(&list[0], "eth0") && ring_device_is(&list[0], "0"));
	assert_true(ring_device_is(&list[1], "xvda") && ring_device_is(&list[1], "51712"));
	assert_false(ring_device_is(&list[1], "xvdb") || ring_device_is(&list[1], "eth0") ||
		     ring_device_is(&list[1], "") || ring_device_is(&list[0], "eth1"));
	assert_true(ring_place_is(&tx, NULL) && ring_place_is(&tx, "1") && ring_place_is(&tx, "tx") &&
		    ring_place_is(&tx, "1/tx") && ring_place_is(&one, "1"));
	assert_false(ring_place_is(&tx, "rx") || ring_place_is(&tx, "0") || ring_place_is(&tx, "") ||
		     ring_place_is(&one, "tx") || ring_place_is(&tx, "1/t"));
}

/* Bounded whatever it says, and what cannot be is named. */
static void test_a_hostile_guest(void **state)
{
	static const char *const bad[] = {
		"", "-1", "4294967296", "99999999999999999999", "0x8", "8 ", "eight",
		"88888888888888888888888888888888888888888888888888888888888888888888",
	};
	char path[128];

	device("mblk", "51712", DISK);
	fake_store_set(f, DISK "/event-channel", "5");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fake_store_set(f, DISK "/ring-ref", bad[i]);
		fake_store_set(f, DISK "/state", bad[i]);
		find(-1, 1);
		assert_int_equal(list->ring[0].pages, 0);
		assert_string_equal(list->ring[0].why, "the guest's ring-ref is no number");
		assert_int_equal(list->front_state, bad[i][0] ? MICA_BUS_NONSENSE : 0);
	}
	fake_store_set(f, DISK "/ring-ref", "8");
	fake_store_set(f, DISK "/ring-page-order", "4000000000");
	find(-1, 1);
	assert_string_equal(list->ring[0].why, "the guest's ring-page-order is 4000000000");
	assert_int_equal(list->ring[0].pages, 0);
	fake_store_rm(f, DISK "/ring-page-order");
	for (unsigned i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), DISK "/ring-ref%u", i);
		fake_store_set(f, path, "8");
	}
	fake_store_set(f, DISK "/multi-queue-num-queues", "4294967295");
	find(-1, 1);
	assert_int_equal(list->nr_rings, RING_QUEUES_MAX);
	fake_store_rm(f, DISK "/multi-queue-num-queues");
	find(-1, 1);
	assert_int_equal(list->ring[0].pages, RING_PAGES_MAX);
	/* A directory of somebody else's is not believed, nor a 32-bit ring decoded. */
	fake_store_set(f, DISK "/protocol", "x86_32-abi");
	find(-1, 1);
	assert_int_equal(list->ring[0].slot_bytes, 0);
	fake_store_set(f, DOMAINS "0/backend/mblk/7/51712/frontend", DOMAINS "8/device/vbd/51712");
	find(-1, 1);
	assert_string_equal(list->front, "");
	assert_int_equal(list->nr_rings, 0);
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, make, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing), TEST(test_one_page), TEST(test_queues_and_pages),
		TEST(test_network_cards), TEST(test_others), TEST(test_will_and_limits),
		TEST(test_names), TEST(test_a_hostile_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
