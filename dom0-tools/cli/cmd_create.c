/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * create, start, run: from a configuration to a running guest, with progress on a terminal, the
 * console from its first byte on request, and a monitor process that acts when it ends.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "lib/cache.h"

static void show_progress(void *ctx, const char *step, const char *what, double seconds)
{
	if (seconds >= 0.1)
		fprintf(stderr, " %-8s %-66s %5.1f s\n", step, what, seconds);
	else
		fprintf(stderr, " %-8s %-66s ok\n", step, what);
}

static bool wants_progress(void)
{
	return cli.verbose || (isatty(2) && cli.format == OUT_TABLE);
}

/* Options that are shorthand for keys, then --set and the words behind the file. */
static int apply_settings(struct mica_config *c, int argc, char **argv, struct mica_error *e)
{
	static const struct { const char *option, *key; } shorthand[] = {
		{ "name", "name" }, { "memory", "memory" }, { "vcpus", "vcpus" },
		{ "initrd", "ramdisk" }, { "cmdline", "cmdline" },
	};
	char text[1200];
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof(shorthand) / sizeof(shorthand[0]); i++) {
		const char *value = cli_opt(shorthand[i].option);

		if (!value)
			continue;
		snprintf(text, sizeof(text), "%s=%s", shorthand[i].key, value);
		rc = mica_config_set(c, text, e);
	}
	for (unsigned i = 0; !rc && cli_opt_nth("set", i); i++)
		rc = mica_config_set(c, cli_opt_nth("set", i), e);
	for (int i = 0; !rc && i < argc; i++)
		rc = mica_config_set(c, argv[i], e);
	return rc;
}

static void plan(const struct mica_domain_config *d)
{
	char memory[24], devices[64] = "";

	human_kib(d->memory_kib, memory);
	if (d->nr_disks || d->nr_nics)
		snprintf(devices, sizeof(devices), ", %u disk%s, %u network card%s", d->nr_disks,
			 d->nr_disks == 1 ? "" : "s", d->nr_nics, d->nr_nics == 1 ? "" : "s");
	cli_plan("create", d->name, "%s, %u vCPU%s, kernel %s%s%s%s", memory, d->vcpus,
		 d->vcpus == 1 ? "" : "s", d->kernel, d->ramdisk ? ", initrd " : "",
		 d->ramdisk ? d->ramdisk : "", devices);
}

static int print_created(const struct mica_domain_config *d, domid_t id)
{
	static const struct out_column columns[] = {
		{ "name", "NAME", false, false }, { "id", "ID", true, false },
		{ NULL, NULL, false, false },
	};

	if (cli.format == OUT_TABLE || cli.format == OUT_WIDE) {
		puts(d->name);
		fflush(stdout);
		return 0;
	}
	out_record("mica/create/1", columns);
	out_row((struct out_value[]){ out_text(d->name), out_u64(id) });
	return out_end();
}

static int create(const struct mica_domain_config *d, const struct mica_config *c)
{
	autoclean(mica_close) struct mica *m = NULL;
	autoclean(mica_store_close) struct mica_store *s = NULL;
	bool console = cli_opt("console") != NULL, paused = cli_opt("paused") != NULL;
	struct mica_create_options o = {
		/* With -c the console is attached before the guest's first byte. */
		.paused = paused || console,
		.cache_dir = cli_opt("no-cache") ? NULL : MICA_CACHE_DIR,
		.progress = wants_progress() ? show_progress : NULL,
		.interrupted = cli_interrupted,
	};
	struct mica_error e;
	char *text;
	domid_t id;
	const struct sched_param none = { 0 };
	int status = cli_open_both(&m, &s);

	if (status)
		return status;
	cli_hold();
	/* Else each answer of the store would interrupt its daemon on the way to the next one. */
	sched_setscheduler(0, SCHED_BATCH, &none);
	status = mica_domain_start(m, s, d, &o, &id, &e);
	sched_setscheduler(0, SCHED_OTHER, &none);
	if (status) {
		status = cli_report(&e);
		cli_let_go();
		return status;
	}
	if (!cli_opt("no-monitor")) {
		text = mica_config_text(c);
		if (!text || monitor_start(id, text, 0))
			cli_say("warning: no monitor for '%s': it is not restarted when it ends",
				d->name);
		free(text);
	}
	cli_let_go();
	if (!console)
		return print_created(d, id);
	if (!paused && fork() == 0) {
		/* Time for the terminal to be ours. */
		usleep(200000);
		_exit(mica_domain_resume(m, id) ? 1 : 0);
	}
	return console_attach(s, id, 0, false, true, true);
}

/* Everything after the configuration was read or made up. */
static int create_from(struct mica_config *c, int argc, char **argv)
{
	struct mica_domain_config d;
	struct mica_error e;
	int status;

	if (apply_settings(c, argc, argv, &e) || mica_domain_config_read(&d, c, &e))
		return cli_report(&e);
	if (d.warning[0])
		cli_say("warning: %s", d.warning);
	if (cli.plan) {
		plan(&d);
		status = 0;
	} else {
		status = create(&d, c);
	}
	mica_domain_config_free(&d);
	return status;
}

static int create_file(const char *path, int argc, char **argv)
{
	struct mica_config c;
	struct mica_error e;
	int status;

	if (mica_config_read(&c, path, &e))
		return cli_report(&e);
	status = create_from(&c, argc, argv);
	mica_config_free(&c);
	return status;
}

static int create_run(int argc, char **argv)
{
	return create_file(argv[1], argc - 2, argv + 2);
}

#define CREATE_OPTIONS							\
	{ "console", 'c', NULL, "attach to its console from the first byte" },	\
	{ "paused", 'p', NULL, "do not let it run yet" },		\
	{ "name", 'n', "NAME", "call it so" },				\
	{ "memory", 'm', "SIZE", "give it so much: 512m, 1.5g" },	\
	{ "vcpus", 0, "N", "give it so many vCPUs" },			\
	{ "set", 's', "KEY=VALUE", "replace or add a key (repeat)" },	\
	{ "no-cache", 0, NULL, "unpack the kernel even if it was unpacked before" },	\
	{ "no-monitor", 'e', NULL, "leave no process to act when it ends" }

static const struct command_option create_options[] = {
	CREATE_OPTIONS, { NULL, 0, NULL, NULL },
};

const struct command cmd_create = {
	.name = "create", .args = "FILE [KEY=VALUE...]",
	.summary = "create and run a domain from a configuration file",
	.run = create_run, .options = create_options, .min_args = 1, .max_args = 64,
	.flags = CMD_CHANGES | CMD_COMMON, .complete = "file",
	.more = "FILE is in xl.cfg syntax (mica help config).  Either the domain runs afterwards or\n"
		"nothing of it is left.",
};

static int start_run(int argc, char **argv)
{
	char path[256];

	if (!mica_name_is_valid(argv[1]))
		return cli_fail("MICA-DOM-006", "start", "'%s' is not a name", argv[1]);
	snprintf(path, sizeof(path), MICA_DEFINE_DIR "/%s.cfg", argv[1]);
	if (access(path, R_OK))
		return cli_fail("MICA-DOM-006", "start", "'%s' is not defined: %s: %s", argv[1], path,
				strerror(errno));
	return create_file(path, argc - 2, argv + 2);
}

const struct command cmd_start = {
	.name = "start", .args = "NAME [KEY=VALUE...]", .summary = "run a domain that is defined",
	.run = start_run, .options = create_options, .min_args = 1, .max_args = 64,
	.flags = CMD_CHANGES | CMD_COMMON, .complete = "defined",
};

extern const struct command cmd_run;

static int run_run(int argc, char **argv)
{
	const char *base = strrchr(argv[1], '/');
	char text[1300], name[MICA_NAME_MAX];
	struct mica_config c;
	struct mica_error e;
	int status;

	snprintf(name, sizeof(name), "run-%d", (int)getpid());
	if (argc > 2)
		return cli_usage(&cmd_run, "after KERNEL (%s) come only options",
				 base ? base + 1 : argv[1]);
	snprintf(text, sizeof(text), "name = \"%s\"; kernel = '%s'", name, argv[1]);
	if (mica_config_parse(&c, "command line", text, &e))
		return cli_report(&e);
	status = create_from(&c, 0, NULL);
	mica_config_free(&c);
	return status;
}

static const struct command_option run_options[] = {
	{ "initrd", 'i', "FILE", "its initrd" },
	{ "cmdline", 0, "WORDS", "its kernel's command line" },
	CREATE_OPTIONS, { NULL, 0, NULL, NULL },
};

const struct command cmd_run = {
	.name = "run", .args = "KERNEL", .summary = "run a kernel without a configuration file",
	.run = run_run, .options = run_options, .min_args = 1, .max_args = 2,
	.flags = CMD_CHANGES, .complete = "file",
};
