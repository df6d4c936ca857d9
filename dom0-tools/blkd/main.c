/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica-blkd, the supervisor: start, signals, loop, end.  See docs/man/mica-blkd.8 and blkd.h.
 *
 * One instance, held by a lock on a file.  SIGTERM ends it; the disks' processes end with it and
 * guests wait until it is started again, which is also what happens when it is killed.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "blkd/blkd.h"
#include "blkd/storage.h"
#include "io/io_xen.h"
#include "lib/daemon.h"

#define RUN_DIR		"/run/mica/blkd"
#define TICK_MS		20
#define REPORT_NS	5000000000ull

struct settings settings = {
	.run_dir = RUN_DIR,
	.engine = ENGINE_URING,
	.program = "/proc/self/exe",
	.nbd_program = "mica-blkd-nbd",
	.storage_program = "qemu-storage-daemon",
};

static struct mica_daemon self = {
	.name = "mica-blkd", .pid_file = "/run/mica/blkd.pid", .log_file = "/var/log/mica/blkd.log",
};
static const char *socket_path = "/run/mica/blkd.sock";
static bool ending, need_tick;
static int epoll_fd, signal_fd, listener = -1;

/* What a descriptor in the epoll set is. */
static char is_world, is_signal, is_listener;

void note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	daemon_say(&self, fmt, args);
	va_end(args);
}

#define die(...)	daemon_die(&self, __VA_ARGS__)

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int add(int fd, void *what)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = what };

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

int loop_watch(int fd, struct vbd *v)
{
	return add(fd, v);
}

void loop_need_tick(void)
{
	need_tick = true;
}

/* --- start --- */

__attribute__((noreturn)) static void usage(int status)
{
	fputs("usage: mica-blkd [OPTION]...\n"
	      "  --daemon            go to the background once it is ready\n"
	      "  --pid-file FILE     written and locked; /run/mica/blkd.pid\n"
	      "  --log-file FILE     its messages, with --daemon; /var/log/mica/blkd.log\n"
	      "  --run-dir DIR       records of requests in flight; " RUN_DIR "\n"
	      "  --socket PATH       numbers of all disks as JSON; /run/mica/blkd.sock\n"
	      "  --engine NAME       io_uring or threads; io_uring, and threads where it is not\n"
	      "  --nbd-program FILE  serves formats other than raw; mica-blkd-nbd beside this one\n"
	      "  --storage FILE      reads them; qemu-storage-daemon\n"
	      "  --no-sandbox        disk processes keep their privileges\n",
	      status ? stderr : stdout);
	exit(status);
}

static void parse(int argc, char **argv)
{
	static const struct option options[] = {
		{ "daemon", no_argument, NULL, 'D' },
		{ "pid-file", required_argument, NULL, 'p' },
		{ "log-file", required_argument, NULL, 'l' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "socket", required_argument, NULL, 's' },
		{ "engine", required_argument, NULL, 'e' },
		{ "nbd-program", required_argument, NULL, 'n' },
		{ "storage", required_argument, NULL, 'q' },
		{ "no-sandbox", no_argument, NULL, 'S' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
		switch (c) {
		case 'D': self.background = true; break;
		case 'p': self.pid_file = optarg; break;
		case 'l': self.log_file = optarg; break;
		case 'r': settings.run_dir = optarg; break;
		case 's': socket_path = optarg; break;
		case 'n': settings.nbd_program = optarg; break;
		case 'q': settings.storage_program = optarg; break;
		case 'S': settings.no_sandbox = true; break;
		case 'e':
			if (strcmp(optarg, "io_uring") && strcmp(optarg, "threads"))
				die("--engine is io_uring or threads, not '%s'", optarg);
			settings.engine = optarg[0] == 'i' ? ENGINE_URING : ENGINE_THREADS;
			break;
		case 'h': usage(0);
		default: usage(2);
		}
	}
	if (optind < argc)
		usage(2);
}

/* mica-blkd-nbd lies where we do, unless a path says otherwise. */
static void find_nbd_program(void)
{
	static char path[512];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 32);

	if (n <= 0 || strchr(settings.nbd_program, '/'))
		return;
	path[n] = '\0';
	strcpy(strrchr(path, '/') + 1, "mica-blkd-nbd");
	settings.nbd_program = path;
}

static void make_dir(const char *path, mode_t mode)
{
	int rc = daemon_make_dirs(path, mode);

	if (rc)
		die("cannot make %s: %s", path, strerror(-rc));
}

static void catch_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGCHLD };

	signal_fd = daemon_signals(signals, sizeof(signals) / sizeof(signals[0]));
	if (signal_fd < 0 || add(signal_fd, &is_signal))
		die("cannot wait for signals");
}

/* --- the loop --- */

static void collect(void)
{
	struct vbd *v;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (v = vbds; v && (v->gone || v->pid != pid); v = v->next)
			;
		if (v)
			child_died(v, status);
		for (v = vbds; v; v = v->next)
			if (!v->gone && v->storage && storage_died(v->storage, pid))
				back_note(v->dev, "its storage server has ended");
	}
}

static void on_signal(void)
{
	struct signalfd_siginfo got;

	while (read(signal_fd, &got, sizeof(got)) == sizeof(got)) {
		if (got.ssi_signo == SIGCHLD)
			collect();
		else
			ending = true;
	}
}

static void ready(struct mica_io *io, void *what)
{
	if (what == &is_world)
		io_xen_dispatch(io);
	else if (what == &is_signal)
		on_signal();
	else if (what == &is_listener)
		report_accept(listener);
	else
		child_readable(what);
}

static void run(struct mica_io *io)
{
	uint64_t report_ns = now_ns() + REPORT_NS, now;
	struct epoll_event got;

	while (!ending) {
		int wait = -1;

		if (io_xen_waiting(io))
			io_xen_dispatch(io);
		/* What that has begun, or found in the store's client again, counts. */
		if (vbds)
			wait = need_tick ? TICK_MS : (int)(REPORT_NS / 1000000);
		if (io_xen_waiting(io))
			wait = 0;

		/* One at a time: what a callback removes may be the next one's. */
		if (epoll_wait(epoll_fd, &got, 1, wait) == 1)
			ready(io, got.data.ptr);
		now = now_ns();
		if (need_tick) {
			need_tick = false;	/* a tick may ask for the next itself */
			if (vbd_tick(now))
				need_tick = true;
		}
		if (now >= report_ns) {
			report_store();
			report_ns = now + REPORT_NS;
		}
		vbd_reap();
	}
}

static void open_world(struct mica_io **io)
{
	const char *what;
	int rc = io_xen_open(io, IO_XEN_STORE, &what);

	if (rc)
		die("cannot open %s: %s", what, strerror(-rc));
	if (add(io_xen_fd(*io), &is_world))
		die("epoll: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	static const struct engine_ops *const engines[] = { &engine_uring, &engine_threads, NULL };
	struct mica_io *io;
	struct back *back;

	if (argc == 2 && !strcmp(argv[1], "--disk-process"))
		return process_main(engines);
	parse(argc, argv);
	find_nbd_program();
	umask(027);
	make_dir(settings.run_dir, 0700);
	make_dir(EMPTY_DIR, 0755);
	daemon_lock(&self);
	daemon_leave(&self);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	storage_sweep(settings.run_dir);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	catch_signals();
	open_world(&io);
	listener = report_listen(socket_path);
	if (listener < 0 || add(listener, &is_listener))
		die("cannot listen on %s: %s", socket_path, strerror(-listener));
	if (back_open(&back, io, &vbd_kind, NULL))
		die("cannot watch the store");
	daemon_up(&self);
	io_xen_dispatch(io);
	vbd_sweep(back);
	run(io);
	report_store();
	unlink(socket_path);
	return 0;
}
