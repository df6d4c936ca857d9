/* unit: dom0-tools/blkd/disk.c dom0-tools/blkd/queue.c dom0-tools/blkd/job.c dom0-tools/blkd/request.c dom0-tools/blkd/pages.c dom0-tools/blkd/journal.c dom0-tools/blkd/engine.c dom0-tools/blkd/engine_threads.c dom0-tools/blkd/engine_uring.c dom0-tools/blkd/engine_error.c -l:liburing.a */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole disk, from ring to image: that it does what is asked, over each engine, and what becomes
 * of a guest that asks for nonsense.
 */
#include "world.h"

#define IMAGE_BYTES	(4u << 20)
#define DATA_REF	128u

static struct blk_front front[4];
static struct blk_rings rings;
static int image;

static void start(const struct engine_ops *ops, unsigned queues, unsigned pages, bool persistent)
{
	world_start();
	image = temp_image(IMAGE_BYTES);
	rings = rings_at(queues, pages, persistent);
	for (unsigned q = 0; q < queues; q++) {
		void *ring = guest_page(rings.ref[q][0]);

		memset(ring, 0, pages * PAGE);
		blk_front_attach(&front[q], ring, pages * PAGE, NULL);
	}
	disk_begin(ops, image, IMAGE_BYTES);
	assert_int_equal(disk_connect(&disk, &rings, false), 0);
}

static void stop(void)
{
	disk_finish();
	close(image);
	world_end();
}

static void put(unsigned q, const struct blkif_request *r)
{
	assert_true(blk_front_put(&front[q], r));
}

static void ring_bell(unsigned q)
{
	blk_front_push(&front[q]);
	disk_event(&disk, rings.port[q] + 1);
}

static int status_of(unsigned q, uint64_t *id)
{
	struct blkif_response rsp;

	assert_int_equal(blk_front_take(&front[q], &rsp), 1);
	if (id)
		*id = rsp.id;
	return rsp.status;
}

/* Ask for one thing and have its status. */
static int ask(const struct blkif_request *r)
{
	uint64_t id;
	int status;

	put(0, r);
	ring_bell(0);
	disk_settle();
	status = status_of(0, &id);
	assert_int_equal(id, r->id);
	return status;
}

static void fill(uint32_t ref, uint8_t with)
{
	memset(guest_page(ref), with, PAGE);
}

static void image_has(uint64_t offset, uint8_t byte, unsigned bytes)
{
	uint8_t data[PAGE];

	assert_int_equal(pread(image, data, bytes, (off_t)offset), bytes);
	for (unsigned i = 0; i < bytes; i++)
		assert_int_equal(data[i], byte);
}

/* --- what it does --- */

static void each_operation(const struct engine_ops *ops, bool persistent)
{
	struct blkif_request r;

	start(ops, 1, 1, persistent);
	for (unsigned i = 0; i < 3; i++)
		fill(DATA_REF + i, (uint8_t)(0x10 + i));
	r = request(BLKIF_OP_WRITE, 1, 16, 3, DATA_REF);
	r.seg[1].first_sect = 1;
	r.seg[1].last_sect = 1;
	assert_int_equal(ask(&r), BLKIF_RSP_OKAY);
	image_has(8192, 0x10, 4096);
	image_has(8192 + 4096, 0x11, 512);
	image_has(8192 + 4608, 0x12, 4096);
	r = request(BLKIF_OP_READ, 2, 17, 1, DATA_REF + 8);
	r.seg[0].first_sect = 3;
	r.seg[0].last_sect = 4;
	fill(DATA_REF + 8, 0xee);
	assert_int_equal(ask(&r), BLKIF_RSP_OKAY);
	assert_int_equal(guest_page(DATA_REF + 8)[3 * 512 - 1], 0xee);
	assert_int_equal(guest_page(DATA_REF + 8)[3 * 512], 0x10);
	assert_int_equal(guest_page(DATA_REF + 8)[5 * 512 - 1], 0x10);
	assert_int_equal(guest_page(DATA_REF + 8)[5 * 512], 0xee);
	r = request(BLKIF_OP_FLUSH_DISKCACHE, 3, 0, 0, 0);
	assert_int_equal(ask(&r), BLKIF_RSP_OKAY);
	r = request(BLKIF_OP_WRITE_BARRIER, 4, 64, 1, DATA_REF + 1);
	assert_int_equal(ask(&r), BLKIF_RSP_OKAY);
	image_has(32768, 0x11, 4096);
	r = request(BLKIF_OP_WRITE_BARRIER, 5, 0, 0, 0);
	assert_int_equal(ask(&r), BLKIF_RSP_OKAY);
	struct blkif_request_discard d = { .operation = BLKIF_OP_DISCARD, .id = 6,
					   .sector_number = 64, .nr_sectors = 8 };
	memcpy(&r, &d, sizeof(d));
	assert_int_equal(ask(&r), BLKIF_RSP_OKAY);
	image_has(32768, 0, 4096);
	assert_int_equal(world.s->copies != 0, !persistent);
	assert_int_equal(world.s->journal.stats.writes, 3);
	assert_int_equal(world.s->journal.stats.reads, 1);
	assert_int_equal(notes, 0);
	stop();
}

static void operations_by_uring(void **state)
{
	each_operation(&engine_uring, false);
	each_operation(&engine_uring, true);
}

static void operations_by_threads(void **state)
{
	each_operation(&engine_threads, false);
	each_operation(&engine_threads, true);
}

static struct blkif_request indirect_request(uint8_t op, uint64_t id, uint64_t sector, unsigned n,
					     uint32_t list, uint32_t first)
{
	struct blkif_request_indirect in = { .operation = BLKIF_OP_INDIRECT, .indirect_op = op,
		.nr_segments = (uint16_t)n, .id = id, .sector_number = sector,
		.indirect_grefs = { list } };
	struct blkif_request_segment *seg = (void *)guest_page(list);
	struct blkif_request r;

	for (unsigned i = 0; i < n; i++)
		seg[i] = (struct blkif_request_segment){ .gref = first + i, .last_sect = 7 };
	memset(&r, 0, sizeof(r));
	memcpy(&r, &in, sizeof(in));
	return r;
}

static void indirect_requests(void **state)
{
	struct blkif_response rsp;
	struct blkif_request r;

	for (int persistent = 0; persistent < 2; persistent++) {
		start(&engine_uring, 1, 1, persistent);
		for (unsigned i = 0; i < BLK_SEGMENTS; i++)
			fill(DATA_REF + i, (uint8_t)i);
		r = indirect_request(BLKIF_OP_WRITE, 1, 0, BLK_SEGMENTS, 100, DATA_REF);
		put(0, &r);
		ring_bell(0);
		disk_settle();
		assert_int_equal(blk_front_take(&front[0], &rsp), 1);
		assert_int_equal(rsp.status, BLKIF_RSP_OKAY);
		assert_int_equal(rsp.operation, BLKIF_OP_WRITE);	/* Linux insists */
		for (unsigned i = 0; i < BLK_SEGMENTS; i += 17)
			image_has((uint64_t)i * PAGE, (uint8_t)i, PAGE);
		for (unsigned i = 0; i < BLK_SEGMENTS; i++)
			fill(DATA_REF + 300 + i, 0xee);
		r = indirect_request(BLKIF_OP_READ, 2, 0, BLK_SEGMENTS, 100, DATA_REF + 300);
		assert_int_equal(ask(&r), BLKIF_RSP_OKAY);
		for (unsigned i = 0; i < BLK_SEGMENTS; i++)
			assert_int_equal(guest_page(DATA_REF + 300 + i)[i], (uint8_t)i);
		stop();
	}
}

/* Several queues of several pages, all full, answers in any order; a model says what must be. */
static void queues_and_pages(void **state)
{
	static uint8_t model[IMAGE_BYTES / PAGE];
	unsigned sent = 0, answered = 0;

	memset(model, 0, sizeof(model));
	start(&engine_uring, 4, 4, true);
	for (unsigned round = 0; round < 60; round++) {
		bool used[IMAGE_BYTES / PAGE] = { false };

		for (unsigned i = 0; i < 120; i++) {
			unsigned q = (unsigned)dice(4), block = (unsigned)dice(IMAGE_BYTES / PAGE);
			uint32_t ref = DATA_REF + i;
			bool write = dice(2);
			struct blkif_request r;

			if (used[block] || !blk_front_room(&front[q]))
				continue;
			used[block] = true;
			if (write)
				model[block] = (uint8_t)(round * 7 + i);
			fill(ref, write ? model[block] : 0xee);
			r = request(write ? BLKIF_OP_WRITE : BLKIF_OP_READ, (uint64_t)block << 32 | ref,
				    block * 8ull, 1, ref);
			put(q, &r);
			sent++;
		}
		for (unsigned q = 0; q < 4; q++)
			ring_bell(q);
		disk_settle();
		for (unsigned q = 0; q < 4; q++) {
			struct blkif_response rsp;

			while (blk_front_take(&front[q], &rsp) == 1) {
				assert_int_equal(rsp.status, BLKIF_RSP_OKAY);
				assert_int_equal(guest_page((uint32_t)rsp.id)[77], model[rsp.id >> 32]);
				answered++;
			}
		}
	}
	assert_int_equal(sent, answered);
	assert_true(sent > 3000);
	/* mapped once, then found: far fewer maps than pages used */
	assert_true(world.s->journal.stats.mapped_pages == sent && disk.pages.nr <= 120);
	stop();
}

/* More than the engine takes at a time, and more than the ring holds: nothing is left behind. */
static void more_than_fits(void **state)
{
	unsigned sent = 0, answered = 0;
	struct blkif_response rsp;

	start(&engine_threads, 1, 16, false);
	engine.depth = 4;
	while (answered < 3000) {
		while (sent < 3000 && blk_front_room(&front[0])) {
			struct blkif_request r = request(BLKIF_OP_READ, sent, sent % 1000, 1,
							 DATA_REF + sent % 64);

			put(0, &r);
			sent++;
		}
		ring_bell(0);
		disk_settle();
		while (blk_front_take(&front[0], &rsp) == 1)
			answered++;
	}
	stop();
}

/* --- order: an engine that the test holds back --- */

static struct xfer *pending[64];
static unsigned nr_pending;

static int slow_start(struct engine *e)
{
	nr_pending = 0;
	e->fd = open("/dev/null", O_RDONLY);
	return 0;
}

static int slow_submit(struct engine *e, struct xfer *x)
{
	pending[nr_pending++] = x;
	return 0;
}

static void slow_nothing(struct engine *e)
{
}

static void slow_stop(struct engine *e)
{
	close(e->fd);
}

static const struct engine_ops slow = {
	.kind = ENGINE_THREADS, .start = slow_start, .submit = slow_submit, .kick = slow_nothing,
	.reap = slow_nothing, .stop = slow_stop,
};

static void finish(unsigned i, int rc)
{
	struct xfer *x = pending[i];

	pending[i] = pending[--nr_pending];
	x->done(x, rc);
	disk_run(&disk);
}

static void barriers_wait_for_all(void **state)
{
	struct blkif_request r;

	start(&slow, 2, 1, false);
	for (unsigned i = 0; i < 3; i++) {
		r = request(BLKIF_OP_WRITE, i, i * 8, 1, DATA_REF + i);
		put(i % 2, &r);
	}
	r = request(BLKIF_OP_WRITE_BARRIER, 10, 80, 1, DATA_REF);
	put(0, &r);
	r = request(BLKIF_OP_WRITE, 11, 88, 1, DATA_REF);
	put(0, &r);
	ring_bell(1);
	ring_bell(0);
	r = request(BLKIF_OP_WRITE, 12, 96, 1, DATA_REF);
	put(1, &r);
	ring_bell(1);
	assert_int_equal(nr_pending, 3);		/* what was before */
	finish(0, 0);
	finish(0, 0);
	assert_int_equal(nr_pending, 1);
	finish(0, 0);
	assert_int_equal(nr_pending, 1);		/* the barrier: flush, write, flush */
	assert_int_equal(pending[0]->op, XFER_FLUSH);
	finish(0, 0);
	assert_int_equal(nr_pending, 1);
	assert_int_equal(pending[0]->op, XFER_WRITE);
	assert_int_equal(pending[0]->offset, 80 * 512);
	finish(0, 0);
	assert_int_equal(nr_pending, 1);
	assert_int_equal(pending[0]->op, XFER_FLUSH);
	finish(0, 0);
	assert_int_equal(nr_pending, 2);		/* what is after, of both queues */
	finish(0, 0);
	finish(0, 0);
	stop();
}

static void a_failed_flush_is_for_ever(void **state)
{
	struct blkif_request r = request(BLKIF_OP_FLUSH_DISKCACHE, 1, 0, 0, 0);

	start(&slow, 1, 1, false);
	for (int i = 0; i < 3; i++) {
		put(0, &r);
		ring_bell(0);
		assert_int_equal(nr_pending, 1);
		finish(0, i == 0 ? -EIO : 0);
		assert_int_equal(status_of(0, NULL), BLKIF_RSP_ERROR);
	}
	assert_int_equal(notes, 2);			/* the flush, and an error; each once */
	/* also for the process that comes after this one, but not for a new connection */
	disk_disconnect(&disk);
	assert_int_equal(world.s->journal.flush_lost, 1);
	drained = 0;
	memset(guest_page(0), 0, PAGE);
	blk_front_attach(&front[0], guest_page(0), PAGE, NULL);
	assert_int_equal(disk_connect(&disk, &rings, false), 0);
	put(0, &r);
	ring_bell(0);
	finish(0, 0);
	assert_int_equal(status_of(0, NULL), BLKIF_RSP_OKAY);
	stop();
}

static void host_faults_become_errors(void **state)
{
	static const int faults_of_host[] = { -EIO, -ENOSPC, -ENXIO, -EOPNOTSUPP };
	struct blkif_request r;

	start(&slow, 1, 1, false);
	for (unsigned i = 0; i < 4; i++) {
		r = request(i % 2 ? BLKIF_OP_READ : BLKIF_OP_WRITE, i, 0, 1, DATA_REF);
		put(0, &r);
		ring_bell(0);
		finish(0, faults_of_host[i]);
		assert_int_equal(status_of(0, NULL), i == 3 ? BLKIF_RSP_EOPNOTSUPP : BLKIF_RSP_ERROR);
	}
	assert_int_equal(notes, 1);			/* one event, not one each */
	assert_int_equal(world.s->journal.stats.errors, 4);
	stop();
}

/* Over real engines: a file that shrank under us, a full disk, no image at all. */
static void a_truncated_image(void **state)
{
	static const struct engine_ops *const engines[] = { &engine_uring, &engine_threads };
	struct blkif_request r = request(BLKIF_OP_READ, 1, 4096, 4, DATA_REF);

	for (unsigned i = 0; i < 2; i++) {
		start(engines[i], 1, 1, false);
		assert_int_equal(ftruncate(image, 4096 * 512 + 6000), 0);
		assert_int_equal(ask(&r), BLKIF_RSP_ERROR);
		assert_non_null(strstr(last_note, "failed"));
		stop();
	}
	start(&engine_error, 1, 1, true);
	for (unsigned op = 0; op < 4; op++) {
		r = request((uint8_t)op, op, 0, op == 3 ? 0 : 1, DATA_REF);
		assert_int_equal(ask(&r), BLKIF_RSP_ERROR);
	}
	stop();
}

static void limits_hold_back(void **state)
{
	struct blkif_request r;
	unsigned answered = 0;
	struct blkif_response rsp;

	start(&engine_threads, 1, 1, false);
	disk_limits(&disk, 10, 0);
	for (unsigned i = 0; i < 20; i++) {
		r = request(BLKIF_OP_READ, i, 0, 1, DATA_REF);
		put(0, &r);
	}
	ring_bell(0);
	for (unsigned round = 0; round < 40 && answered < 20; round++) {
		disk_settle();
		while (blk_front_take(&front[0], &rsp) == 1)
			answered++;
		if (world.timer_ns > world.now_ns)
			world.now_ns = world.timer_ns;
		disk_timer(&disk);
	}
	assert_int_equal(answered, 20);
	assert_true(world.now_ns > 1800000000ull);	/* 20 at 10 a second, one at once */
	assert_true(world.s->journal.stats.throttled > 10);
	stop();
}

/* --- what hostile guests do --- */

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
		cmocka_unit_test(operations_by_uring), cmocka_unit_test(operations_by_threads),
		cmocka_unit_test(indirect_requests), cmocka_unit_test(queues_and_pages),
		cmocka_unit_test(more_than_fits), cmocka_unit_test(barriers_wait_for_all),
		cmocka_unit_test(a_failed_flush_is_for_ever),
		cmocka_unit_test(host_faults_become_errors), cmocka_unit_test(a_truncated_image),
		cmocka_unit_test(limits_hold_back), cmocka_unit_test(impossible_indices),
		cmocka_unit_test(bad_grants), cmocka_unit_test(grants_revoked_mid_transfer),
		cmocka_unit_test(requests_changed_after_they_were_read),
		cmocka_unit_test(nonsense_gets_one_event),
		cmocka_unit_test(event_storms_are_slowed_down),
		cmocka_unit_test(a_grant_for_every_request), cmocka_unit_test(any_requests_at_all),
		cmocka_unit_test(connections_that_cannot_be),
	};

	dice_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
