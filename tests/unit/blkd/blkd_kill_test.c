/* unit: dom0-tools/blkd/disk.c dom0-tools/blkd/queue.c dom0-tools/blkd/job.c dom0-tools/blkd/request.c dom0-tools/blkd/pages.c dom0-tools/blkd/bounce.c dom0-tools/blkd/journal.c dom0-tools/blkd/engine.c dom0-tools/blkd/engine_threads.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The disk's process killed by SIGKILL before every single store that counts, for real: a process
 * of its own, over memory and an image that outlive it.  The parent is guest and supervisor.
 *
 * After any number of deaths every request is answered once, every answered write is in the image,
 * and the answer to a flush was given with all before it written.
 */
#include <signal.h>
#include <sys/wait.h>

#include "world.h"

#define IMAGE_BYTES	(1u << 20)
#define BLOCKS		(IMAGE_BYTES / PAGE)
#define REQUESTS	24u
#define IN_FLIGHT	6u
#define DATA_REF	64u

static void maybe_die(const char *step)
{
	if (++world.s->steps == world.s->die_at)
		kill(getpid(), SIGKILL);
}

/* --- the process --- */

static void serve(int image, const struct blk_rings *rings, bool resume, int wake)
{
	struct pollfd p[2] = { { .fd = wake, .events = POLLIN } };
	char c;

	journal_step = maybe_die;
	disk_begin(&engine_threads, image, IMAGE_BYTES);
	if (disk_connect(&disk, rings, resume))
		_exit(40);
	disk_run(&disk);
	for (;;) {
		p[1] = (struct pollfd){ .fd = engine.fd, .events = POLLIN };
		poll(p, 2, -1);
		if (p[1].revents)
			disk_engine(&disk);
		if (p[0].revents & POLLIN) {
			if (read(wake, &c, 1) == 1)
				disk_event(&disk, rings->port[0] + 1);
		} else if (p[0].revents) {
			_exit(faults ? 41 : 0);
		}
	}
}

/* --- the guest --- */

struct want {
	uint8_t op;
	unsigned block, page;
	uint8_t fill;
	bool sent;
	unsigned answers;
};

static struct want want[REQUESTS];
static struct blk_front front;
static bool persistent;

static void plan(void)
{
	for (unsigned i = 0; i < REQUESTS; i++) {
		unsigned kind = (unsigned)dice(8);

		want[i] = (struct want){
			.op = kind < 5 ? BLKIF_OP_WRITE : kind < 7 ? BLKIF_OP_READ :
				BLKIF_OP_FLUSH_DISKCACHE,
			/* a block of its own, so that order does not matter */
			.block = i * 7 % BLOCKS, .page = DATA_REF + i, .fill = (uint8_t)(i + 1),
		};
	}
}

static unsigned send_some(unsigned next)
{
	while (next < REQUESTS && blk_front_open(&front) < IN_FLIGHT) {
		struct want *w = &want[next];
		struct blkif_request r = request(w->op, next, w->block * 8ull,
						 w->op == BLKIF_OP_FLUSH_DISKCACHE ? 0 : 1, w->page);

		memset(guest_page(w->page), w->op == BLKIF_OP_WRITE ? w->fill : 0xee, PAGE);
		assert_true(blk_front_put(&front, &r));
		w->sent = true;
		next++;
	}
	blk_front_push(&front);
	return next;
}

static void check_answer(int image, const struct blkif_response *rsp)
{
	struct want *w = &want[rsp->id];
	uint8_t block[PAGE];

	assert_true(rsp->id < REQUESTS && w->sent);
	assert_int_equal(w->answers++, 0);
	assert_int_equal(rsp->operation, w->op);
	assert_int_equal(rsp->status, BLKIF_RSP_OKAY);
	if (w->op == BLKIF_OP_WRITE) {
		assert_int_equal(pread(image, block, PAGE, w->block * PAGE), PAGE);
		assert_int_equal(block[0], w->fill);
		assert_int_equal(block[PAGE - 1], w->fill);
	} else if (w->op == BLKIF_OP_READ) {
		assert_int_equal(guest_page(w->page)[100], 0);
	}
}

/* Until the process dies or all is answered.  True: all. */
static bool talk(int image, int wake, pid_t pid, unsigned *next)
{
	struct blkif_response rsp;
	unsigned answered;
	int status, rc;

	for (;;) {
		*next = send_some(*next);
		if (write(wake, "x", 1) != 1)
			break;
		while ((rc = blk_front_take(&front, &rsp)) == 1)
			check_answer(image, &rsp);
		assert_int_equal(rc, 0);
		answered = 0;
		for (unsigned i = 0; i < REQUESTS; i++)
			answered += want[i].answers;
		if (answered == REQUESTS)
			return true;
		rc = waitpid(pid, &status, WNOHANG);
		if (rc == pid) {
			assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
			return false;
		}
		poll(NULL, 0, 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	return false;
}

/* One life of the guest.  The process dies at step @die_at, and its followers each @again steps
 * later, until one lives.  How often it died. */
static unsigned run(unsigned die_at, unsigned again)
{
	int image = temp_image(IMAGE_BYTES), status;
	struct blk_rings rings;
	unsigned deaths = 0, next = 0;
	bool all = false;

	world_start();
	rings = rings_at(1, 1, persistent);
	plan();
	blk_front_attach(&front, guest_page(0), PAGE, NULL);
	while (!all) {
		int wake[2];
		pid_t pid;

		assert_int_equal(pipe(wake), 0);
		world.s->steps = 0;
		world.s->die_at = deaths < 12 ? (deaths ? again : die_at) : 0;
		pid = fork();
		if (!pid) {
			close(wake[1]);
			serve(image, &rings, deaths != 0, wake[0]);
		}
		close(wake[0]);
		all = talk(image, wake[1], pid, &next);
		close(wake[1]);
		if (all) {
			assert_int_equal(waitpid(pid, &status, 0), pid);
			assert_true((WIFEXITED(status) && !WEXITSTATUS(status)) ||
				    (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
		} else {
			deaths++;
		}
	}
	for (unsigned i = 0; i < REQUESTS; i++)
		assert_int_equal(want[i].answers, 1);
	close(image);
	world_end();
	return deaths;
}

static void every_step(bool with_grants)
{
	unsigned die_at, deaths = 1, total = 0;

	persistent = with_grants;
	for (die_at = 1; deaths; die_at++) {
		deaths = run(die_at, 0);
		total += deaths;
		assert_true(die_at < 1000);
	}
	printf("killed at each of %u steps\n", total);
	/* take record count taken done status answered push free: nine for each request */
	assert_true(total >= REQUESTS * 6);
}

static void killed_at_every_step_copying(void **state)
{
	every_step(false);
}

static void killed_at_every_step_with_persistent_grants(void **state)
{
	every_step(true);
}

/* Also while it recovers from the death before. */
static void killed_again_and_again(void **state)
{
	unsigned total = 0;

	persistent = false;
	for (unsigned i = 0; i < 60; i++)
		total += run(1 + (unsigned)dice(200), 1 + (unsigned)dice(40));
	printf("%u deaths\n", total);
	assert_true(total > 60);
}

/* The guest changes rsp_prod, which recovery reads: the ring is given up, nothing else happens. */
static void guest_lies_about_answers(void **state)
{
	struct ring_header *header;
	struct blk_rings rings = rings_at(1, 1, false);
	struct blkif_request r;
	int image = temp_image(IMAGE_BYTES);

	world_start();
	header = (struct ring_header *)guest_page(0);
	for (int lie = -40; lie <= 40; lie++) {
		memset(guest_page(0), 0, PAGE);
		blk_front_attach(&front, guest_page(0), PAGE, NULL);
		for (unsigned i = 0; i < 4; i++) {
			r = request(BLKIF_OP_WRITE, i, i * 8, 1, DATA_REF + i);
			blk_front_put(&front, &r);
		}
		blk_front_push(&front);
		disk_begin(&engine_threads, image, IMAGE_BYTES);
		assert_int_equal(disk_connect(&disk, &rings, false), 0);
		disk_settle();
		disk_finish();
		world.s->journal.connected = 1;		/* as if it had died */
		/* one of the four was not answered */
		world.s->journal.queue[0].slot[2].state = SLOT_TAKEN;
		world.s->journal.queue[0].slot[2].index = 2;
		header->rsp_prod = (uint32_t)(3 + lie);
		disk_begin(&engine_threads, image, IMAGE_BYTES);
		assert_int_equal(disk_connect(&disk, &rings, true), lie ? -EPROTO : 0);
		if (!lie)
			disk_settle();
		if (lie) {
			engine.ops->stop(&engine);
			assert_int_equal(world.mapped, 0);
			assert_int_equal(world.ports, 0);
		} else {
			assert_int_equal(header->rsp_prod, 4);
			disk_finish();
		}
	}
	/* Other rings than the journal's, or none: not resumed. */
	rings.port[0]++;
	disk_begin(&engine_threads, image, IMAGE_BYTES);
	assert_int_equal(disk_connect(&disk, &rings, true), -ESTALE);
	engine.ops->stop(&engine);
	close(image);
	world_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_every_step_copying),
		cmocka_unit_test(killed_at_every_step_with_persistent_grants),
		cmocka_unit_test(killed_again_and_again),
		cmocka_unit_test(guest_lies_about_answers),
	};

	signal(SIGPIPE, SIG_IGN);
	dice_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
