/* SPDX-License-Identifier: BSD-2-Clause */
/* pause, resume, destroy, sysrq: one call on each domain named. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define DESTROY_TIMEOUT_MS	60000

static int act_pause(struct target *t, struct mica_error *e)
{
	int rc;

	if (!t->id)
		return mica_fail(e, "MICA-DOM-004", "domain 0 runs this command");
	rc = t->info.flags & XEN_DOMINF_paused ? 0 : mica_domain_pause(t->m, t->id);
	return rc ? mica_fail_errno(e, rc, "pausing it") : 0;
}

static int pause_run(int argc, char **argv)
{
	return cli_each(argc, argv, "pause", false, act_pause);
}

const struct command cmd_pause = {
	.name = "pause", .args = "DOMAIN...", .summary = "stop its vCPUs", .run = pause_run,
	.min_args = 1, .max_args = 1000, .flags = CMD_CHANGES | CMD_COMMON, .complete = "domain",
};

static int act_resume(struct target *t, struct mica_error *e)
{
	int rc = t->info.flags & XEN_DOMINF_paused ? mica_domain_resume(t->m, t->id) : 0;

	return rc ? mica_fail_errno(e, rc, "letting it run") : 0;
}

static int resume_run(int argc, char **argv)
{
	return cli_each(argc, argv, "resume", false, act_resume);
}

const struct command cmd_resume = {
	.name = "resume", .args = "DOMAIN...", .summary = "let its vCPUs run again",
	.run = resume_run, .min_args = 1, .max_args = 1000, .flags = CMD_CHANGES | CMD_COMMON,
	.complete = "domain",
};

static int act_destroy(struct target *t, struct mica_error *e)
{
	if (cli_interrupted())
		return mica_fail(e, "MICA-OP-002", "interrupted");
	return mica_domain_remove(t->m, t->s, t->id, (unsigned)cli_timeout(DESTROY_TIMEOUT_MS), e);
}

/* Those of the list that only wait to be started again are done with that; returns what is left. */
static int call_off_restarts(int argc, char **argv)
{
	int left = 1;

	for (int i = 1; i < argc; i++) {
		char *when = mica_name_is_valid(argv[i]) ? mica_restart_read(argv[i]) : NULL;

		if (!when)
			argv[left++] = argv[i];
		else if (cli.plan)
			cli_plan("call off the restart of", argv[i], "%s", "");
		else if (!mica_restart_write(argv[i], NULL))
			cli_say("the restart of '%s' is called off", argv[i]);
		free(when);
	}
	return left;
}

static int destroy_run(int argc, char **argv)
{
	char what[256] = "destroy";
	int status = 0;

	for (int i = 1; i < argc && strlen(what) + strlen(argv[i]) + 2 < sizeof(what); i++)
		strcat(strcat(what, " "), argv[i]);
	if (!cli.plan && !cli_confirm(what, &status))
		return status;
	argc = call_off_restarts(argc, argv);
	if (argc == 1)
		return 0;
	cli_hold();		/* the hypervisor, the store and the files, or nothing */
	status = cli_each(argc, argv, "destroy", false, act_destroy);
	cli_let_go();
	return status;
}

const struct command cmd_destroy = {
	.name = "destroy", .args = "DOMAIN...", .summary = "end it at once, as if power failed",
	.run = destroy_run, .min_args = 1, .max_args = 1000,
	.flags = CMD_CHANGES | CMD_DESTROYS | CMD_COMMON, .complete = "domain",
	.more = "The guest is not asked and loses what it had not written.  Asks on a terminal,\n"
		"needs --yes elsewhere.  One that ended and waits to be started again is not.",
};

static int sysrq_run(int argc, char **argv)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	struct target t;
	char path[64];
	int rc = cli_open_both(&m, &s);

	if (!rc)
		rc = cli_target(&t, m, s, argv[1]);
	if (rc)
		return rc;
	if (!isalnum((unsigned char)argv[2][0]) || argv[2][1])
		return cli_fail("MICA-CFG-003", "sysrq", "the key is one letter or digit");
	if (cli.plan) {
		cli_plan("send sysrq to", t.name, "key %s", argv[2]);
		return 0;
	}
	snprintf(path, sizeof(path), "/local/domain/%u/control/sysrq", t.id);
	rc = mica_store_put(s, path, "%s", argv[2]);
	return rc ? cli_fail("MICA-STORE-002", "sysrq", "cannot write %s: %s", path, strerror(-rc))
		  : 0;
}

const struct command cmd_sysrq = {
	.name = "sysrq", .args = "DOMAIN KEY", .summary = "press a magic SysRq key in a Linux guest",
	.run = sysrq_run, .min_args = 2, .max_args = 2, .flags = CMD_CHANGES, .complete = "domain",
};
