/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the headers of a frame.  Pure, over a private copy of its first bytes; nothing is
 * believed that lies beyond them.
 */
#include <string.h>

#include "netd/frame.h"

#define IPV6_EXTENSIONS_MOST	8

bool frame_broadcast(const uint8_t *mac)
{
	static const uint8_t all[MAC_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	return !memcmp(mac, all, MAC_BYTES);
}

bool frame_reserved(const uint8_t *mac)
{
	static const uint8_t head[5] = { 0x01, 0x80, 0xc2, 0x00, 0x00 };

	return !memcmp(mac, head, sizeof(head)) && mac[5] <= 0x0f;
}

static void parse_ipv4(struct frame *f)
{
	const uint8_t *ip = f->bytes + f->l3;
	unsigned words;

	if (f->n - f->l3 < 20 || ip[0] >> 4 != 4 || (ip[0] & 15) < 5) {
		f->odd = true;
		return;
	}
	words = ip[0] & 15;
	f->proto = ip[9];
	f->fragment = frame_be16(ip + 6) & 0x3fff;	/* more follow, or not the first */
	if (!(frame_be16(ip + 6) & 0x1fff) && f->l3 + words * 4 < f->n)
		f->l4 = f->l3 + words * 4;
}

static void parse_ipv6(struct frame *f)
{
	const uint8_t *ip = f->bytes + f->l3;
	unsigned at = f->l3 + 40, next;

	if (f->n - f->l3 < 40 || ip[0] >> 4 != 6) {
		f->odd = true;
		return;
	}
	next = ip[6];
	for (int i = 0; i < IPV6_EXTENSIONS_MOST; i++) {
		f->proto = (uint8_t)next;
		if (next != IPPROTO_NUMBER_HOP && next != IPPROTO_NUMBER_ROUTE &&
		    next != IPPROTO_NUMBER_DEST && next != IPPROTO_NUMBER_FRAGMENT) {
			if (at < f->n)
				f->l4 = at;
			return;
		}
		if (at + 8 > f->n)
			return;
		if (next == IPPROTO_NUMBER_FRAGMENT) {
			f->fragment = true;
			if (frame_be16(f->bytes + at + 2) & 0xfff8)
				return;
		}
		next = f->bytes[at];
		at += f->proto == IPPROTO_NUMBER_FRAGMENT ? 8 : (f->bytes[at + 1] + 1u) * 8;
	}
	f->odd = true;
}

bool frame_parse(struct frame *f, const uint8_t *bytes, unsigned n)
{
	unsigned at = FRAME_ETH_BYTES;

	*f = (struct frame){ .bytes = bytes, .n = n };
	if (n < FRAME_ETH_BYTES)
		return false;
	f->type = (uint16_t)frame_be16(bytes + 12);
	if (f->type == ETHERTYPE_VLAN && n >= FRAME_ETH_BYTES + FRAME_TAG_BYTES) {
		f->tagged = true;
		f->tci = (uint16_t)frame_be16(bytes + 14);
		f->type = (uint16_t)frame_be16(bytes + 16);
		at += FRAME_TAG_BYTES;
	}
	f->l3 = at;
	if (f->type == ETHERTYPE_IPV4)
		parse_ipv4(f);
	else if (f->type == ETHERTYPE_IPV6)
		parse_ipv6(f);
	return true;
}

void frame_untag(uint8_t *bytes)
{
	memmove(bytes + FRAME_TAG_BYTES, bytes, 2 * MAC_BYTES);
}

void frame_tagged_head(uint8_t head[16], const uint8_t *bytes, uint16_t tci)
{
	memcpy(head, bytes, 2 * MAC_BYTES);
	head[12] = ETHERTYPE_VLAN >> 8;
	head[13] = ETHERTYPE_VLAN & 0xff;
	head[14] = (uint8_t)(tci >> 8);
	head[15] = (uint8_t)tci;
}
