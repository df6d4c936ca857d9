/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica: parse options, find the command, run it.  Options may stand anywhere before "--".  Global
 * ones are known here, a command's own come from its row; anything else is an error with a
 * suggestion.
 */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/help.h"

#define MAX_GIVEN	64

struct cli_options cli;

static struct {
	const char *name, *value;
} given[MAX_GIVEN];
static unsigned nr_given;

const char *cli_opt_nth(const char *name, unsigned nth)
{
	for (unsigned i = 0; i < nr_given; i++)
		if (!strcmp(given[i].name, name) && !nth--)
			return given[i].value;
	return NULL;
}

const struct command_option global_options[] = {
	{ "format", 0, "FORMAT", "table, wide, json, jsonl or csv" },
	{ "columns", 0, "LIST", "only these columns, in this order" },
	{ "no-header", 0, NULL, "tables and CSV without their first line" },
	{ "quiet", 'q', NULL, "only the first column" },
	{ "verbose", 'v', NULL, "say more on standard error" },
	{ "plan", 0, NULL, "say what would be done and do nothing" },
	{ "timeout", 0, "TIME", "how long to wait: 90s, 5m" },
	{ "no-wait", 0, NULL, "ask and return at once" },
	{ "yes", 'y', NULL, "do not ask" },
	{ "help", 0, NULL, "help on a command" },
	{ NULL, 0, NULL, NULL },
};

static int bad_option(const char *word, const struct command *c)
{
	const char *names[64] = { 0 }, *near;
	unsigned n = 0;
	struct mica_error e;

	for (const struct command_option *o = c ? c->options : NULL; o && o->name; o++)
		names[n++] = o->name;
	for (const struct command_option *o = global_options; o->name; o++)
		names[n++] = o->name;
	near = mica_nearest(word + strspn(word, "-"), names);
	mica_fail(&e, "MICA-CFG-002", "unknown option '%s'", word);
	mica_what(&e, "mica%s%s", c ? " " : "", c ? c->name : "");
	if (near)
		mica_hint(&e, "did you mean --%s?", near);
	return cli_report(&e);
}

static const struct command_option *find_option(const struct command_option *o, const char *name,
						size_t n, char letter)
{
	for (; o && o->name; o++)
		if (letter ? o->letter == letter : strlen(o->name) == n && !memcmp(o->name, name, n))
			return o;
	return NULL;
}

static int global(const char *name, const char *value)
{
	static const char *const formats[] = { "table", "wide", "json", "jsonl", "csv", NULL };
	unsigned i = 0;

	if (!strcmp(name, "format")) {
		while (formats[i] && strcmp(formats[i], value))
			i++;
		if (!formats[i])
			return cli_fail("MICA-CFG-003", "--format", "'%s' is not table, wide, json, "
					"jsonl or csv", value);
		cli.format = (enum out_format)i;
		out_set_format(cli.format);
	} else if (!strcmp(name, "timeout")) {
		if (!mica_parse_time_ms(value, &cli.timeout_ms) || !cli.timeout_ms)
			return cli_fail("MICA-CFG-003", "--timeout", "'%s' is not a time such as 90s",
					value);
	} else if (!strcmp(name, "columns") && !out_set_columns(value)) {
		return cli_fail("MICA-CFG-003", "--columns", "the list is too long");
	}
	out_set_header(!cli_opt("no-header"));
	out_set_quiet(cli_opt("quiet") != NULL);
	cli.verbose |= !strcmp(name, "verbose");
	cli.plan |= !strcmp(name, "plan");
	cli.no_wait |= !strcmp(name, "no-wait");
	cli.yes |= !strcmp(name, "yes");
	return 0;
}

/* One option at argv[*i]; takes its value from the next word if need be. */
static int take_option(const struct command *c, int argc, char **argv, int *i)
{
	const char *word = argv[*i], *name = word + 2, *value = "";
	bool is_long = word[1] == '-';
	size_t n = is_long ? strcspn(name, "=") : 0;
	char letter = is_long ? 0 : word[1];
	const struct command_option *own = c ? find_option(c->options, name, n, letter) : NULL;
	const struct command_option *o = own ? own : find_option(global_options, name, n, letter);

	if (!o)
		return bad_option(word, c);
	if (o->arg) {
		if (is_long && name[n] == '=')
			value = name + n + 1;
		else if (!is_long && word[2])
			value = word + 2;
		else if (*i + 1 < argc)
			value = argv[++*i];
		else
			return cli_fail("MICA-CFG-004", word, "it needs a value: %s", o->arg);
	} else if ((is_long && name[n] == '=') || (!is_long && word[2])) {
		return cli_fail("MICA-CFG-003", word, "it takes no value");
	}
	if (nr_given == MAX_GIVEN)
		return cli_fail("MICA-CFG-003", word, "too many options");
	given[nr_given].name = o->name;
	given[nr_given++].value = value;
	return own ? 0 : global(o->name, value);
}

/* Moves options out of argv; *argc becomes what is left. */
static int take_options(const struct command *c, int *argc, char **argv, bool stop_at_word)
{
	int left = 1, i, status;

	for (i = 1; i < *argc; i++) {
		if (!strcmp(argv[i], "--")) {
			i++;
			break;
		}
		if (argv[i][0] != '-' || !argv[i][1] ||
		    (argv[i][1] >= '0' && argv[i][1] <= '9')) {
			if (stop_at_word)
				break;
			argv[left++] = argv[i];
			continue;
		}
		status = take_option(c, *argc, argv, &i);
		if (status)
			return status;
	}
	while (i < *argc)
		argv[left++] = argv[i++];
	argv[left] = NULL;
	*argc = left;
	return 0;
}

static int unknown_command(const char *noun, const char *word)
{
	const char *names[128] = { 0 }, *near;
	struct mica_error e;
	unsigned n = 0;

	for (unsigned i = 0; commands[i] && n < 127; i++) {
		const struct command *c = commands[i];

		if (c->flags & CMD_HIDDEN)
			continue;
		if (noun ? c->noun && !strcmp(c->noun, noun) : !c->noun)
			names[n++] = c->name;
		else if (!noun && (!n || strcmp(names[n - 1], c->noun)))
			names[n++] = c->noun;
	}
	near = mica_nearest(word, names);
	mica_fail(&e, "MICA-CFG-002", "unknown command '%s%s%s'", noun ? noun : "",
		  noun ? " " : "", word);
	if (near)
		mica_hint(&e, "did you mean '%s%s%s'?", noun ? noun : "", noun ? " " : "", near);
	mica_hint(&e, "mica help");
	return cli_report(&e);
}

const struct command *cli_find(const char *noun, const char *name)
{
	const struct command *only = NULL;
	unsigned hits = 0;

	for (unsigned i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		if (noun ? !c->noun || strcmp(c->noun, noun) : c->noun != NULL)
			continue;
		if (!strcmp(c->name, name))
			return c;
		if (!(c->flags & CMD_HIDDEN) && !strncmp(c->name, name, strlen(name))) {
			only = c;
			hits++;
		}
	}
	/* People may shorten; scripts must not, since a new command could change the meaning. */
	return hits == 1 && isatty(0) && isatty(1) && !getenv("MICA_STRICT") ? only : NULL;
}

static bool is_noun(const char *word)
{
	for (unsigned i = 0; commands[i]; i++)
		if (commands[i]->noun && !strcmp(commands[i]->noun, word))
			return true;
	return false;
}

int cli_run(int argc, char **argv)
{
	const struct command *c;
	const char *noun = NULL;
	int status = take_options(NULL, &argc, argv, true);

	if (status)
		return status;
	if (argc < 2)
		return help_brief(cli_opt("help") != NULL);
	if (is_noun(argv[1])) {
		noun = argv[1];
		if (argc < 3 || cli_opt("help") || !strcmp(argv[2], "--help"))
			return help_noun(noun);
		argv++, argc--;
	}
	c = cli_find(noun, argv[1]);
	if (!c && !noun) {
		char **other = cli_xl_alias(&argc, argv, &status);

		return other ? cli_run(argc, other) : status >= 0 ? status :
			unknown_command(NULL, argv[1]);
	}
	if (!c)
		return unknown_command(noun, argv[1]);
	argv++, argc--;
	status = take_options(c, &argc, argv, false);
	if (status)
		return status;
	if (cli_opt("help"))
		return help_command(c);
	if (cli.plan && !(c->flags & CMD_CHANGES))
		return cli_usage(c, "it changes nothing, so --plan means nothing");
	if ((unsigned)argc - 1 < c->min_args)
		return cli_usage(c, "too few arguments");
	if ((unsigned)argc - 1 > c->max_args)
		return cli_usage(c, "too many arguments, from '%s' on", argv[1 + c->max_args]);
	return c->run(argc, argv);
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_DFL);
	return cli_run(argc, argv);
}
