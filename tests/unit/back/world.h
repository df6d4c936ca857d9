/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libmicaback over a store in memory, with one daemon that counts its calls.  Watch events are queued
 * and delivered one by one, as the store does, so the library never sees a change sooner than it would.
 */
#ifndef UNIT_BACK_WORLD_H
#define UNIT_BACK_WORLD_H

#include "host.h"

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

__attribute__((unused)) static void put(const char *path, const char *value)
{
	s_write(&io, path, value);
}

__attribute__((unused)) static unsigned our_state(void)
{
	char text[8];

	return s_read(&io, BACK "/state", text, sizeof(text)) ? 99 : (unsigned)atoi(text);
}

__attribute__((unused)) static void new_device(void)
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
__attribute__((unused)) static void kill_daemon(void)
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

__attribute__((unused)) static void front(const char *value)
{
	put(FRONT "/state", value);
	deliver();
}

__attribute__((unused)) static void connected(void)
{
	new_device();
	deliver();
	put(FRONT "/event-channel", "9");
	front("3");
	assert_int_equal(our_state(), XenbusStateConnected);
	front("4");
}

#endif
