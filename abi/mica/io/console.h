/* SPDX-License-Identifier: MIT */
/*
 * The console ring, one page: two byte streams.  "in" flows to the guest, "out" from it.
 * Indexes run freely; byte i is at i & (size - 1).  The guest writes in_cons and
 * out_prod, the console daemon in_prod and out_cons; each sends an event after moving one.
 */
#ifndef MICA_ABI_IO_CONSOLE_H
#define MICA_ABI_IO_CONSOLE_H

#include <mica/types.h>

typedef uint32_t XENCONS_RING_IDX;

#define MASK_XENCONS_IDX(idx, ring)	((idx) & (sizeof(ring) - 1))

struct xencons_interface {
	char in[1024];
	char out[2048];
	XENCONS_RING_IDX in_cons, in_prod;
	XENCONS_RING_IDX out_cons, out_prod;
};
ABI_SIZE(struct xencons_interface, 3088);

#endif /* MICA_ABI_IO_CONSOLE_H */
