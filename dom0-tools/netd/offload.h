/* SPDX-License-Identifier: BSD-2-Clause */
/* Checksums and segments left to the last one on the way: finding, making, describing them. */
#ifndef MICA_NETD_OFFLOAD_H
#define MICA_NETD_OFFLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "netd/frame.h"

#define OFFLOAD_SEGMENT_LEAST	256u	/* payload of a segment made here; smaller ones are an attack */
#define OFFLOAD_SEGMENTS	260u	/* most of one frame */

/* What is left to do to a frame. */
struct offload {
	bool blank;			/* the TCP or UDP checksum is not there yet */
	bool valid;			/* the sender vouches for the data */
	uint8_t gso_type;		/* XEN_NETIF_GSO_TYPE_* */
	uint16_t gso_size;		/* payload of each segment */
};

/* The header of IFF_VNET_HDR, little-endian; see struct virtio_net_hdr. */
struct vnet_header {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t header_bytes;
	uint16_t gso_size;
	uint16_t checksum_start;
	uint16_t checksum_offset;
};

#define VNET_NEEDS_CHECKSUM	1u
#define VNET_DATA_VALID		2u
#define VNET_GSO_NONE		0u
#define VNET_GSO_TCPV4		1u
#define VNET_GSO_TCPV6		4u
#define VNET_GSO_ECN		0x80u

/* Where the checksum of a TCP or UDP frame is: *l4 and *sum from its start.  False: none. */
bool offload_find(const uint8_t *bytes, unsigned n, unsigned *l4, unsigned *sum);
/* Make the checksum of a whole frame, IPv4 or IPv6.  False: no TCP or UDP, or it lies. */
bool offload_checksum(uint8_t *bytes, unsigned length);
/*
 * Cut a TCP frame into segments with their checksums, one behind the other in @out[@room].
 * ends[i]: where segment i ends.  How many; 0: it cannot be done.
 */
unsigned offload_segment(const uint8_t *bytes, unsigned length, const struct offload *o,
			 uint8_t *out, unsigned room, uint32_t ends[OFFLOAD_SEGMENTS]);
/* For a frame on its way to the TAP device; @head: its first @n bytes, tag and all. */
bool offload_to_vnet(const struct offload *o, const uint8_t *head, unsigned n, unsigned length,
		     struct vnet_header *v);
/*
 * For a frame from there.  A checksum that no guest would find is made at once.  False: nothing
 * a guest could be given.
 */
bool offload_from_vnet(const struct vnet_header *v, uint8_t *bytes, unsigned length,
		       struct offload *o);

#endif
