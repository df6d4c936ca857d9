/* unit: */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several rings as one: keys and numbers both ends agree on; every message of every ring comes once
 * and in its ring's order, none waits for long behind a busy neighbour, a dead ring is told once and
 * holds up no other; and whoever sleeps after the final check has been rung when there is work.
 */
#include <string.h>

#include "host.h"
#include <mica/io/blkif.h>
#include <mica/queues.h>

#define RINGS	4u
#define SLOTS	32u

MICA_RING(blk, struct blkif_request, struct blkif_response)
MICA_RING_QUEUES(blk, struct blkif_request, struct blkif_response, RINGS)

static uint8_t page[RINGS][4096] __attribute__((aligned(4096)));
static struct blk_backs back;
static struct blk_fronts front;
static unsigned back_rang, front_rang;

static void ring_back(void *ctx, uint32_t port)
{
	back_rang++;
}

static void ring_front(void *ctx, uint32_t port)
{
	front_rang++;
}

static void connect(uint32_t nr)
{
	struct mica_bell to_back = { .ring = ring_back }, to_front = { .ring = ring_front };

	memset(page, 0xee, sizeof(page));
	blk_backs_init(&back, nr);
	blk_fronts_init(&front, nr);
	back_rang = front_rang = 0;
	for (uint32_t i = 0; i < nr; i++) {
		to_back.port = to_front.port = i;
		blk_front_attach(&front.ring[i], page[i], 4096, &to_back);
		blk_back_attach(&back.ring[i], page[i], 4096, &to_front);
	}
}

static void put(uint32_t queue, uint64_t id)
{
	struct blkif_request req = { .operation = BLKIF_OP_READ, .id = id };

	assert_true(blk_front_put(&front.ring[queue], &req));
}

static void key_is(const char *want, uint32_t queues, uint32_t queue, const char *name,
		   uint32_t pages, uint32_t at)
{
	char key[MICA_QUEUES_KEY];

	assert_ptr_equal(mica_queue_key(key, queues, queue, name, pages, at), key);
	assert_string_equal(key, want);
}

static void keys(void **state)
{
	key_is("ring-ref", 1, 0, "ring-ref", 1, 0);
	key_is("ring-ref0", 1, 0, "ring-ref", 2, 0);
	key_is("ring-ref15", 1, 0, "ring-ref", 16, 15);
	key_is("queue-0/ring-ref", 2, 0, "ring-ref", 1, 0);
	key_is("queue-3/ring-ref7", 4, 3, "ring-ref", 8, 7);
	key_is("event-channel", 1, 0, "event-channel", 0, 0);
	key_is("queue-1/event-channel-tx", 2, 1, "event-channel-tx", 0, 0);
	key_is("queue-4294967295/ring-ref4294967294", ~0u, ~0u, "ring-ref", ~0u, ~0u - 1);
	key_is("queue-1/0123456789012345678901234567890", 2, 1,
	       "01234567890123456789012345678901234567890123456789", 2, 1);
}

static void numbers(void **state)
{
	unsigned used[5] = { 0 };

	assert_int_equal(mica_queues_agree(4, 8), 4);
	assert_int_equal(mica_queues_agree(8, 2), 2);
	assert_int_equal(mica_queues_agree(0, 2), 1);
	assert_int_equal(mica_queues_agree(3, 0), 1);
	assert_int_equal(mica_ring_agree_order(2, 4), 2);
	assert_int_equal(mica_ring_agree_order(4, 3), 3);
	assert_int_equal(mica_ring_agree_order(31, ~0u), MICA_RING_ORDER_MAX);
	for (uint32_t hash = 0; hash < 5000; hash++) {
		uint32_t q = mica_queue_of(hash, 5);

		assert_true(q < 5);
		assert_int_equal(mica_queue_of(hash, 5), q);
		assert_int_equal(mica_queue_of(hash, 1), 0);
		assert_int_equal(mica_queue_of(hash, 0), 0);
		used[q]++;
	}
	for (unsigned i = 0; i < 5; i++)
		assert_in_range(used[i], 800, 1200);
}

/* A full ring is served in turns with the others. */
static void fair(void **state)
{
	uint32_t queue, order[SLOTS + RINGS], n = 0;
	struct blkif_request req;

	connect(RINGS);
	for (uint32_t i = 0; i < SLOTS; i++)
		put(1, i);
	put(0, 0);
	put(2, 0);
	put(3, 0);
	assert_int_equal(blk_fronts_push(&front), RINGS);
	while (blk_backs_take(&back, &req, &queue) == 1)
		order[n++] = queue;
	assert_int_equal(n, SLOTS + 3);
	assert_int_equal(order[0], 0);
	for (uint32_t i = 1; i <= MICA_QUEUES_TURN; i++)
		assert_int_equal(order[i], 1);
	assert_int_equal(order[MICA_QUEUES_TURN + 1], 2);
	assert_int_equal(order[MICA_QUEUES_TURN + 2], 3);
	assert_int_equal(order[n - 1], 1);
	assert_false(blk_backs_more(&back));
}

static void one_dies(void **state)
{
	struct blkif_request req;
	uint32_t queue = 77;

	connect(3);
	put(0, 5);
	put(2, 6);
	blk_fronts_push(&front);
	((struct ring_header *)page[1])->req_prod = SLOTS + 1;
	assert_int_equal(blk_backs_take(&back, &req, &queue), 1);
	assert_int_equal(queue, 0);
	assert_int_equal(blk_backs_take(&back, &req, &queue), -EPROTO);
	assert_int_equal(queue, 1);
	assert_int_equal(blk_backs_take(&back, &req, &queue), 1);
	assert_true(queue == 2 && req.id == 6);
	assert_int_equal(blk_backs_take(&back, &req, &queue), 0);
	assert_false(blk_backs_more(&back));
	assert_false(blk_backs_dead(&back));
	/* Found out by the final check: sent back to be told, once. */
	((struct ring_header *)page[0])->req_prod = 200;
	((struct ring_header *)page[2])->req_prod = 200;
	assert_true(blk_backs_more(&back));
	assert_int_equal(blk_backs_take(&back, &req, &queue), -EPROTO);
	assert_int_equal(blk_backs_take(&back, &req, &queue), -EPROTO);
	assert_int_equal(blk_backs_take(&back, &req, &queue), 0);
	assert_false(blk_backs_more(&back));
	assert_true(blk_backs_dead(&back));
	assert_int_equal(blk_backs_push(&back), 0);
}

/* The final check arms every ring, also when an earlier one has work. */
static void all_are_armed(void **state)
{
	struct blkif_request req;
	uint32_t queue;

	connect(2);
	assert_false(blk_backs_more(&back));
	put(0, 1);
	assert_true(blk_front_push(&front.ring[0]));
	assert_true(blk_backs_more(&back));
	assert_int_equal(blk_backs_take(&back, &req, &queue), 1);
	put(1, 2);
	assert_true(blk_front_push(&front.ring[1]));
	assert_int_equal(back_rang, 2);
}

struct model {
	uint64_t asked[RINGS], served[RINGS], answered[RINGS];
	bool back_sleeps, front_sleeps;
};

static void front_pass(struct model *m, uint32_t nr)
{
	struct blkif_response rsp;
	uint32_t queue;

	do {
		while (blk_fronts_take(&front, &rsp, &queue) == 1)
			assert_int_equal(rsp.id, m->answered[queue]++);
	} while (blk_fronts_more(&front));
	m->front_sleeps = true;
	for (uint32_t i = 0; i < nr; i++)
		for (uint64_t k = dice(4); k && blk_front_room(&front.ring[i]); k--)
			put(i, m->asked[i]++);
	blk_fronts_push(&front);
}

static void back_pass(struct model *m)
{
	struct blkif_response rsp = { .operation = BLKIF_OP_READ };
	struct blkif_request req;
	uint32_t queue;

	do {
		/* Now and then interrupted, with requests left: not asleep, then. */
		while (blk_backs_take(&back, &req, &queue) == 1) {
			assert_int_equal(req.id, m->served[queue]++);
			rsp.id = req.id;
			assert_true(blk_back_answer(&back.ring[queue], &rsp));
			if (!dice(8)) {
				blk_backs_push(&back);
				return;
			}
		}
		blk_backs_push(&back);
	} while (blk_backs_more(&back));
	m->back_sleeps = true;
}

static void nobody_sleeps_with_work(void **state)
{
	uint64_t all = 0;

	dice_start();
	for (unsigned world = 0; world < 50; world++) {
		uint32_t nr = 1 + (uint32_t)dice(RINGS);
		struct model m = { .asked = { 0 } };

		connect(nr);
		for (unsigned step = 0; step < 2000; step++) {

			if (dice(2) && (!m.front_sleeps || front_rang)) {
				m.front_sleeps = false;
				front_rang = 0;
				front_pass(&m, nr);
			} else if (!m.back_sleeps || back_rang) {
				m.back_sleeps = false;
				back_rang = 0;
				back_pass(&m);
			} else if (!dice(3)) {
				front_pass(&m, nr);	/* it may always send */
			}
			for (uint32_t i = 0; i < nr; i++) {
				if (m.back_sleeps && !back_rang)
					assert_int_equal(m.served[i], m.asked[i]);
				if (m.front_sleeps && !front_rang && m.back_sleeps)
					assert_int_equal(m.answered[i], m.served[i]);
			}
		}
		for (uint32_t i = 0; i < nr; i++)
			all += m.answered[i];
	}
	assert_true(all > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys),
		cmocka_unit_test(numbers),
		cmocka_unit_test(fair),
		cmocka_unit_test(one_dies),
		cmocka_unit_test(all_are_armed),
		cmocka_unit_test(nobody_sleeps_with_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
