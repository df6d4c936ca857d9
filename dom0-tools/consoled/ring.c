/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console ring from the daemon's side: pure functions over the shared page.
 *
 * The guest can write anything anywhere at any time, so each index is read once into a local and
 * judged before use.  Ours (out_cons, in_prod) are in the page too, so that a daemon that was
 * killed goes on where it stopped; a guest that scribbles on them harms its own console only,
 * because the distance to its index is checked each time.
 *
 * Peek, log, take: a byte is given back only after it is safe, so a kill loses none; mark.c keeps it
 * from standing in the log twice.
 */
#include "consoled/ring.h"

static uint32_t load(volatile uint32_t *index)
{
	return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

size_t ring_peek(volatile struct xencons_interface *ring, char *to, bool *skipped)
{
	uint32_t prod = load(&ring->out_prod), cons = load(&ring->out_cons);
	uint32_t n = prod - cons;

	*skipped = n > RING_OUT_BYTES;
	if (*skipped)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		to[i] = ring->out[MASK_XENCONS_IDX(cons + i, ring->out)];
	return n;
}

void ring_take(volatile struct xencons_interface *ring, size_t n)
{
	uint32_t cons = load(&ring->out_cons);

	__atomic_store_n(&ring->out_cons, cons + (uint32_t)n, __ATOMIC_SEQ_CST);
}

void ring_resync(volatile struct xencons_interface *ring)
{
	__atomic_store_n(&ring->out_cons, load(&ring->out_prod), __ATOMIC_SEQ_CST);
}

uint32_t ring_place(volatile struct xencons_interface *ring)
{
	return load(&ring->out_cons);
}

uint32_t ring_pending(volatile struct xencons_interface *ring)
{
	uint32_t n = load(&ring->out_prod) - load(&ring->out_cons);

	return n > RING_OUT_BYTES ? 0 : n;
}

size_t ring_room(volatile struct xencons_interface *ring)
{
	uint32_t used = load(&ring->in_prod) - load(&ring->in_cons);

	return used > RING_IN_BYTES ? 0 : RING_IN_BYTES - used;
}

size_t ring_put(volatile struct xencons_interface *ring, const char *from, size_t n)
{
	uint32_t prod = load(&ring->in_prod);
	size_t room = ring_room(ring);

	if (n > room)
		n = room;
	for (size_t i = 0; i < n; i++)
		ring->in[MASK_XENCONS_IDX(prod + (uint32_t)i, ring->in)] = from[i];
	__atomic_store_n(&ring->in_prod, prod + (uint32_t)n, __ATOMIC_SEQ_CST);
	return n;
}
