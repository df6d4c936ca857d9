/* unit: dom0-tools/cli/interrupt.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Signals while something is done that must not stop half way; each in a process of its own. */
#include "host.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"

#define DONE	7

/* How a process ends that runs @what: the signal, or minus its status. */
static int ends(void (*what)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		what();
		_exit(DONE);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void nothing_comes(void)
{
	cli_hold();
	if (cli_interrupted())
		_exit(1);
	cli_let_go();
}

static void one_comes(void)
{
	cli_hold();
	raise(SIGTERM);
	if (!cli_interrupted())
		_exit(1);
	cli_let_go();
}

static void two_come(void)
{
	cli_hold();
	raise(SIGINT);
	raise(SIGINT);
	_exit(1);
}

static void comes_after(void)
{
	cli_hold();
	cli_let_go();
	raise(SIGHUP);
}

static void ignored_before(void)
{
	signal(SIGHUP, SIG_IGN);
	cli_hold();
	raise(SIGHUP);
	raise(SIGHUP);
	if (cli_interrupted())
		_exit(1);
	cli_let_go();
	raise(SIGHUP);
}

static void test_signals(void **state)
{
	assert_int_equal(ends(nothing_comes), -DONE);
	assert_int_equal(ends(one_comes), SIGTERM);
	assert_int_equal(ends(two_come), SIGINT);
	assert_int_equal(ends(comes_after), SIGHUP);
	assert_int_equal(ends(ignored_before), -DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_signals) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
