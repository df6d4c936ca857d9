/* unit: */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring library as drivers build it: rule breaking of our own side is counted, not done. */
#include "ring_cases.h"

static void misuse_is_counted(void **state)
{
	struct blkif_response rsp = { .id = 1 };
	struct blkif_request req = request(1);
	struct pair p;

	connect(&p);
	assert_false(blk_back_answer(&p.back, &rsp));
	assert_int_equal(p.back.end.misuse, 1);
	assert_false(blk_back_push(&p.back));
	assert_int_equal(header->rsp_prod, 0);
	for (unsigned i = 0; i < BLK_SLOTS; i++)
		assert_true(blk_front_put(&p.front, &req));
	assert_false(blk_front_put(&p.front, &req));
	assert_int_equal(p.front.end.misuse, 1);
	blk_front_push(&p.front);
	assert_int_equal(header->req_prod, BLK_SLOTS);
	assert_int_equal(blk_back_take(&p.back, &req), 1);
	assert_true(blk_back_answer(&p.back, &rsp));
	assert_false(blk_back_answer(&p.back, &rsp));
	assert_int_equal(p.back.end.misuse, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_header),
		cmocka_unit_test(traffic_across_the_wrap),
		cmocka_unit_test(bell_only_when_asked),
		cmocka_unit_test(moderated_wake),
		cmocka_unit_test(hostile_request_index),
		cmocka_unit_test(hostile_index_at_the_final_check),
		cmocka_unit_test(index_taken_back),
		cmocka_unit_test(hostile_response_index),
		cmocka_unit_test(scribbled_header),
		cmocka_unit_test(resume),
		cmocka_unit_test(small_slots),
		cmocka_unit_test(misuse_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
