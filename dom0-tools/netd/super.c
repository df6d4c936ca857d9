/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The supervisor: for each network below /mica/net one worker, and what dom0 has of it.
 *
 *	/mica/net/NAME appears --> TAP device, rules, dnsmasq --> worker
 *	its keys change        --> what differs is made anew
 *	worker or dnsmasq ends --> started again, at once the first time, then once a second
 *	it disappears          --> all of it ends
 *
 * This process keeps its privileges and sees no byte of a guest: it reads what operators wrote.
 * Workers that lose the store go on switching; when it is back they are replaced, because their
 * sandbox does not let them connect to it again.  From one that is only late nobody is parted.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/io_xen.h"
#include "netd/config.h"
#include "netd/host.h"
#include "netd/net.h"
#include "netd/worker.h"

#define NETWORKS	64
#define NAMES_BYTES	8192
#define AGAIN_NS	1000000000ull

struct child {
	pid_t pid;			/* 0: none */
	uint64_t started_ns, again_ns;	/* again: when to start it; 0: now */
};

struct network {
	bool used, there, failed;
	char name[NET_NAME + 1];
	struct host_words words;	/* what ->config was made from */
	struct host_config config;
	int tap;
	struct child worker, dnsmasq;
};

static struct network networks[NETWORKS];
static struct mica_io *io;
static bool changed, store_lost;
static char names[NAMES_BYTES];

static uint64_t now(void)
{
	return io->ops->now_ns(io);
}

/* False: it is not known what is there. */
static bool key(char *to, size_t room, const char *name, const char *key)
{
	char path[64];
	int rc;

	snprintf(path, sizeof(path), "/mica/net/%s/%s", name, key);
	rc = io->ops->read(io, path, to, room);
	if (rc == -ERANGE)
		snprintf(to, room, "?");
	else if (rc)
		*to = '\0';
	return !rc || rc == -ERANGE || rc == -ENOENT;
}

static bool read_words(const char *name, struct host_words *w)
{
	memset(w, 0, sizeof(*w));
	return key(w->uplink, sizeof(w->uplink), name, "uplink") &&
		key(w->subnet, sizeof(w->subnet), name, "subnet") &&
		key(w->nat, sizeof(w->nat), name, "nat") &&
		key(w->dhcp, sizeof(w->dhcp), name, "dhcp") &&
		key(w->mtu, sizeof(w->mtu), name, "mtu");
}

static void tell(struct network *n, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "/mica/net/%s/error", n->name);
	if (text)
		io->ops->write(io, path, text);
	else
		io->ops->remove(io, path);
}

/* One line for the operator, also in the store; the network works as far as it got. */
static void problem(struct network *n, const char *code, const char *what, const char *why)
{
	char text[200];

	snprintf(text, sizeof(text), "%s%s%s", what, why ? ": " : "", why ? why : "");
	note("error: net %s: %s [%s]", n->name, text, code);
	tell(n, text);
	n->failed = true;
}

/* --- children --- */

static void stop(struct child *c)
{
	int status;

	if (!c->pid)
		return;
	kill(c->pid, SIGTERM);
	for (int i = 0; i < 200 && waitpid(c->pid, &status, WNOHANG) == 0; i++)
		usleep(10000);
	if (!kill(c->pid, SIGKILL))
		waitpid(c->pid, &status, 0);
	*c = (struct child){ 0 };
}

/* It ended; when to start it again. */
static void ended(struct network *n, struct child *c, const char *what, int status)
{
	if (WIFSIGNALED(status))
		note("net %s: %s was ended by signal %d", n->name, what, WTERMSIG(status));
	else
		note("net %s: %s ended with status %d", n->name, what, WEXITSTATUS(status));
	c->pid = 0;
	c->again_ns = now() - c->started_ns > AGAIN_NS ? 0 : now() + AGAIN_NS;
}

static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (unsigned i = 0; i < NETWORKS; i++) {
			if (networks[i].worker.pid == pid)
				ended(&networks[i], &networks[i].worker, "worker", status);
			else if (networks[i].dnsmasq.pid == pid)
				ended(&networks[i], &networks[i].dnsmasq, "dnsmasq", status);
		}
	}
}

static pid_t start_worker(struct network *n)
{
	char tap[16], poll_us[16];
	const char *argv[16] = { "mica-netd", "--network", n->name, "--capture-dir",
				 settings.capture_dir, "--user", settings.user, "--poll-us",
				 poll_us };
	int args = 9;
	sigset_t none;
	pid_t pid = fork();

	if (pid)
		return pid < 0 ? -errno : pid;
	snprintf(poll_us, sizeof(poll_us), "%u", settings.poll_us);
	if (!settings.sandbox)
		argv[args++] = "--no-sandbox";
	if (n->tap >= 0) {
		snprintf(tap, sizeof(tap), "%d", dup(n->tap));	/* without close-on-exec */
		argv[args++] = "--tap-fd";
		argv[args++] = tap;
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == 1)
		_exit(0);
	execv("/proc/self/exe", (char *const *)argv);
	_exit(127);
}

static void keep_running(struct network *n, struct child *c, const char *what,
			 pid_t (*start)(struct network *n))
{
	pid_t pid;

	if (c->pid || (c->again_ns && now() < c->again_ns))
		return;
	pid = start(n);
	c->started_ns = now();
	c->again_ns = pid > 0 ? 0 : now() + AGAIN_NS;
	c->pid = pid > 0 ? pid : 0;
	if (pid < 0)
		problem(n, "MICA-NET-007", what, strerror(-pid));
}

static pid_t start_dnsmasq(struct network *n)
{
	return dhcp_start(n->name, &n->config);
}

/* --- networks --- */

static void open_host(struct network *n)
{
	const char *bad = host_parse(&n->config, &n->words), *what;
	char rules[2048];
	int rc;

	n->tap = -1;
	n->failed = false;
	if (bad) {
		problem(n, "MICA-NET-001", bad, NULL);
		memset(&n->config, 0, sizeof(n->config));
		return;
	}
	if (n->config.uplink) {
		n->tap = device_open(n->name, &n->config, &what);
		if (n->tap < 0)
			problem(n, "MICA-NET-008", what, strerror(-n->tap));
	}
	if (n->config.nat && nat_rules(rules, sizeof(rules), n->name, &n->config) > 0) {
		rc = host_forward();
		if (rc)
			problem(n, "MICA-NET-009", "cannot let dom0 forward", strerror(-rc));
		else if ((rc = nat_apply(rules)) != 0)
			problem(n, "MICA-NET-009", "nft refused the rules", NULL);
	}
	if (!n->failed)
		tell(n, NULL);
}

static void close_host(struct network *n)
{
	char rules[256];

	stop(&n->worker);
	stop(&n->dnsmasq);
	if (n->config.nat && nat_no_rules(rules, sizeof(rules), n->name) > 0)
		nat_apply(rules);
	if (n->tap >= 0)
		close(n->tap);
	n->tap = -1;
}

static struct network *find(const char *name)
{
	struct network *free = NULL;

	for (unsigned i = 0; i < NETWORKS; i++) {
		if (networks[i].used && !strcmp(networks[i].name, name))
			return &networks[i];
		if (!networks[i].used && !free)
			free = &networks[i];
	}
	return free;
}

static void look_at(const char *name)
{
	struct host_words words;
	struct network *n;

	if (!config_name(name) || !(n = find(name)))
		return;
	n->there = true;
	if (!read_words(name, &words)) {
		store_lost |= !io_xen_late(io);	/* it tells of everything again when it is back */
		return;
	}
	if (n->used && !memcmp(&words, &n->words, sizeof(words)))
		return;
	if (n->used)
		close_host(n);
	memset(n, 0, sizeof(*n));
	n->used = n->there = true;
	strcpy(n->name, name);		/* its length was checked */
	n->words = words;
	open_host(n);
}

static void rescan(void)
{
	int count = io->ops->list(io, "/mica/net", names, sizeof(names));
	const char *name = names;

	if (count < 0 && count != -ENOENT) {
		store_lost |= !io_xen_late(io);	/* nothing is known to have changed */
		return;
	}
	for (unsigned i = 0; i < NETWORKS; i++)
		networks[i].there = false;
	for (; count > 0; count--, name += strlen(name) + 1)
		look_at(name);
	for (unsigned i = 0; i < NETWORKS; i++) {
		struct network *n = &networks[i];

		if (!n->used || n->there)
			continue;
		close_host(n);
		note("net %s: removed", n->name);
		n->used = false;
	}
}

static void start_all(void)
{
	for (unsigned i = 0; i < NETWORKS; i++) {
		struct network *n = &networks[i];

		if (!n->used)
			continue;
		keep_running(n, &n->worker, "cannot start its worker", start_worker);
		if (n->config.dhcp && n->tap >= 0)
			keep_running(n, &n->dnsmasq, "cannot start dnsmasq", start_dnsmasq);
	}
}

static void store_changed(void *ctx, const char *path, const char *token)
{
	const char *last = strrchr(path, '/');

	/* What the workers and we write there ourselves. */
	if (last && (strstr(last, "stats") || !strcmp(last, "/error")))
		return;
	changed = true;
	if (!store_lost)
		return;
	store_lost = false;
	for (unsigned i = 0; i < NETWORKS; i++)
		if (networks[i].worker.pid)
			kill(networks[i].worker.pid, SIGTERM);
}

static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* True: end. */
static bool read_signals(int fd)
{
	struct signalfd_siginfo info;
	bool end = false;

	while (read(fd, &info, sizeof(info)) == sizeof(info))
		end |= info.ssi_signo != SIGCHLD;
	reap();
	return end;
}

static bool anybody_waits(void)
{
	for (unsigned i = 0; i < NETWORKS; i++)
		if (networks[i].used && (networks[i].worker.again_ns || networks[i].dnsmasq.again_ns))
			return true;
	return false;
}

int super_run(void)
{
	const char *what;
	int rc = io_xen_open(&io, IO_XEN_STORE, &what), fd = signals();
	bool end = false;

	if (rc || fd < 0) {
		note("error: cannot open %s: %s [MICA-NET-005]", rc ? what : "signals",
		     strerror(rc ? -rc : errno));
		return 1;
	}
	mkdir(settings.capture_dir, 0750);
	io->driver.changed = store_changed;
	rc = io->ops->watch(io, "/mica/net", "net");
	if (rc) {
		note("error: cannot watch the store: %s [MICA-NET-005]", strerror(-rc));
		return 1;
	}
	note("up");
	while (!end) {
		struct pollfd fds[2] = { { .fd = io_xen_fd(io), .events = POLLIN },
					 { .fd = fd, .events = POLLIN } };

		if (changed)
			rescan();
		changed = false;
		start_all();
		if (!io_xen_waiting(io))
			poll(fds, 2, anybody_waits() ? 200 : -1);
		if (io_xen_dispatch(io))
			store_lost = true;
		end = fds[1].revents && read_signals(fd);
	}
	for (unsigned i = 0; i < NETWORKS; i++)
		if (networks[i].used)
			close_host(&networks[i]);
	return 0;
}
