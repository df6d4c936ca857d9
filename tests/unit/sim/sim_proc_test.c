/* unit: @sim -DMICA_RING_CHECK */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Front, back and broker as processes of their own: the echo pair over a Unix socket, a memfd and
 * eventfds.  Back ends die by SIGKILL at any instruction, and the front end must not notice.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host.h"
#include "sim/echo.h"
#include "sim/proc.h"

#define REQUESTS	20000u
#define LIMIT_NS	120000000000ull
#define KILLS		20

static char path[64], dir[] = "/tmp/mica-sim-test-XXXXXX";

/* What the processes tell us, and what a supervisor keeps for its back end. */
static struct shared {
	struct echo_journal journal;
	volatile uint64_t good;
	volatile unsigned connects, reasons, resumes;
} *shared;

static void no_crash_dump(void)
{
	signal(SIGPIPE, SIG_IGN);
}

static int broker_main(void)
{
	struct sim_options options = { .seed = 1, .stay = 255 };

	return sim_serve(path, &options) ? 1 : 0;
}

static struct mica_io *join(domid_t id)
{
	struct mica_io *io = NULL;

	/* The broker may not listen yet, or not know yet that the one before us died. */
	for (unsigned i = 0; i < 2000 && !io; i++) {
		io = sim_connect(path, id);
		if (!io)
			nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	return io;
}

static bool front_done(void *ctx)
{
	struct echo_front_dev *f = ctx;

	shared->good = f->good;
	return f->end.removed;
}

static int front_main(void)
{
	static struct echo_front_dev front;
	struct mica_io *io = join(1);
	int rc;

	echo_front_start(&front, io, 0, REQUESTS);
	rc = sim_wait(io, front_done, &front, LIMIT_NS);
	shared->connects = front.connects;
	shared->reasons = front.end.reasons;
	sim_disconnect(io);
	return rc ? 1 : 0;
}

static bool back_done(void *ctx)
{
	struct echo_back_dev *b = ctx;

	return b->end.removed;
}

static int back_main(void)
{
	static struct echo_back_dev back;
	struct mica_io *io = join(0);
	int rc;

	echo_back_start(&back, io, 1, 0, &shared->journal);
	rc = sim_wait(io, back_done, &back, LIMIT_NS);
	shared->resumes += back.resumes;
	sim_disconnect(io);
	return rc ? 1 : 0;
}

static pid_t run(int (*fn)(void))
{
	pid_t child = fork();

	if (!child) {
		no_crash_dump();
		_exit(fn());
	}
	return child;
}

static int status_of(pid_t child)
{
	int status;

	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void wait_for_good(uint64_t good)
{
	while (shared->good < good)
		nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
}

static void add_device(void)
{
	int rc = -1;

	for (unsigned i = 0; i < 2000 && rc; i++) {
		rc = sim_remote_add(path, "echo", 1, 0, 0);
		if (rc)
			nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
	assert_int_equal(rc, 0);
}

static void check_nothing_is_left(void)
{
	struct sim_holds holds;

	for (domid_t id = 0; id < 2; id++) {
		assert_int_equal(sim_remote_holds(path, id, &holds), 0);
		assert_int_equal(holds.ports + holds.lent + holds.mapped + holds.watches, 0);
	}
}

static void play(unsigned kills)
{
	pid_t broker, front, back;

	memset(shared, 0, sizeof(*shared));
	broker = run(broker_main);
	add_device();
	back = run(back_main);
	front = run(front_main);
	for (unsigned i = 0; i < kills; i++) {
		wait_for_good((i + 1) * (REQUESTS / (kills + 2)));
		kill(back, SIGKILL);
		assert_int_equal(status_of(back), 128 + SIGKILL);
		back = run(back_main);
	}
	wait_for_good(REQUESTS);
	/* Detached, the back end goes and takes its directory with it, then the front end. */
	assert_int_equal(sim_remote_detach(path, "echo", 1, 0, 0), 0);
	assert_int_equal(status_of(front), 0);
	assert_int_equal(status_of(back), 0);
	check_nothing_is_left();
	assert_int_equal(sim_remote_stop(path), 0);
	assert_int_equal(status_of(broker), 0);
	assert_int_equal(shared->good, REQUESTS);
	assert_int_equal(shared->reasons, 0);
	assert_int_equal(shared->connects, 1);
}

static void two_processes(void **state)
{
	play(0);
}

static void back_ends_killed(void **state)
{
	play(KILLS);
	assert_true(shared->resumes >= 1);
}

static void strangers(void **state)
{
	pid_t broker = run(broker_main);
	struct mica_io *io, *second;
	uint32_t port;

	io = join(1);
	second = sim_connect(path, 1);
	assert_null(second);			/* one process a domain */
	assert_int_equal(errno, EBUSY);
	assert_int_equal(io->ops->port_offer(io, 0, &port), 0);
	assert_int_equal(io->ops->write(io, "/local/domain/0/x", "1"), -EACCES);
	assert_null(sim_connect("/nonexistent/socket", 1));
	assert_int_equal(sim_remote_stop(path), 0);
	assert_int_equal(status_of(broker), 0);
	assert_int_equal(io->ops->port_offer(io, 0, &port), -EPIPE);
	sim_disconnect(io);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strangers),
		cmocka_unit_test(two_processes),
		cmocka_unit_test(back_ends_killed),
	};
	int rc;

	if (!mkdtemp(dir))
		return 2;
	snprintf(path, sizeof(path), "%s/socket", dir);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	no_crash_dump();
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return rc;
}
