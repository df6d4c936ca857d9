/* unit: dom0-tools/lib/spec.c dom0-tools/lib/disk_spec.c dom0-tools/lib/nic_spec.c dom0-tools/lib/vdev.c dom0-tools/lib/parse.c dom0-tools/lib/digest.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Disks and cards as operators write them: xl's examples and ours, what each wrong one is told and
 * where, names of devices both ways, and random strings that must never read beyond their end.
 */
#include "unit.h"
#include <stdlib.h>

#include "lib/spec.h"

static struct mica_spec_error e;

static void test_vdev(void **state)
{
	static const struct { const char *name; uint32_t number; const char *usual; } good[] = {
		{ "xvda", 51712, "xvda" }, { "xvdb", 51728, "xvdb" }, { "xvda1", 51713, "xvda1" },
		{ "xvdp15", 51967, "xvdp15" }, { "xvdq", 268439552, "xvdq" },
		{ "xvda16", 268435472, "xvda16" }, { "xvdaa", 268442112, "xvdaa" },
		{ "sda", 2048, "sda" }, { "sdp15", 2303, "sdp15" }, { "hda", 768, "hda" },
		{ "hdd3", 5699, "hdd3" }, { "d0p0", 51712, "xvda" }, { "d1p3", 51731, "xvdb3" },
		{ "d16p0", 268439552, "xvdq" }, { "51712", 51712, "xvda" }, { "0xca00", 51712, "xvda" },
	};
	static const char *const bad[] = {
		"", "xvd", "xvda0", "xvda256", "xvdA", "hde", "sdq", "sda16", "hda64", "vda", "d0",
		"dp1", "d0p256", "0", "-1", "99999999999", "xvdzzzzzz", "xvda1x", "xvd1",
	};
	char name[MICA_VDEV_BYTES];
	uint32_t number;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!mica_vdev_number(good[i].name, &number) || number != good[i].number)
			fail_msg("%s: %u", good[i].name, number);
		mica_vdev_name(number, name);
		assert_string_equal(name, good[i].usual);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (mica_vdev_number(bad[i], &number))
			fail_msg("%s was taken", bad[i]);
	/* every plain and many extended numbers: there and back */
	for (uint32_t n = 51712; n < 51968; n++) {
		uint32_t again;

		mica_vdev_name(n, name);
		assert_true(mica_vdev_number(name, &again) && again == n);
	}
}

static void test_disks(void **state)
{
	static const struct {
		const char *text, *target, *format, *vdev;
		bool read_only, kernel;
	} good[] = {
		{ "/dev/vg/guest,raw,xvda,rw", "/dev/vg/guest", "raw", "xvda", false, false },
		{ "/dev/vg/guest,,hda", "/dev/vg/guest", "raw", "hda", false, false },
		{ "/dev/vg/guest,raw,hda,ro", "/dev/vg/guest", "raw", "hda", true, false },
		{ "format=raw, vdev=hda, access=rw, target=/dev/vg/a,b=c", "/dev/vg/a,b=c", "raw",
		  "hda", false, false },
		{ "/img,qcow2,xvdb,w", "/img", "qcow2", "xvdb", false, false },
		{ "phy:/dev/vg/x,xvda,w", "/dev/vg/x", "raw", "xvda", false, false },
		{ "file:/img,xvda,r", "/img", "raw", "xvda", true, false },
		{ "tap:qcow2:/img,xvda,w", "/img", "qcow2", "xvda", false, false },
		{ "tap:aio:/img,xvda1,w", "/img", "raw", "xvda1", false, false },
		{ "/srv/web1.raw,xvda,w,iops=500", "/srv/web1.raw", "raw", "xvda", false, false },
		{ "/img,vhd,xvda", "/img", "vpc", "xvda", false, false },
		{ "/i.iso,,hdc:cdrom,r", "/i.iso", "raw", "hdc", true, false },
		{ "/i.iso,,hdc,cdrom", "/i.iso", "raw", "hdc", true, false },
		{ "/i.iso,raw,xvdc,devtype=cdrom", "/i.iso", "raw", "xvdc", true, false },
		{ "/dev/x,raw,xvda,w,backendtype=phy", "/dev/x", "raw", "xvda", false, true },
		{ "/dev/x,backend=kernel,vdev=xvda", "/dev/x", "raw", "xvda", false, true },
		{ "/x", "/x", "raw", "", false, false },
		{ " /x , qcow2 , xvda , w ", "/x", "qcow2", "xvda", false, false },
		{ "nbd:host=1,blockdev,xvda,w", "nbd:host=1", "blockdev", "xvda", false, false },
	};
	struct mica_disk d;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!mica_disk_parse(&d, good[i].text, &e))
			fail_msg("%s: %s", good[i].text, e.why);
		assert_string_equal(d.target, good[i].target);
		assert_string_equal(d.format, good[i].format);
		assert_string_equal(d.vdev, good[i].vdev);
		assert_int_equal(d.read_only, good[i].read_only);
		assert_int_equal(d.kernel, good[i].kernel);
	}
	assert_true(mica_disk_parse(&d, "/x,xvda,w,iops=500,bps=10m,no-discard,cache=writethrough,"
				    "sector=4096,direct-io-safe", &e));
	assert_int_equal(d.iops_limit, 500);
	assert_int_equal(d.bps_limit, 10 << 20);
	assert_true(d.no_discard && d.durable && d.direct_io_safe);
	assert_int_equal(d.sector_bytes, 4096);
	assert_true(mica_disk_parse(&d, "/x,xvda,w,script=block-iscsi", &e));
	assert_string_equal(e.ignored, "script");
}

static void test_wrong_disks(void **state)
{
	static const struct { const char *text, *why, *suggestion; size_t at; } bad[] = {
		{ "", "no target", "", 0 },
		{ "img,xvda", "no absolute path", "", 0 },
		{ "/x,xvdz9999", "neither a format", "", 3 },
		{ "/x,raw,vda", "no device name", "", 7 },
		{ "/x,raw,xvda,rx", "no access mode", "", 12 },
		{ "/x,raw,xvda,w!", "shared writing", "", 12 },
		{ "/x,xvda,w,iop=5", "unknown key 'iop'", "iops", 10 },
		{ "/x,xvda,w,iops=many", "no number", "", 15 },
		{ "/x,xvda,w,iops=-1", "no number", "", 15 },
		{ "/x,xvda,format=raww", "is no format", "", 15 },
		{ "/x,xvda,w,backend=domU", "no back end", "", 18 },
		{ "/x,xvda,w,cache=none", "neither writethrough", "", 16 },
		{ "/x,xvda,w,cdrom", "can only be read", "", 0 },
		{ "/x,qcow2,xvda,w,backend=kernel", "raw disks only", "", 0 },
		{ "/x,xvda,w,backend=kernel,iops=5", "no limits", "", 0 },
		{ "/x,raw,xvda,w,extra", "unknown key 'extra'", "", 14 },
		{ "/x,raw,xvda,w,discrad", "unknown key 'discrad'", "discard", 14 },
		{ "/x,raw,xvda:tape,w", "neither disk nor cdrom", "", 7 },
	};
	struct mica_disk d;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (mica_disk_parse(&d, bad[i].text, &e))
			fail_msg("%s was taken", bad[i].text);
		if (!strstr(e.why, bad[i].why) || e.at != bad[i].at ||
		    strcmp(e.suggestion, bad[i].suggestion))
			fail_msg("%s: at %zu: %s (%s)", bad[i].text, e.at, e.why, e.suggestion);
	}
}

static void test_nics(void **state)
{
	struct mica_nic n;

	assert_true(mica_nic_parse(&n, "", &e));
	assert_int_equal(n.vlan, -1);
	assert_true(mica_nic_parse(&n, "mac=00:16:3E:5A:00:01,bridge=lan,ip=10.7.0.11,vlan=20", &e));
	assert_string_equal(n.mac, "00:16:3e:5a:00:01");
	assert_string_equal(n.network, "lan");
	assert_string_equal(n.ip, "10.7.0.11");
	assert_int_equal(n.vlan, 20);
	assert_true(n.antispoof);
	assert_true(mica_nic_parse(&n, "net=lan,ip=10.0.0.1+fe80::1,antispoof=0", &e));
	assert_string_equal(n.ip, "10.0.0.1,fe80::1");
	assert_false(n.antispoof);
	assert_true(mica_nic_parse(&n, "net=lan, trunk=10+20-30, isolated=1, mtu=9000", &e));
	assert_string_equal(n.trunk, "10,20-30");
	assert_true(n.isolated);
	assert_int_equal(n.mtu, 9000);
	assert_true(mica_nic_parse(&n, "rate=8Mb/s@20ms", &e));
	assert_int_equal(n.rate_bps, 1000000);
	assert_true(mica_nic_parse(&n, "rate=10MB/s", &e));
	assert_int_equal(n.rate_bps, 10000000);
	assert_true(mica_nic_parse(&n, "rate=250KB/s", &e));
	assert_int_equal(n.rate_bps, 250000);
	assert_true(mica_nic_parse(&n, "bridge=xenbr0,backend=kernel,script=vif-bridge,vifname=w0", &e));
	assert_true(n.kernel);
	assert_string_equal(e.ignored, "script");
	assert_string_equal(n.ifname, "w0");
	assert_true(mica_nic_parse(&n, "type=vif", &e));
}

static void test_wrong_nics(void **state)
{
	static const struct { const char *text, *why, *suggestion; size_t at; } bad[] = {
		{ "mac=00:16:3e", "no address of one station", "", 4 },
		{ "mac=01:00:5e:00:00:01", "no address of one station", "", 4 },
		{ "mac=00:00:00:00:00:00", "no address of one station", "", 4 },
		{ "brigde=lan", "unknown key 'brigde'", "bridge", 0 },
		{ "bridge=lan,vlan=4095", "no number from 0 to 4094", "", 16 },
		{ "bridge=lan,vlan=x", "no number", "", 16 },
		{ "bridge=1lan", "no name of a network", "", 0 },
		{ "bridge=", "no name of a network", "", 7 },
		{ "rate=fast", "no rate", "", 5 },
		{ "rate=0", "no rate", "", 5 },
		{ "rate=10XB/s", "no rate", "", 5 },
		{ "type=ioemu", "for HVM guests", "", 5 },
		{ "trunk=ten", "no list of VLANs", "", 6 },
		{ "mtu=100", "no number from 576", "", 4 },
		{ "isolated=maybe", "neither 1 nor 0", "", 9 },
		{ "lan", "unknown key 'lan'", "", 0 },
		{ "bridge=br0,backend=kernel,vlan=3", "are the switch's", "", 0 },
		{ "ip=some.host", "is no address", "", 3 },
	};
	struct mica_nic n;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (mica_nic_parse(&n, bad[i].text, &e))
			fail_msg("%s was taken", bad[i].text);
		if (!strstr(e.why, bad[i].why) || e.at != bad[i].at ||
		    (bad[i].suggestion[0] && strcmp(e.suggestion, bad[i].suggestion)))
			fail_msg("%s: at %zu: %s (%s)", bad[i].text, e.at, e.why, e.suggestion);
	}
}

/* The same card of the same domain always has the same address, any other another one. */
static void test_mac(void **state)
{
	uint8_t uuid[16] = { 1, 2, 3 };
	char a[MICA_MAC_BYTES], b[MICA_MAC_BYTES], again[MICA_MAC_BYTES];

	mica_mac_make(uuid, 0, a);
	mica_mac_make(uuid, 1, b);
	mica_mac_make(uuid, 0, again);
	assert_string_equal(a, again);
	assert_string_not_equal(a, b);
	assert_memory_equal(a, "00:16:3e:", 9);
	assert_true(mica_mac_parse(a, again));
	uuid[15] = 1;
	mica_mac_make(uuid, 0, b);
	assert_string_not_equal(a, b);
}

static void test_counts(void **state)
{
	uint64_t n;

	assert_true(mica_parse_count("0", &n) && n == 0);
	assert_true(mica_parse_count("500k", &n) && n == 500 << 10);
	assert_true(mica_parse_count("1T", &n) && n == 1ull << 40);
	assert_false(mica_parse_count("", &n) || mica_parse_count("k", &n) ||
		     mica_parse_count("1kk", &n) || mica_parse_count("-1", &n) ||
		     mica_parse_count("99999999999t", &n) || mica_parse_count("1.5m", &n));
}

static void test_random(void **state)
{
	static const char letters[] = "abcxvdhsp0123456789=,:/ \t!-+@.kMtargetipmcvlnw";
	struct mica_disk d;
	struct mica_nic n;

	unit_seed("spec");
	for (uint64_t i = unit_steps(20000); i; i--) {
		size_t len = unit_below(60);
		char *text = malloc(len + 1);

		for (size_t k = 0; k < len; k++)
			text[k] = letters[unit_below(sizeof(letters) - 1)];
		text[len] = 0;
		if (!mica_disk_parse(&d, text, &e))
			assert_true(e.why[0] && e.at <= len);
		if (!mica_nic_parse(&n, text, &e))
			assert_true(e.why[0] && e.at <= len);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vdev), cmocka_unit_test(test_disks),
		cmocka_unit_test(test_wrong_disks), cmocka_unit_test(test_nics),
		cmocka_unit_test(test_wrong_nics), cmocka_unit_test(test_mac),
		cmocka_unit_test(test_counts), cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
