/* unit: dom0-tools/lib/ring_capture.c dom0-tools/lib/ring_judge.c dom0-tools/lib/ring_say.c dom0-tools/lib/ring_take.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A capture of a ring that two ends of <mica/ring.h> use: every message is told once and in order
 * when it is looked at often, what is left of it or that it was lost when not; never one that another
 * was published over.  And a guest that writes any indices at all.
 */
#include <mica/ring.h>		/* before the hypervisor's "packed" */
#include "unit.h"
#include <stdlib.h>
#include <mica/io/blkif.h>
#include <mica/io/netif.h>

#include "lib/ring_look.h"

MICA_RING(blk, struct blkif_request, struct blkif_response)
MICA_RING(tx, struct netif_tx_request, struct netif_tx_response)

#define BYTES	4096u
#define SLOTS	32u

static _Alignas(4096) uint8_t page[BYTES], copy[BYTES];
static struct ring_place disk = { .layout = RING_BLK, .pages = 1, .slot_bytes = 112 };
static struct ring_capture c;
static uint32_t asked, answered;	/* next index expected */
static unsigned told, partly, left_to_tell;
static char last[200];

static bool tell(void *ctx, const struct ring_passed *m)
{
	uint32_t *at = m->response ? &answered : &asked, slot = m->index & (SLOTS - 1);

	assert_true((int32_t)(m->index - *at) >= 0);
	*at = m->index + 1;
	told++;
	partly += m->partly;
	if (m->raw_bytes == 112)
		assert_ptr_equal(m->raw, copy + RING_HEADER_BYTES + slot * 112);
	snprintf(last, sizeof(last), "%s", m->words);
	return --left_to_tell;
}

static bool step(const struct ring_place *p)
{
	struct ring_sample s;
	bool impossible, on;

	ring_read(page, BYTES, &s, copy);
	on = ring_capture_step(&c, p, &s, copy, &impossible, tell, NULL);
	assert_false(impossible);
	return on;
}

static int make(void **state)
{
	memset(&c, 0, sizeof(c));
	memset(page, 0, sizeof(page));
	asked = answered = 0;
	told = partly = 0;
	left_to_tell = ~0u;
	return 0;
}

static void ask(struct blk_front *f, uint64_t id)
{
	struct blkif_request req = { .operation = BLKIF_OP_READ, .nr_segments = 1, .id = id,
				     .sector_number = 8 * id, .seg[0] = { 1, 0, 7 } };

	assert_true(blk_front_put(f, &req));
	blk_front_push(f);
}

static void answer(struct blk_back *b)
{
	struct blkif_response rsp = { .operation = BLKIF_OP_READ };
	struct blkif_request req;

	assert_int_equal(blk_back_take(b, &req), 1);
	rsp.id = req.id;
	assert_true(blk_back_answer(b, &rsp));
	blk_back_push(b);
}

static void take(struct blk_front *f)
{
	struct blkif_response rsp;

	assert_int_equal(blk_front_take(f, &rsp), 1);
}

static void test_every_message(void **state)
{
	struct blk_front f;
	struct blk_back b;

	blk_front_attach(&f, page, BYTES, NULL);
	blk_back_attach(&b, page, BYTES, NULL);
	for (uint64_t i = 0; i < 100; i++) {
		char words[64];

		ask(&f, i);
		assert_true(step(&disk));
		snprintf(words, sizeof(words), "id %u READ sector %u +8, 1 segment", (unsigned)i,
			 8 * (unsigned)i);
		assert_string_equal(last, words);
		answer(&b);
		assert_true(step(&disk));
		snprintf(words, sizeof(words), "id %u READ status 0", (unsigned)i);
		assert_string_equal(last, words);
		take(&f);
		assert_true(step(&disk));
	}
	assert_true(c.requests == 100 && c.responses == 100 && c.lost == 0);
	assert_true(told == 200 && partly == 0 && asked == 100 && answered == 100);
}

/* Answered between two looks: the sector is still there.  Overwritten: lost, and said so. */
static void test_what_is_left(void **state)
{
	struct blk_front f;
	struct blk_back b;

	blk_front_attach(&f, page, BYTES, NULL);
	blk_back_attach(&b, page, BYTES, NULL);
	assert_true(step(&disk));
	ask(&f, 7);
	answer(&b);
	take(&f);
	left_to_tell = 1;
	assert_false(step(&disk));
	assert_string_equal(last, "sector 56");
	assert_int_equal(partly, 1);
	assert_int_equal(told, 1);
	left_to_tell = ~0u;
	assert_true(step(&disk));
	assert_string_equal(last, "id 7 READ status 0");
	for (uint64_t i = 0; i < 40; i++) {
		ask(&f, i);
		answer(&b);
		take(&f);
	}
	assert_true(step(&disk));
	assert_int_equal(c.lost, 2 * (40 - SLOTS));
	assert_int_equal(c.requests, 1 + SLOTS);
	assert_int_equal(c.responses, 1 + SLOTS);
}

static void test_transmit(void **state)
{
	struct ring_place nic = { .layout = RING_NET_TX, .pages = 1, .slot_bytes = 12 };
	struct netif_tx_request req = { .gref = 9, .flags = NETTXF_extra_info, .id = 3, .size = 60 };
	struct netif_extra_info info = { .type = XEN_NETIF_EXTRA_TYPE_GSO };
	struct netif_tx_response rsp = { .id = 3 };
	struct tx_front f;
	struct tx_back b;

	tx_front_attach(&f, page, BYTES, NULL);
	tx_back_attach(&b, page, BYTES, NULL);
	assert_true(tx_front_put(&f, &req));
	memcpy(&req, &info, sizeof(info));
	assert_true(tx_front_put(&f, &req));
	tx_front_push(&f);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(tx_back_take(&b, &req), 1);
		assert_true(tx_back_answer(&b, &rsp));
	}
	c.started = true;		/* at 0: what is answered already counts, too */
	tx_back_push(&b);
	for (const char *const *said = (const char *const[]){
		     "id 3 60 bytes, offset 0, flags 0x8", "extra info", "id 3 status 0", NULL };
	     *said; said++) {
		struct ring_sample s;
		bool impossible;

		ring_read(page, BYTES, &s, copy);
		left_to_tell = 1;
		ring_capture_step(&c, &nic, &s, copy, &impossible, tell, NULL);
		assert_string_equal(last, *said);
	}
}

/* Only indices are known: told without contents. */
static void test_unknown_messages(void **state)
{
	struct ring_place other = { .layout = RING_GENERIC, .pages = 1 };
	struct ring_header *h = (void *)page;

	assert_true(step(&other));
	h->req_prod = 3;
	h->rsp_prod = 1;
	assert_true(step(&other));
	assert_string_equal(last, "");
	assert_true(c.requests == 3 && c.responses == 1 && c.lost == 0);
}

static bool count(void *ctx, const struct ring_passed *m)
{
	assert_true(!m->raw_bytes || (m->raw >= copy + RING_HEADER_BYTES &&
				      m->raw + m->raw_bytes <= copy + BYTES));
	++*(uint32_t *)ctx;
	return true;
}

static void test_any_indices(void **state)
{
	static const uint32_t sizes[] = { 0, 112, 12, 8, 16 };
	uint32_t seen, all = 0;
	bool impossible;

	srand(99);
	for (unsigned n = 0; n < 20000; n++) {
		struct ring_place p = { .layout = n % 5, .pages = 1, .slot_bytes = sizes[n % 5] };
		uint32_t most = ring_most(BYTES, p.slot_bytes);
		struct ring_sample s = {
			.req_prod = (uint32_t)rand() * 3, .req_after = (uint32_t)rand() * 3,
			.rsp_after = (uint32_t)rand() * 3, .torn = n % 7 == 0,
		};

		s.rsp_prod = n % 3 ? s.req_prod - (uint32_t)rand() % (most + 1) : (uint32_t)rand();
		if (n % 2)
			s.req_after = s.req_prod + (uint32_t)rand() % 8;
		for (unsigned i = 0; i < 64; i++)
			copy[(unsigned)rand() % BYTES] = (uint8_t)rand();
		c.started = n % 11 != 0;
		seen = 0;
		ring_capture_step(&c, &p, &s, copy, &impossible, count, &seen);
		assert_true(seen <= 2 * most);
		all += seen;
	}
	assert_true(all > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_every_message, make),
		cmocka_unit_test_setup(test_what_is_left, make),
		cmocka_unit_test_setup(test_transmit, make),
		cmocka_unit_test_setup(test_unknown_messages, make),
		cmocka_unit_test_setup(test_any_indices, make),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
