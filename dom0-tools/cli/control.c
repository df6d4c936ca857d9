/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shutdown, reboot, wait: what needs the guest's own doing.  A request is a word in its
 * control/shutdown, which the guest's kernel takes away; what it does then shows in the
 * hypervisor.  Waiting is on @releaseDomain, never on a clock alone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <mica/sched.h>

#include "cli/cli.h"

#define ACK_MS		30000
#define END_MS		120000
#define TICK_MS		1000
#define REMOVE_MS	60000

static bool feature_missing(struct target *t, const char *what)
{
	char text[8];

	return mica_store_get(t->s, text, sizeof(text), "/local/domain/%u/control/feature-%s", t->id,
			      what) || strcmp(text, "1");
}

int control_request(struct target *t, const char *what, struct mica_error *e)
{
	char path[64], text[32], *event, *token;
	uint64_t end = now_ms() + ACK_MS;
	bool taken;
	int rc;

	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", t->id);
	mica_store_watch(t->s, path, "ack");
	rc = mica_store_put(t->s, path, "%s", what);
	if (rc)
		return mica_fail(e, "MICA-STORE-002", "cannot write %s: %s", path, strerror(-rc));
	for (;;) {
		mica_dominfo info;

		taken = mica_domain_info(t->m, t->id, &info) ||
			info.flags & XEN_DOMINF_shutdown ||
			mica_store_get(t->s, text, sizeof(text), "%s", path) || !text[0];
		if (taken || now_ms() >= end)
			break;
		if (mica_store_event(t->s, TICK_MS, &event, &token) == 1)
			free(event);
	}
	mica_store_unwatch(t->s, path, "ack");
	if (taken)
		return 0;
	/* Taken back, or a guest that wakes up later would do it by surprise. */
	mica_store_put(t->s, path, "%s", "");
	rc = mica_fail(e, "MICA-GUEST-001", "its kernel did not take the request to %s in %d s", what,
		       ACK_MS / 1000);
	if (feature_missing(t, what))
		mica_fact(e, "it never announced control/feature-%s", what);
	mica_hint(e, "mica console %s", t->name);
	mica_hint(e, "mica destroy %s     (as if power failed)", t->name);
	mica_undone(e, "the request was withdrawn");
	return rc;
}

int wait_gone(struct target *t, uint64_t timeout_ms, bool or_shutdown, struct mica_error *e)
{
	uint64_t end = now_ms() + timeout_ms;
	char *event, *token;
	mica_dominfo info;

	if (t->s)
		mica_store_watch(t->s, "@releaseDomain", "gone");
	for (;;) {
		uint64_t now = now_ms();

		if (mica_domain_info(t->m, t->id, &info) ||
		    memcmp(info.handle, t->info.handle, sizeof(info.handle)))
			return 0;
		if (or_shutdown && info.flags & XEN_DOMINF_shutdown)
			return 0;
		if (now >= end)
			break;
		if (mica_store_event(t->s, (int)(end - now < TICK_MS ? end - now : TICK_MS), &event,
				     &token) == 1)
			free(event);
	}
	return mica_fail(e, "MICA-OP-001", "'%s' is still %s after %llu s", t->name,
			 state_word(&info), (unsigned long long)timeout_ms / 1000);
}

/* A monitor creates it again under the same UUID and another number. */
static int wait_again(struct target *t, uint64_t timeout_ms, struct mica_error *e)
{
	uint64_t end = now_ms() + timeout_ms;
	char *event, *token;
	mica_dominfo *list;
	bool again = false;

	while (now_ms() < end) {
		int n = mica_domain_list(t->m, &list);

		for (int i = 0; i < n && !again; i++)
			again = list[i].domain != t->id && !(list[i].flags & XEN_DOMINF_paused) &&
				!memcmp(list[i].handle, t->info.handle, sizeof(t->info.handle));
		if (n >= 0)
			free(list);
		if (again)
			return 0;
		if (mica_store_event(t->s, TICK_MS / 4, &event, &token) == 1)
			free(event);
	}
	mica_fail(e, "MICA-OP-001", "'%s' ended and does not run again after %llu s", t->name,
		  (unsigned long long)timeout_ms / 1000);
	mica_fact(e, "the monitor's log: " MICA_LOG_DIR "/%s.log", t->name);
	return -e->code->errnum;
}

/* What will be done with it when it ends so: by its monitor, or nothing without one. */
static enum mica_action action_at_end(struct target *t, bool reboot)
{
	char *text = mica_run_read(t->id, "cfg"), *monitor = mica_run_read(t->id, "monitor");
	enum mica_action action = ACT_PRESERVE;
	struct mica_domain_config d;
	struct mica_config c;
	struct mica_error e;

	if (text && monitor && !mica_config_parse(&c, "monitor", text, &e)) {
		if (!mica_domain_config_read(&d, &c, &e)) {
			action = reboot ? d.on_reboot.action : d.on_poweroff.action;
			mica_domain_config_free(&d);
		}
		mica_config_free(&c);
	}
	free(monitor);
	free(text);
	return action;
}

/* Without a monitor nobody else would clean up behind a domain that powered off. */
static int end_if_alone(struct target *t, struct mica_error *e)
{
	char *monitor = mica_run_read(t->id, "monitor");
	mica_dominfo info;
	bool alone = !monitor && !mica_domain_info(t->m, t->id, &info) &&
		shutdown_reason(&info) == SHUTDOWN_poweroff;

	free(monitor);
	return alone ? mica_domain_remove(t->m, t->s, t->id, REMOVE_MS, e) : 0;
}

static int request_and_wait(struct target *t, const char *what, struct mica_error *e)
{
	enum mica_action action = action_at_end(t, !strcmp(what, "reboot"));
	int rc;

	if (!t->id)
		return mica_fail(e, "MICA-DOM-004", "use `%s` in it instead", what);
	if (t->info.flags & (XEN_DOMINF_shutdown | XEN_DOMINF_dying))
		return mica_fail(e, "MICA-DOM-003", "it is %s already", state_word(&t->info));
	if (t->info.flags & XEN_DOMINF_paused) {
		rc = mica_fail(e, "MICA-DOM-003", "it is paused, so it cannot hear the request");
		mica_hint(e, "mica resume %s", t->name);
		return rc;
	}
	rc = control_request(t, what, e);
	if (!rc && !cli.no_wait)
		rc = wait_gone(t, cli_timeout(END_MS), action == ACT_PRESERVE, e);
	if (rc || cli.no_wait || action == ACT_DESTROY)
		return rc;
	return action == ACT_RESTART ? wait_again(t, cli_timeout(END_MS), e) : end_if_alone(t, e);
}

static int act_shutdown(struct target *t, struct mica_error *e)
{
	return request_and_wait(t, "poweroff", e);
}

static int shutdown_run(int argc, char **argv)
{
	return cli_each(argc, argv, "shutdown", true, act_shutdown);
}

/* -w is what xl calls waiting, which is the rule here. */
static const struct command_option shutdown_options[] = {
	{ "wait", 'w', NULL, "wait for its end (always done; see --no-wait)" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_shutdown = {
	.name = "shutdown", .args = "DOMAIN...", .summary = "ask it to power off, and wait for it",
	.run = shutdown_run, .options = shutdown_options, .min_args = 1, .max_args = 1000,
	.flags = CMD_CHANGES | CMD_COMMON, .complete = "domain",
};

static int act_reboot(struct target *t, struct mica_error *e)
{
	return request_and_wait(t, "reboot", e);
}

static int reboot_run(int argc, char **argv)
{
	return cli_each(argc, argv, "reboot", true, act_reboot);
}

const struct command cmd_reboot = {
	.name = "reboot", .args = "DOMAIN...", .summary = "ask it to restart",
	.run = reboot_run, .min_args = 1, .max_args = 1000, .flags = CMD_CHANGES | CMD_COMMON,
	.complete = "domain",
};

static int wait_state(struct target *t, const char *what, struct mica_error *e)
{
	uint64_t end = now_ms() + cli_timeout(END_MS);
	char path[64], text[64], *event, *token;

	if (!strcmp(what, "gone"))
		return wait_gone(t, cli_timeout(END_MS), false, e);
	if (!strcmp(what, "stopped"))
		return wait_gone(t, cli_timeout(END_MS), true, e);
	/* booted: its kernel announces what it can be asked for */
	snprintf(path, sizeof(path), "/local/domain/%u/control", t->id);
	mica_store_watch(t->s, path, "wait");
	while (now_ms() < end) {
		mica_dominfo info;

		if (mica_domain_info(t->m, t->id, &info))
			return mica_fail(e, "MICA-DOM-003", "'%s' ended", t->name);
		if (!strcmp(what, "running") && !strcmp(state_word(&info), "running"))
			return 0;
		if (!strcmp(what, "booted") && !mica_store_get(t->s, text, sizeof(text),
							       "%s/feature-poweroff", path) &&
		    !strcmp(text, "1"))
			return 0;
		if (info.flags & XEN_DOMINF_shutdown)
			return mica_fail(e, "MICA-DOM-003", "'%s' ended: %s", t->name,
					 reason_word(shutdown_reason(&info)));
		if (mica_store_event(t->s, TICK_MS / 4, &event, &token) == 1)
			free(event);
	}
	return mica_fail(e, "MICA-OP-001", "'%s' is not %s after %llu s", t->name, what,
			 (unsigned long long)cli_timeout(END_MS) / 1000);
}

static int wait_run(int argc, char **argv)
{
	static const char *const states[] = { "running", "booted", "stopped", "gone", NULL };
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	const char *what = cli_opt("for") ? cli_opt("for") : "gone";
	struct mica_error e;
	struct target t;
	unsigned i = 0;
	int status;

	while (states[i] && strcmp(states[i], what))
		i++;
	if (!states[i])
		return cli_fail("MICA-CFG-003", "wait --for", "'%s' is not running, booted, stopped or "
				"gone", what);
	status = cli_open_both(&m, &s);
	if (!status && !strcmp(what, "gone"))
		status = cli_target_or_none(&t, m, s, argv[1]);
	else if (!status)
		status = cli_target(&t, m, s, argv[1]);
	if (status)
		return status < 0 ? 0 : status;	/* gone already */
	return wait_state(&t, what, &e) ? cli_report(&e) : 0;
}

static const struct command_option wait_options[] = {
	{ "for", 0, "STATE", "running, booted, stopped or gone (the default)" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_wait = {
	.name = "wait", .args = "DOMAIN", .summary = "until it is running, booted, stopped or gone",
	.run = wait_run, .options = wait_options, .min_args = 1, .max_args = 1,
	.complete = "domain",
	.more = "booted: the guest's kernel has connected to the store and can be asked to shut down.",
};
