/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Anti-spoofing.  Whatever cannot be judged is refused: with addresses given, an IP header that
 * contradicts itself or whose end is not in the bytes at hand does not pass.  Neighbour
 * advertisements that come in fragments are refused as well (RFC 6980 forbids them).
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "netd/guard.h"

#define ARP_BYTES		28u
#define ICMP6_NEIGHBOUR_ADVERT	136u

static bool all_zero(const uint8_t *p, unsigned n)
{
	while (n--)
		if (*p++)
			return false;
	return true;
}

static bool listed(const struct guard *g, const uint8_t *address, bool v6)
{
	for (unsigned i = 0; i < g->addresses; i++)
		if (g->address[i].v6 == v6 && !memcmp(g->address[i].bytes, address, v6 ? 16 : 4))
			return true;
	return false;
}

static enum guard_verdict check_arp(const struct guard *g, const struct frame *f)
{
	const uint8_t *arp = f->bytes + f->l3;

	if (f->n - f->l3 < ARP_BYTES)
		return GUARD_BAD_IP;
	/* Ethernet and IPv4, 6 and 4 bytes long */
	if (frame_be16(arp) != 1 || frame_be16(arp + 2) != ETHERTYPE_IPV4 || arp[4] != 6 ||
	    arp[5] != 4)
		return GUARD_BAD_IP;
	if (memcmp(arp + 8, g->mac, MAC_BYTES))
		return GUARD_BAD_MAC;
	if (!g->addresses || all_zero(arp + 14, 4) || listed(g, arp + 14, false))
		return GUARD_PASS;
	return GUARD_BAD_IP;
}

static enum guard_verdict check_ipv6(const struct guard *g, const struct frame *f)
{
	const uint8_t *ip = f->bytes + f->l3, *target;
	bool any_v6 = false;

	for (unsigned i = 0; i < g->addresses; i++)
		any_v6 |= g->address[i].v6;
	if (!any_v6 || f->odd)
		return GUARD_BAD_IP;
	if (!all_zero(ip + 8, 16) && !(ip[8] == 0xfe && (ip[9] & 0xc0) == 0x80) &&
	    !listed(g, ip + 8, true))
		return GUARD_BAD_IP;
	if (f->proto != IPPROTO_NUMBER_ICMP6) {
		/* Extension headers that go on beyond what we see could hide anything. */
		return f->l4 || f->fragment ? GUARD_PASS : GUARD_BAD_IP;
	}
	if (f->fragment || !f->l4)
		return GUARD_BAD_IP;
	if (f->bytes[f->l4] != ICMP6_NEIGHBOUR_ADVERT)
		return GUARD_PASS;
	if (f->n < f->l4 + 24)
		return GUARD_BAD_IP;
	target = f->bytes + f->l4 + 8;
	if ((target[0] == 0xfe && (target[1] & 0xc0) == 0x80) || listed(g, target, true))
		return GUARD_PASS;
	return GUARD_BAD_IP;
}

enum guard_verdict guard_check(const struct guard *g, const struct frame *f)
{
	if (!g->on)
		return GUARD_PASS;
	if (memcmp(f->bytes + MAC_BYTES, g->mac, MAC_BYTES))
		return GUARD_BAD_MAC;
	if (f->type == ETHERTYPE_ARP)
		return check_arp(g, f);
	if (!g->addresses)
		return GUARD_PASS;
	if (f->type == ETHERTYPE_IPV4) {
		const uint8_t *source = f->bytes + f->l3 + 12;

		return !f->odd && (all_zero(source, 4) || listed(g, source, false)) ?
			GUARD_PASS : GUARD_BAD_IP;
	}
	if (f->type == ETHERTYPE_IPV6)
		return check_ipv6(g, f);
	return GUARD_PASS;
}

bool guard_addresses(struct guard *g, const char *text)
{
	char one[INET6_ADDRSTRLEN];
	unsigned n = 0;

	g->addresses = 0;
	while (*text) {
		struct guard_address *a = &g->address[n];
		size_t length;

		text += strspn(text, " ,+");
		length = strcspn(text, " ,+");
		if (!length)
			break;
		if (length >= sizeof(one) || n == GUARD_ADDRESSES)
			return false;
		memcpy(one, text, length);
		one[length] = '\0';
		text += length;
		memset(a, 0, sizeof(*a));
		a->v6 = strchr(one, ':');
		if (inet_pton(a->v6 ? AF_INET6 : AF_INET, one, a->bytes) != 1)
			return false;
		n++;
	}
	g->addresses = n;
	return true;
}

bool guard_mac(uint8_t mac[MAC_BYTES], const char *text)
{
	unsigned byte[MAC_BYTES];
	int used = 0;

	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &byte[0], &byte[1], &byte[2], &byte[3],
		   &byte[4], &byte[5], &used) != MAC_BYTES || text[used] || used != 17)
		return false;
	for (int i = 0; i < MAC_BYTES; i++)
		mac[i] = (uint8_t)byte[i];
	return !frame_group(mac) && !all_zero(mac, MAC_BYTES);
}
