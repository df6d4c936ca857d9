/* unit: dom0-tools/back/device.c dom0-tools/back/handshake.c dom0-tools/back/late.c dom0-tools/back/keys.c dom0-tools/back/say.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices over a store in memory: found, connected, closed, resumed by a new daemon, refused, and
 * what a guest can write to make that go wrong.  Watch events are queued and delivered one by one,
 * as the store does, so the library never sees a change sooner than it would.
 */
#include "../consoled/host.h"

#include <errno.h>
#include <string.h>
#include <mica/io/xenbus.h>

#include "back/back.h"

/* --- the store --- */

#define NODES	256

static struct { char path[128], value[64]; } node[NODES];
static struct { char path[128], token[32]; } watch[32];
static struct { char path[128], token[32]; } event[4096];
static unsigned events_in, events_out, bound;
static bool store_away, removing;
static uint64_t clock_ns, timer_ns;
static struct mica_io io;

static void fire(const char *path)
{
	for (unsigned w = 0; w < 32; w++) {
		size_t n = strlen(watch[w].path), m = strlen(path);
		bool below = n && !strncmp(path, watch[w].path, n) && (!path[n] || path[n] == '/');
		bool taken = n > m && !strncmp(path, watch[w].path, m) && watch[w].path[m] == '/' &&
			removing;

		if (!below && !taken)
			continue;
		strcpy(event[events_in % 4096].path, path);
		strcpy(event[events_in++ % 4096].token, watch[w].token);
	}
}

static int find(const char *path)
{
	for (int i = 0; i < NODES; i++)
		if (!strcmp(node[i].path, path))
			return i;
	return -1;
}

static int s_write(struct mica_io *x, const char *path, const char *value)
{
	int i = find(path);

	if (store_away)
		return -ENOTCONN;
	if (i < 0)
		i = find("");
	assert_true(i >= 0);
	strcpy(node[i].path, path);
	snprintf(node[i].value, sizeof(node[i].value), "%s", value);
	fire(path);
	return 0;
}

static int s_read(struct mica_io *x, const char *path, char *value, size_t room)
{
	int i = find(path);

	if (store_away)
		return -ENOTCONN;
	if (i < 0)
		return -ENOENT;
	if (strlen(node[i].value) >= room)
		return -ERANGE;
	strcpy(value, node[i].value);
	return 0;
}

static int s_remove(struct mica_io *x, const char *path)
{
	size_t n = strlen(path);

	for (int i = 0; i < NODES; i++)
		if (!strncmp(node[i].path, path, n) && (!node[i].path[n] || node[i].path[n] == '/'))
			node[i].path[0] = '\0';
	removing = true;
	fire(path);
	removing = false;
	return 0;
}

static int s_begin(struct mica_io *x)
{
	return store_away ? -ENOTCONN : 0;
}

static int s_end(struct mica_io *x, bool commit)
{
	return 0;
}

static int s_list(struct mica_io *x, const char *path, char *names, size_t room)
{
	size_t n = strlen(path), used = 0;
	int count = 0;

	for (int i = 0; i < NODES; i++) {
		char name[64], *at = names;
		int k;

		if (strncmp(node[i].path, path, n) || node[i].path[n] != '/')
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(node[i].path + n + 1, "/"),
			 node[i].path + n + 1);
		for (k = 0; k < count && strcmp(at, name); k++)
			at += strlen(at) + 1;
		if (k < count)
			continue;
		strcpy(names + used, name);
		used += strlen(name) + 1;
		count++;
	}
	return count;
}

static int s_watch(struct mica_io *x, const char *path, const char *token)
{
	for (unsigned w = 0; w < 32; w++) {
		if (watch[w].path[0])
			continue;
		strcpy(watch[w].path, path);
		strcpy(watch[w].token, token);
		strcpy(event[events_in % 4096].path, path);
		strcpy(event[events_in++ % 4096].token, token);
		return 0;
	}
	return -ENOSPC;
}

static int s_unwatch(struct mica_io *x, const char *path, const char *token)
{
	for (unsigned w = 0; w < 32; w++)
		if (!strcmp(watch[w].path, path) && !strcmp(watch[w].token, token))
			watch[w].path[0] = '\0';
	return 0;
}

static int s_bind(struct mica_io *x, domid_t peer, uint32_t remote, uint32_t *port)
{
	*port = remote + 100;
	bound++;
	return 0;
}

static void s_close(struct mica_io *x, uint32_t port)
{
	bound--;
}

static uint64_t s_now(struct mica_io *x)
{
	return clock_ns += 1000;
}

static void s_timer(struct mica_io *x, uint64_t at_ns)
{
	timer_ns = at_ns;
}

static domid_t s_self(struct mica_io *x)
{
	return 0;
}

static const struct mica_io_ops ops = {
	.read = s_read, .write = s_write, .remove = s_remove, .list = s_list, .watch = s_watch,
	.unwatch = s_unwatch, .port_bind = s_bind, .port_close = s_close, .now_ns = s_now, .timer_set = s_timer,
	.self = s_self, .begin = s_begin, .end = s_end,
};

static void deliver(void)
{
	unsigned n = 0;

	while (events_out != events_in && io.driver.changed) {
		unsigned e = events_out++ % 4096;
		char path[128], token[32];

		strcpy(path, event[e].path);
		strcpy(token, event[e].token);
		io.driver.changed(io.driver.ctx, path, token);
		assert_true(++n < 2000);		/* it goes round and round */
	}
}

/* --- the daemon --- */

static unsigned timers, probes, connects, disconnects, removes, resumes, changes, rung;
static int probe_rc, connect_rc, disconnect_rc;
static struct back *back;
static char said[600];
static unsigned lines;

static int probe(struct back_device *d)
{
	probes++;
	resumes += d->resuming;
	return probe_rc;
}

static int connect_device(struct back_device *d)
{
	uint64_t port;
	uint32_t local;

	connects++;
	if (back_read_front_u64(d, &port, 1, 1000, "event-channel"))
		return back_fail(d, -EPROTO, "MICA-DEV-001", "look", "no event channel");
	assert_int_equal(back_bind(d, (uint32_t)port, &local), 0);
	d->priv = (void *)(uintptr_t)local;
	return connect_rc;
}

static int disconnect_device(struct back_device *d)
{
	disconnects++;
	back_unbind(d, (uint32_t)(uintptr_t)d->priv);
	return disconnect_rc;
}

static void remove_device(struct back_device *d)
{
	if (d->priv)
		back_unbind(d, (uint32_t)(uintptr_t)d->priv);
	removes++;
}

static void on_event(struct back_device *d, uint32_t port)
{
	rung++;
}

static void on_changed(struct back_device *d, const char *key)
{
	assert_string_equal(key, "params");
	changes++;
}

static void on_note(void *ctx, const struct back_device *d, const char *line)
{
	snprintf(said, sizeof(said), "%s", line);
	lines++;
}

static void on_timer(void *ctx)
{
	timers++;
}

static const char *const keys[] = { "params", NULL };
static const struct back_kind kind = {
	.dir = "mtest", .keys = keys, .probe = probe, .connect = connect_device,
	.disconnect = disconnect_device, .remove = remove_device, .event = on_event,
	.changed = on_changed, .note = on_note, .timer = on_timer,
};

#define BACK	"/local/domain/0/backend/mtest/3/51712"
#define FRONT	"/local/domain/3/device/vbd/51712"

static void put(const char *path, const char *value)
{
	s_write(&io, path, value);
}

static unsigned our_state(void)
{
	char text[8];

	return s_read(&io, BACK "/state", text, sizeof(text)) ? 99 : (unsigned)atoi(text);
}

static void new_device(void)
{
	put(BACK "/frontend", FRONT);
	put(BACK "/frontend-id", "3");
	put(BACK "/online", "1");
	put(BACK "/state", "1");
	put(FRONT "/state", "1");
}

static void start_daemon(void)
{
	timers = probes = connects = disconnects = removes = resumes = changes = rung = lines = 0;
	probe_rc = connect_rc = disconnect_rc = 0;
	said[0] = '\0';
	io.ops = &ops;
	assert_int_equal(back_open(&back, &io, &kind, NULL), 0);
	deliver();
}

/* What SIGKILL leaves: the store, but no watches and no ports. */
static void kill_daemon(void)
{
	back_close(back);
	memset(watch, 0, sizeof(watch));
	events_out = events_in;
	bound = 0;
}

static int clean(void **state)
{
	memset(node, 0, sizeof(node));
	memset(watch, 0, sizeof(watch));
	events_in = events_out = bound = 0;
	timer_ns = 0;
	store_away = false;
	start_daemon();
	return 0;
}

static int end(void **state)
{
	if (back)
		back_close(back);
	back = NULL;
	return 0;
}

static void front(const char *value)
{
	put(FRONT "/state", value);
	deliver();
}

static void connected(void)
{
	new_device();
	deliver();
	put(FRONT "/event-channel", "9");
	front("3");
	assert_int_equal(our_state(), XenbusStateConnected);
	front("4");
}

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
		TEST(a_life), TEST(a_new_daemon_resumes), TEST(steps_that_take_time),
		TEST(failures_have_words_and_end), TEST(nonsense_from_the_guest),
		TEST(somebody_elses_front_end), TEST(over_and_over), TEST(not_for_ever), TEST(cut_off),
		TEST(the_store_is_away), TEST(a_guest_without_a_driver),
		TEST(a_guest_that_does_not_finish), TEST(in_use_while_closing),
		TEST(late_while_a_step_takes_time), TEST(the_daemons_own_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
