/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checksum and segmentation offload.  Frames between guests that both can do it are passed as
 * they are; what is here is for the TAP device, whose virtio header says the same in other words,
 * and for receivers that cannot: the work is then done in dom0's memory.
 */
#include <string.h>
#include <mica/io/netif.h>

#include "netd/offload.h"

#define TCP_SUM		16u		/* the checksum's place in the header */
#define UDP_SUM		6u
#define TCP_FIN		0x01
#define TCP_PSH		0x08
#define TCP_CWR		0x80

static uint32_t sum_add(uint32_t sum, const uint8_t *p, unsigned n)
{
	for (; n >= 2; n -= 2, p += 2)
		sum += frame_be16(p);
	return n ? sum + ((uint32_t)*p << 8) : sum;
}

static uint16_t sum_end(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put_be16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put_be32(uint8_t *at, uint32_t value)
{
	put_be16(at, value >> 16);
	put_be16(at + 2, value & 0xffff);
}

static bool find(const struct frame *f, unsigned *l4, unsigned *sum)
{
	unsigned header;

	if (f->odd || f->fragment || !f->l4 ||
	    (f->type != ETHERTYPE_IPV4 && f->type != ETHERTYPE_IPV6))
		return false;
	if (f->proto != IPPROTO_NUMBER_TCP && f->proto != IPPROTO_NUMBER_UDP)
		return false;
	header = f->proto == IPPROTO_NUMBER_TCP ? 20 : 8;
	*l4 = f->l4;
	*sum = f->l4 + (f->proto == IPPROTO_NUMBER_TCP ? TCP_SUM : UDP_SUM);
	return f->l4 + header <= f->n;
}

bool offload_find(const uint8_t *bytes, unsigned n, unsigned *l4, unsigned *sum)
{
	struct frame f;

	return frame_parse(&f, bytes, n) && find(&f, l4, sum);
}

/* The transport's bytes as the IP header has it (a short frame is padded); 0: more than are there. */
static unsigned l4_bytes(const struct frame *f, unsigned length)
{
	const uint8_t *ip = f->bytes + f->l3;
	unsigned end = f->l3 + (f->type == ETHERTYPE_IPV4 ? frame_be16(ip + 2) :
				40 + frame_be16(ip + 4));

	return end > length || end < f->l4 ? 0 : end - f->l4;
}

static uint16_t l4_sum(const struct frame *f, unsigned n)
{
	const uint8_t *ip = f->bytes + f->l3;
	uint32_t sum = f->proto + n;

	sum = f->type == ETHERTYPE_IPV4 ? sum_add(sum, ip + 12, 8) : sum_add(sum, ip + 8, 32);
	return sum_end(sum_add(sum, f->bytes + f->l4, n));
}

bool offload_checksum(uint8_t *bytes, unsigned length)
{
	unsigned l4, at, n;
	struct frame f;
	uint16_t sum;

	if (!frame_parse(&f, bytes, length) || !find(&f, &l4, &at))
		return false;
	n = l4_bytes(&f, length);
	if (n < at + 2 - l4)
		return false;
	put_be16(bytes + at, 0);
	sum = l4_sum(&f, n);
	if (!sum && f.proto == IPPROTO_NUMBER_UDP)
		sum = 0xffff;
	put_be16(bytes + at, sum);
	return true;
}

static void fix_ip(uint8_t *bytes, const struct frame *f, unsigned length, unsigned nth)
{
	uint8_t *ip = bytes + f->l3;

	if (f->type == ETHERTYPE_IPV6) {
		put_be16(ip + 4, length - f->l3 - 40);
		return;
	}
	put_be16(ip + 2, length - f->l3);
	put_be16(ip + 4, (frame_be16(ip + 4) + nth) & 0xffff);
	put_be16(ip + 10, 0);
	put_be16(ip + 10, sum_end(sum_add(0, ip, f->l4 - f->l3)));
}

static void fix_tcp(uint8_t *bytes, const struct frame *f, unsigned nth, uint32_t done, bool last)
{
	uint8_t *tcp = bytes + f->l4;
	uint32_t seq = (uint32_t)frame_be16(tcp + 4) << 16 | frame_be16(tcp + 6);

	put_be32(tcp + 4, seq + done);
	if (!last)
		tcp[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	if (nth)
		tcp[13] &= (uint8_t)~TCP_CWR;
}

unsigned offload_segment(const uint8_t *bytes, unsigned length, const struct offload *o,
			 uint8_t *out, unsigned room, uint32_t ends[OFFLOAD_SEGMENTS])
{
	unsigned l4, at, head, total, nth = 0;
	uint32_t used = 0;
	struct frame f;

	if (!frame_parse(&f, bytes, length) || !find(&f, &l4, &at) ||
	    f.proto != IPPROTO_NUMBER_TCP || o->gso_size < OFFLOAD_SEGMENT_LEAST)
		return 0;
	head = l4 + (bytes[l4 + 12] >> 4) * 4u;
	total = l4_bytes(&f, length);
	if (head < l4 + 20 || total <= head - l4)
		return 0;
	total -= head - l4;		/* of payload */
	for (uint32_t done = 0; done < total; nth++) {
		uint32_t n = total - done < o->gso_size ? total - done : o->gso_size;

		if (nth == OFFLOAD_SEGMENTS || room - used < head + n)
			return 0;
		memcpy(out + used, bytes, head);
		memcpy(out + used + head, bytes + head + done, n);
		fix_ip(out + used, &f, head + n, nth);
		fix_tcp(out + used, &f, nth, done, done + n == total);
		if (!offload_checksum(out + used, head + n))
			return 0;
		used += head + n;
		done += n;
		ends[nth] = used;
	}
	return nth;
}

bool offload_to_vnet(const struct offload *o, const uint8_t *head, unsigned n, unsigned length,
		     struct vnet_header *v)
{
	unsigned l4, sum;

	memset(v, 0, sizeof(*v));
	v->flags = o->valid ? VNET_DATA_VALID : 0;
	if (!o->blank && !o->gso_type)
		return true;
	if (!offload_find(head, n, &l4, &sum) || sum + 2 > length)
		return false;
	v->flags = VNET_NEEDS_CHECKSUM;
	v->checksum_start = (uint16_t)l4;
	v->checksum_offset = (uint16_t)(sum - l4);
	if (!o->gso_type)
		return true;
	if (sum - l4 != TCP_SUM)
		return false;
	v->gso_type = o->gso_type == XEN_NETIF_GSO_TYPE_TCPV4 ? VNET_GSO_TCPV4 : VNET_GSO_TCPV6;
	v->gso_size = o->gso_size;
	v->header_bytes = (uint16_t)(l4 + (head[l4 + 12] >> 4) * 4u);
	return v->header_bytes < length;
}

bool offload_from_vnet(const struct vnet_header *v, uint8_t *bytes, unsigned length,
		       struct offload *o)
{
	unsigned l4, sum, at = (unsigned)v->checksum_start + v->checksum_offset;

	memset(o, 0, sizeof(*o));
	o->valid = v->flags & VNET_DATA_VALID;
	switch (v->gso_type & ~VNET_GSO_ECN) {
	case VNET_GSO_NONE:
		break;
	case VNET_GSO_TCPV4:
	case VNET_GSO_TCPV6:
		o->gso_type = (v->gso_type & ~VNET_GSO_ECN) == VNET_GSO_TCPV4 ?
			XEN_NETIF_GSO_TYPE_TCPV4 : XEN_NETIF_GSO_TYPE_TCPV6;
		o->gso_size = v->gso_size;
		if (!o->gso_size || !offload_find(bytes, length, &l4, &sum))
			return false;
		break;
	default:
		return false;
	}
	if (!(v->flags & VNET_NEEDS_CHECKSUM))
		return true;
	o->valid = true;
	o->blank = offload_find(bytes, length, &l4, &sum) && sum == at;
	if (o->blank)
		return true;
	if (o->gso_type || at + 2u > length || v->checksum_start >= length)
		return false;
	put_be16(bytes + at, sum_end(sum_add(0, bytes + v->checksum_start,
					     length - v->checksum_start)));
	return true;
}
