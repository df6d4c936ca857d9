/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What passed through a ring between two looks at it.  Pure: works on samples and private copies.
 *
 * Requests and responses share the slots.  Request i lies in its slot from when req_prod passes i
 * until a response is written there, which the back end may do at any time before rsp_prod shows
 * it; response i, until the front end writes request i + slots there.  Both producers are read once
 * more after the contents were copied, so a message that something was *published* over by then is
 * told as what is left of it, or counted as lost.  What an end has written and not yet published
 * nobody can see: a request may show an answer already, which is why a capture is called sampled.
 */
#include <mica/io/ring.h>

#include "lib/ring_look.h"

#define WORDS	200

struct step {
	struct ring_capture *c;
	const struct ring_place *p;
	const void *copy;
	uint32_t bytes, slots, most;
	bool (*tell)(void *ctx, const struct ring_passed *m);
	void *ctx;
};

/* The words for message @m; false: nothing of it is left. */
static bool words_for(const struct step *s, const struct ring_passed *m, char *words, size_t room)
{
	const struct ring_place *p = s->p;

	if (m->partly)
		return ring_say_rest(p->layout, s->copy, s->bytes, p->slot_bytes, m->index,
				     &s->c->extra, words, room);
	if (m->response)
		ring_say_response(p->layout, s->copy, s->bytes, p->slot_bytes, m->index, words, room);
	else
		ring_say(p->layout, s->copy, s->bytes, p->slot_bytes, m->index, &s->c->extra, words,
			 room);
	return true;
}

static bool tell(const struct step *s, bool response, bool partly, uint32_t index)
{
	char words[WORDS];
	struct ring_passed m = { .response = response, .partly = partly, .index = index,
				 .words = words };

	if (!words_for(s, &m, words, sizeof(words))) {
		s->c->lost++;
		return true;
	}
	if (s->slots) {
		m.raw = (const uint8_t *)s->copy + RING_HEADER_BYTES +
			(index & (s->slots - 1)) * s->p->slot_bytes;
		m.raw_bytes = s->p->slot_bytes;
	}
	*(response ? &s->c->responses : &s->c->requests) += 1;
	return s->tell(s->ctx, &m);
}

static bool before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* Those from *@at up to @prod; nothing is left below @first, and all is from @whole on. */
static bool tell_all(const struct step *s, bool response, uint32_t *at, uint32_t prod,
		     uint32_t first, uint32_t whole)
{
	/* A guest writes all of the indices: never more than a ring full. */
	if (!s->slots || before(first, prod - s->most))
		first = prod - s->most;
	if (before(prod, first))
		first = prod;
	if (before(*at, first)) {
		s->c->lost += first - *at;
		s->c->extra &= response;
		*at = first;
	}
	while (*at != prod) {
		uint32_t index = (*at)++;

		if (!tell(s, response, s->slots && before(index, whole), index))
			return false;
	}
	return true;
}

bool ring_capture_step(struct ring_capture *c, const struct ring_place *p,
		       const struct ring_sample *s, const void *copy, bool *impossible,
		       bool (*tell_one)(void *ctx, const struct ring_passed *m), void *ctx)
{
	uint32_t bytes = (uint32_t)(p->pages * MICA_PAGE_BYTES);
	struct step step = { c, p, copy, bytes, ring_slots(bytes, p->slot_bytes),
			     ring_most(bytes, p->slot_bytes), tell_one, ctx };
	uint32_t left = s->req_after - step.slots;	/* the first slot no later request covers */

	*impossible = !s->torn && s->req_prod - s->rsp_prod > step.most;
	if (s->torn || *impossible)
		return !*impossible;
	/* At first what is in flight; and anew when it was closed and opened in between. */
	if (!c->started || before(s->req_prod, c->req) || before(s->rsp_prod, c->rsp))
		c->req = c->rsp = s->rsp_prod;
	c->started = true;
	return tell_all(&step, false, &c->req, s->req_prod, left, s->rsp_after) &&
		tell_all(&step, true, &c->rsp, s->rsp_prod, left, left);
}
