/* unit: dom0-tools/blkd/disk.c dom0-tools/blkd/queue.c dom0-tools/blkd/job.c dom0-tools/blkd/request.c dom0-tools/blkd/pages.c dom0-tools/blkd/bounce.c dom0-tools/blkd/journal.c dom0-tools/blkd/engine.c dom0-tools/blkd/engine_threads.c dom0-tools/blkd/engine_uring.c dom0-tools/blkd/engine_error.c -l:liburing.a */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of a guest that asks a disk for nonsense: an error or the end of its connection,
 * one event, and nothing outside its own disk and its own pages.
 */
#include "guest.h"

static void impossible_indices(void **state)
{
	static const uint32_t jumps[] = { 33, 34, 1000, 0x80000000u, 0xffffffffu, 0xfffffff0u };

	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		start(&engine_threads, 1, 1, false);
		((struct ring_header *)guest_page(0))->req_prod = jumps[i];
		disk_event(&disk, rings.port[0] + 1);
		disk_event(&disk, rings.port[0] + 1);
		disk_run(&disk);
		assert_int_equal(faults, 1);		/* one event, and it is over */
		assert_int_equal(world.s->journal.stats.reads, 0);
		stop();
	}
}

static void bad_grants(void **state)
{
	struct blkif_request r;

	for (int persistent = 0; persistent < 2; persistent++) {
		start(&engine_uring, 1, 1, persistent);
		r = request(BLKIF_OP_WRITE, 1, 0, 3, DATA_REF);
		r.seg[2].gref = GUEST_PAGES + 5;
		assert_int_equal(ask(&r), BLKIF_RSP_ERROR);
		image_has(0, 0, 4096);			/* nothing of it was written */
		r = request(BLKIF_OP_READ, 2, 0, 11, 0xfffffff0u);
		assert_int_equal(ask(&r), BLKIF_RSP_ERROR);
		r = indirect_request(BLKIF_OP_READ, 3, 0, 20, 100, DATA_REF);
		world.s->revoked[100] = 1;
		assert_int_equal(ask(&r), BLKIF_RSP_ERROR);
		world.s->revoked[100] = 0;
		assert_int_equal(disk.bounce_bytes, 0);
		/* and then it goes on as if nothing had been */
		fill(DATA_REF, 0x77);
		r = request(BLKIF_OP_WRITE, 4, 0, 1, DATA_REF);
		assert_int_equal(ask(&r), BLKIF_RSP_OKAY);
		image_has(0, 0x77, 4096);
		assert_true(notes <= 2);
		assert_int_equal(world.s->journal.stats.refused, 3);
		stop();
	}
}

static void grants_revoked_mid_transfer(void **state)
{
	struct blkif_request r = request(BLKIF_OP_READ, 1, 0, 2, DATA_REF);

	start(&slow, 1, 1, false);
	put(0, &r);
	ring_bell(0);
	world.s->revoked[DATA_REF + 1] = 1;
	finish(0, 0);
	assert_int_equal(status_of(0, NULL), BLKIF_RSP_ERROR);
	assert_int_equal(disk.bounce_bytes, 0);
	stop();
}

/* What was taken is what is done: the slot in the ring is the guest's to scribble on. */
static void requests_changed_after_they_were_read(void **state)
{
	struct blkif_request r = request(BLKIF_OP_WRITE, 1, 8, 1, DATA_REF);
	uint64_t id;

	start(&slow, 1, 1, false);
	fill(DATA_REF, 0x42);
	put(0, &r);
	ring_bell(0);
	memset(guest_page(0) + 64, 0xff, PAGE - 64);
	assert_int_equal(nr_pending, 1);
	assert_int_equal(pending[0]->offset, 4096);
	assert_int_equal(pending[0]->bytes, 4096);
	finish(0, 0);
	assert_int_equal(status_of(0, &id), BLKIF_RSP_OKAY);
	assert_int_equal(id, 1);
	stop();
}

static void nonsense_gets_one_event(void **state)
{
	struct blkif_request r;

	start(&engine_threads, 1, 1, false);
	for (unsigned i = 0; i < 500; i++) {
		r = request((uint8_t)(7 + i % 200), i, i, 1, DATA_REF);
		assert_int_equal(ask(&r), BLKIF_RSP_EOPNOTSUPP);
	}
	for (unsigned i = 0; i < 100; i++) {
		r = request(BLKIF_OP_WRITE, i, IMAGE_BYTES / 512 - 7 + i, 1, DATA_REF);
		assert_int_equal(ask(&r), BLKIF_RSP_ERROR);
	}
	assert_int_equal(notes, 1);
	assert_int_equal(world.s->journal.stats.refused, 600);
	stop();
}

static void event_storms_are_slowed_down(void **state)
{
	uint64_t begin, end;
	struct timespec t;

	start(&engine_threads, 1, 1, false);
	for (unsigned i = 0; i < 999; i++)
		disk_event(&disk, rings.port[0] + 1);
	assert_int_equal(notes, 0);
	clock_gettime(CLOCK_MONOTONIC, &t);
	begin = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	for (unsigned i = 0; i < 20; i++)
		disk_event(&disk, rings.port[0] + 1);
	clock_gettime(CLOCK_MONOTONIC, &t);
	end = (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
	assert_int_equal(notes, 1);
	assert_true(end - begin >= 40);			/* it slept, 2 ms each; never less */
	stop();
}

/* Grants without end: the cache stays bounded, and everything is still done. */
static void a_grant_for_every_request(void **state)
{
	struct blkif_request r;

	start(&engine_threads, 1, 1, true);
	disk.pages.nr = PAGES_MOST - 20;
	for (unsigned i = 0; i < 200; i++) {
		fill(DATA_REF + i, (uint8_t)i);
		r = request(BLKIF_OP_WRITE, i, i * 8, 1, DATA_REF + i);
		assert_int_equal(ask(&r), BLKIF_RSP_OKAY);
		image_has(i * 4096ull, (uint8_t)i, 4096);
	}
	assert_int_equal(disk.pages.nr, PAGES_MOST);
	assert_int_equal(world.s->journal.stats.copied_pages, 180);
	stop();
}

/* Any bytes in the ring, any grants: no crash, no leak, nothing outside the disk. */
static void any_requests_at_all(void **state)
{
	uint8_t beyond[PAGE];

	for (unsigned round = 0; round < 40; round++) {
		start(round % 2 ? &engine_uring : &engine_threads, 1, 1, round & 2);
		/* the image is longer than the disk; what lies behind is not the guest's */
		disk.shape.bytes = IMAGE_BYTES / 2;
		for (unsigned i = 0; i < 100; i++) {
			struct blkif_request r;

			for (size_t k = 0; k < sizeof(r); k++)
				((uint8_t *)&r)[k] = (uint8_t)dice(dice(2) ? 256 : 9);
			if (dice(4))
				r.sector_number = dice(IMAGE_BYTES / 512);
			if (dice(4) && r.operation != BLKIF_OP_DISCARD)
				for (unsigned s = 0; s < 11; s++)
					r.seg[s].gref = (uint32_t)dice(GUEST_PAGES + 4);
			if (dice(20) == 0)
				world.s->revoked[dice(GUEST_PAGES - 8) + 8] ^= 1;
			blk_front_put(&front[0], &r);
			ring_bell(0);
			if (dice(3) == 0)
				disk_settle();
			/* answers are taken without looking, so that there is room */
			front[0].end.cons = front[0].end.shared->rsp_prod;
		}
		disk_settle();
		for (uint64_t at = IMAGE_BYTES / 2; at < IMAGE_BYTES; at += PAGE) {
			assert_int_equal(pread(image, beyond, PAGE, (off_t)at), PAGE);
			for (unsigned i = 0; i < PAGE; i++)
				assert_int_equal(beyond[i], 0);
		}
		stop();
	}
}

static void connections_that_cannot_be(void **state)
{
	struct blk_rings bad;

	start(&engine_threads, 1, 1, false);
	stop();
	world_start();
	image = temp_image(IMAGE_BYTES);
	disk_begin(&engine_threads, image, IMAGE_BYTES);
	bad = rings_at(1, 1, false);
	bad.nr_queues = 0;
	assert_int_equal(disk_connect(&disk, &bad, false), -EINVAL);
	bad.nr_queues = BLK_QUEUES + 1;
	assert_int_equal(disk_connect(&disk, &bad, false), -EINVAL);
	bad = rings_at(1, 1, false);
	bad.nr_pages = 3;
	assert_int_equal(disk_connect(&disk, &bad, false), -EINVAL);
	bad = rings_at(2, 2, false);
	bad.ref[1][1] = GUEST_PAGES;
	assert_int_equal(disk_connect(&disk, &bad, false), -EINVAL);
	bad = rings_at(2, 2, false);
	bad.port[1] = 100;
	assert_int_equal(disk_connect(&disk, &bad, false), -EINVAL);
	assert_int_equal(world.mapped, 0);
	disk_finish();
	close(image);
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(impossible_indices),
		cmocka_unit_test(bad_grants),
		cmocka_unit_test(grants_revoked_mid_transfer),
		cmocka_unit_test(requests_changed_after_they_were_read),
		cmocka_unit_test(nonsense_gets_one_event),
		cmocka_unit_test(event_storms_are_slowed_down),
		cmocka_unit_test(a_grant_for_every_request),
		cmocka_unit_test(any_requests_at_all),
		cmocka_unit_test(connections_that_cannot_be),
	};

	dice_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
