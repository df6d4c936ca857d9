/* unit: */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The checking build: the same cases, and then what only it notices.  Through its memory hooks
 * a peer runs between any two accesses, which is how "copied out once" is proven.
 */
#define MICA_RING_CHECK 1
#include "ring_cases.h"

static const char *bug, *first_bug;
static unsigned bugs;

static void note_bug(const char *why)
{
	bug = why;
	if (!bugs++)
		first_bug = why;
}

static void misuse_is_a_bug(void **state)
{
	struct blkif_response rsp = { .id = 1 };
	struct blkif_request req = request(1);
	struct pair p;

	connect(&p);
	mica_ring_on_bug = note_bug;
	bugs = 0;
	assert_false(blk_back_answer(&p.back, &rsp));
	assert_int_equal(bugs, 1);
	for (unsigned i = 0; i <= BLK_SLOTS; i++)
		blk_front_put(&p.front, &req);
	assert_int_equal(bugs, 2);
	assert_string_equal(bug, "a request without room");
	p.back.end.pushed = 1000;
	blk_back_take(&p.back, &req);
	assert_true(bugs > 2);
	mica_ring_on_bug = NULL;
}

static void taken_responses_are_poisoned(void **state)
{
	struct blkif_request req = request(1), got;
	struct blkif_response rsp = { .id = 1 };
	struct pair p;

	connect(&p);
	blk_front_put(&p.front, &req);
	blk_front_push(&p.front);
	assert_int_equal(blk_back_take(&p.back, &got), 1);
	assert_memory_equal(page + RING_HEADER_BYTES, &req, sizeof(req));	/* for a next back end */
	blk_back_answer(&p.back, &rsp);
	blk_back_push(&p.back);
	assert_int_equal(blk_front_take(&p.front, &rsp), 1);
	for (unsigned i = 0; i < sizeof(rsp); i++)
		assert_int_equal(page[RING_HEADER_BYTES + i], MICA_RING_POISON);
}

/* --- a peer that runs between any two accesses --- */

static unsigned gets[4096 / 4], index_loads;
static struct pair *victim;

static uint32_t greedy_load(const uint32_t *from)
{
	index_loads++;
	return *from;
}

static void greedy_store(uint32_t *to, uint32_t value, int full)
{
	*to = value;
}

/* Changes the message right after it was read, and counts how often each byte was. */
static void greedy_get(void *to, const void *from, size_t bytes)
{
	size_t at = (size_t)((const uint8_t *)from - page);
	struct pair *other = victim;
	struct blkif_request req;

	memcpy(to, from, bytes);
	for (size_t i = 0; i < bytes; i += 4)
		gets[(at + i) / 4]++;
	memset(page + at, 0xaa, bytes);
	victim = NULL;
	if (other)
		blk_back_take(&other->back, &req);
}

static void greedy_put(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
}

static const struct mica_ring_memory greedy = {
	.load = greedy_load, .store = greedy_store, .get = greedy_get, .put = greedy_put,
};

static void messages_are_read_once(void **state)
{
	struct blkif_request req, got, want;
	struct pair p;

	connect(&p);
	for (unsigned i = 0; i < BLK_SLOTS; i++) {
		req = request(i);
		blk_front_put(&p.front, &req);
	}
	blk_front_push(&p.front);
	memset(gets, 0, sizeof(gets));
	index_loads = 0;
	mica_ring_memory = &greedy;
	for (unsigned i = 0; i < BLK_SLOTS; i++) {
		want = request(i);
		assert_int_equal(blk_back_take(&p.back, &got), 1);
		assert_memory_equal(&got, &want, sizeof(got));
	}
	mica_ring_memory = NULL;
	assert_int_equal(index_loads, 1);		/* the index once for the whole batch */
	for (unsigned i = RING_HEADER_BYTES / 4; i < (RING_HEADER_BYTES + 32 * 112) / 4; i++)
		assert_int_equal(gets[i], 1);
}

/* Entering an end from within a call on it, as a second thread would. */
static void two_users_of_one_end(void **state)
{
	struct blkif_request req = request(1);
	struct pair p;

	connect(&p);
	blk_front_put(&p.front, &req);
	blk_front_put(&p.front, &req);
	blk_front_push(&p.front);
	mica_ring_on_bug = note_bug;
	bugs = 0;
	mica_ring_memory = &greedy;
	blk_back_take(&p.back, &req);
	assert_int_equal(bugs, 0);
	victim = &p;
	blk_back_take(&p.back, &req);
	assert_int_equal(bugs, 2);		/* and what came of it: one request taken twice */
	assert_string_equal(first_bug, "two calls on one end of a ring at the same time");
	mica_ring_memory = NULL;
	mica_ring_on_bug = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RING_CASES
		cmocka_unit_test(misuse_is_a_bug),
		cmocka_unit_test(taken_responses_are_poisoned),
		cmocka_unit_test(messages_are_read_once),
		cmocka_unit_test(two_users_of_one_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
