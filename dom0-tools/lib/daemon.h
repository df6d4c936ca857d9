/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a daemon up to its loop: one instance, the foreground left when it is up, messages.
 *
 *	daemon_lock() --> daemon_leave() --> open everything --> daemon_up() --> its loop
 *
 * Whatever fails before daemon_up() is said on the caller's standard error, and the caller's status
 * is 1; afterwards messages go to the log with the time before them.
 */
#ifndef MICA_LIB_DAEMON_H
#define MICA_LIB_DAEMON_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct mica_daemon {
	const char *name;		/* "mica-blkd" */
	const char *pid_file;		/* locked as long as we live, in whatever way we end; NULL: none */
	const char *log_file;		/* standard error once we are up in the background; NULL: nothing */
	bool background;
	int pid_fd, log_fd, up_fd;	/* daemon.c's; 0: none */
};

/* One line, without its end. */
void daemon_say(const struct mica_daemon *d, const char *fmt, va_list args)
	__attribute__((format(printf, 2, 0)));
__attribute__((noreturn, format(printf, 2, 3)))
void daemon_die(const struct mica_daemon *d, const char *fmt, ...);

/* Every directory on the way to @path, and (@mode not 0) @path itself.  0 or -errno. */
int daemon_make_dirs(const char *path, mode_t mode);
/* No other instance may hold the pid file, whose directory is made.  Dies. */
void daemon_lock(struct mica_daemon *d);
/* In the background (d->background) from here on, where the caller waits for daemon_up(); writes the pid.
 * Dies. */
void daemon_leave(struct mica_daemon *d);
/* Ready to serve: tells the service manager and the caller. */
void daemon_up(struct mica_daemon *d);
/* Blocks @n @signals, and SIGPIPE for good: a descriptor (struct signalfd_siginfo) or -errno. */
int daemon_signals(const int *signals, size_t n);

#endif
