/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the verbs of `mica` are made of: the command table, options, and the ways to fail.  A verb
 * is one file with one row (struct command); everything that depends on the set of verbs - help,
 * completion, suggestions - is generated from the table.
 */
#ifndef MICA_CLI_H
#define MICA_CLI_H

#include "lib/domain.h"
#include "lib/error.h"
#include "cli/out.h"

#define MICA_VERSION	"0.1"

struct command_option {
	const char *name;		/* long, without -- */
	char letter;			/* 0: none */
	const char *arg;		/* NULL: a flag */
	const char *help;
};

enum command_flags {
	CMD_CHANGES = 1,		/* takes --plan */
	CMD_DESTROYS = 2,		/* asks, or needs --yes */
	CMD_HIDDEN = 4,
	CMD_COMMON = 8,			/* one of those `mica` alone prints */
};

struct command {
	const char *noun;		/* "cpu" of `mica cpu pin`; NULL for a verb */
	const char *name;
	const char *args;		/* synopsis of what follows */
	const char *summary;
	int (*run)(int argc, char **argv);	/* argv[0] is the name; options are gone */
	const struct command_option *options;	/* ends with a NULL name */
	unsigned min_args, max_args;
	unsigned flags;
	const char *complete;		/* what its arguments are: "domain", "file", "path" */
	const char *more;		/* a paragraph for help */
};

extern const struct command *const commands[];		/* ends with NULL */

/* Options every command takes. */
struct cli_options {
	enum out_format format;
	bool verbose, plan, yes, no_wait;
	uint64_t timeout_ms;		/* 0: the command's own default */
};
extern struct cli_options cli;

/* The value of an option of the running command: NULL not given, "" a flag.  @nth from 0. */
const char *cli_opt_nth(const char *name, unsigned nth);
static inline const char *cli_opt(const char *name)
{
	return cli_opt_nth(name, 0);
}
static inline uint64_t cli_timeout(uint64_t preset_ms)
{
	return cli.timeout_ms ? cli.timeout_ms : preset_ms;
}

/* main.c */
int cli_run(int argc, char **argv);
const struct command *cli_find(const char *noun, const char *name);
/* alias.c: the command line an xl spelling stands for, or NULL; refusals exit inside. */
char **cli_xl_alias(int *argc, char **argv, int *exit_status);

/* report.c: print and return the exit status. */
int cli_report(struct mica_error *e);
int cli_fail(const char *code, const char *what, const char *why, ...)
	__attribute__((format(printf, 3, 4)));
int cli_usage(const struct command *c, const char *why, ...)
	__attribute__((format(printf, 2, 3)));
void cli_say(const char *text, ...) __attribute__((format(printf, 1, 2)));
/* True: go on.  Asks on a terminal, wants --yes elsewhere. */
bool cli_confirm(const char *what, int *status);
void cli_plan(const char *action, const char *subject, const char *detail, ...)
	__attribute__((format(printf, 3, 4)));

/* open.c: 0, or the exit status after reporting. */
int cli_open(struct mica **m);
int cli_open_store(struct mica_store **s);
/* As before, but a store that is down only gives NULL. */
void cli_try_store(struct mica_store **s);
int cli_open_both(struct mica **m, struct mica_store **s);

/* One domain of a command's list. */
struct target {
	struct mica *m;
	struct mica_store *s;		/* NULL when it is down */
	domid_t id;
	char name[MICA_NAME_MAX];
	mica_dominfo info;
};

/* Look up one; 0 or the exit status after reporting. */
int cli_target(struct target *t, struct mica *m, struct mica_store *s, const char *word);
/* The same, but says nothing of a domain that is not there: -1. */
int cli_target_or_none(struct target *t, struct mica *m, struct mica_store *s, const char *word);
/* @act on each domain named; reports every failure and goes on.  @verb for messages. */
int cli_each(int argc, char **argv, const char *verb, bool need_store,
	     int (*act)(struct target *t, struct mica_error *e));

/* cmd_files.c: a file, whole or not at all; 0 or -1 with errno. */
int cli_write_file(const char *path, const char *text);

/* words.c */
const char *state_word(const mica_dominfo *info);
unsigned shutdown_reason(const mica_dominfo *info);
const char *reason_word(unsigned reason);
void human_kib(uint64_t kib, char text[24]);
void human_ns(uint64_t ns, char text[24]);
void human_cpus(const uint8_t cpus[MICA_CPUSET_BYTES], unsigned nr_cpus, char *text, size_t room);
uint64_t now_ms(void);

/* control.c: ask a guest through the store; wait for what it does. */
int control_request(struct target *t, const char *what, struct mica_error *e);
int wait_gone(struct target *t, uint64_t timeout_ms, bool or_shutdown, struct mica_error *e);

/* console.c */
int console_attach(struct mica_store *s, domid_t id, unsigned number, bool read_only, bool replay,
		   bool wait_for_it);

/* interrupt.c: from now on a signal to end is only noted, unless it is the second of its kind. */
void cli_hold(void);
bool cli_interrupted(void);
/* As before, and what came meanwhile acts now. */
void cli_let_go(void);

/* monitor.c: leave a process behind that acts when @id ends. */
int monitor_start(domid_t id, const char *config_text, unsigned restarts);

#endif
