/* unit: dom0-tools/back/device.c dom0-tools/back/handshake.c dom0-tools/back/late.c dom0-tools/back/keys.c dom0-tools/back/say.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The handshake's time-outs: what the operator is told and when, what is given up, and the one timer. */
#include "world.h"

/* @s seconds pass; the world's timer comes when it is due. */
static void wait_s(unsigned s)
{
	uint64_t until = clock_ns + s * 1000000000ull;

	while (timer_ns && timer_ns <= until) {
		clock_ns = timer_ns > clock_ns ? timer_ns : clock_ns;
		timer_ns = 0;
		io.driver.timer(io.driver.ctx);
		deliver();
	}
	clock_ns = until;
}

static void a_guest_without_a_driver(void **state)
{
	new_device();
	deliver();
	assert_int_equal(our_state(), 2);
	wait_s(59);
	assert_int_equal(lines, 0);
	wait_s(2);
	assert_int_equal(lines, 1);
	assert_non_null(strstr(said, "for 60 s now (InitWait, guest Initialising)"));
	assert_non_null(strstr(said, "no driver"));
	wait_s(1000);
	assert_int_equal(lines, 1);
	assert_int_equal(our_state(), 2);
	/* and then it comes all the same */
	put(FRONT "/event-channel", "9");
	front("3");
	assert_int_equal(our_state(), 4);
	front("4");
	wait_s(1000);
	assert_int_equal(lines, 1);
	assert_int_equal(timer_ns, 0);
}

/* A guest that closes and never ends it holds nothing after its time. */
static void a_guest_that_does_not_finish(void **state)
{
	connected();
	front("5");
	assert_int_equal(our_state(), 5);
	assert_int_equal(disconnects, 1);
	assert_int_equal(removes, 0);
	wait_s(29);
	assert_int_equal(our_state(), 5);
	wait_s(2);
	assert_int_equal(our_state(), 6);
	assert_int_equal(removes, 1);
	assert_non_null(strstr(said, "MICA-DEV-004"));
	assert_non_null(strstr(said, "guest Closing"));
	/* The next rule has a time, too, and only words. */
	wait_s(100);
	assert_int_equal(our_state(), 6);
	assert_int_equal(lines, 2);
	front("6");
	front("1");
	assert_int_equal(our_state(), 2);
	assert_int_equal(probes, 2);
}

/* Asked to close, the guest uses it on: it is served, and the operator told. */
static void in_use_while_closing(void **state)
{
	connected();
	put(BACK "/online", "0");
	deliver();
	assert_int_equal(our_state(), 5);
	wait_s(100);
	assert_int_equal(disconnects, 0);
	assert_int_equal(lines, 1);
	assert_non_null(strstr(said, "unmount it there"));
}

/* A step under way is not given up in the middle. */
static void late_while_a_step_takes_time(void **state)
{
	connected();
	disconnect_rc = BACK_LATER;
	front("5");
	wait_s(100);
	assert_int_equal(our_state(), 4);
	back_done(back_first(back), 0);
	assert_int_equal(our_state(), 5);
	wait_s(31);
	assert_int_equal(our_state(), 6);
}

static void the_daemons_own_timer(void **state)
{
	new_device();
	deliver();				/* a time-out in 60 s */
	back_timer_set(back, clock_ns + 10000000000ull);
	wait_s(9);
	assert_int_equal(timers, 0);
	wait_s(2);
	assert_int_equal(timers, 1);
	back_timer_set(back, clock_ns + 500000000000ull);
	wait_s(60);
	assert_int_equal(timers, 1);
	assert_int_equal(lines, 1);		/* ours was not lost */
	back_timer_set(back, 0);
	wait_s(1000);
	assert_int_equal(timers, 1);
}

int main(void)
{
#define TEST(name)	cmocka_unit_test_setup_teardown(name, clean, end)
	const struct CMUnitTest tests[] = {
		TEST(a_guest_without_a_driver), TEST(a_guest_that_does_not_finish),
		TEST(in_use_while_closing), TEST(late_while_a_step_takes_time),
		TEST(the_daemons_own_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
