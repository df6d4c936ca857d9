/* unit: dom0-tools/consoled/guest.c dom0-tools/consoled/viewer.c dom0-tools/consoled/loop.c dom0-tools/consoled/ring.c dom0-tools/consoled/history.c dom0-tools/consoled/logfile.c dom0-tools/consoled/mark.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One guest's console in the daemon, with a fake hypervisor: this file plays the guest at the ring's
 * other end, the person at the pty, and viewers at the socket.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "consoled/consoled.h"
#include "consoled/ring.h"

static char dir[] = "/tmp/consoled-guest-XXXXXX";
static char socket_path[64];
struct settings settings = { .log_bytes = 1 << 20, .log_keep = 1, .history_bytes = 8192,
			     .group = -1 };

/* --- the fake hypervisor: one page for each domain, events in a pipe --- */

static struct xencons_interface pages[4];
static int bound[4], notified[4], unmasked[4], refuse_map;
static int event_pipe[2];

static struct xencons_interface *fake_map(void *ctx, uint16_t domid, uint64_t mfn, int *granted)
{
	*granted = 1;
	errno = refuse_map;
	return refuse_map ? NULL : &pages[domid];
}

static void fake_unmap(void *ctx, struct xencons_interface *page, int granted)
{
	memset(page, 0xee, sizeof(*page));	/* whoever touches it now is wrong */
}

static int fake_bind(void *ctx, uint16_t domid, uint32_t port)
{
	bound[domid]++;
	return domid;		/* local port = domain */
}

static void fake_unbind(void *ctx, uint32_t local)
{
	bound[local]--;
}

static void fake_notify(void *ctx, uint32_t local)
{
	notified[local]++;
}

static int fake_pending(void *ctx)
{
	unsigned char local;

	return read(event_pipe[0], &local, 1) == 1 ? local : -EAGAIN;
}

static void fake_unmask(void *ctx, uint32_t local)
{
	unmasked[local]++;
}

struct backend backend = {
	.map = fake_map, .unmap = fake_unmap, .bind = fake_bind, .unbind = fake_unbind,
	.notify = fake_notify, .pending = fake_pending, .unmask = fake_unmask,
};

void watch_publish_tty(struct guest *g)
{
}

void note(const char *fmt, ...)
{
}

/* --- the loop, for as long as a condition is false --- */

static struct source events_io;
static int rounds;

static bool spent(void)
{
	return rounds-- <= 0;
}

/* A source that is always ready: each time it has its turn, all others that were ready had theirs. */
static struct source turn_io;
static int turns;

static void turn_ready(struct source *s, uint32_t events)
{
	turns++;
}

/*
 * Let everything that is ready happen, and what that makes ready, however late it gets; the tick comes
 * every 100 ms.
 */
static void run_for(int ms)
{
	uint64_t end = loop_now_ms() + (uint64_t)ms;

	turns = 0;
	do {
		loop_need_tick();
		rounds = 1;
		loop_run(spent, guests_tick);
	} while (turns < 16 || loop_now_ms() < end);
}

/* A terminal's bytes come when the kernel gets round to it: a limit on a hang. */
#define HANG_MS		30000

static void say(unsigned char id, const char *text)
{
	struct xencons_interface *ring = &pages[id];

	while (*text && ring->out_prod - ring->out_cons < sizeof(ring->out))
		ring->out[MASK_XENCONS_IDX(ring->out_prod++, ring->out)] = *text++;
	assert_int_equal(write(event_pipe[1], &id, 1), 1);
}

static void log_is(const char *name, const char *want)
{
	char path[128], got[4096] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/guest-%s.log", dir, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_true(read(fd, got, sizeof(got) - 1) >= 0);
	close(fd);
	assert_string_equal(got, want);
}

static size_t drain(int fd, char *to, size_t room)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t got = 0;

	while (got < room - 1 && poll(&p, 1, 0) == 1 && (p.revents & POLLIN)) {
		ssize_t n = read(fd, to + got, room - 1 - got);

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	to[got] = '\0';
	return got;
}

static int view(const char *request)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(at.sun_path, socket_path);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(write(fd, request, strlen(request)), strlen(request));
	run_for(20);
	return fd;
}

static void expect_bytes(int fd, const char *want)
{
	uint64_t end = loop_now_ms() + HANG_MS;
	char got[16384];
	size_t n = 0;

	do {
		run_for(20);
		n += drain(fd, got + n, sizeof(got) - n);
	} while (n < strlen(want) && loop_now_ms() < end);
	assert_string_equal(got, want);
}

static void expect_typed(unsigned char id, uint32_t in_prod)
{
	uint64_t end = loop_now_ms() + HANG_MS;

	do {
		run_for(20);
	} while (pages[id].in_prod < in_prod && loop_now_ms() < end);
	assert_int_equal(pages[id].in_prod, in_prod);
}

static struct guest *up(unsigned char id, const char *name)
{
	struct guest *g = guest_new(id, false);

	assert_int_equal(guest_connect(g, name, 77, 5, 0), 0);
	assert_int_equal(guest_connect(g, name, 77, 5, 0), 0);
	assert_int_equal(bound[id], 1);
	return g;
}

/* --- the tests, in order, each with its own guest --- */

static void first_byte_to_last(void **state)
{
	struct guest *g;
	char got[256];
	int tty, viewer;

	say(1, "before anybody looked\n");
	g = up(1, "one");
	log_is("one", "before anybody looked\n");
	tty = open(g->tty, O_RDWR | O_NOCTTY | O_NONBLOCK);
	assert_true(tty >= 0);
	expect_bytes(tty, "before anybody looked\n");
	say(1, "now\n");
	expect_bytes(tty, "now\n");

	viewer = view("1 ro replay\n");
	expect_bytes(viewer, "ok one\nbefore anybody looked\nnow\n");
	say(1, "more\n");
	expect_bytes(viewer, "more\n");
	expect_bytes(tty, "more\n");

	/* typing */
	assert_int_equal(write(tty, "ls\r", 3), 3);
	assert_int_equal(write(viewer, "no\r", 3), 3);		/* came to read only */
	expect_typed(1, 3);
	assert_memory_equal(pages[1].in, "ls\r", 3);

	/* dying: the last words arrive everywhere, the page is let go at once */
	memcpy(pages[1].out + MASK_XENCONS_IDX(pages[1].out_prod, pages[1].out), "bye\n", 4);
	pages[1].out_prod += 4;
	guest_release(g);
	assert_int_equal(bound[1], 0);
	log_is("one", "before anybody looked\nnow\nmore\nbye\n");
	expect_bytes(viewer, "bye\n");
	expect_bytes(tty, "bye\n");
	run_for(2 * LOOP_TICK_MS);
	assert_null(g->viewers);		/* who has read all is not kept waiting */
	assert_int_equal(read(viewer, got, 1), 0);
	run_for(LINGER_MS + 200);
	assert_null(guest_first());
	close(tty);
	close(viewer);
}

static void full_input_waits(void **state)
{
	struct guest *g;
	char text[3000];
	int viewer;

	memset(&pages[2], 0, sizeof(pages[2]));
	g = up(2, "two");
	viewer = view("2\n");
	expect_bytes(viewer, "ok two\n");
	memset(text, 'k', sizeof(text));
	assert_int_equal(write(viewer, text, sizeof(text)), sizeof(text));
	run_for(50);
	assert_int_equal(pages[2].in_prod, 1024);
	pages[2].in_cons = 1000;
	say(2, "");
	run_for(50);
	assert_int_equal(pages[2].in_prod, 2024);
	pages[2].in_cons = 2024;
	say(2, "");
	run_for(50);
	assert_int_equal(pages[2].in_prod, 3000);
	close(viewer);
	run_for(20);
	assert_int_equal(g->nr_viewers, 0);
	guests_close();
}

static void flood_is_held(void **state)
{
	struct guest *g;
	char text[RING_OUT_BYTES + 1];
	size_t rounds_before;

	memset(&pages[3], 0, sizeof(pages[3]));
	g = up(3, "three");
	memset(text, 'f', RING_OUT_BYTES);
	text[RING_OUT_BYTES] = '\0';
	g->budget = ROUND_BYTES;
	unmasked[3] = 0;
	for (rounds_before = 0; !g->held && rounds_before < 100; rounds_before++) {
		say(3, text);
		guests_event(&events_io, EPOLLIN);
	}
	assert_int_equal(rounds_before, ROUND_BYTES / RING_OUT_BYTES);
	assert_int_equal(unmasked[3], (int)rounds_before - 1);
	run_for(150);
	assert_false(g->held);
	assert_int_equal(unmasked[3], rounds_before);
	assert_true(g->history.size <= settings.history_bytes);
	guests_close();
}

static void nonsense_is_survived(void **state)
{
	struct guest *g;

	memset(&pages[1], 0, sizeof(pages[1]));
	g = up(1, "liar");
	pages[1].out_prod = 0x80000000;
	say(1, "");
	run_for(20);
	assert_int_equal(pages[1].out_cons, 0x80000000);
	say(1, "honest again\n");
	run_for(20);
	log_is("liar", "\n[the console ring's indexes were impossible; output lost]\n"
		       "honest again\n");
	assert_int_equal(g->state, GUEST_UP);
	guests_close();
}

static void killed_and_back(void **state)
{
	struct guest *g;
	int viewer;

	memset(&pages[2], 0, sizeof(pages[2]));
	up(2, "phoenix");
	say(2, "first life\n");
	run_for(20);
	/* what the kernel does for a killed process, without a word to the guest */
	guest_first()->ring = NULL;
	guests_close();
	bound[2] = 0;
	say(2, "meanwhile\n");
	g = guest_new(2, true);
	assert_int_equal(guest_connect(g, "phoenix", 77, 5, 0), 0);
	log_is("phoenix", "first life\nmeanwhile\n");
	viewer = view("2 replay\n");
	expect_bytes(viewer, "ok phoenix\nfirst life\nmeanwhile\n");
	close(viewer);
	guests_close();
}

/* Killed with @n bytes in the log that the ring still has; back with the ring at @mfn. */
static void kill_with(size_t n, uint64_t mfn)
{
	guest_first()->ring = NULL;
	guests_close();
	bound[2] = 0;
	pages[2].out_cons -= (uint32_t)n;
	assert_int_equal(guest_connect(guest_new(2, true), "twice", mfn, 5, 0), 0);
}

/* Wherever the kill comes between log and ring, each byte stands in the log once. */
static void killed_before_giving_back(void **state)
{
	char want[512] = "", line[32];

	memset(&pages[2], 0, sizeof(pages[2]));
	pages[2].out_prod = pages[2].out_cons = 0xffffffe0;	/* about to wrap */
	up(2, "twice");
	for (size_t i = 0; i < 16; i++) {
		snprintf(line, sizeof(line), "this is line %02zu\n", i);
		strcat(want, line);
		say(2, line);
		run_for(1);
		kill_with(i, 77);
		log_is("twice", want);
	}
	guests_close();
}

/* A ring or a file that is another than the mark's: bytes may come twice then, none is lost. */
static void marks_that_do_not_fit(void **state)
{
	char from[128], to[140];
	FILE *mark;

	memset(&pages[2], 0, sizeof(pages[2]));
	up(2, "twice");
	snprintf(from, sizeof(from), "%s/guest-twice.log", dir);
	assert_int_equal(truncate(from, 0), 0);
	kill_with(0, 77);
	say(2, "0123456789\n");
	run_for(1);
	kill_with(3, 78);
	log_is("twice", "0123456789\n89\n");
	snprintf(to, sizeof(to), "%s.old", from);
	assert_int_equal(rename(from, to), 0);
	kill_with(4, 78);
	log_is("twice", "789\n");
	/* what came after a file was opened anew has a place again */
	guests_reopen_logs();
	say(2, "abc\n");
	run_for(1);
	kill_with(2, 78);
	log_is("twice", "789\nabc\n");
	snprintf(from, sizeof(from), "%s/console-2.at", dir);
	mark = fopen(from, "w");
	assert_non_null(mark);
	assert_true(fputs("78 5 nonsense", mark) > 0);
	assert_int_equal(fclose(mark), 0);
	kill_with(2, 78);
	log_is("twice", "789\nabc\nc\n");
	strcat(strcpy(to, from), ".new");		/* of a daemon that was killed as it wrote one */
	mark = fopen(to, "w");
	assert_non_null(mark);
	assert_int_equal(fclose(mark), 0);
	guest_release(guest_first());
	assert_int_equal(access(from, F_OK), -1);
	assert_int_equal(access(to, F_OK), -1);
	guests_close();
}

/* The log grew by more than the mark knows of, as by a note of bytes lost: none of the guest's is lost. */
static void log_that_grew_otherwise(void **state)
{
	char path[128];
	FILE *log;

	memset(&pages[2], 0, sizeof(pages[2]));
	up(2, "grown");
	say(2, "before\n");
	run_for(1);
	guest_first()->ring = NULL;
	guests_close();
	bound[2] = 0;
	snprintf(path, sizeof(path), "%s/guest-grown.log", dir);
	log = fopen(path, "a");
	assert_non_null(log);
	assert_true(fputs("[5 lost]\n", log) > 0);
	assert_int_equal(fclose(log), 0);
	say(2, "12345678\nmore\n");
	assert_int_equal(guest_connect(guest_new(2, true), "grown", 77, 5, 0), 0);
	log_is("grown", "before\n[5 lost]\n12345678\nmore\n");
	guests_close();
}

static void requests_are_judged(void **state)
{
	static const char *const wrong[] = { "\n", "x\n", "2 quickly\n", "99999\n", "-1\n" };
	int viewers[MAX_VIEWERS], fd;
	char got[128];

	memset(&pages[2], 0, sizeof(pages[2]));
	up(2, "two");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		fd = view(wrong[i]);
		expect_bytes(fd, "error the request is DOMID [ro] [replay]\n");
		close(fd);
	}
	fd = view("3\n");
	expect_bytes(fd, "error no such console\n");
	close(fd);
	for (int i = 0; i < MAX_VIEWERS; i++)
		viewers[i] = view("2\n");
	fd = view("2\n");
	expect_bytes(fd, "error too many viewers\n");
	close(fd);
	for (int i = 0; i < MAX_VIEWERS; i++) {
		drain(viewers[i], got, sizeof(got));
		assert_string_equal(got, "ok two\n");
		close(viewers[i]);
	}
	guests_close();
}

static void slow_viewer_misses(void **state)
{
	static char got[1 << 20];
	char text[1025];
	struct guest *g;
	size_t n;
	int fd;

	memset(&pages[3], 0, sizeof(pages[3]));
	g = up(3, "fast");
	fd = view("3 ro\n");
	memset(text, 's', 1024);
	text[1024] = '\0';
	for (int i = 0; i < 2000; i++) {
		say(3, text);
		guests_event(&events_io, EPOLLIN);
		g->budget = ROUND_BYTES;
	}
	assert_int_equal(g->history.end, 2000 * 1024);
	n = drain(fd, got, sizeof(got));
	assert_true(n < sizeof(got) - 1);
	run_for(50);
	assert_true(drain(fd, got, sizeof(got)) >= settings.history_bytes);
	close(fd);
	guests_close();
}

static void map_refused(void **state)
{
	struct guest *g = guest_new(1, false);

	refuse_map = EINVAL;
	assert_int_equal(guest_connect(g, "none", 77, 5, 0), -EINVAL);
	assert_int_equal(g->state, GUEST_WAITING);
	refuse_map = 0;
	memset(&pages[1], 0, sizeof(pages[1]));
	assert_int_equal(guest_connect(g, "none", 77, 5, 0), 0);
	guest_release(g);
	guests_close();
}

/* Found by its number while it is there, and its event reaches it alone. */
static void each_is_found(void **state)
{
	struct guest *first, *second;

	memset(pages, 0, sizeof(pages));
	up(1, "found-1");
	up(3, "found-3");
	first = guest_find(3);
	assert_non_null(first);
	assert_int_equal(first->id, 3);
	assert_null(guest_find(2));
	assert_null(guest_find(DOMID_FIRST_RESERVED));
	assert_null(guest_new(DOMID_FIRST_RESERVED, false));
	say(3, "third\n");
	run_for(20);
	log_is("found-3", "third\n");
	log_is("found-1", "");
	guest_release(first);
	assert_null(guest_find(3));
	/* its number again, while readers of the old one may linger */
	memset(&pages[3], 0, sizeof(pages[3]));
	second = guest_new(3, false);
	assert_ptr_not_equal(second, first);
	assert_ptr_equal(guest_find(3), second);
	assert_int_equal(guest_connect(second, "found-again", 77, 5, 0), 0);
	run_for(LINGER_MS + 200);
	assert_ptr_equal(guest_find(3), second);
	say(3, "still heard\n");
	run_for(20);
	log_is("found-again", "still heard\n");
	guests_close();
	assert_null(guest_find(1));
	assert_null(guest_find(3));
}

static int start(void **state)
{
	int turn_pipe[2];

	if (!mkdtemp(dir) || pipe2(event_pipe, O_NONBLOCK) || loop_init() || pipe(turn_pipe) ||
	    write(turn_pipe[1], "", 1) != 1)
		return -1;
	turn_io = (struct source){ .fd = turn_pipe[0], .ready = turn_ready };
	if (loop_add(&turn_io, EPOLLIN))
		return -1;
	settings.log_dir = settings.mark_dir = dir;
	snprintf(socket_path, sizeof(socket_path), "%s/sock", dir);
	events_io = (struct source){ .fd = event_pipe[0], .ready = guests_event };
	return loop_add(&events_io, EPOLLIN) || viewers_listen(socket_path);
}

static int end(void **state)
{
	char command[80];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_byte_to_last),
		cmocka_unit_test(full_input_waits),
		cmocka_unit_test(flood_is_held),
		cmocka_unit_test(nonsense_is_survived),
		cmocka_unit_test(killed_and_back),
		cmocka_unit_test(killed_before_giving_back),
		cmocka_unit_test(marks_that_do_not_fit),
		cmocka_unit_test(log_that_grew_otherwise),
		cmocka_unit_test(requests_are_judged),
		cmocka_unit_test(slow_viewer_misses),
		cmocka_unit_test(map_refused),
		cmocka_unit_test(each_is_found),
	};

	return cmocka_run_group_tests(tests, start, end);
}
