/* unit: dom0-tools/netd/hosted.c dom0-tools/netd/config.c dom0-tools/netd/guard.c dom0-tools/netd/frame.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Hosted networks: what is made of the operator's words, and what nft and dnsmasq are told. */
#include "host.h"

#include <string.h>

#include "netd/host.h"
#include "netd/worker.h"

struct settings settings = { .lease_dir = "/leases", .dnsmasq = "dnsmasq", .nft = "/bin/false" };

static struct host_config c;

static const char *parse(const char *uplink, const char *subnet, const char *nat, const char *dhcp)
{
	struct host_words w = { 0 };

	snprintf(w.uplink, sizeof(w.uplink), "%s", uplink);
	snprintf(w.subnet, sizeof(w.subnet), "%s", subnet);
	snprintf(w.nat, sizeof(w.nat), "%s", nat);
	snprintf(w.dhcp, sizeof(w.dhcp), "%s", dhcp);
	return host_parse(&c, &w);
}

static void words_are_checked(void **state)
{
	static const char *const bad[] = {
		"10.1.0.0", "10.1.0.0/30", "10.1.0.0/7", "10.1.0.256/24", "10.1.0.0/24;flush ruleset",
		"10.1.0/24", "x", "10.1.0.0/24 ",
	};

	assert_null(parse("", "", "", ""));
	assert_false(c.uplink || c.routed);
	assert_null(parse("none", "", "0", "0"));
	assert_null(parse("tap", "", "", ""));
	assert_true(c.uplink && !c.routed);
	assert_null(parse("bridge:br0", "", "", ""));
	assert_string_equal(c.bridge, "br0");
	assert_non_null(parse("bridge:", "", "", ""));
	assert_non_null(parse("bridge:a/b", "", "", ""));
	assert_non_null(parse("bridge:a-name-of-more-than-15", "", "", ""));
	assert_non_null(parse("bridge:br0", "10.1.0.0/24", "", ""));
	assert_non_null(parse("veth", "", "", ""));
	assert_non_null(parse("tap", "", "1", ""));
	assert_non_null(parse("tap", "", "", "1"));
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_non_null(parse("tap", bad[i], "", ""));
	assert_null(parse("", "10.1.0.0/24", "1", "1"));
	assert_true(c.uplink && c.routed && c.nat && c.dhcp);
	assert_int_equal(c.address, 0x0a010001);
	assert_int_equal(c.mask, 0xffffff00);
	assert_null(parse("", "10.1.0.254/24", "", ""));
	assert_int_equal(c.address, 0x0a0100fe);
}

static void rules_are_a_table_of_our_own(void **state)
{
	char text[2048];
	int n;

	assert_null(parse("tap", "10.1.2.9/23", "1", "0"));
	n = nat_rules(text, sizeof(text), "lan-2", &c);
	assert_int_equal(n, strlen(text));
	assert_ptr_equal(strstr(text, "add table ip mica_lan_2\ndelete table ip mica_lan_2\n"
			 "table ip mica_lan_2 {\n"), text);
	assert_non_null(strstr(text, "ip saddr 10.1.2.0/23 ip daddr != 10.1.2.0/23 masquerade\n"));
	assert_non_null(strstr(text, "oifname \"m-lan-2\" drop\n"));
	assert_null(strstr(text, "flush"));
	for (size_t room = 0; room <= (size_t)n; room++)
		assert_int_equal(nat_rules(text, room, "lan-2", &c), -1);
	assert_true(nat_no_rules(text, sizeof(text), "lan-2") > 0);
	assert_null(strchr(text, '{'));
}

static bool has(const char **argv, int n, const char *want)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(argv[i], want))
			return true;
	return false;
}

static void dnsmasq_serves_the_subnet_only(void **state)
{
	const char *argv[20];
	char text[1024];
	int n;

	assert_null(parse("tap", "10.1.0.0/24", "0", "1"));
	n = dhcp_arguments(argv, 20, text, sizeof(text), "lan", &c);
	assert_true(n > 0 && !argv[n]);
	assert_true(has(argv, n, "--interface=m-lan"));
	assert_true(has(argv, n, "--bind-interfaces"));
	assert_true(has(argv, n, "--dhcp-range=10.1.0.2,10.1.0.254,1h"));
	assert_true(has(argv, n, "--dhcp-leasefile=/leases/lan.leases"));
	assert_null(parse("tap", "10.1.0.254/24", "0", "1"));
	n = dhcp_arguments(argv, 20, text, sizeof(text), "lan", &c);
	assert_true(has(argv, n, "--dhcp-range=10.1.0.1,10.1.0.253,1h"));
	assert_int_equal(dhcp_arguments(argv, 20, text, 30, "lan", &c), -1);
	assert_int_equal(dhcp_arguments(argv, 5, text, sizeof(text), "lan", &c), -1);
}

static void a_program_that_fails_is_told(void **state)
{
	assert_int_equal(nat_apply("add table ip x\n"), 1);
	settings.nft = "/nowhere/nft";
	assert_int_equal(nat_apply(""), 127);
	settings.nft = "/bin/cat";
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_checked),
		cmocka_unit_test(rules_are_a_table_of_our_own),
		cmocka_unit_test(dnsmasq_serves_the_subnet_only),
		cmocka_unit_test(a_program_that_fails_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
