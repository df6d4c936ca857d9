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

/* Not a slot fits: nothing is written, and nothing is believed. */
static void too_small(void **state)
{
	struct blkif_request req = request(1);
	struct blk_front front;
	struct blk_back back;

	for (size_t bytes = RING_HEADER_BYTES; bytes < RING_HEADER_BYTES + 112; bytes += 37) {
		memset(page, 0xee, sizeof(page));
		blk_front_attach(&front, page, bytes, NULL);
		blk_back_attach(&back, page, bytes, NULL);
		assert_int_equal(blk_front_room(&front), 0);
		assert_false(blk_front_put(&front, &req));
		assert_int_equal(blk_back_take(&back, &req), 0);
		header->req_prod = 1;
		assert_int_equal(blk_back_take(&back, &req), -EPROTO);
		assert_int_equal(page[RING_HEADER_BYTES], 0xee);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RING_CASES
		cmocka_unit_test(misuse_is_counted),
		cmocka_unit_test(too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
