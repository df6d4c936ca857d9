/* unit: */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Does any order of events lose a notification?  Both ends of a ring of two slots run in every
 * interleaving, with the store buffers of an x86 processor (order.h), across the wrap of the
 * indices.  That the search finds what it looks for is lost_test.c's business.
 */
#define MICA_RING_CHECK 1
#include <string.h>

#include "host.h"
#include <mica/ring.h>
#include "order.h"
#include "order_ends.h"

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

/* The back end binds at any moment; bells before that are lost. */
static void never_lost_before_the_bind(void **state)
{
	for (uint32_t total = 1; total <= 4; total++) {
		struct order_run run = { .needs_bind = true };

		search(&run, total, 2, RIGHT, 1);
		assert_null(run.failure);
		assert_int_equal(broken_answers, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_lost),
		cmocka_unit_test(never_lost_when_moderated),
		cmocka_unit_test(never_lost_before_the_bind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
