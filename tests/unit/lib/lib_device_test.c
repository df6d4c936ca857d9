/* unit: dom0-tools/lib/device.c dom0-tools/lib/device_list.c dom0-tools/lib/disk_claim.c dom0-tools/lib/device_wait.c dom0-tools/lib/hotplug.c dom0-tools/lib/domain.c dom0-tools/lib/holders.c dom0-tools/lib/names.c dom0-tools/lib/run.c dom0-tools/lib/build.c dom0-tools/lib/build_image.c dom0-tools/lib/build_memory.c dom0-tools/lib/build_tables.c dom0-tools/lib/layout.c dom0-tools/lib/file.c dom0-tools/lib/notes.c dom0-tools/lib/call.c dom0-tools/lib/domctl.c dom0-tools/lib/host.c lib/elf.c dom0-tools/lib/spec.c dom0-tools/lib/disk_spec.c dom0-tools/lib/nic_spec.c dom0-tools/lib/vdev.c dom0-tools/lib/digest.c dom0-tools/lib/parse.c dom0-tools/lib/error.c dom0-tools/lib/store.c dom0-tools/lib/store_wire.c tests/unit/lib/fake_store.c tests/unit/lib/fake_xen_open.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices over the fake store: what is written where with which rights, who is refused, and the
 * handshake with a back end and a guest played by the store's hook.
 */
#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "fake_store.h"
#include "lib/device.h"
#include "lib/domain.h"

#define FRONT	"/local/domain/7/device/vbd/51712"
#define BACK	"/local/domain/0/backend/mblk/7/51712"

static struct fake_store *f;
static struct mica_store *s;
static struct mica_error e;
static char image[64], other[64];

static int make(void **state)
{
	int fd;

	f = fake_store_new(&s);
	fake_store_set(f, "/local/domain/7/name", "web");
	fake_store_set(f, "/local/domain/7/device", "");
	fake_store_set(f, "/local/domain/8/name", "db");
	snprintf(image, sizeof(image), "/tmp/mica-device-XXXXXX");
	fd = mkstemp(image);
	close(fd);
	snprintf(other, sizeof(other), "%s.link", image);
	assert_int_equal(link(image, other), 0);
	return 0;
}

static int end(void **state)
{
	mica_store_close(s);
	fake_store_free(f);
	unlink(other);
	return unlink(image);
}

static struct mica_disk disk(const char *text, ...)
{
	struct mica_spec_error se;
	struct mica_disk d;
	char full[300];
	va_list args;

	va_start(args, text);
	vsnprintf(full, sizeof(full), text, args);
	va_end(args);
	if (!mica_disk_parse(&d, full, &se))
		fail_msg("%s", se.why);
	return d;
}

static void is(const char *path, const char *value)
{
	const char *got = fake_store_get(f, path);

	if (!got || strcmp(got, value))
		fail_msg("%s is '%s', not '%s'", path, got ? got : "(none)", value);
}

static void test_disk(void **state)
{
	struct mica_disk d = disk("%s,raw,xvda,w,iops=500,bps=1m", image);
	int before = fake_store_count(f);

	assert_int_equal(mica_device_attach_disk(s, 7, &d, &e), 0);
	is(BACK "/frontend", FRONT);
	is(BACK "/frontend-id", "7");
	is(BACK "/online", "1");
	is(BACK "/state", "1");
	is(BACK "/mode", "w");
	is(BACK "/type", "file");
	is(BACK "/params", image);
	is(BACK "/dev", "xvda");
	is(BACK "/device-type", "disk");
	is(BACK "/removable", "0");
	is(BACK "/discard-enable", "1");
	is(BACK "/direct-io-safe", "0");
	is(BACK "/iops-limit", "500");
	is(BACK "/bps-limit", "1048576");
	is(FRONT "/backend", BACK);
	is(FRONT "/backend-id", "0");
	is(FRONT "/state", "1");
	is(FRONT "/virtual-device", "51712");
	is(FRONT "/device-type", "disk");
	/* the front end is the guest's to write, the back end's only to read */
	assert_string_equal(fake_store_perms(f, FRONT), "n7 r0");
	assert_string_equal(fake_store_perms(f, FRONT "/state"), "n7 r0");
	assert_string_equal(fake_store_perms(f, BACK), "n0 r7");
	assert_string_equal(fake_store_perms(f, BACK "/params"), "n0 r7");
	assert_true(mica_device_attach_disk(s, 7, &d, &e) < 0);
	assert_string_equal(e.code->name, "MICA-DEV-001");
	assert_int_equal(mica_device_detach(s, 7, MICA_DISK, d.number, true, 0, &e), 0);
	assert_null(fake_store_get(f, FRONT));
	assert_null(fake_store_get(f, BACK));
	/* the directories of kinds and domains may stay, no device does */
	assert_true(fake_store_count(f) - before <= 5);
}

static void test_nic(void **state)
{
	struct mica_spec_error se;
	struct mica_nic n;

	assert_true(mica_nic_parse(&n, "bridge=lan,vlan=20,ip=10.0.0.5,rate=8Mb/s,mtu=9000,"
				   "mac=00:16:3e:00:00:07", &se));
	n.handle = 1;
	assert_int_equal(mica_device_attach_nic(s, 7, &n, &e), 0);
	is("/local/domain/0/backend/mnet/7/1/network", "lan");
	is("/local/domain/0/backend/mnet/7/1/vlan", "20");
	is("/local/domain/0/backend/mnet/7/1/ip", "10.0.0.5");
	is("/local/domain/0/backend/mnet/7/1/antispoof", "1");
	is("/local/domain/0/backend/mnet/7/1/isolated", "0");
	is("/local/domain/0/backend/mnet/7/1/rate-bps", "1000000");
	is("/local/domain/0/backend/mnet/7/1/mac", "00:16:3e:00:00:07");
	is("/local/domain/7/device/vif/1/mac", "00:16:3e:00:00:07");
	is("/local/domain/7/device/vif/1/handle", "1");
	is("/local/domain/7/device/vif/1/mtu", "9000");
	is("/local/domain/7/device/vif/1/backend", "/local/domain/0/backend/mnet/7/1");
	assert_null(fake_store_get(f, "/local/domain/0/backend/mnet/7/1/trunk"));
	assert_null(fake_store_get(f, "/local/domain/0/backend/mnet/7/1/script"));
	/* xen-netback gives a card up whose script key is not there when it first looks */
	assert_true(mica_nic_parse(&n, "bridge=br0,backend=kernel,rate=8Mb/s,mac=00:16:3e:00:00:08", &se));
	n.handle = 2;
	assert_int_equal(mica_store_begin(s), 0);
	assert_int_equal(mica_device_put_nic(s, 7, &n), 0);
	assert_int_equal(mica_store_end(s, true), 0);
	is("/local/domain/0/backend/vif/7/2/script", "/bin/true");
	is("/local/domain/0/backend/vif/7/2/bridge", "br0");
	is("/local/domain/0/backend/vif/7/2/type", "vif");
	is("/local/domain/0/backend/vif/7/2/rate", "50000,50000");
	is("/local/domain/7/device/vif/2/backend", "/local/domain/0/backend/vif/7/2");
	assert_null(fake_store_get(f, "/local/domain/0/backend/vif/7/2/network"));
}

static void test_list_and_find(void **state)
{
	struct mica_disk a = disk("%s,raw,xvdb", image), k = disk("%s,xvda,backend=kernel", image);
	struct mica_device *list, d;
	uint32_t number;

	assert_int_equal(mica_device_free_number(s, 7, MICA_DISK, &number), 0);
	assert_int_equal(number, 51712);
	assert_int_equal(mica_device_attach_disk(s, 7, &a, &e), 0);
	assert_int_equal(mica_device_attach_disk(s, 7, &k, &e), 0);
	assert_int_equal(mica_device_list(s, 7, MICA_DISK, &list), 2);
	assert_string_equal(list[0].name, "xvda");
	assert_true(list[0].kernel);
	assert_string_equal(list[1].back, "/local/domain/0/backend/mblk/7/51728");
	assert_int_equal(list[1].back_state, DEVICE_INITIALISING);
	free(list);
	assert_int_equal(mica_device_free_number(s, 7, MICA_DISK, &number), 0);
	assert_int_equal(number, 51744);
	assert_int_equal(mica_device_find(s, 7, MICA_DISK, "d1p0", &d, &e), 0);
	assert_string_equal(d.name, "xvdb");
	assert_true(mica_device_find(s, 7, MICA_DISK, "xvdc", &d, &e) < 0);
	assert_string_equal(e.code->name, "MICA-DEV-002");
	assert_string_equal(e.fact[0], "it has: xvda xvdb");
	assert_int_equal(mica_device_list(s, 8, MICA_DISK, &list), 0);
	free(list);
}

/* One writer, and nobody beside it, by whatever name the file goes. */
static void test_in_use(void **state)
{
	struct mica_disk w = disk("%s,raw,xvda,w", image), r = disk("%s,raw,xvda,r", other);
	struct mica_disk none = disk("/nonexistent/image,xvda"), dir = disk("/tmp,xvda");

	assert_int_equal(mica_disk_check(s, &w, &e), 0);
	assert_int_equal(mica_device_attach_disk(s, 7, &w, &e), 0);
	assert_true(mica_disk_check(s, &r, &e) < 0);
	assert_string_equal(e.code->name, "MICA-DISK-010");
	assert_int_equal(e.code->exit, EXIT_STATE);
	assert_non_null(strstr(e.why, "in use by 'web'"));
	assert_non_null(strstr(e.fact[0], "as its xvda (domain 7)"));
	assert_int_equal(mica_device_detach(s, 7, MICA_DISK, w.number, true, 0, &e), 0);
	/* readers may share, but a writer may not join them */
	assert_int_equal(mica_device_attach_disk(s, 7, &r, &e), 0);
	assert_int_equal(mica_disk_check(s, &r, &e), 0);
	assert_true(mica_disk_check(s, &w, &e) < 0);
	assert_true(mica_disk_check(s, &none, &e) < 0);
	assert_string_equal(e.code->name, "MICA-DISK-003");
	assert_true(mica_disk_check(s, &dir, &e) < 0);
}

static void test_network(void **state)
{
	struct mica_nic n = { .vlan = -1 };

	assert_true(mica_nic_check(s, &n, &e) < 0);
	assert_string_equal(e.code->name, "MICA-NET-020");
	fake_store_set(f, "/mica/net/lan/uplink", "none");
	assert_int_equal(mica_nic_check(s, &n, &e), 0);		/* the only one */
	assert_string_equal(n.network, "lan");
	fake_store_set(f, "/mica/net/dmz/uplink", "none");
	assert_int_equal(mica_nic_check(s, &n, &e), 0);
	n.network[0] = 0;
	assert_true(mica_nic_check(s, &n, &e) < 0);		/* which one? */
	snprintf(n.network, sizeof(n.network), "wan");
	assert_true(mica_nic_check(s, &n, &e) < 0);
	assert_non_null(strstr(e.fact[0], "dmz"));
	n.kernel = true;
	assert_true(mica_nic_check(s, &n, &e) < 0);
}

/* --- the handshake --- */

static void guest_closes(struct fake_store *fs, const char *path, const char *value)
{
	if (!strcmp(path, BACK "/state") && !strcmp(value, "5") && !fs->ctx) {
		fs->ctx = fs;
		fake_store_set(fs, FRONT "/state", "6");
		fake_store_set(fs, BACK "/state", "6");
	}
}

static void guest_holds(struct fake_store *fs, const char *path, const char *value)
{
	if (!strcmp(path, BACK "/state") && !strcmp(value, "5"))
		fake_store_set(fs, FRONT "/state", "5");
}

static void connected(void)
{
	struct mica_disk d = disk("%s,raw,xvda,w", image);

	assert_int_equal(mica_device_attach_disk(s, 7, &d, &e), 0);
	pthread_mutex_lock(&f->lock);
	fake_store_set(f, FRONT "/state", "4");
	fake_store_set(f, BACK "/state", "4");
	pthread_mutex_unlock(&f->lock);
}

static void test_detach(void **state)
{
	connected();
	assert_int_equal(mica_device_wait(s, 7, MICA_DISK, 51712, 1000, &e), 0);
	f->on_write = guest_closes;
	assert_int_equal(mica_device_detach(s, 7, MICA_DISK, 51712, false, 5000, &e), 0);
	assert_non_null(f->ctx);			/* it was asked */
	assert_null(fake_store_get(f, BACK));
	assert_null(fake_store_get(f, FRONT));
	assert_true(mica_device_detach(s, 7, MICA_DISK, 51712, false, 5000, &e) < 0);
	assert_string_equal(e.code->name, "MICA-DEV-002");
}

static void test_detach_refused(void **state)
{
	connected();
	f->on_write = guest_holds;
	assert_true(mica_device_detach(s, 7, MICA_DISK, 51712, false, 30, &e) < 0);
	assert_string_equal(e.code->name, "MICA-DEV-004");
	assert_int_equal(e.code->exit, EXIT_TIMEOUT);
	assert_string_equal(e.fact[0], "back end (mica-blkd): state 5, closing: it is asked to close "
			    "and waits for the guest");
	assert_string_equal(e.fact[1], "front end (guest): state 5, closing: it is closing: something "
			    "in the guest still has it open");
	assert_string_equal(e.hint[0], "unmount it in the guest");
	is(BACK "/online", "0");
	/* by force it goes under the guest */
	assert_int_equal(mica_device_detach(s, 7, MICA_DISK, 51712, true, 0, &e), 0);
	assert_null(fake_store_get(f, BACK));
}

static void test_not_connected(void **state)
{
	struct mica_disk d = disk("%s,raw,xvda,w", image);

	assert_int_equal(mica_device_attach_disk(s, 7, &d, &e), 0);
	assert_true(mica_device_wait(s, 7, MICA_DISK, 51712, 20, &e) < 0);
	assert_string_equal(e.code->name, "MICA-DEV-004");
	assert_non_null(strstr(e.fact[0], "nobody serves it yet"));
	assert_non_null(strstr(e.hint[0], "mica-blkd"));
	fake_store_set(f, BACK "/state", "2");
	assert_true(mica_device_wait(s, 7, MICA_DISK, 51712, 20, &e) < 0);
	assert_non_null(strstr(e.fact[1], "no driver in the guest has taken it"));
	/* a back end that gave up says why, at once */
	fake_store_set(f, BACK "/state", "6");
	fake_store_set(f, "/local/domain/0/error/backend/mblk/7/51712/error", "is locked by db");
	assert_true(mica_device_wait(s, 7, MICA_DISK, 51712, 60000, &e) < 0);
	assert_string_equal(e.code->name, "MICA-DEV-003");
	assert_non_null(strstr(e.why, "is locked by db"));
	/* what nobody serves needs no handshake to go */
	fake_store_set(f, BACK "/state", "1");
	assert_int_equal(mica_device_detach(s, 7, MICA_DISK, 51712, false, 60000, &e), 0);
}

/* What a guest writes as its state is shown, never believed. */
static void test_nonsense_state(void **state)
{
	struct mica_disk d = disk("%s,raw,xvda,w", image);

	assert_int_equal(mica_device_attach_disk(s, 7, &d, &e), 0);
	fake_store_set(f, BACK "/state", "2");
	fake_store_set(f, FRONT "/state", "4294967300 or so");
	assert_true(mica_device_wait(s, 7, MICA_DISK, 51712, 20, &e) < 0);
	fake_store_set(f, FRONT "/state", "99");
	assert_true(mica_device_wait(s, 7, MICA_DISK, 51712, 20, &e) < 0);
	assert_non_null(strstr(e.fact[1], "no state"));
	fake_store_set(f, FRONT "/backend", "/local/domain/0/backend/mblk/8/51712");
	assert_int_equal(mica_device_detach(s, 7, MICA_DISK, 51712, true, 0, &e), 0);
	assert_null(fake_store_get(f, BACK));
}

#define TEST(t)	cmocka_unit_test_setup_teardown(t, make, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_disk), TEST(test_nic), TEST(test_list_and_find), TEST(test_in_use),
		TEST(test_network), TEST(test_detach), TEST(test_detach_refused),
		TEST(test_not_connected), TEST(test_nonsense_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
