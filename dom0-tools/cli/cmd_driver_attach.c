/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `mica driver attach` and `detach`: the store directories of a device whose driver the operator
 * brings.  Everything a driver needs besides is a back end watching backend/NAME.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <mica/bus.h>

#include "cli/cli.h"

#define DETACH_MS	30000
#define TICK_MS		1000
#define TRIES		20

struct place {
	char back[128], front[128];
};

static int place_of(struct place *at, domid_t id, int argc, char **argv)
{
	const char *name = argv[2], *number = argc > 3 ? argv[3] : "0";

	if (!*name || strlen(name) > 31 ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name))
		return cli_fail("MICA-CFG-003", "cannot name the device", "'%s' is no name of a driver", name);
	if (!*number || strlen(number) > 9 || strspn(number, "0123456789") != strlen(number))
		return cli_fail("MICA-CFG-003", "cannot name the device", "'%s' is no number of a device",
				number);
	snprintf(at->back, sizeof(at->back), "/local/domain/0/backend/%s/%u/%s", name, id, number);
	snprintf(at->front, sizeof(at->front), "/local/domain/%u/device/%s/%s", id, name, number);
	return 0;
}

static int write_both(struct mica_store *s, const struct place *at, domid_t id)
{
	const struct mica_perm back[] = { { 'n', 0 }, { 'r', id } };
	const struct mica_perm front[] = { { 'n', id }, { 'r', 0 } };
	int rc = mica_store_mkdir(s, at->back);

	rc = rc ? rc : mica_store_set_perms(s, at->back, back, 2);
	rc = rc ? rc : mica_store_mkdir(s, at->front);
	rc = rc ? rc : mica_store_set_perms(s, at->front, front, 2);
	return rc;
}

static int put(struct mica_store *s, const char *dir, const char *key, const char *value)
{
	char path[160];

	snprintf(path, sizeof(path), "%s/%s", dir, key);
	return mica_store_write(s, path, value, strlen(value));
}

static int fill(struct mica_store *s, const struct place *at, domid_t id)
{
	char number[8];
	int rc;

	snprintf(number, sizeof(number), "%u", id);
	rc = put(s, at->back, "frontend", at->front);
	rc = rc ? rc : put(s, at->back, "frontend-id", number);
	rc = rc ? rc : put(s, at->back, "online", "1");
	rc = rc ? rc : put(s, at->back, "state", "1");
	rc = rc ? rc : put(s, at->front, "backend", at->back);
	rc = rc ? rc : put(s, at->front, "backend-id", "0");
	return rc ? rc : put(s, at->front, "state", "1");
}

static int attach(struct mica_store *s, const struct place *at, domid_t id)
{
	char state[8];
	int rc = -EAGAIN;

	if (!mica_store_get(s, state, sizeof(state), "%s/state", at->back))
		return -EEXIST;
	for (int i = 0; rc == -EAGAIN && i < TRIES; i++) {
		rc = mica_store_begin(s);
		if (!rc)
			rc = write_both(s, at, id);
		if (!rc)
			rc = fill(s, at, id);
		rc = mica_store_end(s, !rc) ? (rc ? rc : -EAGAIN) : rc;
	}
	return rc;
}

static int attach_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	struct target t;
	struct place at;
	int status = cli_open_both(&m, &s), rc;

	if (!status)
		status = cli_target(&t, m, s, argv[1]);
	if (!status)
		status = place_of(&at, t.id, argc, argv);
	if (status)
		return status;
	if (cli.plan) {
		cli_plan("write", at.back, "for %s", t.name);
		return 0;
	}
	rc = attach(s, &at, t.id);
	if (rc == -EEXIST)
		return cli_fail("MICA-DOM-003", "cannot attach the device", "%s has it already: %s", t.name,
				at.back);
	return rc ? cli_fail("MICA-STORE-002", "cannot attach the device", "%s: %s", at.back,
			     strerror(-rc)) : 0;
}

const struct command cmd_driver_attach = {
	.noun = "driver", .name = "attach", .args = "DOMAIN NAME [NUMBER]",
	.summary = "give a domain a device of a driver of yours", .run = attach_run,
	.min_args = 2, .max_args = 3, .flags = CMD_CHANGES, .complete = "domain",
};

static unsigned state_at(struct mica_store *s, const char *dir)
{
	char text[16];

	return mica_bus_parse(mica_store_get(s, text, sizeof(text), "%s/state", dir) ? NULL : text);
}

/* Both ends let go, or the time is over. */
static bool wait_closed(struct mica_store *s, const struct place *at)
{
	uint64_t end = now_ms() + cli_timeout(DETACH_MS);
	char path[160], *event, *token;
	bool closed = false;

	snprintf(path, sizeof(path), "%s/state", at->back);
	mica_store_watch(s, path, "detach");
	while (!closed && now_ms() < end) {
		unsigned back = state_at(s, at->back), front = state_at(s, at->front);

		closed = back == XenbusStateUnknown ||
			(back == XenbusStateClosed && (front == XenbusStateClosed || !front));
		if (!closed && mica_store_event(s, TICK_MS, &event, &token) == 1)
			free(event);
	}
	mica_store_unwatch(s, path, "detach");
	return closed;
}

static int explain(struct mica_store *s, const struct target *t, const struct place *at)
{
	unsigned back = state_at(s, at->back), front = state_at(s, at->front);
	struct mica_error e = { 0 };

	mica_fail(&e, "MICA-OP-001", "both ends have not let go of it");
	mica_what(&e, "cannot detach %s from %s", at->back, t->name);
	mica_fact(&e, "back end %s: %s", mica_bus_state_name(back),
		  mica_bus_step(MICA_BUS_BACK, back, front, MICA_BUS_DOWN)->words);
	mica_fact(&e, "guest %s: %s", mica_bus_state_name(front),
		  mica_bus_step(MICA_BUS_FRONT, front, back, MICA_BUS_UP)->words);
	mica_hint(&e, "mica driver detach --force takes the directories away all the same");
	return cli_report(&e);
}

static int detach_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	struct target t;
	struct place at;
	int status = cli_open_both(&m, &s);

	if (!status)
		status = cli_target(&t, m, s, argv[1]);
	if (!status)
		status = place_of(&at, t.id, argc, argv);
	if (status)
		return status;
	if (state_at(s, at.back) == XenbusStateUnknown)
		return cli_fail("MICA-STORE-003", "cannot detach the device", "%s is not there", at.back);
	if (cli.plan) {
		cli_plan("remove", at.back, "from %s", t.name);
		return 0;
	}
	put(s, at.back, "online", "0");
	if (state_at(s, at.back) < XenbusStateClosing)
		put(s, at.back, "state", "5");
	if (!cli_opt("force") && !wait_closed(s, &at))
		return explain(s, &t, &at);
	mica_store_rm(s, at.back);
	mica_store_rm(s, at.front);
	return 0;
}

static const struct command_option detach_options[] = {
	{ "force", 'f', NULL, "do not wait for the two ends" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_driver_detach = {
	.noun = "driver", .name = "detach", .args = "DOMAIN NAME [NUMBER]",
	.summary = "take it away", .run = detach_run, .options = detach_options,
	.min_args = 2, .max_args = 3, .flags = CMD_CHANGES, .complete = "domain",
};
