/* unit: dom0-tools/lib/confine.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is given up is given up: each step in a child process, which then tries what it may no
 * longer do.  The child answers with the number of the first thing that went wrong.
 */
#include "unit.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/confine.h"

#define CAP_CHOWN	0
#define CAP_SYS_ADMIN	21

static const int calls[] = { SYS_openat, SYS_getuid, SYS_geteuid, SYS_prctl, SYS_setresuid,
			     SYS_getrlimit, SYS_prlimit64 };

#define WRONG_UNLESS(n, what)	do { if (!(what)) syscall(SYS_exit_group, (n)); } while (0)

/* Run @child in a process of its own; 0: it found all as it should be. */
static int run(void (*child)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		child();
		syscall(SYS_exit_group, 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void need_root(void)
{
	if (geteuid())
		skip();
}

static void calls_are_filtered(void)
{
	const struct mica_confine c = {
		.root_dir = -1, .keep_user = 1, .capabilities = 1ull << CAP_CHOWN,
		.calls = calls, .nr_calls = sizeof(calls) / sizeof(calls[0]),
	};
	const char *what;
	struct rlimit core;
	int fd;

	WRONG_UNLESS(1, mica_confine(&c, &what) == 0);
	fd = (int)syscall(SYS_openat, AT_FDCWD, "/", O_RDONLY);	/* on the list */
	WRONG_UNLESS(2, fd >= 0);
	WRONG_UNLESS(3, syscall(SYS_mkdir, "/tmp/no", 0700) == -1 && errno == EPERM);
	WRONG_UNLESS(4, syscall(SYS_fork) == -1 && errno == EPERM);
	WRONG_UNLESS(5, syscall(SYS_execve, "/bin/true", NULL, NULL) == -1 && errno == EPERM);
	WRONG_UNLESS(6, syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == -1 && errno == EPERM);
	fd = (int)syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0) == -1;
	WRONG_UNLESS(7, !fd);
	WRONG_UNLESS(8, syscall(SYS_socket, AF_INET, SOCK_STREAM, 0) == -1 && errno == EPERM);
	WRONG_UNLESS(9, syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0) >= 0);
	WRONG_UNLESS(10, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	WRONG_UNLESS(11, !syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, &core) && !core.rlim_max);
	/* another machine's numbers for the same calls */
	WRONG_UNLESS(12, syscall(SYS_mkdir | 0x40000000, "/tmp/no", 0700) == -1);
}

static void test_calls(void **state)
{
	need_root();
	assert_int_equal(run(calls_are_filtered), 0);
}

static void capabilities_go(void)
{
	const struct mica_confine c = {
		.root_dir = -1, .keep_user = 1, .capabilities = 1ull << CAP_CHOWN,
		.calls = calls, .nr_calls = sizeof(calls) / sizeof(calls[0]),
	};
	const char *what;

	WRONG_UNLESS(1, prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 1);
	WRONG_UNLESS(2, mica_confine(&c, &what) == 0);
	WRONG_UNLESS(3, geteuid() == 0);
	WRONG_UNLESS(4, prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) == 0);
	WRONG_UNLESS(5, prctl(PR_CAPBSET_READ, CAP_CHOWN, 0, 0, 0) == 1);
	/* root without CAP_SETUID */
	WRONG_UNLESS(6, setresuid(5, 5, 5) == -1);
}

static void test_capabilities(void **state)
{
	need_root();
	assert_int_equal(run(capabilities_go), 0);
}

static void user_changes(void)
{
	int dir = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct mica_confine c = {
		.root_dir = dir, .uid = 65534, .gid = 65534,
		.calls = calls, .nr_calls = sizeof(calls) / sizeof(calls[0]),
	};
	const char *what;

	WRONG_UNLESS(1, mica_confine(&c, &what) == 0);
	WRONG_UNLESS(2, geteuid() == 65534);
	WRONG_UNLESS(3, setresuid(0, 0, 0) == -1);
	WRONG_UNLESS(4, open("/etc/passwd", O_RDONLY) == -1 && errno == ENOENT);
}

static void test_user_and_root(void **state)
{
	need_root();
	assert_int_equal(run(user_changes), 0);
}

static void failure_is_named(void)
{
	const struct mica_confine c = { .root_dir = 1000, .keep_user = 1 };
	const char *what = "";

	WRONG_UNLESS(1, mica_confine(&c, &what) == -EBADF);
	WRONG_UNLESS(2, !strcmp(what, "enter its directory"));
}

static void test_failure(void **state)
{
	assert_int_equal(run(failure_is_named), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls), cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_user_and_root), cmocka_unit_test(test_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
