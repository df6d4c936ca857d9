/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The uplink: a TAP device of dom0, which dom0 bridges or routes.  Frames have a virtio header, so
 * that checksums and segments are left to whoever needs them in both directions.
 *
 * Reading stops while its packets wait for a slow guest; then the kernel's queue fills and the
 * sender's TCP slows down, as with a real card.  Writing never waits: what does not fit is lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "netd/net.h"

#define FRAME_MOST	(65535u + FRAME_ETH_BYTES + FRAME_TAG_BYTES)
#define UPLINK_PARKED	32u	/* packets in hand beyond which nothing is read */

struct tap {
	int fd;
	struct port port;
	struct feed feed;
};

int tap_open(struct net *n, int fd)
{
	struct tap *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK)) {
		free(t);
		return -errno;
	}
	t->fd = fd;
	t->port.net = n;
	t->port.number = SWITCH_UPLINK;
	t->port.connected = true;
	t->port.capture.fd = -1;
	feed_init(&t->feed, &t->port);
	n->tap = t;
	n->port[SWITCH_UPLINK] = &t->port;
	return 0;
}

struct feed *tap_feed(struct net *n)
{
	return n->tap ? &n->tap->feed : NULL;
}

int tap_fd(struct net *n)
{
	return n->tap ? n->tap->fd : -1;
}

bool tap_blocked(struct net *n)
{
	struct feed *f = tap_feed(n);

	return f && (f->newest - f->oldest == NET_SLOTS || f->parked >= UPLINK_PARKED);
}

/* One frame into @b; its length, 0 when there is none. */
static unsigned read_frame(struct tap *t, struct buffer *b, struct vnet_header *v)
{
	struct iovec iov[2] = { { v, sizeof(*v) }, { b->bytes, FRAME_MOST } };
	ssize_t got = readv(t->fd, iov, 2);

	return got > (ssize_t)(sizeof(*v) + FRAME_ETH_BYTES) ? (unsigned)(got - sizeof(*v)) : 0;
}

/* The frame in a buffer no larger than it needs, so that the large ones stay free. */
static struct buffer *shrink(struct net *n, struct buffer *b, unsigned length)
{
	struct buffer *small = buffer_get(n, length);

	if (!small || small->room == b->room) {
		buffer_put(n, small);
		return b;
	}
	memcpy(small->bytes, b->bytes, length);
	buffer_put(n, b);
	return small;
}

unsigned tap_take(struct net *n, unsigned budget)
{
	struct tap *t = n->tap;
	unsigned taken = 0;

	while (taken < budget && batch_room(n) && !tap_blocked(n)) {
		struct buffer *b = buffer_get(n, BUFFER_LARGE);
		struct vnet_header v;
		struct offload o;
		struct packet *p;
		unsigned length;

		if (!b)
			break;
		length = read_frame(t, b, &v);
		if (!length || !offload_from_vnet(&v, b->bytes, length, &o)) {
			buffer_put(n, b);
			if (!length)
				break;
			switch_count(&n->sw, SWITCH_UPLINK, COUNT_drop_offload, 1);
			continue;
		}
		p = feed_new(&t->feed);
		p->buffer = shrink(n, b, length);
		p->head = p->buffer->bytes;
		p->head_bytes = p->length = length;
		p->offload = o;
		taken++;
	}
	return taken;
}

void tap_send(struct net *n, const struct iovec *parts, unsigned n_parts, unsigned length,
	      const struct offload *o)
{
	struct vnet_header v;
	struct iovec iov[3] = { { &v, sizeof(v) } };
	uint8_t head[FRAME_HEADER_BYTES];
	unsigned look = 0;

	for (unsigned i = 0; i < n_parts; i++) {
		unsigned take = FRAME_HEADER_BYTES - look;

		take = parts[i].iov_len < take ? (unsigned)parts[i].iov_len : take;
		memcpy(head + look, parts[i].iov_base, take);
		look += take;
		iov[i + 1] = parts[i];
	}
	if (!offload_to_vnet(o, head, look, length, &v)) {
		switch_count(&n->sw, SWITCH_UPLINK, COUNT_drop_offload, 1);
		return;
	}
	if (writev(n->tap->fd, iov, (int)n_parts + 1) < 0) {
		switch_count(&n->sw, SWITCH_UPLINK, COUNT_drop_full, 1);
		return;
	}
	switch_count(&n->sw, SWITCH_UPLINK, COUNT_out_frames, 1);
	switch_count(&n->sw, SWITCH_UPLINK, COUNT_out_bytes, length);
}
