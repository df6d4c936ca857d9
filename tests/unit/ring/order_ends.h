/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two ends of a small ring as programs for order.h: right ones, and each of the ways to get
 * notifications wrong.  Front end: sends @total requests, takes the answers.  Back end: answers.
 */
#ifndef UNIT_RING_ORDER_ENDS_H
#define UNIT_RING_ORDER_ENDS_H

#include <stdio.h>

MICA_RING(small, uint32_t, uint32_t)

#define FIRST_INDEX	0xffffffffu

enum manner {
	RIGHT,
	/* back end */
	NO_FINAL_CHECK,			/* arms, and does not look again */
	ARM_LATE,			/* looks first, arms afterwards */
	NEVER_ARM,
	ACK_LATE,			/* acknowledges the event when its work is done */
	BIND_AND_SLEEP,			/* binds its port and waits for the first event */
	/* front end */
	EXACT,				/* rings only when the event index is just reached */
	EVENT_EARLY,			/* reads the event index before it publishes */
	BELL_EARLY,			/* rings, then publishes */
	FULL_AND_SLEEP,			/* does not go on when answers have made room */
};

struct front_program {
	struct small_front ring;
	uint32_t sent, got, total, manner;
};

struct back_program {
	struct small_back ring;
	uint32_t served, manner, after, started;
};

static uint32_t broken_answers;

static enum order_end fall_asleep(bool more)
{
	return more ? ORDER_AGAIN : ORDER_SLEEP;
}

/* What push() must not be. */
static void push_wrongly(struct front_program *p)
{
	struct mica_ring_end *r = &p->ring.end;
	uint32_t old = r->pushed, now = r->prod, event = 0;

	if (now == old)
		return;
	if (p->manner == EVENT_EARLY || p->manner == BELL_EARLY)
		event = mica_shared_load(&r->shared->req_event);
	if (p->manner == BELL_EARLY && now - event < now - old)
		order_bell(NULL, 0);
	mica_shared_store_full(&r->shared->req_prod, now);
	r->pushed = now;
	if (p->manner == BELL_EARLY)
		return;
	if (p->manner == EXACT)
		event = mica_shared_load(&r->shared->req_event);
	if (p->manner == EXACT ? now == event : now - event < now - old)
		order_bell(NULL, 0);
}

static enum order_end front_body(void *program)
{
	struct front_program *p = program;
	bool full = !small_front_room(&p->ring);
	uint32_t message;

	while (p->sent < p->total && small_front_room(&p->ring)) {
		message = 100 + p->sent++;
		small_front_put(&p->ring, &message);
	}
	if (p->manner == EXACT || p->manner == EVENT_EARLY || p->manner == BELL_EARLY)
		push_wrongly(p);
	else
		small_front_push(&p->ring);
	while (small_front_take(&p->ring, &message) == 1)
		if (message != 200 + p->got++)
			broken_answers++;
	if (p->got == p->total)
		return ORDER_DONE;
	if (p->sent < p->total && small_front_room(&p->ring) &&
	    (p->manner != FULL_AND_SLEEP || full))
		return ORDER_AGAIN;
	return fall_asleep(small_front_more(&p->ring));
}

static enum order_end back_work(struct back_program *p)
{
	uint32_t message;

	while (small_back_take(&p->ring, &message) == 1) {
		if (message != 100 + p->served++)
			broken_answers++;
		message += 100;
		small_back_answer(&p->ring, &message);
	}
	small_back_push(&p->ring);
	switch (p->manner) {
	case NO_FINAL_CHECK:
		small_back_more(&p->ring);
		return ORDER_SLEEP;
	case NEVER_ARM:
		return ORDER_SLEEP;
	case ARM_LATE:
		if (mica_shared_load(&p->ring.end.shared->req_prod) != p->ring.end.cons)
			return ORDER_AGAIN;
		mica_shared_store_full(&p->ring.end.shared->req_event, p->ring.end.cons + 1);
		return ORDER_SLEEP;
	case ACK_LATE:
		if (small_back_more(&p->ring))
			return ORDER_AGAIN;
		order_ack();
		return ORDER_SLEEP;
	default:
		return fall_asleep(small_back_more_after(&p->ring, p->after));
	}
}

static enum order_end back_body(void *program)
{
	struct back_program *p = program;

	if (!p->started) {
		p->started = 1;
		order_bind();
		return p->manner == BIND_AND_SLEEP ? ORDER_SLEEP : ORDER_AGAIN;
	}
	return back_work(p);
}

static void start(struct order_world *w, uint32_t total, uint32_t entries, enum manner manner,
		  uint32_t after)
{
	struct mica_bell front_bell = { .ring = order_bell, .port = 0 };
	struct mica_bell back_bell = { .ring = order_bell, .port = 1 };
	struct ring_header header = { .req_event = FIRST_INDEX + 1, .rsp_event = FIRST_INDEX + 1 };
	struct front_program *f = (void *)w->actor[0].program;
	struct back_program *b = (void *)w->actor[1].program;

	_Static_assert(sizeof(*f) <= 128 && sizeof(*b) <= 128, "fits an actor");
	memset(w, 0, sizeof(*w));
	small_front_attach(&f->ring, order_page, 64 + entries * 4, &front_bell);
	small_back_attach(&b->ring, order_page, 64 + entries * 4, &back_bell);
	f->ring.end.cons = f->ring.end.seen = f->ring.end.prod = f->ring.end.pushed = FIRST_INDEX;
	b->ring.end.cons = b->ring.end.seen = b->ring.end.prod = b->ring.end.pushed = FIRST_INDEX;
	header.req_prod = header.rsp_prod = FIRST_INDEX;
	memcpy(w->memory, &header, sizeof(header));
	f->total = total;
	f->manner = b->manner = manner;
	b->after = after;
}

static void search(struct order_run *run, uint32_t total, uint32_t entries, enum manner manner,
		   uint32_t after)
{
	struct order_world first;

	run->body[0] = front_body;
	run->body[1] = back_body;
	run->needs_bind = manner == BIND_AND_SLEEP || run->needs_bind;
	broken_answers = 0;
	start(&first, total, entries, manner, after);
	order_search(run, &first);
	printf("%u requests, %u slots, manner %u: %llu states, %llu steps: %s\n", total, entries,
	       manner, (unsigned long long)run->states, (unsigned long long)run->steps,
	       run->failure ? run->failure : "never stuck");
}

/* Some order of events leaves both asleep with work to do. */
__attribute__((unused)) static void gets_stuck(uint32_t total, uint32_t entries,
					       enum manner manner, struct order_run run)
{
	search(&run, total, entries, manner, 1);
	assert_non_null(run.failure);
	assert_false(run.stuck.actor[0].done);
	assert_int_equal(run.stuck.actor[0].pending + run.stuck.actor[1].pending, 0);
}

#endif
