/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handshake of a device as the toolstack follows it: by watching what both ends write, never
 * by a clock alone.  The guest's end is the guest's word and is only shown.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/device.h"
#include "lib/hotplug.h"

#define TICK_MS	500

static uint64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What dom0's end is doing, for people. */
static const char *back_words(const struct mica_device *d)
{
	switch (d->back_state) {
	case DEVICE_UNKNOWN: return "is not there";
	case DEVICE_INITIALISING: return "was made; nobody serves it yet";
	case DEVICE_INIT_WAIT: return "is ready and waits for the guest";
	case DEVICE_INITIALISED: return "is being connected";
	case DEVICE_CONNECTED: return "is connected";
	case DEVICE_CLOSING: return "is asked to close and waits for the guest";
	case DEVICE_CLOSED: return "is closed";
	default: return "says something that is no state";
	}
}

static const char *front_words(const struct mica_device *d)
{
	switch (d->front_state) {
	case DEVICE_UNKNOWN: return "is not there";
	case DEVICE_INITIALISING: return "has not begun: no driver in the guest has taken it";
	case DEVICE_INIT_WAIT: return "waits for the back end";
	case DEVICE_INITIALISED: return "has made its rings and waits for the back end";
	case DEVICE_CONNECTED: return "is connected, the guest uses it";
	case DEVICE_CLOSING: return "is closing: something in the guest still has it open";
	case DEVICE_CLOSED: return "is closed";
	default: return "says something that is no state";
	}
}

static void explain(struct mica_device *d, struct mica_error *e)
{
	static const char *const daemons[2][2] = {
		{ "mica-blkd", "xen-blkback" }, { "mica-netd", "xen-netback" },
	};
	const char *daemon = daemons[d->kind == MICA_NIC][d->kernel];

	mica_fact(e, "back end (%s): state %u, %s: it %s", daemon, d->back_state,
		  mica_device_state(d->back_state), back_words(d));
	mica_fact(e, "front end (guest): state %u, %s: it %s", d->front_state,
		  mica_device_state(d->front_state), front_words(d));
	if (d->error[0])
		mica_fact(e, "the back end says: %s", d->error);
	if (d->back_state == DEVICE_INITIALISING)
		mica_hint(e, d->kernel ? "modprobe %s     (in dom0)" : "does %s run?  mica doctor",
			  daemon);
	else if (d->front_state == DEVICE_INITIALISING)
		mica_hint(e, "in the guest: modprobe %s", d->kind == MICA_DISK ? "xen-blkfront" :
			  "xen-netfront");
	else if (d->front_state == DEVICE_CONNECTED || d->front_state == DEVICE_CLOSING)
		mica_hint(e, d->kind == MICA_DISK ? "unmount it in the guest" :
			  "take the interface down in the guest");
}

/* The device as it is now; false: neither directory is there. */
static bool look(struct mica_store *s, domid_t id, enum mica_device_kind kind, uint32_t number,
		 struct mica_device *d)
{
	struct mica_device *list;
	int n = mica_device_list(s, id, kind, &list);
	bool found = false;

	for (int i = 0; i < n && !found; i++) {
		found = list[i].number == number;
		if (found)
			*d = list[i];
	}
	if (n >= 0)
		free(list);
	return found;
}

static void watch_both(struct mica_store *s, const struct mica_device *d, bool on)
{
	char path[160];

	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/state", i ? d->back : d->front);
		if (on)
			mica_store_watch(s, path, "device");
		else
			mica_store_unwatch(s, path, "device");
	}
}

/* One event or a tick; false when the connection is gone. */
static bool wait_event(struct mica_store *s, uint64_t left_ms)
{
	char *path, *token;
	int rc = mica_store_event(s, (int)(left_ms < TICK_MS ? left_ms : TICK_MS), &path, &token);

	if (rc == 1)
		free(path);
	return rc >= 0;
}

/* Until @done says so.  0, -ETIMEDOUT, -ENOENT (it went), -EIO (the back end failed). */
static int await(struct mica_store *s, struct mica_device *d, unsigned timeout_ms,
		 bool (*done)(const struct mica_device *d))
{
	uint64_t end = clock_ms() + timeout_ms, now;
	int rc = 0;

	watch_both(s, d, true);
	for (;;) {
		if (!look(s, d->domain, d->kind, d->number, d))
			rc = -ENOENT;
		if (rc || done(d))
			break;
		if (d->error[0] && d->back_state == DEVICE_CLOSED) {
			rc = -EIO;
			break;
		}
		now = clock_ms();
		if (now >= end || !wait_event(s, end - now)) {
			rc = now >= end ? -ETIMEDOUT : -EPIPE;
			break;
		}
	}
	watch_both(s, d, false);
	return rc;
}

static bool is_connected(const struct mica_device *d)
{
	return d->back_state == DEVICE_CONNECTED && d->front_state == DEVICE_CONNECTED;
}

static bool is_closed(const struct mica_device *d)
{
	return d->back_state == DEVICE_CLOSED || d->back_state == DEVICE_UNKNOWN ||
		d->back_state == DEVICE_INITIALISING;
}

int mica_device_wait(struct mica_store *s, domid_t id, enum mica_device_kind kind, uint32_t number,
		     unsigned timeout_ms, struct mica_error *e)
{
	struct mica_device d;
	int rc;

	if (!look(s, id, kind, number, &d))
		return mica_fail(e, "MICA-DEV-002", "it has no such %s", mica_device_kind_word(kind));
	rc = await(s, &d, timeout_ms, is_connected);
	if (!rc)
		return 0;
	if (rc == -EIO)
		rc = mica_fail(e, "MICA-DEV-003", "%s %s", d.name, d.error);
	else
		rc = mica_fail(e, "MICA-DEV-004", "%s is not connected after %u s", d.name,
			       timeout_ms / 1000);
	explain(&d, e);
	return rc;
}

static int ask_to_close(struct mica_store *s, const struct mica_device *d)
{
	char path[160];
	int rc = mica_store_begin(s);

	if (rc)
		return rc;
	snprintf(path, sizeof(path), "%s/online", d->back);
	rc = mica_store_put(s, path, "0");
	snprintf(path, sizeof(path), "%s/state", d->back);
	if (!rc && d->back_state != DEVICE_CLOSED)
		rc = mica_store_put(s, path, "%d", DEVICE_CLOSING);
	if (rc) {
		mica_store_end(s, false);
		return rc;
	}
	return mica_store_end(s, true);
}

static int remove_both(struct mica_store *s, const struct mica_device *d)
{
	int rc = mica_store_begin(s);

	if (rc)
		return rc;
	/* The guest's first: its driver lets go of what it sees leave. */
	rc = mica_store_rm(s, d->front);
	if (!rc || rc == -ENOENT)
		rc = mica_store_rm(s, d->back);
	if (rc && rc != -ENOENT) {
		mica_store_end(s, false);
		return rc;
	}
	return mica_store_end(s, true);
}

int mica_device_detach(struct mica_store *s, domid_t id, enum mica_device_kind kind,
		       uint32_t number, bool force, unsigned timeout_ms, struct mica_error *e)
{
	struct mica_device d;
	int rc = 0, tries = 0;

	if (!look(s, id, kind, number, &d))
		return mica_fail(e, "MICA-DEV-002", "it has no such %s", mica_device_kind_word(kind));
	if (!is_closed(&d)) {
		do {
			rc = ask_to_close(s, &d);
		} while (rc == -EAGAIN && ++tries < 50);
		if (rc)
			return mica_fail(e, "MICA-STORE-002", "cannot ask it to close: %s",
					 strerror(-rc));
		rc = force ? 0 : await(s, &d, timeout_ms, is_closed);
	}
	if (rc == -ENOENT)
		return 0;
	if (rc) {
		rc = mica_fail(e, "MICA-DEV-004", "%s is not closed after %u s", d.name,
			       timeout_ms / 1000);
		explain(&d, e);
		mica_hint(e, "it stays asked to close; the same command again waits on, --force takes it "
			  "away under the guest");
		return rc;
	}
	mica_hotplug_undo(s, d.back);
	do {
		rc = remove_both(s, &d);
	} while (rc == -EAGAIN && ++tries < 50);
	return rc ? mica_fail(e, "MICA-STORE-002", "cannot remove its nodes: %s", strerror(-rc)) : 0;
}
