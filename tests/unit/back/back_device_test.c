/* unit: dom0-tools/back/device.c dom0-tools/back/handshake.c dom0-tools/back/late.c dom0-tools/back/keys.c dom0-tools/back/say.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices over a store in memory: found, connected, closed, resumed by a new daemon, refused, and
 * what a guest can write to make that go wrong.
 */
#include "world.h"

/* --- tests --- */

static void a_life(void **state)
{
	new_device();
	deliver();
	assert_int_equal(probes, 1);
	assert_int_equal(our_state(), XenbusStateInitWait);
	put(FRONT "/event-channel", "9");
	front("3");
	assert_int_equal(connects, 1);
	assert_int_equal(our_state(), XenbusStateConnected);
	front("4");
	assert_int_equal(connects, 1);
	io.driver.event(io.driver.ctx, 109);
	io.driver.event(io.driver.ctx, 110);		/* not ours */
	io.driver.event(io.driver.ctx, 4000000);
	assert_int_equal(rung, 1);
	put(BACK "/params", "/x");
	put(BACK "/other", "1");
	deliver();
	assert_int_equal(changes, 1);
	front("5");
	assert_int_equal(our_state(), XenbusStateClosing);
	assert_int_equal(disconnects, 1);
	assert_int_equal(removes, 0);
	front("6");
	assert_int_equal(our_state(), XenbusStateClosed);
	assert_int_equal(removes, 1);
	front("1");					/* its driver starts again */
	assert_int_equal(our_state(), XenbusStateInitWait);
	s_remove(&io, BACK);
	deliver();
	assert_int_equal(removes, 2);
	assert_null(back_first(back));
	assert_int_equal(bound, 0);
	assert_int_equal(lines, 0);
}

static void a_new_daemon_resumes(void **state)
{
	connected();
	for (int i = 0; i < 5; i++) {
		kill_daemon();
		start_daemon();
		assert_int_equal(our_state(), XenbusStateConnected);
		assert_int_equal(resumes, 1);
		assert_int_equal(connects, 1);
		assert_int_equal(bound, 1);
	}
	/* and in every other state the guest can have gone to meanwhile */
	for (unsigned theirs = 0; theirs < 10; theirs++) {
		char text[2] = { (char)('0' + theirs), 0 };

		kill_daemon();
		s_remove(&io, "/local");
		new_device();
		put(BACK "/state", "4");
		put(FRONT "/event-channel", "9");
		put(FRONT "/state", text);
		start_daemon();
		assert_int_equal(bound, theirs == 3 || theirs == 4 || theirs == 7 || theirs == 8 ||
				 theirs == 0 ? bound : 0);
		if (theirs == 4)
			assert_int_equal(our_state(), 4);
		if (theirs == 1)
			assert_int_equal(our_state(), 2);
		if (theirs == 6)
			assert_int_equal(our_state(), 6);
	}
}

static void steps_that_take_time(void **state)
{
	struct back_device *d;

	probe_rc = BACK_LATER;
	new_device();
	deliver();
	d = back_find(back, 3, 51712);
	assert_non_null(d);
	put(FRONT "/event-channel", "9");
	front("3");
	assert_int_equal(our_state(), 1);
	assert_int_equal(connects, 0);			/* one step at a time */
	connect_rc = BACK_LATER;
	back_done(d, 0);
	assert_int_equal(connects, 1);			/* seen now, no event needed */
	assert_int_equal(our_state(), 2);
	front("6");					/* changes its mind meanwhile */
	assert_int_equal(disconnects, 0);
	disconnect_rc = BACK_LATER;
	back_done(d, 0);
	assert_int_equal(disconnects, 1);
	s_remove(&io, BACK);				/* and is gone altogether */
	deliver();
	back_done(d, 0);
	deliver();
	assert_int_equal(removes, 1);
	assert_null(back_first(back));
}

static void failures_have_words_and_end(void **state)
{
	char text[64];

	probe_rc = -ENOENT;
	new_device();
	deliver();
	assert_int_equal(our_state(), XenbusStateClosed);
	assert_int_equal(probes, 1);			/* not again and again */
	assert_int_equal(removes, 1);
	deliver();
	assert_int_equal(probes, 1);
	/* a guest without an event channel */
	probe_rc = 0;
	front("6");
	front("1");
	assert_int_equal(our_state(), XenbusStateInitWait);
	front("3");
	assert_int_equal(our_state(), XenbusStateClosed);
	assert_string_equal(said, "error: mtest 3/51712: no event channel [MICA-DEV-001]\nhint: look");
	assert_int_equal(s_read(&io, "/local/domain/0/error/backend/mtest/3/51712/error", text,
				sizeof(text)), 0);
	assert_string_equal(text, "no event channel");
	/* mended: the words go */
	front("6");
	front("1");
	put(FRONT "/event-channel", "9");
	front("3");
	assert_int_equal(our_state(), XenbusStateConnected);
	assert_int_equal(s_read(&io, "/local/domain/0/error/backend/mtest/3/51712/error", text,
				sizeof(text)), -ENOENT);
}

static void nonsense_from_the_guest(void **state)
{
	static const char *const numbers[] = { "", "-1", "+9", " 9", "9 ", "0x9", "9999999999",
		"99999999999999999999999999", "9\n", "nine", "0", "1001" };
	static const char *const states[] = { "", "-1", "9", "44", "x", "3 ", "0", "2", "7", "8",
		"3333333333333333333333333333333333333333333333333" };

	end(state);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		clean(state);
		new_device();
		deliver();
		put(FRONT "/event-channel", numbers[i]);
		front("3");
		assert_int_equal(our_state(), XenbusStateClosed);
		assert_int_equal(bound, 0);
		end(state);
	}
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		clean(state);
		connected();
		front(states[i]);
		front("4");
		front(states[i]);
		assert_true(bound <= 1);
		s_remove(&io, "/local/domain/3");
		deliver();
		assert_int_equal(bound, 0);
		assert_int_equal(our_state(), XenbusStateClosed);
		end(state);
	}
	clean(state);
}

/* A directory that names another guest's front end: not served. */
static void somebody_elses_front_end(void **state)
{
	put(BACK "/frontend", "/local/domain/4/device/vbd/51712");
	put(BACK "/frontend-id", "3");
	put(BACK "/online", "1");
	put(BACK "/state", "1");
	deliver();
	put(BACK "/frontend", FRONT);
	put(BACK "/frontend-id", "4");
	deliver();
	assert_int_equal(probes, 0);
	put(BACK "/frontend-id", "3");
	put(FRONT "/state", "1");
	deliver();
	assert_int_equal(probes, 1);
}

static void over_and_over(void **state)
{
	connected();
	for (int i = 0; i < 200; i++) {
		front("6");
		front("1");
		front("3");
	}
	assert_int_equal(probes, 32);
	assert_int_equal(lines, 1);
	clock_ns += 11000000000ull;
	front("6");
	front("1");
	assert_int_equal(probes, 33);
}

/* The guest has said its last word: the back end comes by itself when the time is over. */
static void not_for_ever(void **state)
{
	connected();
	for (int i = 0; i < 200; i++) {
		front("6");
		front("1");
	}
	assert_int_equal(probes, 32);
	assert_true(timer_ns > clock_ns);
	clock_ns = timer_ns;
	io.driver.timer(io.driver.ctx);
	deliver();
	assert_int_equal(probes, 33);
	assert_int_equal(our_state(), XenbusStateInitWait);
	assert_int_equal(lines, 1);
}

static void cut_off(void **state)
{
	connected();
	back_cut_off(back_first(back), "index %d", 7);
	assert_int_equal(our_state(), XenbusStateClosed);
	assert_int_equal(disconnects, 1);
	assert_int_equal(bound, 0);
	assert_non_null(strstr(said, "cut off: index 7"));
	deliver();
	assert_int_equal(connects, 1);			/* though it still says Connected */
	front("6");
	front("1");
	front("3");
	assert_int_equal(our_state(), XenbusStateConnected);
}

/* A store that does not answer says nothing about devices. */
/* The host is resumed, and a device's directory has gone meanwhile. */
static void resumed_without_its_directory(void **state)
{
	connected();
	s_remove(&io, BACK);			/* nobody has told yet */
	io.driver.resumed(io.driver.ctx);
	assert_null(back_first(back));
	assert_int_equal(disconnects, 1);
	assert_int_equal(removes, 1);
	assert_int_equal(bound, 0);
	deliver();
	assert_null(back_first(back));
}

static void the_store_is_away(void **state)
{
	connected();
	store_away = true;
	fire(FRONT "/state");
	fire(BACK "/state");
	deliver();
	assert_int_equal(disconnects, 0);
	store_away = false;
	deliver();
	assert_int_equal(our_state(), XenbusStateConnected);
	put(BACK "/online", "0");
	deliver();
	assert_int_equal(our_state(), XenbusStateClosing);
	assert_int_equal(disconnects, 0);		/* the guest lets go first */
	front("5");
	front("6");
	assert_int_equal(our_state(), XenbusStateClosed);
	assert_int_equal(removes, 1);
}

int main(void)
{
#define TEST(name)	cmocka_unit_test_setup_teardown(name, clean, end)
	const struct CMUnitTest tests[] = {
		TEST(a_life), TEST(a_new_daemon_resumes), TEST(steps_that_take_time),
		TEST(failures_have_words_and_end), TEST(nonsense_from_the_guest),
		TEST(somebody_elses_front_end), TEST(over_and_over), TEST(not_for_ever), TEST(cut_off),
		TEST(resumed_without_its_directory),
		TEST(the_store_is_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
