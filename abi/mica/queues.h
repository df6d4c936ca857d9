/* SPDX-License-Identifier: MIT */
/*
 * Devices with several rings, and rings of several pages: how many of each two ends agree on, the
 * store keys they are published under, which ring a flow belongs to, and a pass over all rings of a
 * device that keeps the rules of <mica/ring.h> for each of them.
 *
 *	MICA_RING(blk, struct blkif_request, struct blkif_response)
 *	MICA_RING_QUEUES(blk, struct blkif_request, struct blkif_response, 4)
 *
 * makes struct blk_backs and struct blk_fronts of up to 4 rings.  One thread, one pass:
 *
 *	do {
 *		while ((rc = blk_backs_take(&set, &req, &queue)) == 1)
 *			serve(&req, queue);		(blk_back_answer(&set.ring[queue]) now or later)
 *		if (rc)
 *			...				ring @queue is dead: cut the device off, or go on
 *		blk_backs_push(&set);
 *	} while (rc || blk_backs_more(&set));
 *
 * and whoever leaves it will be woken by the next message on any ring.  A ring that is dead is told
 * of once; the others go on.  Rings served by threads of their own need no set.
 */
#ifndef MICA_QUEUES_H
#define MICA_QUEUES_H

#include <mica/ring.h>

#define MICA_RING_ORDER_MAX	4u	/* 16 pages: what stock front ends know at the most */
#define MICA_QUEUES_TURN	16u	/* messages of one ring in a row while others have some, too */
#define MICA_QUEUES_KEY		40u	/* bytes any key of mica_queue_key() fits in */

/* What both can: a back end that offers nothing (0) means one queue. */
static inline uint32_t mica_queues_agree(uint32_t offered, uint32_t wanted)
{
	uint32_t n = offered < wanted ? offered : wanted;

	return n ? n : 1;
}

/* log2 of the pages of a ring: as @wanted, but no more than the peer offers or anybody knows. */
static inline uint32_t mica_ring_agree_order(uint32_t offered, uint32_t wanted)
{
	uint32_t order = offered < wanted ? offered : wanted;

	return order < MICA_RING_ORDER_MAX ? order : MICA_RING_ORDER_MAX;
}

/* The queue of @nr a flow belongs to: always the same, so that it stays in order. */
static inline uint32_t mica_queue_of(uint32_t hash, uint32_t nr)
{
	/* The hashes of neighbours differ in their low bits. */
	return (uint32_t)((uint64_t)(hash * 0x9e3779b1u) * (nr ? nr : 1) >> 32);
}

static inline size_t mica_key_text(char *key, size_t at, const char *text)
{
	while (*text && at + 1 < MICA_QUEUES_KEY)
		key[at++] = *text++;
	key[at] = 0;
	return at;
}

static inline size_t mica_key_number(char *key, size_t at, uint32_t n)
{
	char digits[11];
	unsigned i = sizeof(digits) - 1;

	digits[i] = 0;
	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	return mica_key_text(key, at, digits + i);
}

/*
 * Key @name of @queue of @nr_queues: "event-channel", "queue-1/event-channel".  @nr_pages not 0: it
 * is page @page of so many, "ring-ref" where that is one and "ring-ref3" else.  Returns @key, of
 * MICA_QUEUES_KEY bytes; a @name that is too long is cut.
 */
static inline char *mica_queue_key(char *key, uint32_t nr_queues, uint32_t queue, const char *name,
				   uint32_t nr_pages, uint32_t page)
{
	size_t at = 0;

	if (nr_queues > 1) {
		at = mica_key_text(key, at, "queue-");
		at = mica_key_number(key, at, queue);
		at = mica_key_text(key, at, "/");
	}
	at = mica_key_text(key, at, name);
	if (nr_pages > 1)
		mica_key_number(key, at, page);
	return key;
}

/* Whose turn it is among the rings of a set. */
struct mica_queues {
	uint32_t nr;
	uint32_t now;		/* ring the next message is taken from, if it has one */
	uint32_t turn;		/* messages it may still give in a row */
	uint32_t told;		/* rings whose death was told; bit n: ring n */
};

static inline void mica_queues_next(struct mica_queues *q)
{
	q->now = q->now + 1 < q->nr ? q->now + 1 : 0;
	q->turn = MICA_QUEUES_TURN;
}

/*
 * MICA_RING_QUEUES(name, req_t, rsp_t, max), max at most 32, makes for NAME_backs (NAME_fronts alike):
 *
 * NAME_backs_init(s, nr)		rings 0 to nr - 1, each still to be attached: s->ring[i]
 * NAME_backs_take(s, &message, &queue)	1 one from ring @queue, 0 none now on any, -EPROTO ring @queue has
 *					died (told once).  Rings take turns.
 * NAME_backs_more(s)			final check of all: every ring is armed when it says false
 * NAME_backs_push(s)			publish on all; how many bells were rung
 * NAME_backs_dead(s)			all of them are
 */
#define MICA_RING_QUEUES(name, req_t, rsp_t, max)					\
MICA_RING_SET(name, back, req_t, max)							\
MICA_RING_SET(name, front, rsp_t, max)

#define MICA_RING_SET(name, end, message_t, max)					\
struct name##_##end##s {								\
	struct mica_queues q;								\
	struct name##_##end ring[max];							\
};											\
MICA_RING_FN void name##_##end##s_init(struct name##_##end##s *s, uint32_t nr)		\
{											\
	__builtin_memset(s, 0, sizeof(*s));						\
	if (nr < 1 || nr > (max) || nr > 32)						\
		mica_ring_bug("a set of no rings, or of more than it has room for");	\
	s->q.nr = nr < (max) ? nr : (max);						\
	s->q.turn = MICA_QUEUES_TURN;							\
}											\
MICA_RING_FN int name##_##end##s_take(struct name##_##end##s *s, message_t *out,	\
				      uint32_t *queue)					\
{											\
	for (uint32_t i = 0; s->q.nr && i <= s->q.nr; i++, mica_queues_next(&s->q)) {	\
		uint32_t at = s->q.now, bit = 1u << at;					\
		int rc;									\
											\
		if (!s->q.turn || (s->q.told & bit))					\
			continue;							\
		rc = name##_##end##_take(&s->ring[at], out);				\
		if (!rc)								\
			continue;							\
		*queue = at;								\
		s->q.turn--;								\
		if (rc < 0)								\
			s->q.told |= bit;						\
		return rc;								\
	}										\
	return 0;									\
}											\
MICA_RING_FN bool name##_##end##s_more(struct name##_##end##s *s)			\
{											\
	bool more = false;								\
											\
	for (uint32_t i = 0; i < s->q.nr; i++)						\
		if (!(s->q.told & 1u << i) && name##_##end##_more(&s->ring[i]))		\
			more = true;		/* and go on: all are to be armed */	\
	return more;									\
}											\
MICA_RING_FN uint32_t name##_##end##s_push(struct name##_##end##s *s)			\
{											\
	uint32_t rung = 0;								\
											\
	for (uint32_t i = 0; i < s->q.nr; i++)						\
		rung += name##_##end##_push(&s->ring[i]);				\
	return rung;									\
}											\
MICA_RING_FN bool name##_##end##s_dead(const struct name##_##end##s *s)			\
{											\
	for (uint32_t i = 0; i < s->q.nr; i++)						\
		if (!name##_##end##_dead(&s->ring[i]))					\
			return false;							\
	return true;									\
}

#endif /* MICA_QUEUES_H */
