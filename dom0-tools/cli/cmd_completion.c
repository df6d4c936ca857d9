/* SPDX-License-Identifier: BSD-2-Clause */
/* `mica completion bash`: a completion script made from the command table. */
#include <stdio.h>
#include <string.h>

#include "cli/help.h"

static void options_of(const struct command_option *o)
{
	for (; o && o->name; o++)
		printf(" --%s", o->name);
}

static void words(const char *noun)
{
	const char *last = "";

	for (unsigned i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		if (c->flags & CMD_HIDDEN)
			continue;
		if (noun && c->noun && !strcmp(c->noun, noun))
			printf(" %s", c->name);
		else if (!noun && !c->noun)
			printf(" %s", c->name);
		else if (!noun && strcmp(last, c->noun))
			printf(" %s", last = c->noun);
	}
}

static void one_case(const struct command *c)
{
	const char *what = c->complete ? c->complete : "";

	printf("\t'%s%s%s') opts=\"", c->noun ? c->noun : "", c->noun ? " " : "", c->name);
	options_of(c->options);
	printf("\"; ");
	if (!strcmp(what, "domain"))
		fputs("args=$(timeout 0.2 mica list -q 2>/dev/null)", stdout);
	else if (!strcmp(what, "defined"))
		printf("args=$(cd %s 2>/dev/null && ls | sed -n 's/\\.cfg$//p')", MICA_DEFINE_DIR);
	else if (!strcmp(what, "file"))
		fputs("args=$(compgen -f -- \"$cur\")", stdout);
	else
		fputs("args=", stdout);
	puts(" ;;");
}

static int completion_run(int argc, char **argv)
{
	const char *last = "";

	if (strcmp(argv[1], "bash"))
		return cli_fail("MICA-CFG-003", "completion", "there is one for bash only");
	puts("# bash completion for mica, made by `mica completion bash`\n_mica()\n{\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} key=${COMP_WORDS[1]} at=2 opts= args=");
	fputs("\tlocal global=\"", stdout);
	options_of(global_options);
	fputs("\"\n\tif [ \"$COMP_CWORD\" = 1 ]; then\n\t\tCOMPREPLY=($(compgen -W \"", stdout);
	words(NULL);
	puts(" $global\" -- \"$cur\"))\n\t\treturn\n\tfi\n\tcase $key in");
	for (unsigned i = 0; commands[i]; i++) {
		if (!commands[i]->noun || !strcmp(last, commands[i]->noun))
			continue;
		last = commands[i]->noun;
		printf("\t%s) at=3; key=\"%s ${COMP_WORDS[2]}\"\n\t\tif [ \"$COMP_CWORD\" = 2 ]; then "
		       "COMPREPLY=($(compgen -W \"", last, last);
		words(last);
		puts("\" -- \"$cur\")); return; fi ;;");
	}
	puts("\tesac\n\tcase $key in");
	for (unsigned i = 0; commands[i]; i++)
		if (!(commands[i]->flags & CMD_HIDDEN))
			one_case(commands[i]);
	puts("\tesac\n\tcase $cur in\n\t-*) COMPREPLY=($(compgen -W \"$opts $global\" -- \"$cur\")) ;;\n"
	     "\t*) [ \"$COMP_CWORD\" -ge \"$at\" ] && COMPREPLY=($(compgen -W \"$args\" -- \"$cur\")) ;;\n"
	     "\tesac\n}\ncomplete -F _mica mica");
	return 0;
}

const struct command cmd_completion = {
	.name = "completion", .args = "bash", .summary = "a completion script for the shell",
	.run = completion_run, .min_args = 1, .max_args = 1,
};
