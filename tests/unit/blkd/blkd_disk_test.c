/* unit: dom0-tools/blkd/disk.c dom0-tools/blkd/queue.c dom0-tools/blkd/job.c dom0-tools/blkd/request.c dom0-tools/blkd/pages.c dom0-tools/blkd/bounce.c dom0-tools/blkd/journal.c dom0-tools/blkd/engine.c dom0-tools/blkd/engine_threads.c dom0-tools/blkd/engine_uring.c dom0-tools/blkd/engine_error.c -l:liburing.a */
/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole disk, from ring to image: that it does what is asked, in order, over each engine. */
#include <signal.h>
#include <sys/wait.h>

#include "guest.h"

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

/* --- an engine that is through when it is asked, and wakes nobody for that --- */

#define PROMPT_DEPTH	4u

static bool through;

static int prompt_submit(struct engine *e, struct xfer *x)
{
	if (nr_pending == PROMPT_DEPTH)
		return -EBUSY;
	return slow_submit(e, x);
}

static void prompt_reap(struct engine *e)
{
	for (unsigned n = through ? nr_pending : 0; n; n--) {
		struct xfer *x = pending[0];

		memmove(pending, pending + 1, --nr_pending * sizeof(pending[0]));
		x->done(x, 0);
	}
}

static const struct engine_ops prompt = {
	.kind = ENGINE_THREADS, .prompt = true, .start = slow_start, .submit = prompt_submit,
	.kick = slow_nothing, .reap = prompt_reap, .stop = slow_stop,
};

/* What could not start begins when there is room, though no event says that there is. */
static void held_requests_need_no_event(void **state)
{
	struct blkif_request r;

	start(&prompt, 2, 1, false);
	through = true;
	for (unsigned i = 0; i < 3 * PROMPT_DEPTH + 1; i++) {
		r = request(BLKIF_OP_READ, i, i * 8, 1, DATA_REF + i);
		put(0, &r);
	}
	ring_bell(0);
	for (unsigned i = 0; i < 3 * PROMPT_DEPTH + 1; i++)
		assert_int_equal(status_of(0, NULL), BLKIF_RSP_OKAY);
	/* The same for what a barrier of the other queue has held up. */
	through = false;
	r = request(BLKIF_OP_READ, 1, 0, 1, DATA_REF);
	put(0, &r);
	ring_bell(0);
	r = request(BLKIF_OP_WRITE_BARRIER, 2, 0, 0, 0);
	put(1, &r);
	ring_bell(1);
	r = request(BLKIF_OP_READ, 3, 0, 1, DATA_REF);
	put(0, &r);
	ring_bell(0);
	through = true;
	while (nr_pending)
		disk_engine(&disk);
	assert_int_equal(status_of(1, NULL), BLKIF_RSP_OKAY);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(status_of(0, NULL), BLKIF_RSP_OKAY);
	stop();
}

/* The last transfer's end is found by the way, and the disconnection ends all the same. */
static void a_drain_needs_no_event(void **state)
{
	struct blkif_request r = request(BLKIF_OP_READ, 1, 0, 1, DATA_REF);

	start(&prompt, 1, 1, false);
	through = false;
	put(0, &r);
	ring_bell(0);
	drained = 0;
	disk_disconnect(&disk);
	assert_int_equal(drained, 0);
	through = true;
	disk_timer(&disk);
	assert_int_equal(drained, 1);
	assert_int_equal(status_of(0, NULL), BLKIF_RSP_OKAY);
	drained = 0;
	stop();
}

/* --- order --- */

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

/* By which the supervisor knows that nothing of a dead process is under way any more. */
static void the_kernel_holds_on_until_all_is_done(void **state)
{
	int alive[2], up[2], status;
	uint64_t waited = 0;
	pid_t pid;
	char c;

	assert_int_equal(pipe2(alive, O_NONBLOCK), 0);
	assert_int_equal(pipe(up), 0);
	pid = fork();
	if (!pid) {
		close(alive[0]);
		engine = (struct engine){ .ops = &engine_uring, .image = temp_image(PAGE),
					  .alive = alive[1], .depth = 8 };
		if (engine_uring.start(&engine))
			_exit(1);
		close(alive[1]);			/* now only the ring has it */
		if (write(up[1], "u", 1) == 1)
			pause();
		_exit(1);
	}
	close(alive[1]);
	assert_int_equal(read(up[0], &c, 1), 1);
	assert_int_equal(read(alive[0], &c, 1), -1);
	assert_int_equal(errno, EAGAIN);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	while (read(alive[0], &c, 1) < 0) {
		poll(NULL, 0, 1);
		assert_true(++waited < 60000);
	}
	close(alive[0]);
	close(up[0]);
	close(up[1]);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_by_uring),
		cmocka_unit_test(operations_by_threads),
		cmocka_unit_test(indirect_requests),
		cmocka_unit_test(queues_and_pages),
		cmocka_unit_test(more_than_fits),
		cmocka_unit_test(held_requests_need_no_event),
		cmocka_unit_test(a_drain_needs_no_event),
		cmocka_unit_test(barriers_wait_for_all),
		cmocka_unit_test(a_failed_flush_is_for_ever),
		cmocka_unit_test(host_faults_become_errors),
		cmocka_unit_test(a_truncated_image),
		cmocka_unit_test(the_kernel_holds_on_until_all_is_done),
		cmocka_unit_test(limits_hold_back),
	};

	dice_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
