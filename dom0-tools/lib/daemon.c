/* SPDX-License-Identifier: BSD-2-Clause */
/* See daemon.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/daemon.h"

void daemon_say(const struct mica_daemon *d, const char *fmt, va_list args)
{
	char stamp[32] = "", line[1024];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	if (d->background)
		strftime(stamp, sizeof(stamp), "%F %T ", &tm);
	vsnprintf(line, sizeof(line), fmt, args);
	fprintf(stderr, "%s%s: %s\n", stamp, d->name, line);
}

static void __attribute__((format(printf, 2, 3))) say(const struct mica_daemon *d, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	daemon_say(d, fmt, args);
	va_end(args);
}

void daemon_die(const struct mica_daemon *d, const char *fmt, ...)
{
	struct mica_daemon now = *d;
	va_list args;

	if (d->up_fd)
		now.background = false;		/* whoever started us reads it, not a log */
	va_start(args, fmt);
	daemon_say(&now, fmt, args);
	va_end(args);
	exit(1);
}

int daemon_make_dirs(const char *path, mode_t mode)
{
	char part[PATH_MAX];

	if (strlen(path) >= sizeof(part))
		return -ENAMETOOLONG;
	strcpy(part, path);
	for (char *p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mode && mkdir(part, mode) && errno != EEXIST ? -errno : 0;
}

void daemon_lock(struct mica_daemon *d)
{
	int rc = d->pid_file ? daemon_make_dirs(d->pid_file, 0) : 0;

	if (!d->pid_file)
		return;
	if (!rc)
		d->pid_fd = open(d->pid_file, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (rc || d->pid_fd < 0)
		daemon_die(d, "cannot open %s: %s", d->pid_file, strerror(rc ? -rc : errno));
	/* The lock is the open file's: it goes with the last process that has it, however that ends. */
	if (flock(d->pid_fd, LOCK_EX | LOCK_NB))
		daemon_die(d, "another %s is running (%s is locked)", d->name, d->pid_file);
}

/* The caller waits for a byte, in the process that stays behind. */
static void fork_away(struct mica_daemon *d)
{
	int up[2];
	char ok;

	if (pipe2(up, O_CLOEXEC))
		daemon_die(d, "pipe: %s", strerror(errno));
	switch (fork()) {
	case -1:
		daemon_die(d, "fork: %s", strerror(errno));
	case 0:
		break;
	default:
		close(up[1]);
		_exit(read(up[0], &ok, 1) == 1 ? 0 : 1);
	}
	setsid();
	close(up[0]);
	d->up_fd = up[1];
}

static void open_log(struct mica_daemon *d)
{
	int rc = daemon_make_dirs(d->log_file, 0);

	d->log_fd = rc ? -1 : open(d->log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (d->log_fd < 0)
		daemon_die(d, "cannot open %s: %s", d->log_file, strerror(rc ? -rc : errno));
}

void daemon_leave(struct mica_daemon *d)
{
	if (d->log_file && d->background)
		open_log(d);
	if (d->background)
		fork_away(d);
	if (!d->pid_file)
		return;
	if (ftruncate(d->pid_fd, 0) || dprintf(d->pid_fd, "%d\n", getpid()) < 0)
		daemon_die(d, "cannot write %s: %s", d->pid_file, strerror(errno));
}

/* The service manager's protocol: one datagram to the socket it names. */
static void tell_manager(const struct mica_daemon *d)
{
	static const char ready[] = "READY=1";
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t length = name ? strlen(name) : 0;
	int fd;

	if (!length || length >= sizeof(a.sun_path))
		return;
	memcpy(a.sun_path, name, length);
	if (a.sun_path[0] == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, ready, sizeof(ready) - 1, MSG_NOSIGNAL, (struct sockaddr *)&a,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length)) < 0)
		say(d, "cannot tell the service manager: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

void daemon_up(struct mica_daemon *d)
{
	int null;

	tell_manager(d);
	if (!d->up_fd)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
	}
	if (write(d->up_fd, "", 1) != 1)
		say(d, "the one who started me is gone");
	close(d->up_fd);
	d->up_fd = 0;
	dup2(d->log_file ? d->log_fd : null, 2);
	close(null);
}

int daemon_signals(const int *signals, size_t n)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	for (size_t i = 0; i < n; i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}
