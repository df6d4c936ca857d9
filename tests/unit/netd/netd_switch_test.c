/* unit: dom0-tools/netd/switch.c dom0-tools/netd/mac.c dom0-tools/netd/bucket.c dom0-tools/netd/frame.c dom0-tools/netd/guard.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The switch's decisions: each rule alone, then random networks with random and forged frames,
 * against the three promises that nothing may break: no frame leaves its VLAN, none passes between
 * isolated ports, none goes back where it came from.
 */
#include "unit.h"

#include "netd/switch.h"

#define NOW	5000000000ull

static struct net_switch sw;
static uint8_t bytes[FRAME_HEADER_BYTES];
static struct verdict v;

static const uint8_t all[MAC_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

static void station(uint8_t mac[MAC_BYTES], unsigned n)
{
	memset(mac, 0, MAC_BYTES);
	mac[0] = 2;
	mac[4] = (uint8_t)(n >> 8);
	mac[5] = (uint8_t)n;
}

static struct switch_config access_port(unsigned vlan)
{
	struct switch_config c = { .vlan = (uint16_t)vlan, .macs = SWITCH_MACS };

	return c;
}

static struct switch_config trunk(unsigned a, unsigned b)
{
	struct switch_config c = { .trunk = true, .macs = SWITCH_MACS };

	c.vlans[a / 64] |= 1ull << (a % 64);
	c.vlans[b / 64] |= 1ull << (b % 64);
	return c;
}

static void begin(void)
{
	switch_init(&sw, 7);
}

static void port(unsigned n, struct switch_config c)
{
	switch_configure(&sw, n, &c, NOW);
}

/* A frame from station @from to @to (0: broadcast) of @type; @tag < 0: none. */
static unsigned frame(unsigned from, unsigned to, int tag, unsigned type)
{
	unsigned at = 12;

	memset(bytes, 0, sizeof(bytes));
	if (to)
		station(bytes, to);
	else
		memcpy(bytes, all, MAC_BYTES);
	station(bytes + 6, from);
	if (tag >= 0) {
		bytes[at++] = 0x81;
		bytes[at++] = 0;
		bytes[at++] = (uint8_t)(tag >> 8);
		bytes[at++] = (uint8_t)tag;
	}
	bytes[at++] = (uint8_t)(type >> 8);
	bytes[at++] = (uint8_t)type;
	return at;
}

/* Who gets what was put into bytes[]? */
static unsigned decide(unsigned in)
{
	switch_decide(&sw, in, bytes, sizeof(bytes), 1000, NOW, &v);
	return v.outs;
}

static bool goes_to(unsigned out)
{
	return port_set_has(&v.out, out);
}

static void learns_and_narrows(void **state)
{
	begin();
	for (unsigned i = 1; i <= 3; i++)
		port(i, access_port(0));
	frame(1, 2, -1, 0x1234);
	assert_int_equal(decide(1), 2);		/* unknown: everybody else */
	assert_true(goes_to(2) && goes_to(3));
	assert_int_equal(sw.ports[1].count[COUNT_in_flooded], 1);
	frame(2, 1, -1, 0x1234);
	assert_int_equal(decide(2), 1);
	assert_int_equal(v.only, 1);
	frame(1, 2, -1, 0x1234);
	assert_int_equal(decide(1), 1);
	assert_int_equal(v.only, 2);
	frame(1, 1, -1, 0x1234);		/* to itself: nobody */
	assert_int_equal(decide(1), 0);
	assert_int_equal(sw.ports[1].count[COUNT_drop_nobody], 1);
	frame(2, 1, -1, 0x1234);		/* station 2 moves to port 3 */
	assert_int_equal(decide(3), 1);
	assert_int_equal(sw.ports[3].count[COUNT_mac_moved], 1);
	assert_int_equal(sw.ports[2].learned, 0);
	frame(1, 2, -1, 0x1234);
	decide(1);
	assert_int_equal(v.only, 3);
}

static void addresses_are_bounded(void **state)
{
	struct switch_config c = access_port(0);

	begin();
	c.macs = 3;
	port(1, c);
	port(2, access_port(0));
	for (unsigned i = 1; i <= 10; i++) {
		frame(i, 0, -1, 0x1234);
		decide(1);
	}
	assert_int_equal(sw.macs.used, 3);
	assert_int_equal(sw.ports[1].learned, 3);
	assert_int_equal(sw.ports[1].count[COUNT_mac_full], 7);
	switch_remove(&sw, 1);
	assert_int_equal(sw.macs.used, 0);
}

static void ageing_gives_room_back(void **state)
{
	begin();
	port(1, access_port(0));
	port(2, access_port(0));
	frame(1, 0, -1, 0x1234);
	decide(1);
	assert_int_equal(sw.ports[1].learned, 1);
	for (int i = 0; i < 16; i++)
		switch_age(&sw, NOW + (MAC_AGE_S + 2) * 1000000000ull);
	assert_int_equal(sw.ports[1].learned, 0);
	assert_int_equal(sw.macs.used, 0);
}

static void refuses(unsigned in, enum count why)
{
	uint64_t before = sw.ports[in].count[why];

	assert_int_equal(decide(in), 0);
	assert_int_equal(sw.ports[in].count[why], before + 1);
}

static void tags_belong_to_trunks(void **state)
{
	struct switch_config native = trunk(10, 20);

	native.native = true;
	native.vlan = 30;
	begin();
	port(1, access_port(10));
	port(2, access_port(20));
	port(3, trunk(10, 20));
	port(4, native);
	port(5, access_port(30));
	frame(1, 0, -1, 0x1234);
	assert_int_equal(decide(1), 2);
	assert_true(goes_to(3) && goes_to(4));
	assert_true(switch_tags(&sw, 3, v.tci) && switch_tags(&sw, 4, v.tci));
	assert_false(switch_tags(&sw, 1, v.tci));
	frame(1, 0, 10, 0x1234);
	refuses(1, COUNT_drop_tag);		/* a tag on an access port, even its own */
	frame(3, 0, -1, 0x1234);
	refuses(3, COUNT_drop_tag);		/* no native VLAN */
	frame(3, 0, 30, 0x1234);
	refuses(3, COUNT_drop_tag);		/* not its VLAN */
	frame(3, 0, 0xfff, 0x1234);
	refuses(3, COUNT_drop_tag);
	frame(4, 0, 30, 0x1234);
	refuses(4, COUNT_drop_tag);		/* its native one, but tagged */
	frame(3, 0, 20, 0x8100);
	refuses(3, COUNT_drop_tag);		/* two tags */
	frame(3, 0, 20, 0x88a8);
	refuses(3, COUNT_drop_tag);
	frame(4, 0, -1, 0x88a8);
	refuses(4, COUNT_drop_tag);
	frame(3, 0, 20, 0x1234);
	assert_int_equal(decide(3), 2);
	assert_true(v.untag && goes_to(2) && goes_to(4));
	frame(4, 0, -1, 0x1234);
	assert_int_equal(decide(4), 1);
	assert_true(goes_to(5) && !v.untag);
	frame(1, 0, 0xe000, 0x1234);		/* a priority only */
	assert_int_equal(decide(1), 2);
	assert_int_equal(v.tci, 0xe000 | 10);
	assert_true(v.untag);
}

static void isolated_ports_are_strangers(void **state)
{
	struct switch_config c = access_port(0);

	begin();
	port(SWITCH_UPLINK, access_port(0));
	c.isolated = true;
	port(1, c);
	port(2, c);
	port(3, access_port(0));
	frame(1, 0, -1, 0x1234);
	assert_int_equal(decide(1), 2);
	assert_true(goes_to(SWITCH_UPLINK) && goes_to(3) && !goes_to(2));
	frame(2, 1, -1, 0x1234);		/* known, and still out of reach */
	refuses(2, COUNT_drop_nobody);
	frame(3, 1, -1, 0x1234);
	assert_int_equal(decide(3), 1);
}

static void some_addresses_are_nobodys(void **state)
{
	begin();
	port(1, access_port(0));
	port(2, access_port(0));
	frame(1, 0, -1, 0x1234);
	memcpy(bytes, "\x01\x80\xc2\x00\x00\x00", 6);
	refuses(1, COUNT_drop_reserved);
	frame(1, 2, -1, 0x1234);
	bytes[6] |= 1;
	refuses(1, COUNT_drop_mac);
	switch_decide(&sw, 1, bytes, 13, 13, NOW, &v);
	assert_int_equal(v.outs, 0);
	assert_int_equal(sw.ports[1].count[COUNT_drop_short], 1);
}

static void guarded_addresses_stay(void **state)
{
	struct switch_config c = access_port(0);

	begin();
	c.guard.on = true;
	station(c.guard.mac, 1);
	port(1, c);
	port(2, access_port(0));
	port(3, access_port(0));
	frame(9, 0, -1, 0x1234);
	refuses(1, COUNT_drop_mac);
	frame(1, 0, -1, 0x1234);		/* port 2 claims station 1's address */
	assert_int_equal(decide(2), 2);
	frame(3, 1, -1, 0x1234);
	assert_int_equal(decide(3), 1);
	assert_int_equal(v.only, 1);		/* and does not get its frames */
}

static void storms_are_cut(void **state)
{
	struct switch_config c = access_port(0);
	unsigned passed = 0;

	begin();
	c.storm_fps = 10;
	port(1, c);
	port(2, access_port(0));
	frame(1, 0, -1, 0x1234);
	for (int i = 0; i < 100; i++)
		passed += decide(1);
	assert_int_equal(passed, 10);
	assert_int_equal(sw.ports[1].count[COUNT_drop_storm], 90);
	frame(2, 1, -1, 0x1234);
	decide(2);
	frame(1, 2, -1, 0x1234);
	assert_int_equal(decide(1), 1);		/* a known address is no storm */
}

static void groups_are_filtered(void **state)
{
	uint8_t group[MAC_BYTES] = { 1, 0, 0x5e, 0, 0, 1 };
	unsigned n = 0;

	begin();
	port(1, access_port(0));
	port(2, access_port(0));
	sw.ports[2].filter = true;
	frame(1, 0, -1, 0x1234);
	assert_int_equal(decide(1), 1);		/* broadcast always */
	memcpy(bytes, group, MAC_BYTES);
	assert_int_equal(decide(1), 0);
	assert_true(switch_group_add(&sw, 2, group));
	assert_true(switch_group_add(&sw, 2, group));
	assert_int_equal(sw.ports[2].groups, 1);
	assert_int_equal(decide(1), 1);
	switch_group_del(&sw, 2, group);
	assert_int_equal(decide(1), 0);
	for (; n < 1000; n++, group[5]++, group[4] += !group[5])
		if (!switch_group_add(&sw, 2, group))
			break;
	assert_int_equal(n, SWITCH_GROUPS);
}

/* --- random networks --- */

static bool in_vlan(const struct switch_config *c, unsigned vid)
{
	if (!c->trunk)
		return c->vlan == vid;
	return (c->native && c->vlan == vid) || (c->vlans[vid / 64] >> (vid % 64) & 1);
}

static void random_port(unsigned n)
{
	struct switch_config c = unit_one_in(3) ?
		trunk(1 + (unsigned)unit_below(4), 1 + (unsigned)unit_below(4)) :
		access_port((unsigned)unit_below(5));

	if (c.trunk && unit_one_in(2)) {
		c.native = true;
		c.vlan = (uint16_t)unit_below(5);
	}
	c.isolated = unit_one_in(3);
	c.guard.on = !c.trunk && unit_one_in(4);
	station(c.guard.mac, n);
	port(n, c);
}

static void check_promises(unsigned in)
{
	const struct switch_config *from = &sw.ports[in].config;
	unsigned outs = 0;

	for (unsigned out = 0; out < SWITCH_PORTS; out++) {
		const struct switch_config *to = &sw.ports[out].config;

		if (!goes_to(out))
			continue;
		outs++;
		assert_true(sw.ports[out].used);
		assert_int_not_equal(in, out);
		assert_false(from->isolated && to->isolated);
		assert_true(in_vlan(to, v.tci & 0xfff));
		assert_true(in_vlan(from, v.tci & 0xfff));
		/* untagged for an access port, and nothing behind that is a tag again */
		assert_false(!to->trunk && switch_tags(&sw, out, v.tci));
		assert_false(frame_is_tag(frame_be16(bytes + (v.untag ? 16 : 12))));
	}
	assert_int_equal(outs, v.outs);
}

static void nothing_leaks(void **state)
{
	static const unsigned types[] = { 0x1234, 0x8100, 0x88a8, 0x9100, 0x0800, 0x0806, 0x86dd };

	unit_seed("netd_switch");
	begin();
	for (unsigned i = 0; i < 12; i++)
		random_port(i);
	for (uint64_t step = unit_steps(200000); step; step--) {
		unsigned in = (unsigned)unit_below(12);

		if (unit_one_in(2000)) {
			switch_remove(&sw, in);
			random_port(in);
		}
		frame(1 + (unsigned)unit_below(14), (unsigned)unit_below(14),
		      unit_one_in(2) ? -1 : (int)unit_below(6) | (int)(unit_below(8) << 13),
		      types[unit_below(7)]);
		if (unit_one_in(4))
			bytes[unit_below(20)] = (uint8_t)unit_random();
		if (unit_one_in(4))
			bytes[14 + unit_below(80)] = (uint8_t)unit_random();
		decide(in);
		check_promises(in);
	}
	for (unsigned i = 0; i < 12; i++) {
		unsigned mine = 0;

		for (uint32_t e = 0; e < MAC_ENTRIES; e++)
			mine += sw.macs.entries[e].mac[0] && sw.macs.entries[e].port == i;
		assert_true(sw.ports[i].learned <= SWITCH_MACS);
		assert_true(mine >= sw.ports[i].learned);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(learns_and_narrows),
		cmocka_unit_test(addresses_are_bounded),
		cmocka_unit_test(ageing_gives_room_back),
		cmocka_unit_test(tags_belong_to_trunks),
		cmocka_unit_test(isolated_ports_are_strangers),
		cmocka_unit_test(some_addresses_are_nobodys),
		cmocka_unit_test(guarded_addresses_stay),
		cmocka_unit_test(storms_are_cut),
		cmocka_unit_test(groups_are_filtered),
		cmocka_unit_test(nothing_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
