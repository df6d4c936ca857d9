/* SPDX-License-Identifier: BSD-2-Clause */
/* Help, generated from the command table. */
#ifndef MICA_CLI_HELP_H
#define MICA_CLI_HELP_H

#include "cli/cli.h"

extern const struct command_option global_options[];

int help_brief(bool all);
int help_noun(const char *noun);
int help_command(const struct command *c);

#endif
