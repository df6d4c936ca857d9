/* unit: */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does any order of events lose a notification?  Both ends of a ring of two slots run in every
 * interleaving, with the store buffers of an x86 processor (order.h), across the wrap of the
 * indices.  And so that the search is known to find what it looks for: the same with a barrier
 * left out, with the final check left out, with the bell compared wrongly - each must get stuck.
 */
#define MICA_RING_CHECK 1
#include <string.h>

#include "host.h"
#include <mica/ring.h>
#include "order.h"

MICA_RING(small, uint32_t, uint32_t)

#define FIRST_INDEX	0xffffffffu

/* How an end goes to sleep. */
enum manner { RIGHT, NO_FINAL_CHECK, ARM_LATE, TAKE_THEN_SLEEP };

struct front_program {
	struct small_front ring;
	uint32_t sent, got, total, manner;
};

struct back_program {
	struct small_back ring;
	uint32_t served, manner, after, _pad;
};

static uint32_t broken_answers;

static enum order_end fall_asleep(bool more)
{
	return more ? ORDER_AGAIN : ORDER_SLEEP;
}

static enum order_end front_body(void *program)
{
	struct front_program *p = program;
	uint32_t message;

	while (p->sent < p->total && small_front_room(&p->ring)) {
		message = 100 + p->sent++;
		small_front_put(&p->ring, &message);
	}
	small_front_push(&p->ring);
	while (small_front_take(&p->ring, &message) == 1)
		if (message != 200 + p->got++)
			broken_answers++;
	if (p->got == p->total)
		return ORDER_DONE;
	if (p->sent < p->total && small_front_room(&p->ring))
		return ORDER_AGAIN;
	return fall_asleep(small_front_more(&p->ring));
}

static enum order_end back_body(void *program)
{
	struct back_program *p = program;
	uint32_t message;

	while (small_back_take(&p->ring, &message) == 1) {
		if (message != 100 + p->served++)
			broken_answers++;
		message += 100;
		small_back_answer(&p->ring, &message);
	}
	small_back_push(&p->ring);
	switch (p->manner) {
	case NO_FINAL_CHECK:		/* arms, and does not look again */
		small_back_more(&p->ring);
		return ORDER_SLEEP;
	case TAKE_THEN_SLEEP:		/* does not even arm */
		return ORDER_SLEEP;
	case ARM_LATE:			/* looks first, arms afterwards */
		if (mica_shared_load(&p->ring.end.shared->req_prod) != p->ring.end.cons)
			return ORDER_AGAIN;
		mica_shared_store_full(&p->ring.end.shared->req_event, p->ring.end.cons + 1);
		return ORDER_SLEEP;
	default:
		return fall_asleep(small_back_more_after(&p->ring, p->after));
	}
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
	b->manner = manner;
	b->after = after;
}

static void search(struct order_run *run, uint32_t total, uint32_t entries, enum manner manner,
		   uint32_t after)
{
	struct order_world first;

	run->body[0] = front_body;
	run->body[1] = back_body;
	broken_answers = 0;
	start(&first, total, entries, manner, after);
	order_search(run, &first);
	printf("%u requests, %u slots, manner %u%s: %llu states, %llu steps: %s\n", total, entries,
	       manner, run->full_is_plain ? ", no barrier" : "", (unsigned long long)run->states,
	       (unsigned long long)run->steps, run->failure ? run->failure : "never stuck");
}

static void never_lost(void **state)
{
	for (uint32_t entries = 1; entries <= 4; entries *= 2) {
		for (uint32_t total = 1; total <= 4; total++) {
			struct order_run run = { .failure = NULL };

			search(&run, total, entries, RIGHT, 1);
			assert_null(run.failure);
			assert_int_equal(broken_answers, 0);
			assert_true(run.states > 20);
		}
	}
}

/* Woken for every second request only; the front end fills the ring, so the second comes. */
static void never_lost_when_moderated(void **state)
{
	for (uint32_t total = 2; total <= 4; total += 2) {
		struct order_run run = { .failure = NULL };

		search(&run, total, 2, RIGHT, 2);
		assert_null(run.failure);
		assert_int_equal(broken_answers, 0);
	}
}

static void found(uint32_t total, enum manner manner, bool full_is_plain)
{
	struct order_run run = { .full_is_plain = full_is_plain };

	search(&run, total, 2, manner, 1);
	assert_non_null(run.failure);
	assert_false(run.stuck.actor[0].done);
	assert_int_equal(run.stuck.actor[0].pending + run.stuck.actor[1].pending, 0);
}

static void a_missing_barrier_is_found(void **state)
{
	found(2, RIGHT, true);
}

static void a_missing_final_check_is_found(void **state)
{
	found(4, NO_FINAL_CHECK, false);
}

static void arming_after_looking_is_found(void **state)
{
	found(4, ARM_LATE, false);
}

static void not_arming_is_found(void **state)
{
	found(3, TAKE_THEN_SLEEP, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_lost),
		cmocka_unit_test(never_lost_when_moderated),
		cmocka_unit_test(a_missing_barrier_is_found),
		cmocka_unit_test(a_missing_final_check_is_found),
		cmocka_unit_test(arming_after_looking_is_found),
		cmocka_unit_test(not_arming_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
