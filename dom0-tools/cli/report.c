/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Failures on standard error: one form for people (what, why, code; facts; hints; what was undone),
 * one JSON object with --format json.  Also plans and questions.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static void json_list(const char *name, char items[][MICA_ERROR_TEXT], int n)
{
	fprintf(stderr, ",\"%s\":[", name);
	for (int i = 0; i < n; i++) {
		fputs(i ? "," : "", stderr);
		out_json_string(stderr, items[i]);
	}
	fputc(']', stderr);
}

static void report_json(struct mica_error *e)
{
	fprintf(stderr, "{\"schema\":\"mica/error/1\",\"code\":\"%s\",\"exit\":%d,\"what\":",
		e->code->name, e->code->exit);
	out_json_string(stderr, e->what);
	fputs(",\"why\":", stderr);
	out_json_string(stderr, e->why);
	json_list("facts", e->fact, e->facts);
	json_list("hints", e->hint, e->hints);
	fputs(",\"undone\":", stderr);
	out_json_string(stderr, e->undone);
	fputs("}\n", stderr);
}

static void report_text(struct mica_error *e)
{
	const char *on = "", *off = "";

	if (isatty(2) && !getenv("NO_COLOR"))
		on = "\033[1;31m", off = "\033[0m";
	fprintf(stderr, "%serror:%s %s%s%s [%s]\n", on, off, e->what, e->what[0] ? ": " : "", e->why,
		e->code->name);
	for (int i = 0; i < e->facts; i++)
		fprintf(stderr, "  %s\n", e->fact[i]);
	for (int i = 0; i < e->hints; i++)
		fprintf(stderr, "  hint: %s\n", e->hint[i]);
	if (e->undone[0])
		fprintf(stderr, "  undone: %s\n", e->undone);
}

int cli_report(struct mica_error *e)
{
	fflush(stdout);
	if (!e->code)
		mica_fail(e, "MICA-INT-001", "a failure without a reason");
	if (cli.format == OUT_JSON || cli.format == OUT_JSONL)
		report_json(e);
	else
		report_text(e);
	return e->code->exit;
}

int cli_fail(const char *code, const char *what, const char *why, ...)
{
	char text[MICA_ERROR_TEXT];
	struct mica_error e;
	va_list args;

	va_start(args, why);
	vsnprintf(text, sizeof(text), why, args);
	va_end(args);
	mica_fail(&e, code, "%s", text);
	mica_what(&e, "%s", what);
	return cli_report(&e);
}

static const char *full_name(const struct command *c, char *text, size_t room)
{
	snprintf(text, room, "mica %s%s%s", c->noun ? c->noun : "", c->noun ? " " : "", c->name);
	return text;
}

int cli_usage(const struct command *c, const char *why, ...)
{
	char text[MICA_ERROR_TEXT], name[64];
	va_list args;

	va_start(args, why);
	vsnprintf(text, sizeof(text), why, args);
	va_end(args);
	full_name(c, name, sizeof(name));
	fprintf(stderr, "error: %s: %s\n  usage: %s%s%s\n  hint: %s --help\n", name, text, name,
		c->args[0] ? " " : "", c->args, name);
	return EXIT_USAGE;
}

void cli_say(const char *text, ...)
{
	va_list args;

	va_start(args, text);
	vfprintf(stderr, text, args);
	va_end(args);
	fputc('\n', stderr);
}

bool cli_confirm(const char *what, int *status)
{
	char answer[16];

	if (cli.yes)
		return true;
	if (!isatty(0) || !isatty(2)) {
		*status = cli_fail("MICA-CFG-004", what, "this cannot be taken back; in a script it "
				   "needs --yes");
		return false;
	}
	fprintf(stderr, "%s: go on? [y/N] ", what);
	if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
		return true;
	*status = EXIT_CANCELLED;
	return false;
}

void cli_plan(const char *action, const char *subject, const char *detail, ...)
{
	char text[MICA_ERROR_TEXT];
	va_list args;

	va_start(args, detail);
	vsnprintf(text, sizeof(text), detail, args);
	va_end(args);
	if (cli.format != OUT_JSON && cli.format != OUT_JSONL) {
		printf("would %s %s%s%s\n", action, subject, text[0] ? ": " : "", text);
		return;
	}
	fputs("{\"schema\":\"mica/plan/1\",\"action\":", stdout);
	out_json_string(stdout, action);
	fputs(",\"subject\":", stdout);
	out_json_string(stdout, subject);
	fputs(",\"detail\":", stdout);
	out_json_string(stdout, text);
	puts("}");
}
