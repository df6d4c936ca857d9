/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica-consoled: start, signals, end.  See docs/man/mica-consoled.8 and consoled.h.
 *
 * One instance, held by a lock on a file.  Everything that can fail for the administrator's reasons
 * fails here, before the daemon leaves the foreground; afterwards it goes on whatever happens.
 * SIGTERM ends it, SIGHUP reopens the logs.  Being killed is no worse than ending.
 */
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "consoled/consoled.h"
#include "lib/confine.h"
#include "lib/daemon.h"

#define RUN_DIR		"/run/mica"

struct settings settings = {
	.log_dir = "/var/log/mica/console",
	.mark_dir = RUN_DIR,
	.socket = RUN_DIR "/console.sock",
	.log_bytes = 4u << 20,
	.log_keep = 4,
	.history_bytes = 64u << 10,
	.group = -1,
};
struct backend backend;

static struct mica_daemon self = {
	.name = "mica-consoled", .pid_file = RUN_DIR "/consoled.pid",
	.log_file = "/var/log/mica/consoled.log",
};
static bool ending, sandbox = true;
static struct source events_io, signals_io;

void note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	daemon_say(&self, fmt, args);
	va_end(args);
}

#define die(...)	daemon_die(&self, __VA_ARGS__)

__attribute__((noreturn)) static void usage(int status)
{
	fputs("usage: mica-consoled [OPTION]...\n"
	      "  --daemon           go to the background once it is ready\n"
	      "  --pid-file FILE    written and locked; " RUN_DIR "/consoled.pid\n"
	      "  --log-file FILE    the daemon's own messages, with --daemon\n"
	      "  --log-dir DIR      the guests' consoles; /var/log/mica/console\n"
	      "  --log-size BYTES   start a new file then; 4M, 0: never\n"
	      "  --log-keep N       old files kept of each guest; 4\n"
	      "  --history BYTES    kept in memory of each guest; 64K\n"
	      "  --socket PATH      for viewers; " RUN_DIR "/console.sock\n"
	      "  --no-sandbox       keep root's rights and all system calls\n",
	      status ? stderr : stdout);
	exit(status);
}

static uint64_t number(const char *option, const char *text, uint64_t low, uint64_t high)
{
	char *end;
	uint64_t value = strtoull(text, &end, 10);

	if (!*text || *text == '-')
		end = (char *)text + 1;
	if (*end == 'K' || *end == 'M') {
		value <<= *end == 'K' ? 10 : 20;
		end++;
	}
	if (*end || !*text || value < low || value > high)
		die("%s '%s' is not a number from %llu to %llu", option, text,
		    (unsigned long long)low, (unsigned long long)high);
	return value;
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "daemon", no_argument, NULL, 'D' },
		{ "log-file", required_argument, NULL, 'l' },
		{ "log-dir", required_argument, NULL, 'd' },
		{ "log-size", required_argument, NULL, 's' },
		{ "log-keep", required_argument, NULL, 'k' },
		{ "history", required_argument, NULL, 'y' },
		{ "socket", required_argument, NULL, 'S' },
		{ "pid-file", required_argument, NULL, 'p' },
		{ "no-sandbox", no_argument, NULL, 'N' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'D': self.background = true; break;
		case 'l': self.log_file = optarg; break;
		case 'd': settings.log_dir = optarg; break;
		case 's': settings.log_bytes = number("--log-size", optarg, 0, 1ull << 40); break;
		case 'k': settings.log_keep = number("--log-keep", optarg, 0, 99); break;
		case 'y': settings.history_bytes = number("--history", optarg, 1024, 64u << 20); break;
		case 'S': settings.socket = optarg; break;
		case 'p': self.pid_file = optarg; break;
		case 'N': sandbox = false; break;
		case 'h': usage(0);
		default: usage(2);
		}
	}
	if (optind < argc)
		usage(2);
}

static void make_dirs(const char *path, mode_t mode)
{
	int rc = daemon_make_dirs(path, mode);

	if (rc)
		die("cannot make directory %s: %s", path, strerror(-rc));
}

static void signal_ready(struct source *s, uint32_t events)
{
	struct signalfd_siginfo info;

	while (read(s->fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			guests_reopen_logs();
		else
			ending = true;
	}
}

static void catch_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };

	signals_io.fd = daemon_signals(signals, sizeof(signals) / sizeof(signals[0]));
	signals_io.ready = signal_ready;
	if (signals_io.fd < 0 || loop_add(&signals_io, EPOLLIN))
		die("cannot wait for signals");
}

/*
 * Before the first byte of a guest.  It stays root, because /dev/xen, the logs and the store's
 * socket are root's and are opened again later, but of root's capabilities it keeps one: giving
 * the terminals to the group mica.
 */
static void confine(void)
{
	static const int calls[] = {
		SYS_openat, SYS_unlink, SYS_rename, SYS_connect, SYS_setsockopt, SYS_fchown,
		SYS_fchmod, SYS_dup2, SYS_dup3,
	};
	const struct mica_confine c = {
		.root_dir = -1, .keep_user = 1, .capabilities = 1ull << CAP_CHOWN,
		.calls = calls, .nr_calls = sizeof(calls) / sizeof(calls[0]),
	};
	const char *what;
	int rc = sandbox ? mica_confine(&c, &what) : 0;

	if (rc < 0)
		die("cannot %s: %s (--no-sandbox keeps root's rights)", what, strerror(-rc));
	if (rc)
		note("the kernel offers no filter for system calls; going on without");
}

/* Asked once: later the libraries that know groups can no longer be loaded. */
static void find_group(void)
{
	struct group *group = getgrnam("mica");

	settings.group = group ? (int)group->gr_gid : -1;
}

static bool stop(void)
{
	return ending;
}

static bool tick(void)
{
	bool again = guests_tick();

	return watch_tick() || again;
}

int main(int argc, char **argv)
{
	const char *what;
	int rc;

	parse(argc, argv);
	umask(027);
	daemon_lock(&self);
	make_dirs(settings.log_dir, 0750);
	make_dirs(settings.socket, 0);
	daemon_leave(&self);
	find_group();
	if (loop_init())
		die("epoll: %s", strerror(errno));
	catch_signals();
	rc = backend_xen_open(&backend, &what);
	if (rc)
		die("cannot open %s: %s", what, strerror(-rc));
	events_io = (struct source){ .fd = backend.fd, .ready = guests_event };
	rc = loop_add(&events_io, EPOLLIN);
	if (!rc)
		rc = viewers_listen(settings.socket);
	if (rc)
		die("cannot listen on %s: %s", settings.socket, strerror(-rc));
	confine();
	rc = watch_start();
	if (rc)
		die("cannot talk to the store: %s (is mica-stored running?)", strerror(-rc));
	daemon_up(&self);
	loop_run(stop, tick);
	guests_close();
	unlink(settings.socket);
	return 0;
}
