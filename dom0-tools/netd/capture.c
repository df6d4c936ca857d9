/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pcapng writer: a section header, one interface with nanosecond stamps, then an enhanced
 * packet block for each frame.  Bounded: when the file is as long as it may get, frames are
 * counted as missed.  A write that fails or is cut short ends the file at the last whole block.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "netd/capture.h"

#define BLOCK_SECTION		0x0a0d0d0au
#define BLOCK_INTERFACE		1u
#define BLOCK_PACKET		6u
#define BYTE_ORDER_MAGIC	0x1a2b3c4du
#define LINK_ETHERNET		1u
#define OPTION_NAME		2u	/* if_name */
#define OPTION_FLAGS		2u	/* epb_flags: 1 inbound, 2 outbound */
#define OPTION_RESOLUTION	9u	/* if_tsresol: 9 is 10^-9 s */
#define NAME_MOST		60u
#define PARTS_MOST		32u

static uint32_t padded(uint32_t n)
{
	return (n + 3) & ~3u;
}

static uint32_t put32(uint8_t *to, uint32_t at, uint32_t value)
{
	memcpy(to + at, &value, 4);
	return at + 4;
}

static uint32_t put_option(uint8_t *to, uint32_t at, uint32_t code, const void *data, uint32_t n)
{
	at = put32(to, at, code | n << 16);
	memset(to + at, 0, padded(n));
	memcpy(to + at, data, n);
	return at + padded(n);
}

static int write_all(int fd, const void *data, size_t n)
{
	ssize_t did = write(fd, data, n);

	return did < 0 ? -errno : (size_t)did == n ? 0 : -ENOSPC;
}

int capture_start(struct capture *c, int fd, const char *name, uint32_t snaplen, uint64_t bytes)
{
	uint8_t head[28 + 20 + 4 + NAME_MOST + 8 + 8], nine = 9;
	uint32_t at = 0, start, length = (uint32_t)strnlen(name, NAME_MOST);
	int rc;

	at = put32(head, at, BLOCK_SECTION);
	at = put32(head, at, 28);
	at = put32(head, at, BYTE_ORDER_MAGIC);
	at = put32(head, at, 1);		/* version 1.0 */
	at = put32(head, at, ~0u);		/* length of the section: not said */
	at = put32(head, at, ~0u);
	at = put32(head, at, 28);
	start = at;
	at = put32(head, at, BLOCK_INTERFACE);
	at = put32(head, at, 0);		/* its length; below */
	at = put32(head, at, LINK_ETHERNET);
	at = put32(head, at, snaplen);
	at = put_option(head, at, OPTION_NAME, name, length);
	at = put_option(head, at, OPTION_RESOLUTION, &nine, 1);
	at = put32(head, at, 0);		/* end of options */
	put32(head, start + 4, at + 4 - start);
	at = put32(head, at, at + 4 - start);
	if (at > bytes)
		return -EINVAL;
	rc = write_all(fd, head, at);
	if (!rc)
		*c = (struct capture){ .fd = fd, .snaplen = snaplen, .room = bytes - at };
	return rc;
}

void capture_frame(struct capture *c, enum capture_way way, const struct iovec *parts,
		   unsigned n_parts, uint32_t length, uint64_t now_ns)
{
	static const uint8_t zero[4];
	struct iovec out[PARTS_MOST + 3];
	uint32_t kept = 0, total, at, n = 1, flags = way;
	uint8_t head[28], tail[4 + 8 + 4 + 4];
	ssize_t did;

	for (unsigned i = 0; i < n_parts && i < PARTS_MOST && kept < c->snaplen; i++) {
		uint32_t take = (uint32_t)parts[i].iov_len;

		take = take < c->snaplen - kept ? take : c->snaplen - kept;
		out[n++] = (struct iovec){ parts[i].iov_base, take };
		kept += take;
	}
	total = 28 + padded(kept) + 4 + 4 + 4 + 4;
	if (c->room < total) {
		c->missed++;
		return;
	}
	at = put32(head, 0, BLOCK_PACKET);
	at = put32(head, at, total);
	at = put32(head, at, 0);			/* the interface */
	at = put32(head, at, (uint32_t)(now_ns >> 32));
	at = put32(head, at, (uint32_t)now_ns);
	at = put32(head, at, kept);
	put32(head, at, length);
	out[0] = (struct iovec){ head, sizeof(head) };
	out[n++] = (struct iovec){ (void *)zero, padded(kept) - kept };
	at = put_option(tail, 0, OPTION_FLAGS, &flags, 4);
	at = put32(tail, at, 0);
	at = put32(tail, at, total);
	out[n++] = (struct iovec){ tail, at };
	did = writev(c->fd, out, (int)n);
	if (did != (ssize_t)total) {
		if (did > 0 && ftruncate(c->fd, lseek(c->fd, 0, SEEK_CUR) - did))
			c->room = 0;
		lseek(c->fd, 0, SEEK_END);
		c->room = 0;
		c->missed++;
		return;
	}
	c->room -= total;
	c->frames++;
}

void capture_stop(struct capture *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}
