/* unit: @sim -DMICA_RING_CHECK */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulated world by itself: what it refuses, what it keeps apart and what it tells, as a
 * hypervisor and a store daemon would.  From outside any coroutine, so every call is done at once.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"
#include "sim/sim.h"

static struct sim *w;
static struct mica_io *guest, *dom0, *other;
static unsigned events[3], changes[3], timers[3];
static char last_path[256];

#define IO(d)	(d)->ops
#define CALL(d, op, ...)	((d)->ops->op((d), __VA_ARGS__))

static void on_event(void *ctx, uint32_t port)
{
	events[(uintptr_t)ctx]++;
}

static void on_changed(void *ctx, const char *path, const char *token)
{
	changes[(uintptr_t)ctx]++;
	snprintf(last_path, sizeof(last_path), "%s", path);
}

static void on_timer(void *ctx)
{
	timers[(uintptr_t)ctx]++;
}

static struct mica_io *domain(domid_t id)
{
	struct mica_io *io = sim_domain(w, id);

	io->driver = (struct mica_io_driver){ .ctx = (void *)(uintptr_t)id, .event = on_event,
		.changed = on_changed, .timer = on_timer, .resumed = on_timer };
	return io;
}

static int open_world(void **state)
{
	struct sim_options options = { .seed = 1, .stay = 128 };

	w = sim_open(&options);
	dom0 = domain(0);
	guest = domain(1);
	other = domain(2);
	memset(events, 0, sizeof(events));
	memset(changes, 0, sizeof(changes));
	memset(timers, 0, sizeof(timers));
	return w == NULL;
}

static int close_world(void **state)
{
	sim_close(w);
	return 0;
}

static void settle(void)
{
	assert_int_equal(sim_run(w, UINT64_MAX, 100000), SIM_IDLE);
}

/* --- event channels --- */

static void ports(void **state)
{
	uint32_t offered, bound, again;

	assert_int_equal(CALL(guest, port_offer, 0, &offered), 0);
	assert_int_equal(CALL(other, port_bind, 1, offered, &bound), -EINVAL);	/* not for it */
	assert_int_equal(CALL(dom0, port_bind, 1, offered + 1, &bound), -EINVAL);
	assert_int_equal(CALL(dom0, port_bind, 1, 0, &bound), -EINVAL);
	assert_int_equal(CALL(dom0, port_bind, 1, 99999, &bound), -EINVAL);
	assert_int_equal(CALL(dom0, port_bind, 77, offered, &bound), -ESRCH);
	CALL(guest, port_notify, offered);			/* nobody there: lost */
	assert_int_equal(CALL(dom0, port_bind, 1, offered, &bound), 0);
	assert_int_equal(CALL(dom0, port_bind, 1, offered, &again), -EINVAL);	/* taken */
	settle();
	assert_int_equal(events[0], 1);				/* the bind itself */
	assert_int_equal(events[1], 0);
	for (unsigned i = 0; i < 5; i++)
		CALL(guest, port_notify, offered);
	settle();
	assert_int_equal(events[0], 2);				/* five in one: a bit, no counter */
	CALL(dom0, port_notify, bound);
	settle();
	assert_int_equal(events[1], 1);
	/* The back end dies: its end is closed, ours is offered again and may be bound anew. */
	CALL(dom0, port_close, bound);
	CALL(guest, port_notify, offered);
	settle();
	assert_int_equal(events[0], 2);
	assert_int_equal(CALL(dom0, port_bind, 1, offered, &again), 0);
	CALL(guest, port_close, offered);
	CALL(dom0, port_notify, again);
	CALL(dom0, port_close, again);
	CALL(dom0, port_close, again);				/* twice is harmless */
	assert_int_equal(sim_holds(dom0).ports + sim_holds(guest).ports, 0);
}

static void ports_run_out(void **state)
{
	uint32_t port;
	unsigned n = 0;

	while (!CALL(guest, port_offer, 0, &port))
		assert_true(++n < 100);
	assert_int_equal(CALL(guest, port_offer, 0, &port), -ENOSPC);
	assert_true(n > 10);
}

/* --- grants --- */

static void grants(void **state)
{
	uint32_t refs[3], wrong[3];
	uint8_t *lent;
	void *view, *page;

	assert_int_equal(CALL(guest, lend, 0, 3, true, refs, &page), 0);
	lent = page;
	for (unsigned i = 0; i < 3 * 4096; i++)
		assert_int_equal(lent[i], 0);
	assert_int_equal(CALL(other, map, 1, refs, 3, true, &view), -EINVAL);
	assert_int_equal(CALL(dom0, map, 2, refs, 3, true, &view), -EINVAL);
	memcpy(wrong, refs, sizeof(wrong));
	wrong[2] = 0xffffffff;
	assert_int_equal(CALL(dom0, map, 1, wrong, 3, true, &view), -EINVAL);
	assert_int_equal(sim_holds(dom0).mapped, 0);		/* nothing half done */
	/* In the order of the references, whatever that is. */
	wrong[0] = refs[2];
	wrong[1] = refs[0];
	wrong[2] = refs[1];
	assert_int_equal(CALL(dom0, map, 1, wrong, 3, true, &view), 0);
	lent[2 * 4096 + 7] = 77;
	lent[9] = 99;
	assert_int_equal(((uint8_t *)view)[7], 77);
	assert_int_equal(((uint8_t *)view)[4096 + 9], 99);
	((uint8_t *)view)[2 * 4096] = 55;
	assert_int_equal(lent[4096], 55);
	assert_int_equal(CALL(guest, reclaim, page, 3), -EBUSY);
	assert_int_equal(sim_holds(guest).lent, 3);
	CALL(dom0, unmap, view, 3);
	assert_int_equal(CALL(guest, reclaim, page, 3), 0);
	assert_int_equal(CALL(guest, reclaim, page, 3), -EINVAL);
	assert_int_equal(CALL(dom0, map, 1, refs, 1, true, &view), -EINVAL);
	assert_int_equal(sim_holds(guest).lent + sim_holds(dom0).mapped, 0);
}

/* A process of its own touches @at; true: that killed it. */
static bool touching_kills(volatile uint8_t *at, bool write)
{
	pid_t child = fork();
	int status;

	if (!child) {
		signal(SIGSEGV, SIG_DFL);
		if (write)
			*at = 1;
		else
			(void)*at;
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void mappings_are_guarded(void **state)
{
	void *page, *view;
	uint32_t ref;

	assert_int_equal(CALL(guest, lend, 0, 1, false, &ref, &page), 0);
	assert_int_equal(CALL(dom0, map, 1, &ref, 1, true, &view), -EACCES);
	assert_int_equal(CALL(dom0, map, 1, &ref, 1, false, &view), 0);
	assert_false(touching_kills(view, false));
	assert_true(touching_kills(view, true));
	CALL(dom0, unmap, view, 1);
	assert_true(touching_kills(view, false));		/* use after unmap */
	assert_int_equal(CALL(guest, reclaim, page, 1), 0);
}

static void copies(void **state)
{
	uint8_t mine[64] = "from dom0", back[64] = { 0 };
	struct mica_io_copy c[3];
	uint32_t ref, read_only;
	void *page, *second;

	CALL(guest, lend, 0, 1, true, &ref, &page);
	CALL(guest, lend, 0, 1, false, &read_only, &second);
	memset(c, 0, sizeof(c));
	c[0].from.mem = mine;
	c[0].to = (struct mica_io_side){ .by_ref = true, .domid = 1, .ref = ref, .offset = 4090 };
	c[0].bytes = 7;						/* beyond the page */
	c[1].from.mem = mine;
	c[1].to = (struct mica_io_side){ .by_ref = true, .domid = 1, .ref = read_only };
	c[1].bytes = 4;
	c[2].from.mem = mine;
	c[2].to = (struct mica_io_side){ .by_ref = true, .domid = 1, .ref = ref, .offset = 100 };
	c[2].bytes = 10;
	assert_int_equal(CALL(dom0, copy, c, 3), -EINVAL);	/* the first error, all tried */
	assert_int_equal(c[0].status, -EINVAL);
	assert_int_equal(c[1].status, -EACCES);
	assert_int_equal(c[2].status, 0);
	assert_string_equal((char *)page + 100, "from dom0");
	c[2].from = c[2].to;
	c[2].to = (struct mica_io_side){ .mem = back };
	assert_int_equal(CALL(dom0, copy, &c[2], 1), 0);
	assert_string_equal((char *)back, "from dom0");
	assert_int_equal(CALL(other, copy, &c[2], 1), -EINVAL);
}

/* A dead peer's mapping does not keep a page from its lender for ever, nor hand it to another. */
static void death_lets_go(void **state)
{
	void *page, *view, *second;
	uint32_t ref, port, bound;

	CALL(guest, lend, 0, 1, true, &ref, &page);
	CALL(dom0, map, 1, &ref, 1, true, &view);
	CALL(guest, port_offer, 0, &port);
	CALL(dom0, port_bind, 1, port, &bound);
	sim_kill(dom0);
	assert_false(sim_alive(dom0));
	assert_int_equal(sim_holds(dom0).mapped + sim_holds(dom0).ports, 0);
	assert_int_equal(CALL(guest, reclaim, page, 1), 0);
	sim_revive(dom0);
	CALL(guest, lend, 0, 1, true, &ref, &page);
	CALL(dom0, map, 1, &ref, 1, true, &view);
	sim_suspend(guest);			/* its grant is gone, the mapping stays */
	memset(view, 7, 4096);
	CALL(other, lend, 0, 1, true, &ref, &second);
	assert_ptr_not_equal(second, page);
	assert_int_equal(((uint8_t *)second)[0], 0);
	CALL(dom0, unmap, view, 1);
	settle();
	assert_int_equal(timers[1], 1);		/* resumed() */
}

/* --- the store --- */

static void store(void **state)
{
	char value[16], names[64];

	assert_int_equal(CALL(guest, read, "/a/b", value, sizeof(value)), -ENOENT);
	assert_int_equal(CALL(guest, write, "/a/b", "1"), -EACCES);
	assert_int_equal(CALL(guest, write, "/local/domain/11/x", "1"), -EACCES);
	assert_int_equal(CALL(guest, write, "/local/domain/1/x", "one"), 0);
	assert_int_equal(CALL(dom0, write, "/a/b", "1"), 0);
	assert_int_equal(CALL(dom0, write, "/a/c", "0123456789abcdef"), 0);
	assert_int_equal(CALL(dom0, read, "/a/c", value, sizeof(value)), -ERANGE);
	assert_int_equal(CALL(dom0, list, "/a", names, sizeof(names)), 2);
	assert_int_equal(CALL(dom0, list, "/a", names, 3), -ERANGE);
	assert_int_equal(CALL(dom0, list, "/none", names, 3), -ENOENT);
	assert_int_equal(CALL(guest, remove, "/a"), -EACCES);
	assert_int_equal(CALL(dom0, remove, "/a"), 0);
	assert_int_equal(CALL(dom0, remove, "/a"), -ENOENT);
	assert_int_equal(CALL(dom0, read, "/a/b", value, sizeof(value)), -ENOENT);
}

static void transactions(void **state)
{
	char value[16];

	CALL(dom0, write, "/t/a", "1");
	assert_int_equal(CALL(dom0, end, true), -ENOENT);
	assert_int_equal(IO(dom0)->begin(dom0), 0);
	assert_int_equal(IO(dom0)->begin(dom0), -EBUSY);
	CALL(dom0, write, "/t/a", "2");
	CALL(dom0, read, "/t/a", value, sizeof(value));
	assert_string_equal(value, "2");			/* its own */
	CALL(other, read, "/t/a", value, sizeof(value));
	assert_string_equal(value, "1");			/* not yet for others */
	assert_int_equal(CALL(dom0, end, false), 0);
	CALL(dom0, read, "/t/a", value, sizeof(value));
	assert_string_equal(value, "1");
	/* Read here, changed there. */
	CALL(guest, write, "/local/domain/1/k", "x");
	IO(dom0)->begin(dom0);
	CALL(dom0, read, "/local/domain/1/k", value, sizeof(value));
	CALL(dom0, write, "/t/a", "3");
	CALL(guest, write, "/local/domain/1/k", "x");		/* even to the same value */
	assert_int_equal(CALL(dom0, end, true), -EAGAIN);
	CALL(dom0, read, "/t/a", value, sizeof(value));
	assert_string_equal(value, "1");
	/* Absent here, made there. */
	IO(dom0)->begin(dom0);
	CALL(dom0, read, "/local/domain/1/new", value, sizeof(value));
	CALL(guest, write, "/local/domain/1/new", "y");
	assert_int_equal(CALL(dom0, end, true), -EAGAIN);
	/* Removed inside: gone with what is below. */
	CALL(dom0, write, "/t/d/e", "1");
	IO(dom0)->begin(dom0);
	assert_int_equal(CALL(dom0, remove, "/t/d"), 0);
	assert_int_equal(CALL(dom0, read, "/t/d/e", value, sizeof(value)), -ENOENT);
	assert_int_equal(CALL(dom0, end, true), 0);
	assert_int_equal(CALL(dom0, read, "/t/d/e", value, sizeof(value)), -ENOENT);
}

static void watches(void **state)
{
	assert_int_equal(CALL(dom0, watch, "/w", "t"), 0);
	assert_int_equal(CALL(dom0, watch, "/w", "t"), -EEXIST);
	settle();
	assert_int_equal(changes[0], 1);			/* once right away */
	CALL(dom0, write, "/w/x/y", "1");
	CALL(dom0, write, "/wx", "1");
	settle();
	assert_int_equal(changes[0], 2);
	assert_string_equal(last_path, "/w/x/y");
	CALL(dom0, remove, "/w");				/* /w, /w/x, /w/x/y */
	settle();
	assert_int_equal(changes[0], 5);
	CALL(dom0, write, "/w/z", "1");
	assert_int_equal(CALL(dom0, unwatch, "/w", "t"), 0);	/* what waits is dropped, too */
	assert_int_equal(CALL(dom0, unwatch, "/w", "t"), -ENOENT);
	settle();
	assert_int_equal(changes[0], 5);
}

static void time_jumps(void **state)
{
	uint64_t start = IO(guest)->now_ns(guest);

	CALL(guest, timer_set, start + 5000000000ull);
	CALL(dom0, timer_set, start + 1000000000ull);
	CALL(dom0, timer_set, 0);
	assert_int_equal(sim_run(w, start + 1000, 1000), SIM_TIME);
	settle();
	assert_int_equal(timers[1], 1);
	assert_int_equal(timers[0], 0);
	assert_true(IO(guest)->now_ns(guest) - start >= 5000000000ull);
	assert_int_equal(IO(other)->self(other), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ports), TEST(ports_run_out), TEST(grants), TEST(mappings_are_guarded),
		TEST(copies), TEST(death_lets_go), TEST(store), TEST(transactions), TEST(watches),
		TEST(time_jumps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
