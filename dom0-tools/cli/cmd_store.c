/* SPDX-License-Identifier: BSD-2-Clause */
/* `mica store`: look into the tree that domains share, and change it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

#define MAX_DEPTH	64

static int refused(const char *path, int rc)
{
	return cli_fail(rc == -ENOENT ? "MICA-STORE-003" : rc == -EACCES ? "MICA-AUTH-001" :
			"MICA-STORE-002", path, "%s", strerror(-rc));
}

static const struct out_column columns[] = {
	{ "path", "PATH", false, false }, { "value", "VALUE", false, false },
	{ "perms", "PERMS", false, true }, { NULL, NULL, false, false },
};

static void perms_text(struct mica_store *s, const char *path, char *text, size_t room)
{
	struct mica_perm list[16];
	int n = mica_store_get_perms(s, path, list, 16);
	size_t at = 0;

	text[0] = 0;
	for (int i = 0; i < n && at < room; i++)
		at += (size_t)snprintf(text + at, room - at, "%s%c%u", i ? "," : "", list[i].access,
				       list[i].domain);
}

/* Values can hold anything; what is no text is shown as \xx. */
static char *printable(const char *value, size_t bytes)
{
	char *text = malloc(bytes * 4 + 1), *to = text;

	for (size_t i = 0; text && i < bytes; i++) {
		unsigned char c = (unsigned char)value[i];

		if (c < 0x20 || c == 0x7f || c == '\\')
			to += sprintf(to, "\\x%02x", c);
		else
			*to++ = (char)c;
	}
	if (text)
		*to = 0;
	return text;
}

static void show_node(struct mica_store *s, const char *path, int depth)
{
	char perms[160] = "", **names, *value = NULL, *text, child[3200], shown[3400];
	size_t bytes = 0;
	int n;

	if (mica_store_read(s, path, &value, &bytes))
		value = NULL;
	text = printable(value ? value : "", value ? bytes : 0);
	if (cli.format != OUT_TABLE)
		perms_text(s, path, perms, sizeof(perms));
	if (cli.format == OUT_TABLE || cli.format == OUT_WIDE) {
		const char *leaf = strrchr(path, '/');

		snprintf(shown, sizeof(shown), "%*s%s", depth, "", leaf && leaf[1] ? leaf + 1 : path);
		printf("%s = \"%s\"%s%s%s\n", shown, text ? text : "", perms[0] ? "   (" : "", perms,
		       perms[0] ? ")" : "");
	} else {
		out_row((struct out_value[]){ out_text(path), out_text(text), out_text(perms) });
	}
	free(text);
	free(value);
	n = depth < MAX_DEPTH ? mica_store_list(s, path, &names) : -1;
	for (int i = 0; i < n; i++) {
		if ((size_t)snprintf(child, sizeof(child), "%s%s%s", path,
				     path[strlen(path) - 1] == '/' ? "" : "/", names[i]) <
		    sizeof(child))
			show_node(s, child, depth + 1);
	}
	if (n >= 0)
		free(names);
}

static int ls_run(int argc, char **argv)
{
	autoclean(mica_store_close) struct mica_store *s = NULL;
	const char *path = argc > 1 ? argv[1] : "/";
	int status = cli_open_store(&s), rc;
	char **names;

	if (status)
		return status;
	rc = mica_store_list(s, path, &names);
	if (rc < 0)
		return refused(path, rc);
	free(names);
	if (cli.format == OUT_TABLE || cli.format == OUT_WIDE) {
		show_node(s, path, 0);
		return 0;
	}
	out_list("mica/store-ls/1", "nodes", columns);
	show_node(s, path, 0);
	return out_end();
}

const struct command cmd_store_ls = {
	.noun = "store", .name = "ls", .args = "[PATH]", .summary = "the tree below a path",
	.run = ls_run, .max_args = 1, .complete = "path",
};

static int read_run(int argc, char **argv)
{
	autoclean(mica_store_close) struct mica_store *s = NULL;
	int status = cli_open_store(&s), rc;

	if (status)
		return status;
	if (cli.format != OUT_TABLE)
		out_list("mica/store-read/1", "nodes", columns);
	for (int i = 1; i < argc; i++) {
		char *value, perms[160];
		size_t bytes;

		rc = mica_store_read(s, argv[i], &value, &bytes);
		if (rc) {
			status = refused(argv[i], rc);
			continue;
		}
		if (cli.format == OUT_TABLE) {
			fwrite(value, 1, bytes, stdout);
			putchar('\n');
		} else {
			perms_text(s, argv[i], perms, sizeof(perms));
			out_row((struct out_value[]){ out_text(argv[i]), out_text(value),
						      out_text(perms) });
		}
		free(value);
	}
	return cli.format == OUT_TABLE || status ? status : out_end();
}

const struct command cmd_store_read = {
	.noun = "store", .name = "read", .args = "PATH...", .summary = "values of nodes",
	.run = read_run, .min_args = 1, .max_args = 1000, .complete = "path",
};

static int write_run(int argc, char **argv)
{
	autoclean(mica_store_close) struct mica_store *s = NULL;
	int rc, status = cli_open_store(&s);

	if (status)
		return status;
	if (cli.plan) {
		cli_plan("write", argv[1], "%s", argv[2]);
		return 0;
	}
	rc = mica_store_write(s, argv[1], argv[2], strlen(argv[2]));
	return rc ? refused(argv[1], rc) : 0;
}

const struct command cmd_store_write = {
	.noun = "store", .name = "write", .args = "PATH VALUE", .summary = "set a node's value",
	.run = write_run, .min_args = 2, .max_args = 2, .flags = CMD_CHANGES, .complete = "path",
};

static int rm_run(int argc, char **argv)
{
	autoclean(mica_store_close) struct mica_store *s = NULL;
	int rc, status = cli_open_store(&s);

	for (int i = 1; i < argc && !status; i++) {
		if (cli.plan) {
			cli_plan("remove", argv[i], "with all below it");
			continue;
		}
		rc = mica_store_rm(s, argv[i]);
		if (rc)
			status = refused(argv[i], rc);
	}
	return status;
}

const struct command cmd_store_rm = {
	.noun = "store", .name = "rm", .args = "PATH...", .summary = "remove nodes and all below",
	.run = rm_run, .min_args = 1, .max_args = 1000, .flags = CMD_CHANGES, .complete = "path",
};

static int watch_run(int argc, char **argv)
{
	autoclean(mica_store_close) struct mica_store *s = NULL;
	const char *count = cli_opt("count");
	long left = count ? atol(count) : -1;
	uint64_t end = cli.timeout_ms ? now_ms() + cli.timeout_ms : 0;
	int rc, status = cli_open_store(&s);
	char *path, *token;

	for (int i = 1; i < argc && !status; i++) {
		rc = mica_store_watch(s, argv[i], "mica");
		if (rc)
			status = refused(argv[i], rc);
	}
	while (!status && left) {
		int timeout = end ? (int)(end > now_ms() ? end - now_ms() : 0) : -1;

		rc = mica_store_event(s, timeout, &path, &token);
		if (rc < 0)
			return refused("watch", rc);
		if (!rc)
			return end && now_ms() >= end ? EXIT_TIMEOUT : 0;
		if (cli.format == OUT_JSON || cli.format == OUT_JSONL) {
			fputs("{\"schema\":\"mica/store-watch/1\",\"path\":", stdout);
			out_json_string(stdout, path);
			puts("}");
		} else {
			puts(path);
		}
		fflush(stdout);
		free(path);
		left -= left > 0;
	}
	return status;
}

static const struct command_option watch_options[] = {
	{ "count", 'n', "N", "end after N events" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_store_watch = {
	.noun = "store", .name = "watch", .args = "PATH...", .summary = "print paths as they change",
	.run = watch_run, .options = watch_options, .min_args = 1, .max_args = 1000,
	.complete = "path",
};

static int perm_run(int argc, char **argv)
{
	autoclean(mica_store_close) struct mica_store *s = NULL;
	struct mica_perm list[16];
	char text[160], *word;
	int n = 0, rc, status = cli_open_store(&s);

	if (status)
		return status;
	if (argc == 2) {
		rc = mica_store_get_perms(s, argv[1], list, 16);
		if (rc < 0)
			return refused(argv[1], rc);
		perms_text(s, argv[1], text, sizeof(text));
		out_list("mica/store-perm/1", "nodes", columns);
		out_set_columns("path,perms");
		out_row((struct out_value[]){ out_text(argv[1]), out_null(), out_text(text) });
		return out_end();
	}
	snprintf(text, sizeof(text), "%s", argv[2]);
	for (char *at = text; (word = strsep(&at, ",")) && n < 16; n++) {
		if (!strchr("nrwb", word[0]) || !word[0] || !word[1] ||
		    word[1 + strspn(word + 1, "0123456789")])
			return cli_fail("MICA-CFG-003", argv[1], "'%s' is not n, r, w or b and the "
					"number of a domain", word);
		list[n] = (struct mica_perm){ word[0], (domid_t)atoi(word + 1) };
	}
	if (cli.plan) {
		cli_plan("set permissions of", argv[1], "%s", argv[2]);
		return 0;
	}
	rc = mica_store_set_perms(s, argv[1], list, n);
	return rc ? refused(argv[1], rc) : 0;
}

const struct command cmd_store_perm = {
	.noun = "store", .name = "perm", .args = "PATH [PERMS]",
	.summary = "who may read and write a node", .run = perm_run, .min_args = 1, .max_args = 2,
	.flags = CMD_CHANGES, .complete = "path",
	.more = "PERMS is a list such as n0,r7: the first names the owner and what all others may\n"
		"(n nothing, r read, w write, b both), the rest what single domains may.",
};
