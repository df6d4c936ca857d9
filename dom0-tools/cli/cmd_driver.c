/* SPDX-License-Identifier: BSD-2-Clause */
/* `mica driver new` and `check`: a split driver from the description of its protocol. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "driver/proto.h"

#define FILE_MAX	(256u << 10)

extern const struct command cmd_driver_new;

/* The whole file, NUL terminated; NULL after reporting, with the exit status in *status. */
static char *slurp(const char *file, size_t *bytes, int *status)
{
	FILE *f = fopen(file, "re");
	char *text = f ? malloc(FILE_MAX) : NULL;

	*bytes = text ? fread(text, 1, FILE_MAX, f) : 0;
	if (!text || ferror(f) || *bytes == FILE_MAX) {
		*status = cli_fail("MICA-CFG-005", "cannot read the protocol", "%s: %s", file,
				   text ? "longer than 256 KiB" : strerror(errno));
		free(text);
		text = NULL;
	}
	if (f)
		fclose(f);
	return text;
}

static int read_proto(const char *file, struct proto *p, char **text, size_t *bytes)
{
	struct mica_error e = { 0 };
	int status = 0;

	*text = slurp(file, bytes, &status);
	if (!*text)
		return status;
	if (!proto_parse(p, *text, *bytes, file, &e))
		return 0;
	free(*text);
	*text = NULL;
	mica_what(&e, "cannot use protocol %s", file);
	return cli_report(&e);
}

static void list_files(const struct proto *p, const char *dir)
{
	char name[128], *text;

	for (unsigned i = 0; !driver_file(p, i, name, &text); i++) {
		free(text);
		printf("%s/%s\n", dir, name);
	}
}

static int new_run(int argc, char **argv)
{
	const char *file = cli_opt("proto"), *dir = cli_opt("dir");
	struct mica_error e = { 0 };
	struct proto p;
	size_t bytes;
	char *text;
	int status;

	if (!file)
		return cli_usage(&cmd_driver_new, "--proto FILE is needed: the protocol to make it from");
	status = read_proto(file, &p, &text, &bytes);
	if (status)
		return status;
	if (strcmp(p.name, argv[1])) {
		free(text);
		return cli_fail("MICA-CFG-003", "cannot make the driver", "%s describes '%s', not '%s'", file,
				p.name, argv[1]);
	}
	if (!dir)
		dir = argv[1];
	if (cli.plan)
		cli_plan("write", dir, "a driver for protocol %s", p.name);
	else if (driver_write(&p, text, bytes, dir, &e))
		mica_what(&e, "cannot make driver '%s'", p.name);
	else
		list_files(&p, dir);
	free(text);
	return e.code ? cli_report(&e) : 0;
}

static const struct command_option new_options[] = {
	{ "proto", 'p', "FILE", "the protocol, as docs/driver-kit.md describes it" },
	{ "dir", 'd', "DIR", "where to write it (default: NAME)" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_driver_new = {
	.noun = "driver", .name = "new", .args = "NAME",
	.summary = "write a split driver from its protocol file", .run = new_run,
	.options = new_options, .min_args = 1, .max_args = 1, .flags = CMD_CHANGES,
	.more = "Makes the header, both ends over micaring, programs for guest and control domain, "
		"Linux modules, simulator tests, a fuzz harness and a page of documentation.",
};

static int check_run(int argc, char **argv)
{
	struct proto p;
	size_t bytes;
	char *text;
	int status = read_proto(argv[1], &p, &text, &bytes);

	if (status)
		return status;
	free(text);
	printf("%s: protocol %s version %u, %d + %d fields, %d keys, %d features\n", argv[1], p.name,
	       p.version, p.request.fields, p.response.fields, p.keys, p.features);
	return 0;
}

const struct command cmd_driver_check = {
	.noun = "driver", .name = "check", .args = "FILE",
	.summary = "is it a protocol file?", .run = check_run, .min_args = 1, .max_args = 1,
	.complete = "file",
};
