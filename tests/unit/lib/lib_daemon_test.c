/* unit: dom0-tools/lib/daemon.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A daemon's start, in processes of its own: the caller waits until it is up and gets its status,
 * a second instance is refused while the first one lives in whatever way it ends, messages go to the
 * log with the time once it is up and to the caller before, and the service manager is told.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/daemon.h"

static char dir[] = "/tmp/mica-daemon-XXXXXX", pid_file[64], log_file[64], said_file[64];
static char text[4096];

static const char *contents(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void say(const struct mica_daemon *d, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	daemon_say(d, fmt, args);
	va_end(args);
}

/* Starts one in a process, what it says before it is up in said_file; it serves until it is killed.
 * -> the status the caller sees. */
static int start(bool background, bool fails)
{
	struct mica_daemon d = { .name = "testd", .pid_file = pid_file, .log_file = log_file,
				 .background = background };
	pid_t pid = fork();
	int status, fd;

	if (!pid) {
		fd = open(said_file, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, 2);
		daemon_lock(&d);
		daemon_leave(&d);
		if (fails)
			daemon_die(&d, "cannot open %s", "the world");
		daemon_up(&d);
		say(&d, "serves %d", 7);
		if (!background)
			_exit(0);
		for (;;)
			pause();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* SIGKILL, and wait until its lock is gone. */
static void stop(void)
{
	pid_t pid = atoi(contents(pid_file));

	assert_true(pid > 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	while (!kill(pid, 0))
		usleep(1000);
}

static int make(void **state)
{
	assert_non_null(mkdtemp(dir));
	snprintf(pid_file, sizeof(pid_file), "%s/run/more/d.pid", dir);
	snprintf(log_file, sizeof(log_file), "%s/log/d.log", dir);
	snprintf(said_file, sizeof(said_file), "%s/said", dir);
	return 0;
}

static int end(void **state)
{
	char line[128];

	snprintf(line, sizeof(line), "rm -r %s", dir);
	return system(line);
}

static void test_background(void **state)
{
	assert_int_equal(start(true, false), 0);
	assert_string_equal(contents(said_file), "");
	while (!strchr(contents(log_file), '\n'))
		usleep(1000);
	assert_non_null(strstr(text, " testd: serves 7\n"));
	assert_true(text[0] == '2' && text[4] == '-');
	/* The second one is told, and changes nothing. */
	assert_int_equal(start(true, false), 1);
	assert_non_null(strstr(contents(said_file), "testd: another testd is running"));
	stop();
	/* The lock went with the process; the file is still there. */
	assert_int_equal(start(true, false), 0);
	stop();
}

static void test_failing(void **state)
{
	assert_int_equal(start(true, true), 1);
	assert_string_equal(contents(said_file), "testd: cannot open the world\n");
	assert_int_equal(start(false, true), 1);
	assert_string_equal(contents(said_file), "testd: cannot open the world\n");
}

static void test_foreground(void **state)
{
	assert_int_equal(start(false, false), 0);
	assert_string_equal(contents(said_file), "testd: serves 7\n");
	assert_true(atoi(contents(pid_file)) > 1);
}

static void test_service_manager(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/notify", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	setenv("NOTIFY_SOCKET", a.sun_path, 1);
	assert_int_equal(start(false, false), 0);
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(recv(fd, text, sizeof(text), MSG_DONTWAIT), 7);
	assert_memory_equal(text, "READY=1", 7);
	close(fd);
}

static void test_directories(void **state)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/a/b/c", dir);
	assert_int_equal(daemon_make_dirs(path, 0), 0);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(daemon_make_dirs(path, 0700), 0);
	assert_int_equal(daemon_make_dirs(path, 0700), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	snprintf(path, sizeof(path), "%s/run/more/d.pid/x/y", dir);
	assert_int_equal(start(false, false), 0);
	assert_int_equal(daemon_make_dirs(path, 0700), -ENOTDIR);
}

static void test_signals(void **state)
{
	static const int signals[] = { SIGUSR1 };
	struct signalfd_siginfo info;
	int fd = daemon_signals(signals, 1);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, &info, sizeof(info)), -1);
	raise(SIGUSR1);
	assert_int_equal(read(fd, &info, sizeof(info)), sizeof(info));
	assert_int_equal(info.ssi_signo, SIGUSR1);
	raise(SIGPIPE);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_background),
		cmocka_unit_test(test_failing),
		cmocka_unit_test(test_foreground),
		cmocka_unit_test(test_service_manager),
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_signals),
	};

	return cmocka_run_group_tests(tests, make, end);
}
