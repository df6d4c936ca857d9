/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ctrl-C, and the end of a session, while something is done that must not stop half way: the first
 * signal is only noted, and acts when that is over or undone.  The second of its kind acts at once, for
 * whoever cannot wait.  What the caller of `mica` ignores stays ignored.
 *
 *	as usual --cli_hold--> noted --cli_let_go--> as usual, after the signal that came
 */
#include <signal.h>

#include "cli/cli.h"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
#define NR_SIGNALS	(sizeof(signals) / sizeof(signals[0]))

static struct sigaction before[NR_SIGNALS];
static volatile sig_atomic_t came;

static void note(int number)
{
	came = number;
}

void cli_hold(void)
{
	struct sigaction act = { .sa_handler = note, .sa_flags = SA_RESTART | (int)SA_RESETHAND };

	for (size_t i = 0; i < NR_SIGNALS; i++)
		if (!sigaction(signals[i], NULL, &before[i]) && before[i].sa_handler != SIG_IGN)
			sigaction(signals[i], &act, NULL);
}

bool cli_interrupted(void)
{
	return came;
}

void cli_let_go(void)
{
	int number = came;

	for (size_t i = 0; i < NR_SIGNALS; i++)
		sigaction(signals[i], &before[i], NULL);
	came = 0;
	if (number)
		raise(number);
}
