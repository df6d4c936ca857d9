/* unit: */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ten ways to lose a notification.  Each is a mistake that drivers have been shipped with, made
 * here in one end of a ring of two slots; order.h tries every interleaving and must find the one
 * where both ends sleep and work is left.  The ring library's calls cannot be used these ways:
 * ring_order_test.c finds no such order for them.  docs/rings.md tells the stories.
 */
#define MICA_RING_CHECK 1
#include <string.h>

#include "host.h"
#include <mica/ring.h>
#include "order.h"
#include "order_ends.h"

static const struct order_run sound;

/* 1: the consumer says "wake me at the next one" and sleeps, though the next one is there. */
static void no_final_check(void **state)
{
	gets_stuck(4, 2, NO_FINAL_CHECK, sound);
}

/* 2: it looks, finds nothing, arms, sleeps: one that came in between rang for nobody. */
static void armed_after_looking(void **state)
{
	gets_stuck(4, 2, ARM_LATE, sound);
}

/* 3: it never arms, and is not woken a second time. */
static void never_armed(void **state)
{
	gets_stuck(3, 2, NEVER_ARM, sound);
}

/* 4: the producer's index is still in its store buffer when it reads the event index. */
static void producer_without_barrier(void **state)
{
	struct order_run run = { .plain_full = { true, false } };

	gets_stuck(4, 2, RIGHT, run);
}

/* 5: the consumer's event index is still in its store buffer when it looks again. */
static void consumer_without_barrier(void **state)
{
	struct order_run run = { .plain_full = { false, true } };

	gets_stuck(4, 2, RIGHT, run);
}

/* 6: a batch steps over the event index, and the producer rings only when it is just met. */
static void compared_for_equality(void **state)
{
	gets_stuck(4, 2, EXACT, sound);
}

/* 7: the event index was read before the new index was published, and changed in between. */
static void event_index_read_early(void **state)
{
	gets_stuck(4, 2, EVENT_EARLY, sound);
}

/* 8: rung before it was published: the consumer woke, found nothing, went back to sleep. */
static void rung_before_published(void **state)
{
	gets_stuck(4, 2, BELL_EARLY, sound);
}

/* 9: acknowledged after the work: what rang during the last look is wiped away. */
static void acknowledged_late(void **state)
{
	gets_stuck(4, 2, ACK_LATE, sound);
}

/* 10: rung before the port was bound (or for one who died since); the newcomer waits to be rung. */
static void bound_without_looking(void **state)
{
	gets_stuck(2, 2, BIND_AND_SLEEP, sound);
}

/* And one that only looks like it: answers made room, nobody went on sending. */
static void full_and_forgotten(void **state)
{
	gets_stuck(4, 2, FULL_AND_SLEEP, sound);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_final_check),
		cmocka_unit_test(armed_after_looking),
		cmocka_unit_test(never_armed),
		cmocka_unit_test(producer_without_barrier),
		cmocka_unit_test(consumer_without_barrier),
		cmocka_unit_test(compared_for_equality),
		cmocka_unit_test(event_index_read_early),
		cmocka_unit_test(rung_before_published),
		cmocka_unit_test(acknowledged_late),
		cmocka_unit_test(bound_without_looking),
		cmocka_unit_test(full_and_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
