/* unit: dom0-tools/netd/hosted.c dom0-tools/netd/config.c dom0-tools/netd/guard.c dom0-tools/netd/frame.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The supervisor's view of the store: networks come, change and go, and stay when it is lost. */
#include "host.h"

#include <fcntl.h>

#include "../../../dom0-tools/netd/super.c"

struct settings settings = { .lease_dir = "/leases", .dnsmasq = "/bin/false", .nft = "/bin/false" };

static unsigned opened, reads_left;	/* before the store is lost */
static const char *uplink, *listed;

void note(const char *fmt, ...)
{
}

int device_open(const char *name, const struct host_config *c, const char **what)
{
	opened++;
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int world_read(struct mica_io *w, const char *path, char *value, size_t room)
{
	if (!reads_left)
		return -ENOTCONN;
	reads_left--;
	if (strcmp(path, "/mica/net/lan/uplink"))
		return -ENOENT;
	snprintf(value, room, "%s", uplink);
	return 0;
}

static int world_list(struct mica_io *w, const char *path, char *to, size_t room)
{
	if (!reads_left)
		return -ENOTCONN;
	snprintf(to, room, "%s", listed);
	return *listed ? 1 : -ENOENT;
}

static int world_write(struct mica_io *w, const char *path, const char *value)
{
	return 0;
}

static int world_remove(struct mica_io *w, const char *path)
{
	return 0;
}

static const struct mica_io_ops ops = {
	.read = world_read, .list = world_list, .write = world_write, .remove = world_remove,
};
static struct mica_io world = { .ops = &ops };

/* Not used here. */
int io_xen_open(struct mica_io **w, unsigned parts, const char **what)
{
	return -ENOSYS;
}

int io_xen_fd(struct mica_io *w)
{
	return -1;
}

bool io_xen_waiting(struct mica_io *w)
{
	return false;
}

int io_xen_dispatch(struct mica_io *w)
{
	return 0;
}

static bool late;

bool io_xen_late(struct mica_io *w)
{
	return late;
}

static const struct network *lan(void)
{
	return networks[0].used ? &networks[0] : NULL;
}

static void a_lost_store_takes_no_network_down(void **state)
{
	io = &world;
	uplink = "tap";
	listed = "lan";
	reads_left = 1000;
	rescan();
	assert_int_equal(opened, 1);
	assert_non_null(lan());
	for (unsigned reads = 0; reads < 5; reads++) {
		store_lost = false;
		reads_left = reads;
		rescan();
		assert_true(store_lost);	/* workers are replaced when it is back */
		assert_non_null(lan());
		assert_true(lan()->tap >= 0);
		assert_int_equal(opened, 1);
	}
	/* one that is late and not lost is no reason to replace workers, who have their own connection */
	late = true;
	store_lost = false;
	for (unsigned reads = 0; reads < 5; reads++) {
		reads_left = reads;
		rescan();
		assert_false(store_lost);
		assert_non_null(lan());
		assert_int_equal(opened, 1);
	}
	late = false;
	reads_left = 1000;
	rescan();
	assert_false(store_lost);
	assert_int_equal(opened, 1);
	uplink = "none";
	rescan();
	assert_int_equal(lan()->tap, -1);
	listed = "";
	rescan();
	assert_null(lan());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_store_takes_no_network_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
