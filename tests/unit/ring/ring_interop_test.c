/* unit: tests/unit/ring/theirs.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our ends against the macros every stock driver is built with, both ways round, one page and
 * many, over the wrap of the indices.  Random scheduling where an end runs only when it has been
 * notified or has work: a bell either side computes differently from the other stops the traffic.
 */
#include <string.h>

#include "host.h"
#include <mica/io/blkif.h>
#include <mica/ring.h>
#include "theirs.h"

MICA_RING(blk, struct blkif_request, struct blkif_response)

#define MESSAGES	20000u

static uint8_t page[16 * 4096] __attribute__((aligned(4096)));
static bool woken[2];			/* front, back */

static void bell(void *ctx, uint32_t port)
{
	woken[port] = true;
}

static void fill(struct blkif_request *req, uint64_t id)
{
	memset(req, (int)(id * 37), sizeof(*req));
	req->id = id;
}

static void at(struct mica_ring_end *end, struct theirs *t, uint32_t index)
{
	struct ring_header *header = (struct ring_header *)page;

	end->cons = end->seen = end->prod = end->pushed = index;
	theirs_set(t, index);
	header->req_prod = header->rsp_prod = index;
	header->req_event = header->rsp_event = index + 1;
	woken[0] = true;
	woken[1] = false;
}

static void check_request(const struct blkif_request *got, uint64_t id)
{
	struct blkif_request want;

	fill(&want, id);
	assert_memory_equal(got, &want, sizeof(want));
}

/* One pass of each kind of end; they stop half way at random, as if out of time. */
struct progress {
	uint64_t sent, served, got;
};

static void our_front(struct blk_front *f, struct progress *p)
{
	struct blkif_response rsp;
	struct blkif_request req;

	do {
		while (p->sent < MESSAGES && blk_front_room(f) && dice(20)) {
			fill(&req, p->sent++);
			assert_true(blk_front_put(f, &req));
		}
		blk_front_push(f);
		while (blk_front_take(f, &rsp) == 1)
			assert_int_equal(rsp.id, p->got++);
	} while (blk_front_more(f) || (p->sent < MESSAGES && blk_front_room(f)));
}

static void our_back(struct blk_back *b, struct progress *p)
{
	struct blkif_request req;

	do {
		while (dice(20) && blk_back_take(b, &req) == 1) {
			struct blkif_response rsp = { .id = req.id };

			check_request(&req, p->served++);
			assert_true(blk_back_answer(b, &rsp));
		}
		blk_back_push(b);
	} while (blk_back_more(b));
	assert_false(blk_back_dead(b));
}

static void their_front(struct theirs *t, struct progress *p)
{
	struct blkif_response rsp;
	struct blkif_request req;
	bool room;

	do {
		room = true;
		while (p->sent < MESSAGES && room && dice(20)) {
			fill(&req, p->sent);
			room = theirs_front_put(t, &req);
			p->sent += room;
		}
		if (theirs_front_push(t))
			woken[1] = true;
		while (theirs_front_take(t, &rsp)) {
			assert_int_equal(rsp.id, p->got++);
			room = true;
		}
	} while (theirs_front_more(t) || (p->sent < MESSAGES && room));
}

static void their_back(struct theirs *t, struct progress *p)
{
	struct blkif_request req;

	do {
		while (dice(20) && theirs_back_take(t, &req)) {
			struct blkif_response rsp = { .id = req.id };

			check_request(&req, p->served++);
			theirs_back_answer(t, &rsp);
		}
		if (theirs_back_push(t))
			woken[0] = true;
	} while (theirs_back_more(t));
}

static void our_front_their_back(void **state)
{
	struct mica_bell to_back = { .ring = bell, .port = 1 };

	dice_start();
	for (size_t bytes = 4096; bytes <= sizeof(page); bytes *= 2) {
		struct progress p = { 0 };
		struct theirs *back;
		struct blk_front f;

		blk_front_attach(&f, page, bytes, &to_back);
		back = theirs_back(page, bytes);
		assert_int_equal(f.end.entries, theirs_entries(back));
		at(&f.end, back, 0u - 777);
		while (p.got < MESSAGES) {
			unsigned who = (unsigned)dice(2);

			assert_true(woken[0] || woken[1]);	/* else: lost */
			if (!woken[who])
				continue;
			woken[who] = false;
			if (who)
				their_back(back, &p);
			else
				our_front(&f, &p);
		}
		theirs_free(back);
	}
}

static void their_front_our_back(void **state)
{
	struct mica_bell to_front = { .ring = bell, .port = 0 };

	for (size_t bytes = 4096; bytes <= sizeof(page); bytes *= 2) {
		struct progress p = { 0 };
		struct theirs *front;
		struct blk_back b;

		front = theirs_front(page, bytes);
		blk_back_attach(&b, page, bytes, &to_front);
		assert_int_equal(b.end.entries, theirs_entries(front));
		at(&b.end, front, 0u - 777);
		while (p.got < MESSAGES) {
			unsigned who = (unsigned)dice(2);

			assert_true(woken[0] || woken[1]);
			if (!woken[who])
				continue;
			woken[who] = false;
			if (who)
				our_back(&b, &p);
			else
				their_front(front, &p);
		}
		theirs_free(front);
	}
}

/* The header each side writes first is the same. */
static void same_first_header(void **state)
{
	uint8_t ours[64];
	struct blk_front f;

	memset(page, 0, sizeof(page));
	blk_front_attach(&f, page, 4096, NULL);
	memcpy(ours, page, sizeof(ours));
	memset(page, 0, sizeof(page));
	theirs_free(theirs_front(page, 4096));
	assert_memory_equal(ours, page, sizeof(ours));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_front_their_back),
		cmocka_unit_test(their_front_our_back),
		cmocka_unit_test(same_first_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
