/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Following a capture: whole blocks only, so that what a reader has got at any time is a capture by
 * itself.  A block that is being written is left for the next time.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/pcapng.h"

#define BLOCK_SECTION	0x0a0d0d0au
#define BLOCK_PACKET	6u
#define BLOCK_LEAST	12u
#define BLOCK_MOST	(128u << 10)

static int write_all(int fd, const uint8_t *data, size_t n)
{
	while (n) {
		ssize_t did = write(fd, data, n);

		if (did < 0 && errno != EINTR)
			return -errno;
		if (did > 0) {
			data += did;
			n -= (size_t)did;
		}
	}
	return 0;
}

/* The bytes of the block at t->at, in @block; 0: it is not all there. */
static int next_block(const struct pcapng_tail *t, uint8_t block[BLOCK_MOST], uint32_t *kind)
{
	uint32_t head[2];
	ssize_t got = pread(t->from, head, sizeof(head), (off_t)t->at);

	if (got != (ssize_t)sizeof(head))
		return got < 0 ? -errno : 0;
	if (head[1] < BLOCK_LEAST || head[1] > BLOCK_MOST || head[1] % 4 ||
	    (!t->at && head[0] != BLOCK_SECTION))
		return -EPROTO;
	*kind = head[0];
	got = pread(t->from, block, head[1], (off_t)t->at);
	return got < 0 ? -errno : got == (ssize_t)head[1] ? (int)head[1] : 0;
}

int pcapng_copy(struct pcapng_tail *t)
{
	static uint8_t block[BLOCK_MOST];
	struct stat st;
	uint32_t kind = 0;
	int n;

	if (fstat(t->from, &st))
		return -errno;
	if ((uint64_t)st.st_size < t->at)
		t->at = 0;
	while ((n = next_block(t, block, &kind)) > 0) {
		int rc = write_all(t->to, block, (size_t)n);

		if (rc)
			return rc;
		t->at += (uint64_t)n;
		t->frames += kind == BLOCK_PACKET;
		if (t->most && t->frames == t->most)
			return 1;
	}
	return n;
}
