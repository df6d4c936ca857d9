/* SPDX-License-Identifier: BSD-2-Clause */
/* What the engines share: their names, and how a transfer that came short goes on. */
#include "blkd/engine.h"

const char *const engine_names[] = { "io_uring", "threads", "nbd", "none" };

bool xfer_advance(struct xfer *x, uint64_t bytes)
{
	x->offset += bytes;
	x->bytes -= bytes;
	while (x->nr_iov && bytes >= x->iov->iov_len) {
		bytes -= x->iov->iov_len;
		x->iov++;
		x->nr_iov--;
	}
	if (x->nr_iov && bytes) {
		x->iov->iov_base = (char *)x->iov->iov_base + bytes;
		x->iov->iov_len -= bytes;
	}
	return !x->bytes;
}
