/* unit: dom0-tools/lib/ring_judge.c dom0-tools/lib/ring_say.c dom0-tools/lib/ring_take.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verdict on a ring, with made-up samples: every finding, which side sleeps, at the wrap of the
 * indices too; and with real ones, taken from a ring that two ends of <mica/ring.h> have used, where
 * a notification was lost on purpose.  Then the words for messages, and any bytes as a ring.
 */
#include <mica/ring.h>		/* before the hypervisor's "packed" */
#include "unit.h"
#include <errno.h>
#include <stdlib.h>
#include <mica/evtchn.h>
#include <mica/io/blkif.h>
#include <mica/io/netif.h>

#include "lib/ring_look.h"

MICA_RING(blk, struct blkif_request, struct blkif_response)

#define BYTES	4096u
#define SLOT	112u
#define SLOTS	32u

static struct ring_verdict v;

/* A connected disk with nothing to do, its indices from @base. */
static struct ring_case quiet_at(uint32_t base)
{
	struct ring_sample s = { .req_prod = base, .rsp_prod = base, .req_event = base + 1,
				 .rsp_event = base + 1 };
	struct ring_port port = { .known = true, .port = 5, .status = EVTCHNSTAT_interdomain,
				  .pending = RING_BIT_NO, .masked = RING_BIT_NO };

	return (struct ring_case){
		.layout = RING_BLK, .bytes = BYTES, .slot_bytes = SLOT,
		.back_state = { 4, 4 }, .front_state = { 4, 4 }, .sample = { s, s },
		.back = port, .front = port, .apart_ms = 1000,
	};
}

static void is(const struct ring_case *c, enum ring_finding finding, const char *words)
{
	ring_judge(c, &v);
	if (v.finding != finding || !strstr(v.words, words))
		fail_msg("%s: %s; not %s: ...%s", ring_finding_name(v.finding), v.words,
			 ring_finding_name(finding), words);
	assert_int_equal(ring_finding_bad(finding), finding == RING_STALLED ||
			 finding == RING_IMPOSSIBLE || finding == RING_STUCK ||
			 finding == RING_UNREADABLE);
	assert_int_equal(v.sleeper != RING_NOBODY && v.finding == RING_STALLED,
			 v.finding == RING_STALLED);
}

static void both(struct ring_case *c, uint32_t req_prod, uint32_t rsp_prod, uint32_t req_event,
		 uint32_t rsp_event)
{
	c->sample[0] = c->sample[1] = (struct ring_sample){
		.req_prod = req_prod, .rsp_prod = rsp_prod, .req_event = req_event,
		.rsp_event = rsp_event,
	};
}

/* Everything that follows holds wherever the indices are. */
static const uint32_t bases[] = { 100, 0xffffffe8u, 0xfffffffcu, 0x7ffffff0u };

#define EACH_BASE(b)	for (size_t i_ = 0; i_ < 4; i_++) for (uint32_t b = bases[i_], once_ = 1; once_; once_ = 0)

static void test_nothing_to_do(void **state)
{
	struct ring_case c = quiet_at(0);

	is(&c, RING_IDLE, "nothing in flight");
	both(&c, 0, 0, 0, 0);		/* not even initialised */
	is(&c, RING_IDLE, "nothing in flight");
	EACH_BASE(b) {
		c = quiet_at(b);
		is(&c, RING_IDLE, "nothing in flight");
	}
}

static void test_moving(void **state)
{
	EACH_BASE(b) {
		struct ring_case c = quiet_at(b);

		c.sample[1].req_prod += 7;
		c.sample[1].rsp_prod += 5;
		is(&c, RING_HEALTHY, "7 requests and 5 responses");
		/* A back end that does not sleep never arms, and is busy all the same. */
		both(&c, b + 20, b, b - 500, b + 1);
		c.sample[1].rsp_prod = b + 3;
		c.sample[1].rsp_event = b + 4;
		is(&c, RING_HEALTHY, "0 requests and 3 responses");
		/* Torn between two accesses, nothing is impossible. */
		c = quiet_at(b);
		c.sample[1].req_prod += 100;
		c.sample[1].rsp_prod += 130;
		c.sample[1].torn = true;
		is(&c, RING_HEALTHY, "100 requests");
	}
}

static void test_a_slow_back_end_is_no_stall(void **state)
{
	EACH_BASE(b) {
		struct ring_case c = quiet_at(b);

		both(&c, b + 9, b, b + 10, b + 1);
		is(&c, RING_WAITING, "9 requests");
		both(&c, b + 1, b, b + 2, b + 1);
		is(&c, RING_WAITING, "1 request and");
		/* Not taken, but the operator wants it slow. */
		both(&c, b + 9, b, b + 1, b + 1);
		c.limited = true;
		is(&c, RING_WAITING, "a rate limit is set");
	}
}

static void test_the_back_end_sleeps(void **state)
{
	EACH_BASE(b) {
		struct ring_case c = quiet_at(b);

		both(&c, b + 1, b, b + 1, b + 1);
		is(&c, RING_STALLED, "lost notification front->back");
		assert_int_equal(v.sleeper, RING_BACK);
		assert_non_null(strstr(v.words, "neither pending nor masked"));
		assert_null(strstr(v.words, "unless"));
		assert_non_null(strstr(v.next, "mica ring kick"));
		/* Its kernel took the event: not lost, but not finished either. */
		c.back.masked = RING_BIT_YES;
		is(&c, RING_STALLED, "was told and sleeps");
		assert_null(strstr(v.words, "lost"));
		assert_non_null(strstr(v.next, "hangs or is stopped"));
		c.back.pending = c.back.masked = RING_BIT_UNKNOWN;
		is(&c, RING_STALLED, "lost notification front->back, unless");
		assert_non_null(strstr(v.words, "cannot be seen"));
		/* The front end going on changes nothing. */
		c.sample[1].req_prod += 3;
		is(&c, RING_STALLED, "lost notification front->back");
		/* Told, but not listening. */
		c.back.pending = RING_BIT_YES;
		is(&c, RING_STALLED, "does not take the event");
		assert_int_equal(v.sleeper, RING_BACK);
		assert_null(strstr(v.words, "lost"));
		c.front.status = EVTCHNSTAT_unbound;
		is(&c, RING_STALLED, "not bound yet");
		c.front.status = EVTCHNSTAT_closed;
		is(&c, RING_STALLED, "closed");
		c.front.status = EVTCHNSTAT_virq;
		is(&c, RING_STALLED, "no port between domains");
		c.front.status = EVTCHNSTAT_interdomain;
		c.front.peer = 3;
		is(&c, RING_STALLED, "bound to another domain than dom0");
		/* The least stirring of the back end acquits it. */
		c = quiet_at(b);
		both(&c, b + 2, b, b + 1, b + 1);
		c.sample[1].req_event = b + 3;
		is(&c, RING_WAITING, "2 requests");
		/* Published only at the second look: the event may be on its way. */
		both(&c, b, b, b + 1, b + 1);
		c.sample[1].req_prod = b + 1;
		is(&c, RING_HEALTHY, "1 requests");
	}
}

static void test_the_front_end_sleeps(void **state)
{
	EACH_BASE(b) {
		struct ring_case c = quiet_at(b);

		both(&c, b + 4, b + 4, b + 5, b + 1);
		is(&c, RING_STALLED, "lost notification back->front");
		assert_int_equal(v.sleeper, RING_FRONT);
		c.sample[1].rsp_prod = c.sample[1].req_prod;
		is(&c, RING_STALLED, "lost notification back->front");
		assert_non_null(strstr(v.next, "mica ring kick"));
		c.front.masked = RING_BIT_YES;
		is(&c, RING_STALLED, "the front end was told");
		assert_null(strstr(v.words, "lost"));
		c.front.masked = RING_BIT_NO;
		c.front.pending = RING_BIT_YES;
		is(&c, RING_STALLED, "is pending and vCPU 0 does not take");
		c.front.masked = RING_BIT_YES;
		is(&c, RING_STALLED, "pending and masked");
		c.guest_stopped = true;
		is(&c, RING_WAITING, "paused");
		c.guest_stopped = false;
		c.front.status = EVTCHNSTAT_closed;
		is(&c, RING_STALLED, "closed");
		c = quiet_at(b);
		both(&c, b + 4, b + 4, b + 5, b + 1);
		c.sample[1].rsp_event = b + 5;
		is(&c, RING_IDLE, "");
		both(&c, b + 4, b + 4, b + 5, b + 1);
		c.sample[1].req_prod = b + 5;
		is(&c, RING_HEALTHY, "1 requests");
	}
}

static void test_buffers_are_no_work(void **state)
{
	struct ring_case c = quiet_at(1000);

	c.layout = RING_NET_RX;
	c.slot_bytes = 8;
	both(&c, 1200, 1000, 1001, 1001);
	is(&c, RING_IDLE, "200 empty buffers");
	both(&c, 1200, 1000, 1001, 990);
	is(&c, RING_STALLED, "back->front");
	assert_non_null(strstr(v.next, "interface"));
	c.layout = RING_NET_TX;
	c.slot_bytes = 12;
	both(&c, 1200, 1000, 1001, 1001);
	is(&c, RING_STALLED, "front->back");
}

static void test_indices_that_cannot_be(void **state)
{
	EACH_BASE(b) {
		struct ring_case c = quiet_at(b);

		both(&c, b + SLOTS, b, b + SLOTS + 1, b + 1);
		is(&c, RING_WAITING, "32 requests");
		both(&c, b + SLOTS + 1, b, b + 1, b + 1);
		is(&c, RING_IMPOSSIBLE, "33 requests in a ring of 32 slots");
		both(&c, b, b + 2, b + 1, b + 3);
		is(&c, RING_IMPOSSIBLE, "2 responses to requests that were never made");
		both(&c, b, b, b + SLOTS + 2, b + 1);
		is(&c, RING_IMPOSSIBLE, "the back end would wake");
		both(&c, b, b, b + 1, b + SLOTS + 2);
		is(&c, RING_IMPOSSIBLE, "the front end would wake");
		c = quiet_at(b);
		c.sample[0].req_prod += 3;
		c.sample[0].rsp_prod += 3;
		c.sample[0].req_event = c.sample[0].rsp_event = b + 4;
		is(&c, RING_IMPOSSIBLE, "gone back");
		/* Of a ring whose slots are not known, no more can be out than fit at all. */
		c = quiet_at(b);
		c.layout = RING_GENERIC;
		c.slot_bytes = 0;
		both(&c, b + 300, b, b + 301, b + 1);
		is(&c, RING_WAITING, "300 requests");
		both(&c, b + 600, b, b + 601, b + 1);
		is(&c, RING_IMPOSSIBLE, "600 requests");
	}
}

static void test_handshakes(void **state)
{
	for (unsigned back = 0; back <= MICA_BUS_NONSENSE; back++)
		for (unsigned front = 0; front <= MICA_BUS_NONSENSE; front++)
			for (unsigned will = 0; will < 3; will++) {
				struct ring_case c = quiet_at(0);

				c.back_state[0] = c.back_state[1] = back;
				c.front_state[0] = c.front_state[1] = front;
				c.will = will;
				ring_judge(&c, &v);
				assert_true(v.words[0]);
				if (back == 4 && front == 4) {
					assert_int_equal(v.finding, RING_IDLE);
					continue;
				}
				assert_true(v.finding == RING_STUCK || v.finding == RING_CLOSED);
				c.back_state[0] = back ? 0 : 1;
				ring_judge(&c, &v);
				assert_int_equal(v.finding, RING_CONNECTING);
			}
}

static void test_handshake_words(void **state)
{
	struct ring_case c = quiet_at(0);

	c.back_state[0] = c.back_state[1] = 2;
	c.front_state[0] = c.front_state[1] = 1;
	is(&c, RING_STUCK, "back end InitWait, guest Initialising, and neither moves: The guest has no");
	c.back_state[0] = c.back_state[1] = 6;
	c.front_state[0] = c.front_state[1] = 6;
	is(&c, RING_CLOSED, "closed");
	c.will = MICA_BUS_BROKEN;
	is(&c, RING_STUCK, "error key");
	c.will = MICA_BUS_UP;
	c.back_state[0] = c.back_state[1] = 5;
	c.front_state[0] = c.front_state[1] = 4;
	is(&c, RING_STUCK, "still uses");
	assert_non_null(strstr(v.next, "--force"));
	c.back_state[0] = c.back_state[1] = 1;
	c.front_state[0] = c.front_state[1] = 1;
	is(&c, RING_STUCK, "");
	assert_non_null(strstr(v.next, "daemon"));
}

static void test_pages_that_are_gone(void **state)
{
	struct ring_case c = quiet_at(0);

	c.sample[1].error = -EINVAL;
	is(&c, RING_UNREADABLE, "taken the grant back");
	c = quiet_at(0);
	c.keys_wrong = "the guest's ring-ref is no number";
	is(&c, RING_UNREADABLE, "connected, but the guest's ring-ref is no number");
}

/* --- with a ring in use --- */

static _Alignas(4096) uint8_t page[BYTES];

static void look_twice(struct ring_case *c)
{
	*c = quiet_at(0);
	ring_read(page, BYTES, &c->sample[0], NULL);
	ring_read(page, BYTES, &c->sample[1], NULL);
}

static void test_notifications_lost_in_a_real_ring(void **state)
{
	struct blkif_request req = { .operation = BLKIF_OP_READ, .nr_segments = 1 };
	struct blkif_response rsp = { 0 };
	struct blk_front front;
	struct blk_back back;
	struct ring_case c;

	memset(page, 0, sizeof(page));
	blk_front_attach(&front, page, BYTES, NULL);
	blk_back_attach(&back, page, BYTES, NULL);
	look_twice(&c);
	is(&c, RING_IDLE, "");
	for (unsigned round = 0; round < 100; round++) {
		assert_true(blk_front_put(&front, &req));
		assert_true(blk_front_push(&front));	/* rings, and the bell is lost */
		look_twice(&c);
		is(&c, RING_STALLED, "front->back");
		assert_int_equal(blk_back_take(&back, &req), 1);
		assert_false(blk_back_more(&back));
		look_twice(&c);
		is(&c, RING_WAITING, "1 request ");
		blk_back_answer(&back, &rsp);
		assert_true(blk_back_push(&back));
		look_twice(&c);
		is(&c, RING_STALLED, "back->front");
		assert_int_equal(blk_front_take(&front, &rsp), 1);
		assert_false(blk_front_more(&front));
		look_twice(&c);
		is(&c, RING_IDLE, "");
	}
}

/* --- mapping --- */

static int map_error;
static unsigned maps;

static int fake_map(void *ctx, uint16_t domain, const uint32_t *refs, unsigned n, void **where)
{
	if (map_error)
		return map_error;
	assert_int_equal(domain, 7);
	assert_int_equal(refs[0], 8);
	assert_int_equal(n, 1);
	maps++;
	*where = page;
	return 0;
}

static void fake_unmap(void *ctx, void *where, unsigned n)
{
	assert_ptr_equal(where, page);
	maps--;
}

static void test_taking(void **state)
{
	const struct ring_eyes eyes = { .map = fake_map, .unmap = fake_unmap };
	struct ring_place p = { .pages = 1, .refs = { 8 } };
	struct ring_header *h = (void *)page;
	struct ring_sample s;
	uint8_t copy[BYTES];

	for (unsigned i = 0; i < BYTES; i++)
		page[i] = (uint8_t)i;
	h->req_prod = 11, h->req_event = 12, h->rsp_prod = 9, h->rsp_event = 10;
	ring_take(&eyes, 7, &p, &s, copy);
	assert_int_equal(s.error, 0);
	assert_false(s.torn);
	assert_true(s.req_prod == 11 && s.req_event == 12 && s.rsp_prod == 9 && s.rsp_event == 10);
	assert_memory_equal(copy, page, BYTES);
	assert_int_equal(maps, 0);
	map_error = -EINVAL;
	ring_take(&eyes, 7, &p, &s, copy);
	assert_int_equal(s.error, -EINVAL);
	p.pages = 0;
	ring_take(&eyes, 7, &p, &s, copy);
	assert_int_equal(s.error, -ENXIO);
	p.pages = RING_PAGES_MAX + 1;
	ring_take(&eyes, 7, &p, &s, copy);
	assert_int_equal(s.error, -ENXIO);
}

/* --- words --- */

static char text[160];

static const char *blk_words(const void *request, size_t bytes)
{
	bool extra = false;

	memset(page, 0, sizeof(page));
	memcpy(page + RING_HEADER_BYTES + 3 * SLOT, request, bytes);
	ring_say(RING_BLK, page, BYTES, SLOT, 32 * 5 + 3, &extra, text, sizeof(text));
	return text;
}

static void test_disk_words(void **state)
{
	struct blkif_request r = { .operation = BLKIF_OP_WRITE, .nr_segments = 2, .id = 17,
				   .sector_number = 81920 };
	struct blkif_request_discard d = { .operation = BLKIF_OP_DISCARD, .id = 1,
					   .sector_number = 8, .nr_sectors = 4096,
					   .flag = BLKIF_DISCARD_SECURE };
	struct blkif_request_indirect i = { .operation = BLKIF_OP_INDIRECT, .id = 2,
					    .indirect_op = BLKIF_OP_READ, .nr_segments = 64,
					    .sector_number = 16 };

	r.seg[0].last_sect = 7;
	r.seg[1].first_sect = 2;
	r.seg[1].last_sect = 3;
	assert_string_equal(blk_words(&r, sizeof(r)), "id 17 WRITE sector 81920 +10, 2 segments");
	r.nr_segments = 200;
	assert_string_equal(blk_words(&r, sizeof(r)),
			    "id 17 WRITE sector 81920, 200 segments, which cannot be");
	r.nr_segments = 0;
	r.operation = 77;
	assert_non_null(strstr(blk_words(&r, sizeof(r)), "UNKNOWN OPERATION"));
	assert_string_equal(blk_words(&d, sizeof(d)), "id 1 DISCARD sector 8 +4096, secure");
	assert_string_equal(blk_words(&i, sizeof(i)), "id 2 READ sector 16, 64 segments, indirect");
}

static void test_network_words(void **state)
{
	struct netif_tx_request tx = { .gref = 812, .offset = 66, .id = 3, .size = 1514,
				       .flags = NETTXF_csum_blank | NETTXF_extra_info };
	struct netif_extra_info gso = { .type = XEN_NETIF_EXTRA_TYPE_GSO, .u.gso.size = 1448 };
	struct netif_rx_request rx = { .id = 4, .gref = 99 };
	bool extra = false;

	memset(page, 0, sizeof(page));
	memcpy(page + 64, &tx, sizeof(tx));
	memcpy(page + 76, &gso, sizeof(gso));
	ring_say(RING_NET_TX, page, BYTES, 12, 0, &extra, text, sizeof(text));
	assert_string_equal(text, "id 3 1514 bytes, grant 812 at 66, flags 0x9 csum_blank extra_info");
	assert_true(extra);
	ring_say(RING_NET_TX, page, BYTES, 12, 1, &extra, text, sizeof(text));
	assert_string_equal(text, "extra info: GSO, segments of 1448 bytes");
	assert_false(extra);
	memcpy(page + 64, &rx, sizeof(rx));
	ring_say(RING_NET_RX, page, BYTES, 8, 512, &extra, text, sizeof(text));
	assert_string_equal(text, "id 4 buffer, grant 99");
	ring_say(RING_GENERIC, page, BYTES, 8, 0, &extra, text, sizeof(text));
	assert_string_equal(text, "04000000 63000000");
	ring_say(RING_GENERIC, page, BYTES, 0, 0, &extra, text, sizeof(text));
	assert_string_equal(text, "");
}

static void test_port_words(void **state)
{
	struct ring_port p = { .known = true, .port = 5, .status = EVTCHNSTAT_interdomain,
			       .peer = 0, .peer_port = 31 };

	ring_port_say(&p, text, sizeof(text));
	assert_string_equal(text, "5 (bound to port 31 of domain 0, vCPU 0, pending or not cannot be seen)");
	p.pending = RING_BIT_NO;
	p.masked = RING_BIT_YES;
	ring_port_say(&p, text, sizeof(text));
	assert_string_equal(text, "5 (bound to port 31 of domain 0, vCPU 0, not pending, masked)");
	p.status = EVTCHNSTAT_unbound;
	ring_port_say(&p, text, sizeof(text));
	assert_string_equal(text, "5 (unbound)");
	p.status = 999;
	ring_port_say(&p, text, sizeof(text));
	assert_string_equal(text, "5 (the hypervisor does not tell)");
}

/* Whatever a guest leaves in its pages: said in bounds, judged, never followed. */
static void test_any_bytes(void **state)
{
	static const uint32_t slots[] = { 0, 112, 12, 8, 16, 4096 - 64, 4096, 1 };
	uint8_t copy[BYTES];
	bool extra = false;

	srand(4711);
	for (unsigned n = 0; n < 20000; n++) {
		struct ring_case c;
		char small[8];

		for (unsigned i = 0; i < 256; i++)
			page[i] = (uint8_t)rand();
		look_twice(&c);
		c.layout = n % 5;
		c.slot_bytes = slots[n % 8];
		c.sample[n % 2].torn = n % 3 == 0;
		if (n % 4 == 0)		/* nearly sane ones */
			both(&c, 70, 70 - (uint32_t)rand() % 64, 40 + (uint32_t)rand() % 64,
			     40 + (uint32_t)rand() % 64);
		ring_judge(&c, &v);
		assert_true(v.words[0]);
		memcpy(copy, page, BYTES);
		ring_say(c.layout, copy, BYTES, c.slot_bytes, (uint32_t)rand(), &extra, text,
			 sizeof(text));
		assert_true(strlen(text) < sizeof(text));
		ring_say(c.layout, copy, BYTES, c.slot_bytes, (uint32_t)rand(), &extra, small,
			 sizeof(small));
		assert_true(strlen(small) < sizeof(small));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_moving),
		cmocka_unit_test(test_a_slow_back_end_is_no_stall),
		cmocka_unit_test(test_the_back_end_sleeps),
		cmocka_unit_test(test_the_front_end_sleeps),
		cmocka_unit_test(test_buffers_are_no_work),
		cmocka_unit_test(test_indices_that_cannot_be),
		cmocka_unit_test(test_handshakes),
		cmocka_unit_test(test_handshake_words),
		cmocka_unit_test(test_pages_that_are_gone),
		cmocka_unit_test(test_notifications_lost_in_a_real_ring),
		cmocka_unit_test(test_taking),
		cmocka_unit_test(test_disk_words),
		cmocka_unit_test(test_network_words),
		cmocka_unit_test(test_port_words),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
