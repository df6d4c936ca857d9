/* SPDX-License-Identifier: MIT */
/*
 * Byte streams over shared memory: the pair of arrays of a flex ring (9pfs, pvcalls), and the
 * console's and the store's pages.  An array of 2^n bytes, a producer index and a consumer
 * index that run freely; byte i is at i & (size - 1).  One struct mica_bytes is one end of
 * one direction; the same rules as in <mica/ring.h>:
 *
 *  - the peer's index is checked at every read, one that cannot be kills the stream (-EPROTO);
 *  - bytes are copied out once, our own index is private memory;
 *  - what was written or read is told in one call, which also rings the bell: these rings have
 *    no event index, so every move of an index is notified, and nobody needs a final check.
 *
 * A writer: mica_bytes_write()... mica_bytes_push().  A reader: mica_bytes_read() or _peek()
 * and _skip()..., mica_bytes_push().  One thread an end.
 */
#ifndef MICA_FLEX_H
#define MICA_FLEX_H

#include <mica/ring.h>

struct mica_bytes {
	uint8_t *data;
	uint32_t *own;			/* shared: the index this end moves */
	const uint32_t *peer;		/* shared: the one the other end moves */
	struct mica_bell bell;
	uint32_t size;
	uint32_t flags;			/* MICA_RING_DEAD */
	uint32_t at;			/* our index, private */
	uint32_t pushed;		/* our index as published */
	uint32_t seen;			/* the peer's, as last read and checked */
	uint32_t writer;		/* 1: we produce, 0: we consume */
};

/*
 * @size: a power of two.  @own, @peer: the indices in shared memory, @from: our own as it was
 * left (0 for a fresh ring).  @bell may be null.
 */
static inline void mica_bytes_attach(struct mica_bytes *b, void *data, uint32_t size,
				     uint32_t *own, const uint32_t *peer, uint32_t from,
				     const struct mica_bell *bell)
{
	__builtin_memset(b, 0, sizeof(*b));
	b->data = (uint8_t *)data;
	b->size = size;
	b->own = own;
	b->peer = peer;
	b->at = b->pushed = from;
	if (bell)
		b->bell = *bell;
	if (!size || (size & (size - 1)))
		mica_ring_bug("a byte ring whose size is not a power of two");
}

static inline void mica_bytes_writer(struct mica_bytes *b, void *data, uint32_t size,
				     uint32_t *prod, const uint32_t *cons, uint32_t from,
				     const struct mica_bell *bell)
{
	mica_bytes_attach(b, data, size, prod, cons, from, bell);
	b->writer = 1;
	b->seen = from - size;
}

static inline void mica_bytes_reader(struct mica_bytes *b, const void *data, uint32_t size,
				     uint32_t *cons, const uint32_t *prod, uint32_t from,
				     const struct mica_bell *bell)
{
	mica_bytes_attach(b, (void *)(uintptr_t)data, size, cons, prod, from, bell);
	b->seen = from;
}

/* Can the peer's index be there?  It never goes back, nor beyond what it has been given. */
static inline bool mica_bytes_sane(const struct mica_bytes *b, uint32_t peer)
{
	if (b->writer)
		return b->at - peer <= b->at - b->seen && b->pushed - peer <= b->size;
	return peer - b->at >= b->seen - b->at && peer - b->at <= b->size;
}

/* Bytes that can be written (room) or read (queued) now; -EPROTO: dead. */
static inline int64_t mica_bytes_ready(struct mica_bytes *b)
{
	uint32_t peer;

	if (b->flags & MICA_RING_DEAD)
		return -EPROTO;
	peer = mica_shared_load(b->peer);
	if (!mica_bytes_sane(b, peer)) {
		b->flags |= MICA_RING_DEAD;
		return -EPROTO;
	}
	b->seen = peer;
	return b->writer ? b->size - (b->at - peer) : peer - b->at;
}

/* Copy @n bytes at stream position @index in or out; they are there. */
static inline void mica_bytes_move(struct mica_bytes *b, uint32_t index, void *to,
				   const void *from, uint32_t n)
{
	uint32_t offset = index & (b->size - 1);
	uint32_t first = b->size - offset < n ? b->size - offset : n;

	if (b->writer) {
		mica_shared_put(b->data + offset, from, first);
		mica_shared_put(b->data, (const uint8_t *)from + first, n - first);
	} else {
		mica_shared_get(to, b->data + offset, first);
		mica_shared_get((uint8_t *)to + first, b->data, n - first);
	}
}

/* Write what fits of @n bytes; the reader sees them after push().  -> how many, -EPROTO. */
static inline int64_t mica_bytes_write(struct mica_bytes *b, const void *from, uint32_t n)
{
	int64_t room = mica_bytes_ready(b);

	if (room < 0)
		return room;
	if (!b->writer) {
		mica_ring_bug("a reader writes");
		return 0;
	}
	if (room < (int64_t)n)
		n = (uint32_t)room;
	mica_bytes_move(b, b->at, (void *)0, from, n);
	b->at += n;
	return n;
}

/*
 * Copy up to @n bytes from @skip bytes ahead, without taking them.  -> how many, -EPROTO.  What was
 * looked at is to be taken with skip() and not read again: the peer may have changed it since.
 */
static inline int64_t mica_bytes_peek(struct mica_bytes *b, void *to, uint32_t skip, uint32_t n)
{
	int64_t queued = mica_bytes_ready(b);

	if (queued < 0)
		return queued;
	if (b->writer) {
		mica_ring_bug("a writer reads");
		return 0;
	}
	if (queued <= (int64_t)skip)
		return 0;
	if (queued - skip < (int64_t)n)
		n = (uint32_t)(queued - skip);
	mica_bytes_move(b, b->at + skip, to, (const void *)0, n);
	return n;
}

/* Take @n bytes that peek() has shown; more than was seen is our own mistake, and cut short. */
static inline void mica_bytes_skip(struct mica_bytes *b, uint32_t n)
{
	if (b->writer || n > b->seen - b->at) {
		mica_ring_bug("more bytes taken than were seen");
		n = b->writer ? 0 : b->seen - b->at;
	}
	b->at += n;
}

/* Copy up to @n bytes out and take them; the writer has room after push().  -> n, -EPROTO. */
static inline int64_t mica_bytes_read(struct mica_bytes *b, void *to, uint32_t n)
{
	int64_t got = mica_bytes_peek(b, to, 0, n);

	if (got > 0)
		mica_bytes_skip(b, (uint32_t)got);
	return got;
}

/* Publish our index and ring; true when there was anything to tell. */
static inline bool mica_bytes_push(struct mica_bytes *b)
{
	if (b->at == b->pushed || (b->flags & MICA_RING_DEAD))
		return false;
	mica_shared_store_full(b->own, b->at);
	b->pushed = b->at;
	if (b->bell.ring)
		b->bell.ring(b->bell.ctx, b->bell.port);
	return true;
}

/* --- flex rings --- */

#define MICA_FLEX_ORDER_MAX	9u	/* as many references as the first page holds, and sane */

/* First page of a flex ring; uint32_t references of 2^ring_order data pages follow. */
struct flex_indices {
	RING_IDX in_cons, in_prod;	/* front reads "in", back writes it */
	uint8_t _pad0[56];
	RING_IDX out_cons, out_prod;	/* front writes "out", back reads it */
	uint8_t _pad1[56];
	RING_IDX ring_order;
};
ABI_SIZE(struct flex_indices, 132);

/* Bytes of one of the two arrays. */
static inline uint32_t mica_flex_bytes(uint32_t order)
{
	return 1u << (order + 11);
}

/* The reference of data page @i, in the first page. */
static inline uint32_t *mica_flex_ref(void *first, uint32_t i)
{
	return (uint32_t *)(void *)((uint8_t *)first + sizeof(struct flex_indices)) + i;
}

/* @data: 2^@order mapped pages, "in" and then "out".  -EINVAL: no such order. */
static inline int mica_flex_front(struct mica_bytes *in, struct mica_bytes *out, void *first,
				  void *data, uint32_t order, const struct mica_bell *bell)
{
	struct flex_indices *shared = (struct flex_indices *)first;
	uint32_t bytes;

	if (order > MICA_FLEX_ORDER_MAX)
		return -EINVAL;
	bytes = mica_flex_bytes(order);
	shared->in_cons = shared->in_prod = shared->out_cons = shared->out_prod = 0;
	shared->ring_order = order;
	mica_bytes_reader(in, data, bytes, &shared->in_cons, &shared->in_prod, 0, bell);
	mica_bytes_writer(out, (uint8_t *)data + bytes, bytes, &shared->out_prod,
			  &shared->out_cons, 0, bell);
	return 0;
}

/* The same for the back end; @order as read from the first page once, before mapping. */
static inline int mica_flex_back(struct mica_bytes *in, struct mica_bytes *out, void *first,
				 void *data, uint32_t order, const struct mica_bell *bell)
{
	struct flex_indices *shared = (struct flex_indices *)first;
	uint32_t bytes;

	if (order > MICA_FLEX_ORDER_MAX)
		return -EINVAL;
	bytes = mica_flex_bytes(order);
	mica_bytes_writer(in, data, bytes, &shared->in_prod, &shared->in_cons, 0, bell);
	mica_bytes_reader(out, (uint8_t *)data + bytes, bytes, &shared->out_cons,
			  &shared->out_prod, 0, bell);
	return 0;
}

#endif /* MICA_FLEX_H */
