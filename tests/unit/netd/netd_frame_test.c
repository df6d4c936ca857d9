/* unit: dom0-tools/netd/frame.c dom0-tools/netd/guard.c dom0-tools/netd/config.c dom0-tools/netd/offload.c dom0-tools/netd/layout.c dom0-tools/netd/capture.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What netd reads and makes of bytes: headers, anti-spoofing, the operator's words, checksums and
 * segments, layouts over pages, captures.
 */
#include "host.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <mica/io/netif.h>

#include "netd/capture.h"
#include "netd/config.h"
#include "netd/layout.h"
#include "netd/offload.h"

static uint8_t bytes[70000];
static struct frame f;

static unsigned ether(unsigned type)
{
	memset(bytes, 0, 256);
	memcpy(bytes, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01", 12);
	bytes[12] = (uint8_t)(type >> 8);
	bytes[13] = (uint8_t)type;
	return 14;
}

/* IPv4 from 10.0.0.1 to 10.0.0.2 with @n bytes behind its header. */
static unsigned ipv4(unsigned proto, unsigned n)
{
	unsigned at = ether(0x0800);
	uint8_t *ip = bytes + at;

	ip[0] = 0x45;
	ip[2] = (uint8_t)((20 + n) >> 8);
	ip[3] = (uint8_t)(20 + n);
	ip[8] = 64;
	ip[9] = (uint8_t)proto;
	memcpy(ip + 12, "\x0a\0\0\x01\x0a\0\0\x02", 8);
	return at + 20;
}

static unsigned ipv6(unsigned next, unsigned n)
{
	unsigned at = ether(0x86dd);
	uint8_t *ip = bytes + at;

	ip[0] = 0x60;
	ip[4] = (uint8_t)(n >> 8);
	ip[5] = (uint8_t)n;
	ip[6] = (uint8_t)next;
	memcpy(ip + 8, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 16);
	memcpy(ip + 24, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02", 16);
	return at + 40;
}

static void headers_are_read(void **state)
{
	unsigned l4 = ipv4(6, 20), at;

	assert_true(frame_parse(&f, bytes, 128));
	assert_int_equal(f.l4, l4);
	assert_int_equal(f.proto, 6);
	bytes[14 + 6] = 0x20;			/* more fragments */
	frame_parse(&f, bytes, 128);
	assert_true(f.fragment && f.l4);
	bytes[14 + 7] = 1;			/* not the first */
	frame_parse(&f, bytes, 128);
	assert_true(f.fragment && !f.l4);
	bytes[14] = 0x44;			/* a header of 16 bytes */
	frame_parse(&f, bytes, 128);
	assert_true(f.odd);
	at = ipv6(0, 48);			/* hop-by-hop, then routing, then TCP */
	bytes[at] = 43;
	bytes[at + 8] = 6;
	bytes[at + 9] = 1;
	frame_parse(&f, bytes, 128);
	assert_int_equal(f.l4, at + 24);
	assert_int_equal(f.proto, 6);
	bytes[at + 8] = 0;			/* hop-by-hop for ever */
	bytes[at + 9] = 0;
	frame_parse(&f, bytes, 256);
	assert_true(f.odd || !f.l4 || f.proto != 6);
}

/* Every prefix of random headers: nothing outside is read (sanitizers), offsets are inside. */
static void any_bytes_can_be_parsed(void **state)
{
	dice_start();
	for (uint64_t step = 100000; step; step--) {
		unsigned n = (unsigned)dice(FRAME_HEADER_BYTES + 1), l4, sum;
		uint8_t *copy = malloc(n + 1);
		struct guard g = { .on = true };

		if (!dice(2))
			ipv6((unsigned)dice(64), (unsigned)dice(100));
		else
			ipv4((unsigned)dice(64), (unsigned)dice(100));
		for (int i = 0; i < 6; i++)
			bytes[12 + dice(100)] = (uint8_t)dice(1ull << 32);
		memcpy(copy, bytes, n);
		copy = realloc(copy, n ? n : 1);
		if (frame_parse(&f, copy, n)) {
			assert_true(f.l3 <= n && (!f.l4 || f.l4 < n));
			guard_addresses(&g, "10.0.0.1,fd00::1");
			guard_check(&g, &f);
			if (offload_find(copy, n, &l4, &sum))
				assert_true(sum + 2 <= n);
		}
		free(copy);
	}
}

static enum guard_verdict check(const struct guard *g, unsigned n)
{
	assert_true(frame_parse(&f, bytes, n));
	return guard_check(g, &f);
}

static void senders_are_checked(void **state)
{
	struct guard g = { .on = true };
	unsigned at;

	assert_true(guard_mac(g.mac, "02:00:00:00:00:01"));
	ipv4(17, 8);
	assert_int_equal(check(&g, 128), GUARD_PASS);
	assert_true(guard_addresses(&g, "10.0.0.1, fd00::1"));
	assert_int_equal(g.addresses, 2);
	assert_int_equal(check(&g, 128), GUARD_PASS);
	bytes[14 + 15] = 9;
	assert_int_equal(check(&g, 128), GUARD_BAD_IP);
	memset(bytes + 14 + 12, 0, 4);		/* DHCP */
	assert_int_equal(check(&g, 128), GUARD_PASS);
	bytes[14] = 0x4f;
	assert_int_equal(check(&g, 30), GUARD_BAD_IP);
	bytes[11] = 7;
	assert_int_equal(check(&g, 128), GUARD_BAD_MAC);

	at = ether(0x0806);			/* ARP */
	memcpy(bytes + at, "\0\1\x08\0\6\4\0\1\x02\0\0\0\0\x01\x0a\0\0\x01", 18);
	assert_int_equal(check(&g, 128), GUARD_PASS);
	bytes[at + 17] = 5;
	assert_int_equal(check(&g, 128), GUARD_BAD_IP);
	memset(bytes + at + 14, 0, 4);		/* a probe */
	assert_int_equal(check(&g, 128), GUARD_PASS);
	bytes[at + 13] = 5;
	assert_int_equal(check(&g, 128), GUARD_BAD_MAC);
	assert_int_equal(check(&g, 14 + 27), GUARD_BAD_IP);

	at = ipv6(58, 24);
	assert_int_equal(check(&g, 128), GUARD_PASS);
	bytes[at] = 136;			/* "fd00::2 is here" */
	memcpy(bytes + at + 8, bytes + 14 + 24, 16);
	assert_int_equal(check(&g, 128), GUARD_BAD_IP);
	bytes[at + 23] = 1;
	assert_int_equal(check(&g, 128), GUARD_PASS);
	assert_int_equal(check(&g, at + 20), GUARD_BAD_IP);
	bytes[14 + 8 + 15] = 3;
	assert_int_equal(check(&g, 128), GUARD_BAD_IP);
	memcpy(bytes + 14 + 8, "\xfe\x80", 2);	/* link-local */
	assert_int_equal(check(&g, 128), GUARD_PASS);
	at = ipv6(44, 32);			/* the same in a fragment */
	bytes[at] = 58;
	bytes[at + 3] = 1;
	assert_int_equal(check(&g, 128), GUARD_BAD_IP);
	guard_addresses(&g, "10.0.0.1");
	ipv6(58, 24);
	assert_int_equal(check(&g, 128), GUARD_BAD_IP);
	g.on = false;
	assert_int_equal(check(&g, 128), GUARD_PASS);
}

static void words_become_numbers(void **state)
{
	struct config_words w = { .mac = "02:00:00:00:00:01" };
	struct config_port c;
	uint64_t vlans[64];

	assert_null(config_parse(&c, &w, false));
	assert_false(c.sw.trunk || c.sw.isolated || c.sw.guard.on || c.capture);
	assert_true(c.sw.storm_fps && c.sw.macs == SWITCH_MACS);
	strcpy(w.trunk, "10,20-22");
	strcpy(w.vlan, "5");
	strcpy(w.antispoof, "1");
	strcpy(w.capture, "snaplen=1500,bytes=1000000");
	assert_null(config_parse(&c, &w, false));
	assert_true(c.sw.trunk && c.sw.native && c.sw.vlan == 5 && c.capture);
	assert_int_equal(c.snaplen, 1500);
	assert_int_equal(c.sw.vlans[0], 1ull << 10 | 7ull << 20);
	strcpy(w.vlan, "4095");
	assert_string_equal(config_parse(&c, &w, false), "vlan '4095' is not a number from 0 to 4094");
	strcpy(w.vlan, "-1");
	assert_non_null(config_parse(&c, &w, false));
	strcpy(w.vlan, "1");
	strcpy(w.isolated, "yes");
	assert_string_equal(config_parse(&c, &w, false), "isolated 'yes' is neither 0 nor 1");
	strcpy(w.isolated, "1");
	strcpy(w.mac, "03:00:00:00:00:01");
	assert_non_null(config_parse(&c, &w, false));
	strcpy(w.mac, "02:00:00:00:00:01 ");
	assert_non_null(config_parse(&c, &w, false));
	assert_false(config_vlans(vlans, "10-5"));
	assert_false(config_vlans(vlans, "0"));
	assert_false(config_vlans(vlans, "10,,x"));
	assert_false(config_vlans(vlans, "4095"));
	assert_true(config_vlans(vlans, "all"));
	assert_true(vlans[63] == ~0ull >> 1 && vlans[0] == ~0ull << 1);
	assert_true(config_name("lan-2"));
	assert_false(config_name("../lan") || config_name("") || config_name("2lan") ||
		     config_name("a-name-too-long"));
}

/* --- checksums and segments --- */

/* The plain definition, in another way than the code's: bytes one by one into a 64-bit sum. */
static uint16_t plain_sum(const uint8_t *p, unsigned n, uint64_t sum)
{
	for (unsigned i = 0; i < n; i++)
		sum += (uint64_t)p[i] << (i % 2 ? 0 : 8);
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void check_sum(const uint8_t *frame, unsigned length, bool v6, unsigned l4)
{
	unsigned proto = v6 ? 6 : frame[14 + 9], n = length - l4;
	uint16_t sum = plain_sum(v6 ? frame + 22 : frame + 26, v6 ? 32 : 8, proto + n);

	assert_int_equal(plain_sum(frame + l4, n, sum), 0xffff);
	if (!v6)
		assert_int_equal(plain_sum(frame + 14, l4 - 14, 0), 0xffff);
}

static void segments_add_up(void **state)
{
	static uint8_t out[96 << 10];
	static uint32_t ends[OFFLOAD_SEGMENTS];

	dice_start();
	for (int round = 0; round < 400; round++) {
		bool v6 = !dice(2);
		unsigned payload = 1 + (unsigned)dice(65000);
		unsigned l4 = v6 ? ipv6(6, 32 + payload) : ipv4(6, 32 + payload), head = l4 + 32;
		struct offload o = { .gso_type = 1,
				     .gso_size = (uint16_t)(256 + dice(3000)) };
		unsigned n, done = 0, start = 0;

		bytes[l4 + 12] = 0x80;		/* 12 bytes of options */
		bytes[l4 + 13] = 0x19;		/* FIN, PSH, ACK */
		for (unsigned i = 0; i < payload; i++)
			bytes[head + i] = (uint8_t)dice(1ull << 32);
		n = offload_segment(bytes, head + payload, &o, out, sizeof(out), ends);
		assert_int_equal(n, (payload + o.gso_size - 1) / o.gso_size);
		for (unsigned i = 0; i < n; i++) {
			const uint8_t *s = out + start;
			unsigned length = ends[i] - start, part = length - head;

			assert_memory_equal(s + head, bytes + head + done, part);
			assert_int_equal((uint32_t)frame_be16(s + l4 + 4) << 16 |
					 frame_be16(s + l4 + 6), done);
			assert_int_equal(s[l4 + 13] & 9, i + 1 == n ? 9 : 0);
			check_sum(s, length, v6, l4);
			done += part;
			start = ends[i];
		}
		assert_int_equal(done, payload);
	}
}

static void what_cannot_be_cut_is_not(void **state)
{
	static uint8_t out[96 << 10];
	static uint32_t ends[OFFLOAD_SEGMENTS];
	struct offload o = { .gso_type = 1, .gso_size = 1 };
	unsigned l4 = ipv4(6, 20 + 60000);

	bytes[l4 + 12] = 0x50;
	assert_int_equal(offload_segment(bytes, l4 + 60020, &o, out, sizeof(out), ends), 0);
	o.gso_size = 1000;
	assert_int_equal(offload_segment(bytes, l4 + 60020, &o, out, sizeof(out), ends), 60);
	assert_int_equal(offload_segment(bytes, l4 + 60019, &o, out, sizeof(out), ends), 0);
	assert_int_equal(offload_segment(bytes, l4 + 60020, &o, out, 4000, ends), 0);
	bytes[l4 + 12] = 0x40;
	assert_int_equal(offload_segment(bytes, l4 + 60020, &o, out, sizeof(out), ends), 0);
	ipv4(17, 8);
	assert_int_equal(offload_segment(bytes, 42, &o, out, sizeof(out), ends), 0);
}

static void checksums_are_made(void **state)
{
	struct vnet_header v;
	struct offload o = { .blank = true };
	unsigned l4 = ipv4(17, 108), sum;

	bytes[l4 + 5] = 108;
	assert_true(offload_checksum(bytes, l4 + 108));
	bytes[24] = bytes[25] = 0;
	sum = plain_sum(bytes + 14, 20, 0) ^ 0xffff;
	bytes[24] = (uint8_t)(sum >> 8);
	bytes[25] = (uint8_t)sum;
	check_sum(bytes, l4 + 108, false, l4);
	assert_false(offload_checksum(bytes, l4 + 107));	/* the header says more */
	assert_true(offload_to_vnet(&o, bytes, 128, l4 + 108, &v));
	assert_int_equal(v.checksum_start, l4);
	assert_int_equal(v.checksum_offset, 6);
	assert_true(offload_from_vnet(&v, bytes, l4 + 108, &o) && o.blank);
	bytes[14 + 9] = 132;			/* SCTP: no guest would find that one */
	assert_true(offload_from_vnet(&v, bytes, l4 + 108, &o) && !o.blank);
	v.checksum_start = 60000;
	assert_false(offload_from_vnet(&v, bytes, l4 + 108, &o));
	o = (struct offload){ .blank = true };
	assert_false(offload_to_vnet(&o, bytes, 128, l4 + 108, &v));
	v = (struct vnet_header){ .gso_type = 3 };
	assert_false(offload_from_vnet(&v, bytes, l4 + 108, &o));
}

/* --- layout --- */

static void layouts_keep_every_byte(void **state)
{
	static struct layout l;

	dice_start();
	for (int round = 0; round < 20000; round++) {
		struct layout_part parts[LAYOUT_PARTS];
		unsigned n = 1 + (unsigned)dice(20), at = 0, total = 0, end = 0, i = 0;

		for (unsigned p = 0; p < n; p++) {
			unsigned offset = !dice(2) ? 0 : (unsigned)dice(4000);

			parts[p] = (struct layout_part){
				.from = { .by_ref = p > 0, .ref = p, .offset = offset,
					  .mem = p ? NULL : bytes },
				.bytes = 1 + (unsigned)dice(4096 - offset),
				.joins = !dice(4),
			};
			total += parts[p].bytes;
		}
		if (!layout_make(&l, parts, n, LAYOUT_SLOTS)) {
			assert_true((total + 4095) / 4096 > LAYOUT_SLOTS);
			continue;
		}
		assert_true(l.slots <= LAYOUT_SLOTS && l.slots <= (total + 4095) / 4096 + 1);
		for (unsigned k = 0; k < l.pieces; k++) {
			const struct layout_piece *c = &l.piece[k];

			if (at == parts[i].bytes)
				i++, at = 0;
			assert_int_equal(c->from.by_ref, i > 0);
			assert_int_equal(c->from.ref, i);
			if (i)
				assert_int_equal(c->from.offset, parts[i].from.offset + at);
			else
				assert_ptr_equal(c->from.mem, bytes + at);
			assert_true(!i || c->from.offset + c->bytes <= 4096);
			if (k && c->slot == l.piece[k - 1].slot)
				assert_int_equal(c->offset, end);
			else
				assert_int_equal(c->offset, 0);
			end = c->offset + c->bytes;
			assert_true(end <= 4096);
			at += c->bytes;
			total -= c->bytes;
		}
		assert_int_equal(total, 0);
		assert_int_equal(l.size[l.slots - 1], end);
	}
}

/* --- captures --- */

static uint32_t word_at(const uint8_t *p)
{
	uint32_t value;

	memcpy(&value, p, 4);
	return value;
}

static void captures_can_be_walked(void **state)
{
	struct capture c;
	struct iovec iov[2] = { { bytes, 50 }, { bytes + 50, 51 } };
	static uint8_t file[20000];
	uint32_t at = 0, packets = 0;
	char name[] = "/tmp/netd_capture_XXXXXX";
	int fd = mkstemp(name);
	ssize_t size;

	unlink(name);
	assert_int_equal(capture_start(&c, fd, "1.0", 64, 10000), 0);
	for (unsigned i = 0; i < 200; i++)
		capture_frame(&c, i % 2 ? CAPTURE_IN : CAPTURE_OUT, iov, 2, 101 + i,
			      0x123456789abcull + i);
	assert_true(c.missed && c.frames && c.missed + c.frames == 200);
	size = pread(fd, file, sizeof(file), 0);
	assert_true(size > 0 && size <= 10000);
	while (at < (uint32_t)size) {
		uint32_t type = word_at(file + at), length = word_at(file + at + 4);

		assert_true(length % 4 == 0 && length >= 12 && at + length <= (uint32_t)size);
		assert_int_equal(word_at(file + at + length - 4), length);
		if (type == 6) {
			assert_int_equal(word_at(file + at + 20), 64);
			assert_int_equal(word_at(file + at + 24), 101 + packets);
			assert_int_equal((uint64_t)word_at(file + at + 12) << 32 |
					 word_at(file + at + 16), 0x123456789abcull + packets);
			assert_memory_equal(file + at + 28, bytes, 64);
			packets++;
		}
		at += length;
	}
	assert_int_equal(packets, c.frames);
	capture_stop(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_read),
		cmocka_unit_test(any_bytes_can_be_parsed),
		cmocka_unit_test(senders_are_checked),
		cmocka_unit_test(words_become_numbers),
		cmocka_unit_test(segments_add_up),
		cmocka_unit_test(what_cannot_be_cut_is_not),
		cmocka_unit_test(checksums_are_made),
		cmocka_unit_test(layouts_keep_every_byte),
		cmocka_unit_test(captures_can_be_walked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
