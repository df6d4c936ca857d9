/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring's rules, case by case.  Included twice: by ring_test.c as every driver builds it
 * and by ring_check_test.c with MICA_RING_CHECK, where breaking a rule must be noticed.
 */
#include <string.h>

#include "host.h"
#include <mica/io/blkif.h>
#include <mica/io/netif.h>
#include <mica/ring.h>

MICA_RING(blk, struct blkif_request, struct blkif_response)
union tx_slot {
	struct netif_tx_request tx;
	struct netif_extra_info extra;
};
MICA_RING(nettx, union tx_slot, struct netif_tx_response)

#define BLK_SLOTS	32u

struct pair {
	struct blk_front front;
	struct blk_back back;
	unsigned front_rang, back_rang;
	uint32_t last_port;
};

static uint8_t page[4 * 4096] __attribute__((aligned(4096)));
static struct ring_header *const header = (struct ring_header *)page;

static void front_bell(void *ctx, uint32_t port)
{
	((struct pair *)ctx)->front_rang++;
	((struct pair *)ctx)->last_port = port;
}

static void back_bell(void *ctx, uint32_t port)
{
	((struct pair *)ctx)->back_rang++;
	((struct pair *)ctx)->last_port = port;
}

static void connect(struct pair *p)
{
	struct mica_bell fb = { .ring = front_bell, .ctx = p, .port = 7 };
	struct mica_bell bb = { .ring = back_bell, .ctx = p, .port = 9 };

	memset(p, 0, sizeof(*p));
	memset(page, 0xee, sizeof(page));
	blk_front_attach(&p->front, page, 4096, &fb);
	blk_back_attach(&p->back, page, 4096, &bb);
}

/* Both ends as they are after @at messages either way. */
static void connect_at(struct pair *p, uint32_t at)
{
	connect(p);
	p->front.end.cons = p->front.end.seen = p->front.end.prod = p->front.end.pushed = at;
	p->back.end.cons = p->back.end.seen = p->back.end.prod = p->back.end.pushed = at;
	header->req_prod = header->rsp_prod = at;
	header->req_event = header->rsp_event = at + 1;
}

static struct blkif_request request(uint64_t id)
{
	struct blkif_request req;

	memset(&req, 0, sizeof(req));
	req.id = id;
	req.sector_number = id * 3;
	for (unsigned i = 0; i < BLKIF_MAX_SEGMENTS_PER_REQUEST; i++)
		req.seg[i].gref = (uint32_t)(id * 11 + i);
	return req;
}

static void first_header(void **state)
{
	struct pair p;

	connect(&p);
	assert_int_equal(p.front.end.entries, BLK_SLOTS);
	assert_int_equal(header->req_prod, 0);
	assert_int_equal(header->rsp_prod, 0);
	assert_int_equal(header->req_event, 1);
	assert_int_equal(header->rsp_event, 1);
	assert_int_equal(page[RING_HEADER_BYTES], 0xee);
	blk_back_attach(&p.back, page, sizeof(page), NULL);
	assert_int_equal(p.back.end.entries, 128);
}

/* Random traffic across the wrap of the indices: everything arrives once, unchanged. */
static void traffic_across_the_wrap(void **state)
{
	uint64_t next = 1, taken = 1, answered = 1, seen = 1;
	struct blkif_response rsp;
	struct blkif_request req;
	struct pair p;

	dice_start();
	connect_at(&p, 0xffffffff - 500);
	while (seen < 20000) {
		switch (dice(4)) {
		case 0:
			for (uint64_t n = dice(40); n && blk_front_room(&p.front); n--) {
				req = request(next++);
				assert_true(blk_front_put(&p.front, &req));
			}
			blk_front_push(&p.front);
			break;
		case 1:
			for (uint64_t n = dice(40); n && blk_back_take(&p.back, &req) == 1; n--) {
				struct blkif_request want = request(taken++);

				assert_memory_equal(&req, &want, sizeof(req));
			}
			break;
		case 2:
			for (uint64_t n = dice(40); n && answered < taken; n--) {
				rsp = (struct blkif_response){ .id = answered++, .status = 5 };
				assert_true(blk_back_answer(&p.back, &rsp));
			}
			blk_back_push(&p.back);
			break;
		default:
			while (blk_front_take(&p.front, &rsp) == 1) {
				assert_int_equal(rsp.id, seen++);
				assert_int_equal(rsp.status, 5);
			}
		}
		assert_true(blk_front_room(&p.front) <= BLK_SLOTS);
	}
	assert_true(p.back.end.cons < 0x80000000);	/* it did wrap */
	assert_int_equal(p.front.end.misuse + p.back.end.misuse, 0);
}

static void bell_only_when_asked(void **state)
{
	struct blkif_request req = request(1);
	struct pair p;

	connect(&p);
	blk_front_put(&p.front, &req);
	assert_true(blk_front_push(&p.front));		/* event is 1 at first */
	assert_int_equal(p.last_port, 7);
	blk_front_put(&p.front, &req);
	assert_false(blk_front_push(&p.front));		/* nobody asked for the second */
	assert_false(blk_front_push(&p.front));		/* nothing new */
	assert_true(blk_back_more(&p.back));
	assert_int_equal(blk_back_take(&p.back, &req), 1);
	assert_int_equal(blk_back_take(&p.back, &req), 1);
	assert_int_equal(blk_back_take(&p.back, &req), 0);
	assert_false(blk_back_more(&p.back));
	blk_front_put(&p.front, &req);
	blk_front_put(&p.front, &req);
	assert_true(blk_front_push(&p.front));		/* passing the event is enough */
	assert_int_equal(p.front_rang, 2);
	assert_int_equal(p.front.end.bells, 2);
}

static void moderated_wake(void **state)
{
	struct blkif_request req = request(1);
	struct blkif_response rsp = { .id = 1 };
	struct pair p;

	connect(&p);
	assert_false(blk_back_more_after(&p.back, 8));
	for (unsigned i = 1; i <= 8; i++) {
		blk_front_put(&p.front, &req);
		assert_int_equal(blk_front_push(&p.front), i == 8);
	}
	assert_true(blk_back_more_after(&p.back, 8));	/* as many are there already */
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(blk_back_take(&p.back, &req), 1);
	/* 24 slots are left to the front end, so more than that would never come. */
	assert_false(blk_back_more_after(&p.back, 1000));
	for (unsigned i = 1; i <= 24; i++) {
		blk_front_put(&p.front, &req);
		assert_int_equal(blk_front_push(&p.front), i == 24);
	}
	/* The front end cannot wait for more responses than it has requests out. */
	assert_false(blk_front_more_after(&p.front, 1000));
	while (blk_back_take(&p.back, &req) == 1)
		;
	for (unsigned i = 1; i <= 32; i++) {
		blk_back_answer(&p.back, &rsp);
		assert_int_equal(blk_back_push(&p.back), i == 32);
	}
}

/* Every request index a peer can write, around every position: taken or dead, as it must. */
static void hostile_request_index(void **state)
{
	static const uint32_t bases[] = { 0, 5, 31, 0x7ffffff0, 0xfffffff0, 0xffffffff };
	struct blkif_response rsp = { .id = 0 };
	struct blkif_request req;
	struct pair p;

	for (unsigned b = 0; b < 6; b++) {
		for (uint32_t open = 0; open <= BLK_SLOTS; open++) {
			for (int64_t jump = -70; jump <= 70; jump++) {
				bool legal = jump >= 0 && jump <= BLK_SLOTS - open;
				unsigned got = 0;
				int rc;

				connect_at(&p, bases[b]);
				header->req_prod = bases[b] + open;
				for (uint32_t i = 0; i < open; i++)
					assert_int_equal(blk_back_take(&p.back, &req), 1);
				header->req_prod = bases[b] + open + (uint32_t)jump;
				while ((rc = blk_back_take(&p.back, &req)) == 1)
					assert_true(++got <= BLK_SLOTS);
				assert_int_equal(rc, legal ? 0 : -EPROTO);
				assert_int_equal(got, legal ? jump : 0);
				assert_int_equal(blk_back_dead(&p.back), !legal);
				if (legal)
					continue;
				/* Dead stays dead, and a loop over it ends. */
				header->req_prod = bases[b] + open;
				assert_int_equal(blk_back_take(&p.back, &req), -EPROTO);
				blk_back_more(&p.back);
				assert_false(blk_back_more(&p.back));
				if (open)
					assert_true(blk_back_answer(&p.back, &rsp));
				assert_false(blk_back_push(&p.back));
				assert_int_equal(header->rsp_prod, bases[b]);
			}
		}
	}
}

/* The index is impossible first when more() looks: it says so once, then take() does. */
static void hostile_index_at_the_final_check(void **state)
{
	struct blkif_request req;
	unsigned rounds = 0;
	struct pair p;

	connect(&p);
	header->req_prod = 0x80000000;
	do {
		assert_true(++rounds < 5);
		while (rounds > 1 && blk_back_take(&p.back, &req) == 1)
			fail();
	} while (blk_back_more(&p.back));
	assert_int_equal(rounds, 2);
	assert_int_equal(blk_back_take(&p.back, &req), -EPROTO);
}

/* An index that was read is not read again before all it promised was taken, nor goes back. */
static void index_taken_back(void **state)
{
	struct blkif_request req;
	struct pair p;

	connect(&p);
	header->req_prod = 4;
	assert_int_equal(blk_back_take(&p.back, &req), 1);
	header->req_prod = 2;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(blk_back_take(&p.back, &req), 1);
	assert_int_equal(blk_back_take(&p.back, &req), -EPROTO);

	connect(&p);
	header->req_prod = 4;
	assert_int_equal(blk_back_take(&p.back, &req), 1);
	header->req_prod = 3;
	assert_true(blk_back_more_after(&p.back, 8));	/* looks, and sees it went back */
	assert_int_equal(blk_back_take(&p.back, &req), -EPROTO);
}

static void hostile_response_index(void **state)
{
	struct blkif_request req = request(1);
	struct blkif_response rsp;
	struct pair p;

	for (uint32_t out = 0; out <= BLK_SLOTS; out++) {
		for (int64_t jump = -70; jump <= 70; jump++) {
			bool legal = jump >= 0 && jump <= out;
			unsigned got = 0;
			int rc;

			connect_at(&p, 0xfffffff8);
			for (uint32_t i = 0; i < out; i++)
				assert_true(blk_front_put(&p.front, &req));
			blk_front_push(&p.front);
			header->rsp_prod += (uint32_t)jump;
			while ((rc = blk_front_take(&p.front, &rsp)) == 1)
				assert_true(++got <= BLK_SLOTS);
			assert_int_equal(rc, legal ? 0 : -EPROTO);
			assert_int_equal(got, legal ? jump : 0);
		}
	}
}

/* What a peer writes over our own indices, or over a message already taken, changes nothing. */
static void scribbled_header(void **state)
{
	struct blkif_response rsp = { .id = 77 };
	struct blkif_request req = request(5), got;
	struct pair p;

	connect(&p);
	blk_front_put(&p.front, &req);
	blk_front_push(&p.front);
	assert_int_equal(blk_back_take(&p.back, &got), 1);
	memset(page + RING_HEADER_BYTES, 0xff, 4096 - RING_HEADER_BYTES);
	assert_memory_equal(&got, &req, sizeof(got));
	header->rsp_prod = 0x1234;
	header->req_event = 0x55555555;
	assert_true(blk_back_answer(&p.back, &rsp));
	assert_true(blk_back_push(&p.back));
	assert_int_equal(header->rsp_prod, 1);
	assert_int_equal(blk_front_take(&p.front, &rsp), 1);
	assert_int_equal(rsp.id, 77);
}

static void resume(void **state)
{
	struct blkif_response rsp = { .id = 0 };
	struct blkif_request req;
	struct mica_bell bell;
	struct pair p;
	int rc;

	/* Killed with 3 of 10 answered and published, 6 taken. */
	for (uint32_t base = 0xfffffff0; base != 8; base++) {
		connect_at(&p, base);
		bell = p.back.end.bell;
		header->req_prod = base + 10;
		header->rsp_prod = base + 3;
		rc = blk_back_resume(&p.back, page, 4096, &bell, base + 6);
		assert_int_equal(rc, 0);
		assert_int_equal(blk_back_open(&p.back), 3);
		assert_true(blk_back_push(&p.back));	/* whoever waited is woken */
		assert_false(blk_back_push(&p.back));
		assert_int_equal(header->rsp_prod, base + 3);
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(blk_back_take(&p.back, &req), 1);
		assert_int_equal(blk_back_take(&p.back, &req), 0);
		for (unsigned i = 0; i < 7; i++)
			assert_true(blk_back_answer(&p.back, &rsp));
		assert_int_equal(blk_back_open(&p.back), 0);
	}
	/* What cannot be: taken before answered, taken but never published, too many. */
	for (int64_t cons = -40; cons <= 80; cons++) {
		for (int64_t prod = -40; prod <= 80; prod++) {
			bool legal = cons >= 0 && cons <= 32 && prod >= cons && prod <= 32;

			connect_at(&p, 100);
			header->req_prod = (uint32_t)(100 + prod);
			rc = blk_back_resume(&p.back, page, 4096, NULL, (uint32_t)(100 + cons));
			assert_int_equal(rc, legal ? 0 : -EPROTO);
			if (!legal)
				assert_int_not_equal(blk_back_take(&p.back, &req), 1);
		}
	}
}

/* Slots of 12 bytes hold either form; a response leaves the rest of its slot alone. */
static void small_slots(void **state)
{
	struct netif_tx_response rsp = { .id = 3, .status = -1 };
	struct nettx_front front;
	struct nettx_back back;
	union tx_slot req, got;

	memset(page, 0, sizeof(page));
	memset(&req, 0, sizeof(req));
	nettx_front_attach(&front, page, 4096, NULL);
	nettx_back_attach(&back, page, 4096, NULL);
	assert_int_equal(front.end.entries, 256);
	assert_int_equal(sizeof(union nettx_slot), 12);
	for (uint16_t i = 0; i < 256; i++) {
		req.tx = (struct netif_tx_request){ .gref = i * 5u, .id = i, .size = 60 };
		assert_true(nettx_front_put(&front, &req));
	}
	assert_int_equal(nettx_front_room(&front), 0);
	nettx_front_push(&front);
	for (uint16_t i = 0; i < 256; i++) {
		assert_int_equal(nettx_back_take(&back, &got), 1);
		assert_int_equal(got.tx.gref, i * 5u);
		assert_int_equal(got.tx.id, i);
	}
	assert_true(nettx_back_answer(&back, &rsp));
	nettx_back_push(&back);
	assert_int_equal(nettx_front_take(&front, &rsp), 1);
	assert_int_equal(rsp.status, -1);
}

#define RING_CASES	\
	cmocka_unit_test(first_header), \
	cmocka_unit_test(traffic_across_the_wrap), \
	cmocka_unit_test(bell_only_when_asked), \
	cmocka_unit_test(moderated_wake), \
	cmocka_unit_test(hostile_request_index), \
	cmocka_unit_test(hostile_index_at_the_final_check), \
	cmocka_unit_test(index_taken_back), \
	cmocka_unit_test(hostile_response_index), \
	cmocka_unit_test(scribbled_header), \
	cmocka_unit_test(resume), \
	cmocka_unit_test(small_slots),
