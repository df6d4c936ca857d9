/* SPDX-License-Identifier: BSD-2-Clause */
/* Packet capture: pcapng files, as Wireshark and tcpdump read them. */
#ifndef MICA_NETD_CAPTURE_H
#define MICA_NETD_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#define CAPTURE_SNAPLEN		128u	/* bytes of a frame kept, unless told otherwise */
#define CAPTURE_SNAPLEN_MOST	65535u
#define CAPTURE_BYTES		(16ull << 20)

enum capture_way { CAPTURE_IN = 1, CAPTURE_OUT = 2 };	/* as seen from the port's guest: out, in */

struct capture {
	int fd;
	uint32_t snaplen;
	uint64_t room;			/* bytes the file may still grow */
	uint64_t frames, missed;	/* written; dropped because it was full or failed */
};

/*
 * Begin a file on @fd, which becomes the capture's.  @name: of the interface.  0 or -errno (the
 * descriptor stays the caller's then).
 */
int capture_start(struct capture *c, int fd, const char *name, uint32_t snaplen, uint64_t bytes);
/* One frame of @length bytes, of which @parts hold the first ones.  @now_ns: since 1970. */
void capture_frame(struct capture *c, enum capture_way way, const struct iovec *parts,
		   unsigned n_parts, uint32_t length, uint64_t now_ns);
void capture_stop(struct capture *c);

#endif
