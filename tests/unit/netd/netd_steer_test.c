/* unit: dom0-tools/netd/steer.c dom0-tools/netd/frame.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Receive hashing: published vectors of the Toeplitz hash, what is hashed, the words of the store. */
#include "host.h"

#include <string.h>
#include <mica/io/netif.h>

#include "netd/frame.h"
#include "netd/steer.h"

#define ALL	STEER_TYPES

/* The key and the results of the verification suite for receive-side scaling. */
static const uint8_t suite_key[STEER_KEY] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static uint8_t frame[128];
static unsigned length;

static struct steer with(unsigned types)
{
	struct steer s = { .algorithm = 1, .types = (uint8_t)types };

	memcpy(s.key, suite_key, sizeof(s.key));
	return s;
}

static void be16(unsigned at, unsigned value)
{
	frame[at] = (uint8_t)(value >> 8);
	frame[at + 1] = (uint8_t)value;
}

static void v4(const uint8_t from[4], const uint8_t to[4], unsigned proto, unsigned source,
	       unsigned dest)
{
	memset(frame, 0, sizeof(frame));
	be16(12, ETHERTYPE_IPV4);
	frame[14] = 0x45;
	frame[23] = (uint8_t)proto;
	memcpy(frame + 26, from, 4);
	memcpy(frame + 30, to, 4);
	be16(34, source);
	be16(36, dest);
	length = 54;
}

static void v6(const uint8_t from[16], const uint8_t to[16], unsigned proto, unsigned source,
	       unsigned dest)
{
	memset(frame, 0, sizeof(frame));
	be16(12, ETHERTYPE_IPV6);
	frame[14] = 0x60;
	frame[20] = (uint8_t)proto;
	memcpy(frame + 22, from, 16);
	memcpy(frame + 38, to, 16);
	be16(54, source);
	be16(56, dest);
	length = 74;
}

static void check(unsigned types, bool made, unsigned type, uint32_t value)
{
	struct steer s = with(types);
	struct steer_hash h = steer_make(&s, frame, length);

	assert_int_equal(h.made, made);
	if (made) {
		assert_int_equal(h.type, type);
		assert_int_equal(h.value, value);
	}
}

static void published_vectors(void **state)
{
	static const struct {
		uint8_t from[4], to[4];
		unsigned source, dest;
		uint32_t only, ports;
	} four[] = {
		{ { 66, 9, 149, 187 }, { 161, 142, 100, 80 }, 2794, 1766, 0x323e8fc2, 0x51ccc178 },
		{ { 199, 92, 111, 2 }, { 65, 69, 140, 83 }, 14230, 4739, 0xd718262a, 0xc626b0ea },
		{ { 24, 19, 198, 95 }, { 12, 22, 207, 184 }, 12898, 38024, 0xd2d0a5de, 0x5c2b394a },
		{ { 38, 27, 205, 30 }, { 209, 142, 163, 6 }, 48228, 2217, 0x82989176, 0xafc7327f },
		{ { 153, 39, 163, 191 }, { 202, 188, 127, 2 }, 44251, 1303, 0x5d1809c5, 0x10e828a2 },
	};
	static const uint8_t from6[16] = { 0x3f, 0xfe, 0x25, 1, 2, 0, 0x1f, 0xff, [15] = 7 };
	static const uint8_t to6[16] = { 0x3f, 0xfe, 0x25, 1, 2, 0, 0, 3, [15] = 1 };

	for (unsigned i = 0; i < sizeof(four) / sizeof(four[0]); i++) {
		v4(four[i].from, four[i].to, 6, four[i].source, four[i].dest);
		check(ALL, true, 1, four[i].ports);
		check(XEN_NETIF_CTRL_HASH_TYPE_IPV4, true, 0, four[i].only);
	}
	v6(from6, to6, 6, 2794, 1766);
	check(ALL, true, 3, 0x40207d3d);
	check(XEN_NETIF_CTRL_HASH_TYPE_IPV6, true, 2, 0x2cc18cd5);
}

static void only_what_was_asked_for(void **state)
{
	static const uint8_t from[4] = { 66, 9, 149, 187 }, to[4] = { 161, 142, 100, 80 };
	struct steer off = with(0), none = with(ALL);

	v4(from, to, 6, 2794, 1766);
	check(XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP, true, 1, 0x51ccc178);
	check(XEN_NETIF_CTRL_HASH_TYPE_IPV6 | XEN_NETIF_CTRL_HASH_TYPE_IPV6_TCP, false, 0, 0);
	assert_false(steer_make(&off, frame, length).made);
	none.algorithm = 0;
	assert_false(steer_make(&none, frame, length).made);
	v4(from, to, 17, 2794, 1766);		/* UDP's ports are not hashed */
	check(ALL, true, 0, 0x323e8fc2);
	check(XEN_NETIF_CTRL_HASH_TYPE_IPV4_TCP, false, 0, 0);
	v4(from, to, 6, 2794, 1766);
	frame[20] = 0x20;			/* more fragments follow */
	check(ALL, true, 0, 0x323e8fc2);
	v4(from, to, 6, 2794, 1766);
	length = 37;				/* half a port */
	check(ALL, true, 0, 0x323e8fc2);
	for (length = 0; length < 34; length++)
		check(ALL, false, 0, 0);
	be16(12, ETHERTYPE_ARP);
	length = 60;
	check(ALL, false, 0, 0);
}

static void options_and_headers_move_the_ports(void **state)
{
	static const uint8_t from[4] = { 66, 9, 149, 187 }, to[4] = { 161, 142, 100, 80 };

	v4(from, to, 6, 0xffff, 0xffff);
	frame[14] = 0x46;
	be16(38, 2794);
	be16(40, 1766);
	check(ALL, true, 1, 0x51ccc178);
}

static void tables(void **state)
{
	struct steer s = with(ALL);
	struct steer_hash h = { .made = true, .value = 0x51ccc178 }, none = { .value = 99 };

	assert_int_equal(steer_queue(&s, &h, 3), 0x51ccc178 % 3);
	assert_int_equal(steer_queue(&s, &none, 3), 0);
	s.entries = 5;
	for (unsigned i = 0; i < 5; i++)
		s.table[i] = (uint8_t)(4 - i);
	assert_int_equal(steer_queue(&s, &h, 5), 4 - 0x51ccc178 % 5);
	assert_int_equal(steer_queue(&s, &none, 5), 4);
}

static void words_say_it_all(void **state)
{
	struct steer s, back;
	char text[STEER_WORDS];

	dice_start();
	memset(&s, 0, sizeof(s));
	steer_print(&s, text);
	assert_string_equal(text, "");
	assert_true(steer_parse(&back, text, 1));
	assert_memory_equal(&s, &back, sizeof(s));
	for (int i = 0; i < 2000; i++) {
		unsigned queues = 1 + (unsigned)dice(8);

		memset(&s, 0, sizeof(s));
		s.algorithm = (uint8_t)dice(2);
		s.types = (uint8_t)dice(16);
		s.entries = i ? (unsigned)dice(STEER_TABLE + 1) : STEER_TABLE;
		for (unsigned k = 0; k < STEER_KEY; k++)
			s.key[k] = (uint8_t)dice(256);
		for (unsigned k = 0; k < s.entries; k++)
			s.table[k] = (uint8_t)dice((int)queues);
		steer_print(&s, text);
		assert_true(steer_parse(&back, text, queues));
		assert_memory_equal(&s, &back, sizeof(s));
	}
}

static void other_words_are_refused(void **state)
{
	static const char *const bad[] = {
		"x", "1", "1 f", "1 f 00 -", "2 f KEY -", "1 10 KEY -", "1 f KEY 0123", "1 f KEY 0-1",
		"-1 f KEY -", "1 f KEY",
	};
	struct steer s, none;
	char text[STEER_WORDS], key[2 * STEER_KEY + 1];

	memset(&none, 0, sizeof(none));
	memset(key, 'a', 2 * STEER_KEY);
	key[2 * STEER_KEY] = '\0';
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *at = strstr(bad[i], "KEY");

		if (at)
			snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - bad[i]), bad[i], key, at + 3);
		else
			snprintf(text, sizeof(text), "%s", bad[i]);
		assert_false(steer_parse(&s, text, 3));
		assert_memory_equal(&s, &none, sizeof(s));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_vectors),
		cmocka_unit_test(only_what_was_asked_for),
		cmocka_unit_test(options_and_headers_move_the_ports),
		cmocka_unit_test(tables),
		cmocka_unit_test(words_say_it_all),
		cmocka_unit_test(other_words_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
