/* SPDX-License-Identifier: BSD-2-Clause */
/* What the first bytes of an Ethernet frame say. */
#ifndef MICA_NETD_FRAME_H
#define MICA_NETD_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "netd/mac.h"

#define FRAME_ETH_BYTES		14u
#define FRAME_TAG_BYTES		4u
#define FRAME_HEADER_BYTES	128u	/* looked at, and copied through dom0, of each frame */

#define ETHERTYPE_IPV4		0x0800u
#define ETHERTYPE_ARP		0x0806u
#define ETHERTYPE_VLAN		0x8100u
#define ETHERTYPE_QINQ		0x88a8u
#define ETHERTYPE_QINQ_OLD	0x9100u
#define ETHERTYPE_IPV6		0x86ddu

#define IPPROTO_NUMBER_HOP	0u	/* IPv6 extension headers */
#define IPPROTO_NUMBER_TCP	6u
#define IPPROTO_NUMBER_UDP	17u
#define IPPROTO_NUMBER_ROUTE	43u
#define IPPROTO_NUMBER_FRAGMENT	44u
#define IPPROTO_NUMBER_ICMP6	58u
#define IPPROTO_NUMBER_DEST	60u

/*
 * All offsets are from the start of the frame and 0 when there is no such thing in the bytes
 * that were looked at.
 */
struct frame {
	const uint8_t *bytes;
	unsigned n;			/* bytes that may be looked at */
	bool tagged;
	uint16_t tci;			/* priority and VLAN of the tag */
	uint16_t type;			/* EtherType, behind the tag if there is one */
	unsigned l3;			/* network header */
	unsigned l4;			/* transport header, of the first fragment */
	uint8_t proto;			/* IPPROTO_NUMBER_*, when l3 is IP */
	bool fragment;			/* not the first, or not the only one */
	bool odd;			/* an IP header that contradicts itself or is cut short */
};

static inline unsigned frame_be16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static inline bool frame_is_tag(unsigned type)
{
	return type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD;
}

static inline bool frame_group(const uint8_t *mac)	/* broadcast or multicast */
{
	return mac[0] & 1;
}

bool frame_broadcast(const uint8_t *mac);
/* 01:80:c2:00:00:0x: for the next bridge only, never forwarded. */
bool frame_reserved(const uint8_t *mac);
/* Look at @n bytes; false: not even an Ethernet header. */
bool frame_parse(struct frame *f, const uint8_t *bytes, unsigned n);
/* Take the tag out in place: the frame begins FRAME_TAG_BYTES later. */
void frame_untag(uint8_t *bytes);
/* The first 16 bytes of @bytes' frame with a tag of @tci; the rest goes on at offset 12 there. */
void frame_tagged_head(uint8_t head[16], const uint8_t *bytes, uint16_t tci);

#endif
