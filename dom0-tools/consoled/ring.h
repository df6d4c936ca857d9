/* SPDX-License-Identifier: BSD-2-Clause */
/* The console ring from the daemon's side. */
#ifndef MICA_CONSOLED_RING_H
#define MICA_CONSOLED_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mica/io/console.h>

#define RING_OUT_BYTES	sizeof(((struct xencons_interface *)0)->out)
#define RING_IN_BYTES	sizeof(((struct xencons_interface *)0)->in)

/*
 * Copy what the guest wrote and was not taken yet, at most RING_OUT_BYTES; the guest still owns
 * the space.  Returns the bytes.  When its indexes are impossible, *skipped is set and 0 returned:
 * nothing between them can be believed.
 */
size_t ring_peek(volatile struct xencons_interface *ring, char *to, bool *skipped);
/* Give @n peeked bytes of space back to the guest. */
void ring_take(volatile struct xencons_interface *ring, size_t n);
/* Forget everything up to the guest's own index. */
void ring_resync(volatile struct xencons_interface *ring);
/* out_cons: how far we are, modulo 2^32. */
uint32_t ring_place(volatile struct xencons_interface *ring);
/* Bytes not taken yet; 0 too when the indexes are impossible. */
uint32_t ring_pending(volatile struct xencons_interface *ring);
/* Bytes the guest has room for; 0 too when its indexes are impossible. */
size_t ring_room(volatile struct xencons_interface *ring);
/* Put at most @n bytes into the guest's input; returns how many. */
size_t ring_put(volatile struct xencons_interface *ring, const char *from, size_t n);

#endif
