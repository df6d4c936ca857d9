/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the pages of a ring are reached: the one thing ring_look.h needs from below.  Apart, because
 * the real one (ring_xen.c) includes headers of Debian's that name the same things as ours.
 */
#ifndef MICA_LIB_RING_EYES_H
#define MICA_LIB_RING_EYES_H

#include <stdint.h>

#define RING_PAGES_MAX		16u

struct ring_eyes {
	void *ctx;
	/* Map for reading only; -errno when there is no such grant. */
	int (*map)(void *ctx, uint16_t domain, const uint32_t *refs, unsigned n, void **where);
	void (*unmap)(void *ctx, void *where, unsigned n);
};

/* Through /dev/xen/gntdev.  0 or -errno. */
int ring_eyes_xen(struct ring_eyes *eyes);
void ring_eyes_close(struct ring_eyes *eyes);

#endif
