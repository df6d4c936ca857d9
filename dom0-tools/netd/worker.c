/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A worker: the process of one network.  Opens the world, gives up what it does not need, then
 * turns rounds of the data path as long as there is work and sleeps when there is none.
 *
 * Its life means nothing to the guests: the supervisor starts another one when it ends, and that
 * one finds the devices connected and goes on.  So it ends rather than limps.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "io/io_xen.h"
#include "netd/config.h"
#include "netd/net.h"
#include "netd/worker.h"

#define HOUSEKEEPING_NS	1000000000ull
#define LOOK_ROUNDS	4u		/* busy rounds between two looks for events */
#define CHORE_ROUNDS	256u
#define ANSWER_MS	1000		/* guests' packets wait as long for the store */
#define COARSE_NS	500000u	/* a wait longer than that may be in milliseconds */

static struct net net;			/* large, and one only */
static volatile sig_atomic_t ending;

static void on_signal(int number)
{
	ending = 1;
}

static void device_note(void *ctx, const struct back_device *dev, const char *line)
{
	note("%s", line);
}

static struct back_kind kind;

/* The uplink is configured below /mica/net/NAME, as a port in /backend/mnet is. */
static void uplink_word(char *to, size_t room, const char *key)
{
	char path[96];
	int rc;

	snprintf(path, sizeof(path), "/mica/net/%s/%s", net.name, key);
	rc = net.io->ops->read(net.io, path, to, room);
	if (rc == -ENOENT)
		*to = '\0';
	else if (rc)
		snprintf(to, room, "?");	/* as a port's */
}

static void configure_uplink(void)
{
	struct config_words w = { 0 };
	struct config_port c;
	const char *bad;

	uplink_word(w.vlan, sizeof(w.vlan), "uplink-vlan");
	uplink_word(w.trunk, sizeof(w.trunk), "uplink-trunk");
	uplink_word(w.isolated, sizeof(w.isolated), "uplink-isolated");
	uplink_word(w.storm, sizeof(w.storm), "uplink-storm-fps");
	uplink_word(w.capture, sizeof(w.capture), "uplink-capture");
	bad = config_parse(&c, &w, true);
	if (bad) {
		note("error: net %s: uplink-%s [MICA-NET-001]", net.name, bad);
		return;
	}
	switch_configure(&net.sw, SWITCH_UPLINK, &c.sw, net.io->ops->now_ns(net.io));
	port_capture(net.port[SWITCH_UPLINK], &c, "uplink");
}

/* Below /mica/net/NAME something changed. */
static void watched(void *ctx, const char *path, const char *token)
{
	const char *key = strrchr(path, '/');
	char value[CONFIG_WORD];
	uint64_t poll_us;

	if (!strcmp(token, MULTICAST_TOKEN)) {
		multicast_changed(&net, path);
		return;
	}
	if (key && strstr(key, "stats"))
		return;			/* our own */
	if (net.tap)
		configure_uplink();
	uplink_word(value, sizeof(value), "poll-us");
	if (config_number(&poll_us, value, 0, 10000))
		net.poll_ns = poll_us * 1000;
}

static int open_world(const char *name, int tap)
{
	char path[64];
	const char *what;
	uint64_t key;
	unsigned parts = IO_XEN_STORE | IO_XEN_GRANTS | IO_XEN_EVENTS;
	int rc = io_xen_open(&net.io, parts | IO_XEN_LEND, &what);

	if (rc)				/* slower without */
		rc = io_xen_open(&net.io, parts, &what);
	if (rc) {
		note("error: net %s: cannot open %s: %s [MICA-NET-005]", name, what, strerror(-rc));
		return rc;
	}
	io_xen_answer_limit(net.io, ANSWER_MS);
	snprintf(net.name, sizeof(net.name), "%s", name);
	net.poll_ns = settings.poll_us * 1000ull;
	if (getrandom(&key, sizeof(key), 0) != sizeof(key))
		return -EIO;
	switch_init(&net.sw, key);
	rc = batch_init(&net);
	if (!rc && tap >= 0)
		rc = tap_open(&net, tap);
	if (!rc && tap >= 0)
		configure_uplink();
	if (rc)
		return rc;
	kind = net_kind;
	kind.watched = watched;
	kind.note = device_note;
	rc = back_open(&net.back, net.io, &kind, &net);
	snprintf(path, sizeof(path), "/mica/net/%s", name);
	return rc ? rc : net.io->ops->watch(net.io, path, "net");
}

/* Until there is an event, or @until_ns (0: for ever; in the past: only look). */
static void wait_for_work(uint64_t until_ns)
{
	uint64_t now = until_ns > 1 ? net.io->ops->now_ns(net.io) : 0;
	uint64_t left = until_ns > now ? until_ns - now : 0;
	struct timespec limit = { .tv_sec = (time_t)(left / 1000000000u),
				  .tv_nsec = (long)(left % 1000000000u) };
	struct pollfd fds[2] = { { .fd = io_xen_fd(net.io), .events = POLLIN },
				 { .fd = tap_blocked(&net) ? -1 : tap_fd(&net), .events = POLLIN } };

	if (!net.tap && (!left || left > COARSE_NS)) {	/* one system call less */
		io_xen_wait(net.io, until_ns ? (int)((left + 999999) / 1000000) : -1);
		return;
	}
	if (io_xen_waiting(net.io) ||
	    (ppoll(fds, 2, until_ns ? &limit : NULL, NULL) > 0 && fds[0].revents))
		io_xen_dispatch(net.io);
}

/* Counters are written, old addresses forgotten.  Returns when it has to be done again, or 0. */
static uint64_t chores(void)
{
	static uint64_t done;

	if (net.now_ns - done > HOUSEKEEPING_NS) {
		done = net.now_ns;
		switch_age(&net.sw, net.now_ns);
		stats_publish(&net);
	}
	return stats_due(&net) ? done + HOUSEKEEPING_NS + 1 : 0;
}

static void serve(void)
{
	unsigned rounds = 0;

	while (!ending) {
		uint64_t due, again;

		if (path_round(&net)) {
			/* Rings are looked at each round; events and the store now and then. */
			bool look = ++rounds % LOOK_ROUNDS == 0;

			if (net.lull_ns) {
				struct timespec lull = { .tv_nsec = (long)net.lull_ns };

				ppoll(NULL, 0, &lull, NULL);	/* signals only */
			}
			if (look)
				wait_for_work(1);
			if (rounds % CHORE_ROUNDS == 0)
				chores();
			continue;
		}
		rounds = 0;
		due = path_due(&net);
		again = chores();
		if (again && (!due || again < due))
			due = again;
		wait_for_work(due);
	}
}

int worker_run(const char *name, int tap)
{
	struct sigaction act = { .sa_handler = on_signal };
	char dir[256];
	const char *what;
	int rc;

	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_TIMERSLACK, 1000ul);	/* a lull is short */
	prctl(PR_SET_NAME, "mica-netd");	/* it was started as /proc/self/exe */
	rc = open_world(name, tap);
	if (rc)
		return 1;
	if (settings.sandbox) {
		snprintf(dir, sizeof(dir), "%s/%s", settings.capture_dir, name);
		rc = sandbox_enter(dir, settings.user, &what);
		if (rc) {
			note("error: net %s: sandbox: %s: %s [MICA-NET-006]", name, what,
			     strerror(-rc));
			return 1;
		}
	}
	note("net %s: up%s", name, tap >= 0 ? ", with an uplink" : "");
	serve();
	path_end(&net);
	stats_publish(&net);
	return 0;
}
