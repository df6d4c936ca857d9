/* SPDX-License-Identifier: MIT */
/*
 * micaring: both ends of a shared request/response ring, laid out as <mica/io/ring.h> says.
 * Needs nothing but a C11 or C++17 compiler: kernels, user space and tests use the same file.
 *
 *	MICA_RING(blk, struct blkif_request, struct blkif_response)
 *
 * makes struct blk_front and struct blk_back with the calls listed at the end.  The rules
 * they keep, so that their callers cannot break them:
 *
 *  - A message is copied out once; there is no pointer into the ring to look at twice.
 *  - The peer's index is checked whenever it is read.  One that cannot be makes the ring
 *    dead: from then on take() says -EPROTO and nothing else is believed.
 *  - Our own indices live in private memory; what the peer writes over the shared ones
 *    changes nothing for us.
 *  - push() publishes and rings the bell in one call, more() arms and looks again in one.
 *
 * A pass over the ring is therefore always this, and whoever ends it with more() == false
 * will be woken by the next message:
 *
 *	do {
 *		while ((rc = blk_back_take(&ring, &req)) == 1)
 *			serve(&req);			(blk_back_answer() now or later)
 *		blk_back_push(&ring);
 *	} while (rc == 0 && blk_back_more(&ring));
 *
 *	      rsp_pushed    rsp_prod     req_cons     req_seen
 *	   -------+------------+------------+------------+------->   back end's indices
 *	   published  written,    taken, not   published,    free
 *	   answers    private     answered     not taken
 *
 * One end belongs to one thread at a time.  -DMICA_RING_CHECK stops the program when that
 * or another rule is broken, and overwrites responses that were taken.
 */
#ifndef MICA_RING_H
#define MICA_RING_H

#include <stdbool.h>
#include <mica/errno.h>
#include <mica/ids.h>
#include <mica/io/ring.h>
#include <mica/ring_mem.h>

/* How to notify the peer; ring may be null for a peer that polls. */
struct mica_bell {
	void (*ring)(void *ctx, uint32_t port);
	void *ctx;
	uint32_t port;
	uint32_t _pad;
};

#define MICA_RING_DEAD		1u	/* the peer's index was impossible */
#define MICA_RING_TOLD		2u	/* and more() has sent the caller to find out */
#define MICA_RING_OWES		4u	/* ring at the next push(), asked or not */
#define MICA_RING_INSIDE	8u	/* checking build: a call is under way */
#define MICA_RING_KEEPS		16u	/* a back end: requests stay for the next one, if we die */
#define MICA_RING_POISON	0xd5	/* checking build: fills consumed responses */

/*
 * One end, whatever its messages.  The consumer half counts what the peer produces, the
 * producer half what we do; only limits differ between front and back.
 */
struct mica_ring_end {
	struct ring_header *shared;
	struct mica_bell bell;
	uint32_t entries;
	uint32_t flags;		/* MICA_RING_* */
	uint32_t cons;		/* taken from the peer */
	uint32_t seen;		/* the peer's producer as last read and checked */
	uint32_t prod;		/* written by us */
	uint32_t pushed;	/* of these published */
	uint32_t misuse;	/* answers without a request, puts without room: not done */
	uint32_t bells;		/* notifications sent */
};

static inline void mica_ring_enter(struct mica_ring_end *r)
{
#ifdef MICA_RING_CHECK
	if (__atomic_fetch_or(&r->flags, MICA_RING_INSIDE, __ATOMIC_ACQUIRE) & MICA_RING_INSIDE)
		mica_ring_bug("two calls on one end of a ring at the same time");
#else
	(void)r;
#endif
}

static inline void mica_ring_leave(struct mica_ring_end *r)
{
#ifdef MICA_RING_CHECK
	if (r->prod - r->pushed > r->entries || r->seen - r->cons > r->entries)
		mica_ring_bug("the private indices of a ring have been overwritten");
	__atomic_fetch_and(&r->flags, ~MICA_RING_INSIDE, __ATOMIC_RELEASE);
#else
	(void)r;
#endif
}

static inline uint8_t *mica_ring_slot(const struct mica_ring_end *r, uint32_t index, size_t slot)
{
	return (uint8_t *)r->shared + RING_HEADER_BYTES + (index & (r->entries - 1)) * slot;
}

/* @shared: @bytes of mapped ring, at least a page; slots of @slot bytes. */
static inline void mica_ring_attach(struct mica_ring_end *r, void *shared, size_t bytes,
				    size_t slot, const struct mica_bell *bell)
{
	__builtin_memset(r, 0, sizeof(*r));
	r->shared = (struct ring_header *)shared;
	if (bell)
		r->bell = *bell;
	if (bytes >= RING_HEADER_BYTES + slot)
		r->entries = RING_ENTRIES(bytes, slot);
	else		/* no entries: nothing fits, and the first message kills it */
		mica_ring_bug("a ring smaller than one slot");
}

/*
 * Read the peer's producer index at @at and believe it only if it has not gone back and
 * names at most @most messages that were not taken yet.
 */
static inline bool mica_ring_look(struct mica_ring_end *r, const uint32_t *at, uint32_t most)
{
	uint32_t seen = mica_shared_load(at);

	if (seen - r->cons > most || seen - r->cons < r->seen - r->cons) {
		r->flags |= MICA_RING_DEAD;
		return false;
	}
	r->seen = seen;
	return true;
}

/* 1: copied out, 0: none now, -EPROTO: dead.  @at and @most as for mica_ring_look(). */
static inline int mica_ring_take(struct mica_ring_end *r, void *out, size_t bytes, size_t slot,
				 const uint32_t *at, uint32_t most)
{
	int rc = 0;

	mica_ring_enter(r);
	if (r->flags & MICA_RING_DEAD) {
		rc = -EPROTO;
	} else if (r->cons == r->seen && !mica_ring_look(r, at, most)) {
		rc = -EPROTO;
	} else if (r->cons != r->seen) {
		uint8_t *from = mica_ring_slot(r, r->cons, slot);

		mica_shared_get(out, from, bytes);
#ifdef MICA_RING_CHECK
		if (!(r->flags & MICA_RING_KEEPS))
			__builtin_memset(from, MICA_RING_POISON, bytes);
#endif
		r->cons++;
		rc = 1;
	}
	mica_ring_leave(r);
	return rc;
}

/*
 * The final check: ask to be woken by the @after-th message from here, then look again.
 * True: there are as many already, or the ring has just died; go on taking.
 */
static inline bool mica_ring_more(struct mica_ring_end *r, uint32_t *event, const uint32_t *at,
				  uint32_t most, uint32_t after)
{
	bool more = true;

	mica_ring_enter(r);
	if (after > most)
		after = most;		/* an event the peer cannot reach would never come */
	if (after == 0)
		after = 1;
	if (r->flags & MICA_RING_DEAD) {
		more = !(r->flags & MICA_RING_TOLD);
		r->flags |= MICA_RING_TOLD;
	} else if (r->seen - r->cons < after) {
		mica_shared_store_full(event, r->cons + after);
		if (mica_ring_look(r, at, most))
			more = r->seen - r->cons >= after;
		else
			r->flags |= MICA_RING_TOLD;
	}
	mica_ring_leave(r);
	return more;
}

/* Write the next message, private until pushed.  False, and nothing done: no @room. */
static inline bool mica_ring_put(struct mica_ring_end *r, const void *message, size_t bytes,
				 size_t slot, uint32_t room, const char *why)
{
	mica_ring_enter(r);
	if (room == 0 || room > r->entries) {
		r->misuse++;
		mica_ring_bug(why);
		room = 0;
	} else {
		mica_shared_put(mica_ring_slot(r, r->prod, slot), message, bytes);
		r->prod++;
	}
	mica_ring_leave(r);
	return room != 0;
}

/* Publish and notify; true when the bell was rung. */
static inline bool mica_ring_push(struct mica_ring_end *r, uint32_t *at, const uint32_t *event)
{
	uint32_t old = r->pushed, now = r->prod;
	bool wanted = (r->flags & MICA_RING_OWES) != 0;

	if (r->flags & MICA_RING_DEAD)
		return false;
	mica_ring_enter(r);
	if (now != old) {
		mica_shared_store_full(at, now);
		r->pushed = now;
		if (now - mica_shared_load(event) < now - old)
			wanted = true;
	}
	r->flags &= ~MICA_RING_OWES;
	if (wanted)
		r->bells++;
	mica_ring_leave(r);
	if (wanted && r->bell.ring)
		r->bell.ring(r->bell.ctx, r->bell.port);
	return wanted;
}

/* Ring the bell, asked or not: for a timer that finds messages out for too long. */
static inline void mica_ring_kick(struct mica_ring_end *r)
{
	r->bells++;
	if (r->bell.ring)
		r->bell.ring(r->bell.ctx, r->bell.port);
}

/* --- limits: back end --- */

/* Requests the front end can have published beyond those taken: it reuses a slot only
 * after it could see the response in it. */
static inline uint32_t mica_ring_back_most(const struct mica_ring_end *r)
{
	return r->entries - (r->cons - r->pushed);
}

/* Taken and not answered. */
static inline uint32_t mica_ring_back_open(const struct mica_ring_end *r)
{
	return r->cons - r->prod;
}

/* Go on with a ring another back end left: its responses stand, @req_cons were taken. */
static inline int mica_ring_back_resume(struct mica_ring_end *r, uint32_t req_cons)
{
	uint32_t rsp_prod = mica_shared_load(&r->shared->rsp_prod);

	if (req_cons - rsp_prod > r->entries)
		return -EPROTO;
	r->cons = r->seen = req_cons;
	r->prod = r->pushed = rsp_prod;
	r->flags |= MICA_RING_OWES;
	return mica_ring_look(r, &r->shared->req_prod, mica_ring_back_most(r)) ? 0 : -EPROTO;
}

/* --- limits: front end --- */

/* Responses that may still come: no more than requests published. */
static inline uint32_t mica_ring_front_most(const struct mica_ring_end *r)
{
	return r->pushed - r->cons;
}

static inline uint32_t mica_ring_front_room(const struct mica_ring_end *r)
{
	return r->entries - (r->prod - r->cons);
}

static inline void mica_ring_front_first(struct mica_ring_end *r)
{
	__builtin_memset(r->shared, 0, RING_HEADER_BYTES);
	r->shared->req_event = RING_FIRST_EVENT;
	r->shared->rsp_event = RING_FIRST_EVENT;
}

/* Of the functions below nobody needs all. */
#define MICA_RING_FN	__attribute__((unused)) static inline

/*
 * What MICA_RING(name, ...) makes; bytes is a whole number of pages, 2^n of them.
 *
 * NAME_back_attach(r, shared, bytes, bell)	a fresh ring: indices from 0
 * NAME_back_resume(r, shared, bytes, bell, req_cons)	one found in use; -EPROTO: impossible.
 *						The next push() rings even with nothing new.
 * NAME_back_take(r, &request)			1 copied out, 0 none now, -EPROTO dead
 * NAME_back_more(r)				final check; true: go on taking
 * NAME_back_more_after(r, n)			moderated: wake me by the n-th request from here.
 *						Requests may lie there meanwhile, so whoever uses
 *						it has a timer or an answer due that makes it look.
 * NAME_back_answer(r, &response)		false, counted: more answers than requests
 * NAME_back_push(r)				publish, ring the bell if asked; true when rung
 * NAME_back_req_cons(r), NAME_back_rsp_prod(r)	taken; published
 * NAME_back_open(r)				taken and not answered
 * NAME_back_dead(r)
 * NAME_front_attach(r, shared, bytes, bell)	also writes the first header
 * NAME_front_room(r)				requests that fit now
 * NAME_front_put(r, &request)			false, counted: no room
 * NAME_front_push(r), NAME_front_take(r, &response), NAME_front_more(r),
 * NAME_front_more_after(r, n), NAME_front_dead(r)	as above
 * NAME_front_open(r)				published and not answered
 * and for either end mica_ring_kick(&r->end)	ring the bell once more
 */
#define MICA_RING(name, req_t, rsp_t)							\
union name##_slot {									\
	req_t req;									\
	rsp_t rsp;									\
};											\
MICA_RING_BACK(name, req_t, rsp_t, sizeof(union name##_slot))				\
MICA_RING_FRONT(name, req_t, rsp_t, sizeof(union name##_slot))

#define MICA_RING_BACK(name, req_t, rsp_t, slot)					\
struct name##_back {									\
	struct mica_ring_end end;							\
};											\
MICA_RING_FN void name##_back_attach(struct name##_back *r, void *shared, size_t bytes,	\
				      const struct mica_bell *bell)			\
{											\
	mica_ring_attach(&r->end, shared, bytes, slot, bell);				\
	r->end.flags |= MICA_RING_KEEPS;						\
}											\
MICA_RING_FN int name##_back_resume(struct name##_back *r, void *shared, size_t bytes,	\
				     const struct mica_bell *bell, uint32_t req_cons)	\
{											\
	mica_ring_attach(&r->end, shared, bytes, slot, bell);				\
	r->end.flags |= MICA_RING_KEEPS;						\
	return mica_ring_back_resume(&r->end, req_cons);				\
}											\
MICA_RING_FN int name##_back_take(struct name##_back *r, req_t *out)			\
{											\
	return mica_ring_take(&r->end, out, sizeof(*out), slot,				\
			      &r->end.shared->req_prod, mica_ring_back_most(&r->end));	\
}											\
MICA_RING_FN bool name##_back_more_after(struct name##_back *r, uint32_t n)		\
{											\
	return mica_ring_more(&r->end, &r->end.shared->req_event,			\
			      &r->end.shared->req_prod, mica_ring_back_most(&r->end), n);	\
}											\
MICA_RING_FN bool name##_back_more(struct name##_back *r)				\
{											\
	return name##_back_more_after(r, 1);						\
}											\
MICA_RING_FN bool name##_back_answer(struct name##_back *r, const rsp_t *rsp)		\
{											\
	return mica_ring_put(&r->end, rsp, sizeof(*rsp), slot,				\
			     mica_ring_back_open(&r->end), "an answer nobody asked for");	\
}											\
MICA_RING_FN bool name##_back_push(struct name##_back *r)				\
{											\
	return mica_ring_push(&r->end, &r->end.shared->rsp_prod, &r->end.shared->rsp_event);	\
}											\
MICA_RING_FN uint32_t name##_back_req_cons(const struct name##_back *r)		\
{											\
	return r->end.cons;								\
}											\
MICA_RING_FN uint32_t name##_back_rsp_prod(const struct name##_back *r)		\
{											\
	return r->end.pushed;								\
}											\
MICA_RING_FN uint32_t name##_back_open(const struct name##_back *r)			\
{											\
	return mica_ring_back_open(&r->end);						\
}											\
MICA_RING_FN bool name##_back_dead(const struct name##_back *r)			\
{											\
	return (r->end.flags & MICA_RING_DEAD) != 0;					\
}

#define MICA_RING_FRONT(name, req_t, rsp_t, slot)					\
struct name##_front {									\
	struct mica_ring_end end;							\
};											\
MICA_RING_FN void name##_front_attach(struct name##_front *r, void *shared, size_t bytes,	\
				       const struct mica_bell *bell)			\
{											\
	mica_ring_attach(&r->end, shared, bytes, slot, bell);				\
	mica_ring_front_first(&r->end);							\
}											\
MICA_RING_FN uint32_t name##_front_room(const struct name##_front *r)			\
{											\
	return mica_ring_front_room(&r->end);						\
}											\
MICA_RING_FN bool name##_front_put(struct name##_front *r, const req_t *req)		\
{											\
	return mica_ring_put(&r->end, req, sizeof(*req), slot,				\
			     mica_ring_front_room(&r->end), "a request without room");	\
}											\
MICA_RING_FN bool name##_front_push(struct name##_front *r)				\
{											\
	return mica_ring_push(&r->end, &r->end.shared->req_prod, &r->end.shared->req_event);	\
}											\
MICA_RING_FN int name##_front_take(struct name##_front *r, rsp_t *out)			\
{											\
	return mica_ring_take(&r->end, out, sizeof(*out), slot,				\
			      &r->end.shared->rsp_prod, mica_ring_front_most(&r->end));	\
}											\
MICA_RING_FN bool name##_front_more_after(struct name##_front *r, uint32_t n)		\
{											\
	return mica_ring_more(&r->end, &r->end.shared->rsp_event,			\
			      &r->end.shared->rsp_prod, mica_ring_front_most(&r->end), n);	\
}											\
MICA_RING_FN bool name##_front_more(struct name##_front *r)				\
{											\
	return name##_front_more_after(r, 1);						\
}											\
MICA_RING_FN uint32_t name##_front_open(const struct name##_front *r)			\
{											\
	return mica_ring_front_most(&r->end);						\
}											\
MICA_RING_FN bool name##_front_dead(const struct name##_front *r)			\
{											\
	return (r->end.flags & MICA_RING_DEAD) != 0;					\
}

#endif /* MICA_RING_H */
