/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mica-stored: the store that domains share.  This file starts it: read the options, open
 * everything as root, bring back the state, say that it is ready, give up root's rights, serve.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server.h"

#define VERSION "0.1"
#define NOBODY	65534u

static const char usage[] =
	"usage: mica-stored [OPTION]...\n"
	"Serve the store that domains share.\n"
	"  --daemon           go to the background once it is ready\n"
	"  --pid-file FILE    write the process id there\n"
	"  --log-file FILE    append messages there, not to standard error\n"
	"  --state DIR        keep the state here, on a tmpfs (/run/mica/stored)\n"
	"  --socket-dir DIR   make the sockets here ($XENSTORED_RUNDIR or /var/run/xenstored)\n"
	"  --quota NAME=N     change a limit of domains; repeat for more\n"
	"  --user UID[:GID]   run as this user (65534:65534)\n"
	"  --no-sandbox       keep root's rights\n"
	"  --no-hypervisor    serve sockets only\n"
	"  --trace            log every request\n"
	"  -h, --help; -V, --version\n";

struct options {
	const char *state, *sockets, *pid_file, *log_file;
	unsigned uid, gid;
	bool background, sandbox, hypervisor;
};

static void wrong(const char *what, const char *which)
{
	fprintf(stderr, "mica-stored: %s: %s\n%s", what, which, usage);
	exit(2);
}

static void parse_user(struct options *o, const char *text)
{
	char *end;

	o->uid = o->gid = (unsigned)strtoul(text, &end, 10);
	if (end != text && *end == ':')
		o->gid = (unsigned)strtoul(end + 1, &end, 10);
	if (end == text || *end)
		wrong("--user takes numbers, UID or UID:GID", text);
}

static void parse(struct options *o, struct store *s, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "daemon", 0, 0, 'd' }, { "pid-file", 1, 0, 'p' }, { "log-file", 1, 0, 'l' },
		{ "state", 1, 0, 's' }, { "socket-dir", 1, 0, 'S' }, { "quota", 1, 0, 'q' },
		{ "user", 1, 0, 'u' }, { "no-sandbox", 0, 0, 'N' }, { "no-hypervisor", 0, 0, 'H' },
		{ "trace", 0, 0, 't' }, { "help", 0, 0, 'h' }, { "version", 0, 0, 'V' }, { 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "hV", longs, NULL)) >= 0) {
		switch (c) {
		case 'd': o->background = true; break;
		case 'p': o->pid_file = optarg; break;
		case 'l': o->log_file = optarg; break;
		case 's': o->state = optarg; break;
		case 'S': o->sockets = optarg; break;
		case 'u': parse_user(o, optarg); break;
		case 'N': o->sandbox = false; break;
		case 'H': o->hypervisor = false; break;
		case 't': s->trace = true; break;
		case 'q':
			if (quota_set(&s->quotas, optarg))
				wrong("no such limit, or not a number", optarg);
			break;
		case 'h': fputs(usage, stdout); exit(0);
		case 'V': puts("mica-stored " VERSION); exit(0);
		default: fputs(usage, stderr); exit(2);
		}
	}
	if (optind < argc)
		wrong("takes no arguments", argv[optind]);
}

/* All directories of a path. */
static void make_dirs(const char *path, mode_t mode)
{
	char *copy = xmemdup(path, strlen(path) + 1);

	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = 0;
		mkdir(copy, 0755);
		*p = '/';
	}
	if (mkdir(copy, mode) && errno != EEXIST)
		die("cannot make %s: %s", path, strerror(errno));
	free(copy);
}

static int open_state(const struct options *o)
{
	int dir;

	make_dirs(o->state, 0700);
	dir = open(o->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		die("cannot open %s: %s", o->state, strerror(errno));
	return dir;
}

/* What the sandboxed daemon is to write must be its own before. */
static void own_files(const struct options *o, const struct journal *j)
{
	if (!geteuid() && (fchown(j->fd, o->uid, o->gid) || fchown(j->slots_fd, o->uid, o->gid)))
		die("cannot give the state to user %u: %s", o->uid, strerror(errno));
}

static void write_pid(const char *file)
{
	FILE *f = fopen(file, "we");

	if (!f || fprintf(f, "%d\n", getpid()) < 0 || fclose(f))
		die("cannot write %s: %s", file, strerror(errno));
}

/* The service manager's protocol: one datagram to the socket it names. */
static void tell_manager(void)
{
	const char *name = getenv("NOTIFY_SOCKET"), ready[] = "READY=1";
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t len = name ? strlen(name) : 0;
	int fd;

	if (!len || len >= sizeof(a.sun_path))
		return;
	memcpy(a.sun_path, name, len);
	if (a.sun_path[0] == '@')
		a.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, ready, sizeof(ready) - 1, MSG_NOSIGNAL, (struct sockaddr *)&a,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		say("cannot tell the service manager: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* The parent returns from fork() only to wait until the child is ready or gone. */
static int background(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		die("cannot go to the background: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("cannot go to the background: %s", strerror(errno));
	if (!pid) {
		close(ready[0]);
		setsid();
		return ready[1];
	}
	close(ready[1]);
	_exit(read(ready[0], &byte, 1) == 1 ? 0 : 1);
}

static void be_ready(const struct options *o, int parent)
{
	int null;

	if (o->pid_file)
		write_pid(o->pid_file);
	tell_manager();
	if (parent < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
		if (!o->log_file)
			dup2(null, 2);
	}
	if (write(parent, "", 1) != 1)
		die("the process that started the daemon is gone");
	close(parent);
}

static int catch_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void open_log(const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

	if (fd < 0 || dup2(fd, 2) < 0)
		die("cannot write %s: %s", file, strerror(errno));
	close(fd);
}

/* A new store has what its own clients expect to find. */
static void first_nodes(struct store *s)
{
	struct node *root = tree_find(&s->tree, "", 0);

	state_node(s, root);
	state_node(s, tree_add(&s->tree, "/tool", 5, NULL, 0, perms_get(root->perms)));
	state_node(s, tree_add(&s->tree, "/tool/xenstored", 15, NULL, 0, perms_get(root->perms)));
	store_commit(s, NULL);
}

static void bring_back(struct store *s, struct journal *j, int dir)
{
	uint64_t from = now_ms();

	journal_open(j, dir);
	s->journal = j;
	if (j->fresh) {
		first_nodes(s);
		return;
	}
	if (state_replay(s))
		die("the journal is damaged; stop all domains, remove it and start again");
	state_compact(s, true);
	say("goes on: %u nodes, %u watches, after %llu ms", s->tree.nodes.used, s->watches.count,
	    (unsigned long long)(now_ms() - from));
}

int main(int argc, char **argv)
{
	static struct store s;
	static struct journal j;
	struct server srv = { .store = &s, .events = -1 };
	struct rlimit files = { 8192, 8192 };
	struct options o = { .state = "/run/mica/stored", .sockets = getenv("XENSTORED_RUNDIR"),
			     .uid = NOBODY, .gid = NOBODY, .sandbox = true, .hypervisor = true };
	int dir, parent = -1;

	store_init(&s);
	parse(&o, &s, argc, argv);
	if (!o.sockets)
		o.sockets = "/var/run/xenstored";
	umask(077);
	if (o.log_file)
		open_log(o.log_file);
	if (o.background)
		parent = background();
	setrlimit(RLIMIT_NOFILE, &files);
	dir = open_state(&o);
	bring_back(&s, &j, dir);
	srv.signals = catch_signals();
	if (o.hypervisor)
		s.machine = xen_open(&srv);
	make_dirs(o.sockets, 0755);
	server_listen(&srv, o.sockets);
	if (o.hypervisor) {
		domain_attach_all(&s);
		xen_introduce_dom0(&srv);
		store_commit(&s, NULL);
	}
	be_ready(&o, parent);
	if (o.sandbox) {
		own_files(&o, &j);
		sandbox_enter(dir, o.uid, o.gid);
	}
	server_run(&srv);
	say("stops; its state stays in %s", o.state);
	return 0;
}
