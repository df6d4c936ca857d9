/* SPDX-License-Identifier: BSD-2-Clause */
/* `mica help`: the commands, one command, a noun, an error code, the keys of a configuration. */
#include <stdio.h>
#include <string.h>

#include "cli/help.h"

#define ALL	256u

static void line(const struct command *c)
{
	char left[80];

	snprintf(left, sizeof(left), "%s%s%s%s%s", c->noun ? c->noun : "", c->noun ? " " : "",
		 c->name, c->args[0] ? " " : "", c->args);
	printf("  %-44s %s\n", left, c->summary);
}

int help_brief(bool all)
{
	puts("mica - create, run and control guests of the Mica hypervisor\n");
	for (unsigned i = 0; commands[i]; i++)
		if (!(commands[i]->flags & CMD_HIDDEN) &&
		    (all || commands[i]->flags & CMD_COMMON))
			line(commands[i]);
	if (all)
		puts("\nmica COMMAND --help says more.  mica help config: keys of a configuration."
		     "\nmica help MICA-MEM-001: what an error code means.");
	else
		puts("\nmica help      every command\nmica doctor    checks that this system is fit");
	return 0;
}

int help_noun(const char *noun)
{
	for (unsigned i = 0; commands[i]; i++)
		if (commands[i]->noun && !strcmp(commands[i]->noun, noun))
			line(commands[i]);
	return 0;
}

static void options(const struct command_option *o)
{
	char left[48];

	for (; o && o->name; o++) {
		snprintf(left, sizeof(left), "%c%c%s--%s%s%s", o->letter ? '-' : ' ',
			 o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
			 o->arg ? " " : "", o->arg ? o->arg : "");
		printf("  %-28s %s\n", left, o->help);
	}
}

int help_command(const struct command *c)
{
	printf("mica %s%s%s%s%s\n  %s\n", c->noun ? c->noun : "", c->noun ? " " : "", c->name,
	       c->args[0] ? " " : "", c->args, c->summary);
	if (c->more)
		printf("\n%s\n", c->more);
	if (c->options) {
		puts("");
		options(c->options);
	}
	puts("\nEvery command:");
	options(global_options);
	return 0;
}

static int help_code(const char *name)
{
	const struct mica_code *code = mica_code_find(name);

	if (strcmp(code->name, name))
		return cli_fail("MICA-CFG-002", "mica help", "there is no error code '%s'", name);
	printf("%s: %s (exit %d)\n\n  cause:  %s\n  remedy: %s\n", code->name, code->title,
	       code->exit, code->cause, code->remedy);
	return 0;
}

static int help_run(int argc, char **argv)
{
	const struct command *c;

	if (argc == 1)
		return help_brief(true);
	if (!strncmp(argv[1], "MICA-", 5))
		return help_code(argv[1]);
	if (!strcmp(argv[1], "config")) {
		puts("Keys of a domain's configuration (xl.cfg syntax):\n");
		mica_domain_config_help();
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "codes")) {
		for (size_t i = 0; mica_code_nth(i); i++)
			printf("  %-16s exit %-2d %s\n", mica_code_nth(i)->name,
			       mica_code_nth(i)->exit, mica_code_nth(i)->title);
		return 0;
	}
	c = cli_find(argc > 2 ? argv[1] : NULL, argv[argc > 2 ? 2 : 1]);
	if (c)
		return help_command(c);
	for (unsigned i = 0; commands[i]; i++)
		if (commands[i]->noun && !strcmp(commands[i]->noun, argv[1]))
			return help_noun(argv[1]);
	return cli_fail("MICA-CFG-002", "mica help", "there is no command '%s'", argv[1]);
}

const struct command cmd_help = {
	.name = "help", .args = "[COMMAND | CODE | config | codes]",
	.summary = "help on a command, an error code, configuration keys",
	.run = help_run, .max_args = 2,
};
