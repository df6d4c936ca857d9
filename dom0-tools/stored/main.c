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
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/daemon.h"
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
	struct mica_daemon self;
	const char *state, *sockets;
	unsigned uid, gid;
	bool sandbox, hypervisor;
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
		case 'd': o->self.background = true; break;
		case 'p': o->self.pid_file = optarg; break;
		case 'l': o->self.log_file = optarg; break;
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

static void make_dirs(const char *path, mode_t mode)
{
	int rc = daemon_make_dirs(path, mode);

	if (rc)
		die("cannot make %s: %s", path, strerror(-rc));
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

static int catch_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT };

	signal(SIGHUP, SIG_IGN);
	return daemon_signals(signals, sizeof(signals) / sizeof(signals[0]));
}

/* In the foreground, too. */
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
			     .uid = NOBODY, .gid = NOBODY, .sandbox = true, .hypervisor = true,
			     .self = { .name = "mica-stored" } };
	int dir;

	store_init(&s);
	parse(&o, &s, argc, argv);
	if (!o.sockets)
		o.sockets = "/var/run/xenstored";
	umask(077);
	if (o.self.log_file && !o.self.background)
		open_log(o.self.log_file);
	daemon_lock(&o.self);
	daemon_leave(&o.self);
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
	daemon_up(&o.self);
	if (o.sandbox) {
		own_files(&o, &j);
		sandbox_enter(dir, o.uid, o.gid);
	}
	server_run(&srv);
	say("stops; its state stays in %s", o.state);
	return 0;
}
