/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One small process per domain that waits for its end and does what its configuration says:
 *
 *	running --(shut down, crashed)--> destroy | preserve | destroy and create again
 *	running --(gone: somebody destroyed it)--> leave
 *	waiting to create again --(its file is removed)--> leave
 *
 * It wakes on the store's @releaseDomain and looks at the hypervisor itself.  The first event shows
 * whether the store says whose end it is; if so only its own domain's wakes it from then on, or each end
 * would wake the monitors of all.  It keeps no state but the configuration, which it reads from
 * MICA_RUN_DIR.  A restart leaves this process behind: the
 * new domain gets a new one.  Log: MICA_LOG_DIR/NAME.log.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <mica/sched.h>

#include "cli/cli.h"
#include "lib/cache.h"
#include "lib/names.h"

#define POLL_MS			60000	/* in case the store lost an event */
#define STORE_RETRY_MS		1000
#define REMOVE_MS		60000

static void log_line(const char *text, ...)
{
	time_t now = time(NULL);
	struct tm tm;
	char stamp[32];
	va_list args;

	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &tm));
	fprintf(stderr, "%s ", stamp);
	va_start(args, text);
	vfprintf(stderr, text, args);
	va_end(args);
	fputc('\n', stderr);
}

/* Becomes a process of its own: session, directory, standard files. */
static void detach(const char *name)
{
	char path[160];
	int null = open("/dev/null", O_RDWR), log;

	mkdir(MICA_LOG_DIR, 0755);
	snprintf(path, sizeof(path), MICA_LOG_DIR "/%s.log", name);
	log = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);
	setsid();
	if (chdir("/"))
		log_line("cannot leave the working directory: %s", strerror(errno));
	dup2(null, 0);
	dup2(null, 1);
	dup2(log >= 0 ? log : null, 2);
	for (int fd = 3; fd < 64; fd++)
		close(fd);
}

/* Others see by this file that somebody acts when the domain ends. */
static int register_self(domid_t id)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", (int)getpid());
	return mica_run_write(id, "monitor", number);
}

/* The process that becomes the monitor; a byte to @up when its number is written down. */
static void become_monitor(domid_t id, int up)
{
	char number[16];

	setsid();		/* Ctrl-C is for who creates, not for this */
	snprintf(number, sizeof(number), "%u", id);
	if (!register_self(id) && write(up, "", 1) == 1)
		/* A new program: the memory of the builder goes back. */
		execl("/proc/self/exe", "mica", "monitor", number, (char *)NULL);
	_exit(127);
}

int monitor_start(domid_t id, const char *config_text, unsigned restarts)
{
	char count[16], ok;
	int status, up[2], rc;
	pid_t child;

	snprintf(count, sizeof(count), "%u", restarts);
	if (mica_run_write(id, "cfg", config_text) || mica_run_write(id, "restarts", count) ||
	    pipe2(up, O_CLOEXEC))
		return -EIO;
	fflush(NULL);
	child = fork();
	if (!child && !fork())
		become_monitor(id, up[1]);
	if (!child)
		_exit(0);
	close(up[1]);
	if (child > 0)
		waitpid(child, &status, 0);
	rc = read(up[0], &ok, 1) == 1 ? 0 : -EIO;
	close(up[0]);
	return rc;
}

struct watch {
	struct mica *m;
	struct mica_store *s;
	domid_t id;
	uint8_t uuid[16];
	struct mica_config config;
	struct mica_domain_config d;
	unsigned restarts;
	uint64_t began_ms;
};

/* As long as somebody watches the name, others need not ask the store for it. */
static void keep_name(struct watch *w)
{
	char name[MICA_NAME_MAX];
	int hold = mica_names_hold(NULL, w->id);

	if (hold < 0)
		return;
	mica_domain_name(w->s, w->id, name);
	if (mica_name_is_valid(name))
		mica_names_set(NULL, w->id, w->uuid, name);
	close(hold);
}

static void watch_store(struct watch *w)
{
	char path[48];

	if (mica_store_open(&w->s))
		return;
	mica_store_watch_domains(w->s, "@releaseDomain", "end");
	snprintf(path, sizeof(path), "/local/domain/%u/name", w->id);
	if (!mica_store_watch(w->s, path, "name"))
		keep_name(w);
}

/* Some domain ended.  Ours, too, is looked at after this, so nothing is missed while it changes. */
static void watch_own(struct watch *w)
{
	char path[32];

	snprintf(path, sizeof(path), "@releaseDomain/%u", w->id);
	if (!mica_store_watch(w->s, path, "own"))
		mica_store_unwatch(w->s, "@releaseDomain", "end");
}

static void lose_store(struct watch *w)
{
	mica_names_set(NULL, w->id, w->uuid, NULL);
	mica_store_close(w->s);
	w->s = NULL;
}

/* A connection that answers: the store may have been started again since ours was made. */
static void need_store(struct watch *w)
{
	if (w->s && mica_store_is_introduced(w->s, 0) < 0)
		lose_store(w);
	while (!w->s && mica_store_open(&w->s))
		usleep(STORE_RETRY_MS * 1000);
}

/* Returns the reason it ended with, or -1 when it is no more. */
static int await_end(struct watch *w)
{
	char *path, *token;
	mica_dominfo info;
	int rc;

	for (;;) {
		rc = mica_domain_info(w->m, w->id, &info);
		if (rc || memcmp(info.handle, w->uuid, sizeof(w->uuid)) ||
		    info.flags & XEN_DOMINF_dying)
			return -1;
		if (info.flags & XEN_DOMINF_shutdown &&
		    shutdown_reason(&info) != SHUTDOWN_suspend)
			return (int)shutdown_reason(&info);
		if (!w->s)
			watch_store(w);
		if (!w->s) {
			usleep(STORE_RETRY_MS * 1000);
			continue;
		}
		rc = mica_store_event(w->s, POLL_MS, &path, &token);
		if (rc == 1) {
			if (!strcmp(token, "name"))
				keep_name(w);
			else if (!strcmp(token, "end") && mica_store_event_domain(path) >= 0)
				watch_own(w);
			free(path);
		} else if (rc < 0) {
			log_line("the store is gone (%s); waiting for it", strerror(-rc));
			lose_store(w);
		}
	}
}

static const struct mica_on_end *policy(const struct watch *w, int reason)
{
	if (reason == SHUTDOWN_reboot)
		return &w->d.on_reboot;
	return reason == SHUTDOWN_poweroff ? &w->d.on_poweroff : &w->d.on_crash;
}

/*
 * Sleep @seconds before a restart.  The file says so to `mica list`, and calls the restart off when
 * it goes (`mica destroy NAME`).  False: called off.
 */
static bool wait_announced(struct watch *w, unsigned seconds)
{
	char when[32], *kept;

	if (!seconds)
		return true;
	log_line("restart in %u s", seconds);
	snprintf(when, sizeof(when), "%lld", (long long)time(NULL) + seconds);
	if (mica_restart_write(w->d.name, when)) {
		sleep(seconds);
		return true;
	}
	for (; seconds; seconds--) {
		sleep(1);
		kept = mica_restart_read(w->d.name);
		if (!kept) {
			log_line("the restart was called off");
			return false;
		}
		free(kept);
	}
	mica_restart_write(w->d.name, NULL);
	return true;
}

static bool wait_before_restart(struct watch *w, const struct mica_on_end *on, int reason)
{
	struct mica_restart plan = mica_restart_plan(on, reason == SHUTDOWN_reboot,
						     now_ms() - w->began_ms, w->restarts);

	w->restarts = plan.restarts;
	if (!plan.again)
		log_line("restarted %u times in a row; that is enough", w->restarts);
	return plan.again && wait_announced(w, plan.wait_s);
}

/* It may have been renamed since it was created. */
static void take_name(struct watch *w)
{
	char name[MICA_NAME_MAX], setting[MICA_NAME_MAX + 8];
	struct mica_error e;

	mica_domain_name(w->s, w->id, name);
	if (!mica_name_is_valid(name))
		return;
	strcpy(w->d.name, name);
	snprintf(setting, sizeof(setting), "name=%s", name);
	mica_config_set(&w->config, setting, &e);
}

static void restart(struct watch *w)
{
	/* Who sees it run finds its monitor, too. */
	const struct mica_create_options o = { .paused = true, .cache_dir = MICA_CACHE_DIR };
	struct mica_error e;
	char *text;
	domid_t id;

	need_store(w);
	if (mica_domain_start(w->m, w->s, &w->d, &o, &id, &e)) {
		log_line("cannot restart '%s': %s [%s]", w->d.name, e.why, e.code->name);
		return;
	}
	log_line("'%s' runs again as domain %u", w->d.name, id);
	text = mica_config_text(&w->config);
	if (!text || monitor_start(id, text, w->restarts))
		log_line("no monitor could be started for it");
	free(text);
	if (mica_domain_resume(w->m, id))
		log_line("it stays paused");
}

static void act(struct watch *w, int reason)
{
	const struct mica_on_end *on = policy(w, reason);
	struct mica_error e;

	take_name(w);
	log_line("'%s' (domain %u) ended: %s", w->d.name, w->id, reason_word((unsigned)reason));
	if (on->action == ACT_PRESERVE) {
		mica_run_write(w->id, "note", "kept as it ended (preserve)");
		mica_run_write(w->id, "monitor", NULL);
		return;
	}
	need_store(w);
	if (mica_domain_remove(w->m, w->s, w->id, REMOVE_MS, &e))
		log_line("%s [%s]", e.why, e.code->name);
	if (on->action == ACT_RESTART && wait_before_restart(w, on, reason))
		restart(w);
}

static int monitor_run(int argc, char **argv)
{
	struct watch *w = calloc(1, sizeof(*w));
	domid_t id = (domid_t)atoi(argv[1]);
	char *text = mica_run_read(id, "cfg"), *count = mica_run_read(id, "restarts");
	struct mica_error e;
	mica_dominfo info;
	int reason, rc;

	if (!w || !text || mica_config_parse(&w->config, "monitor", text, &e) ||
	    mica_domain_config_read(&w->d, &w->config, &e) || mica_open(&w->m))
		return cli_fail("MICA-INT-001", "monitor", "no configuration for domain %u", id);
	mica_close(w->m);
	signal(SIGPIPE, SIG_IGN);	/* a store that is gone is an error like any other */
	if (!cli_opt("foreground"))
		detach(w->d.name);
	if (mica_open(&w->m))
		return EXIT_NOT_FOUND;
	rc = mica_domain_info(w->m, id, &info);
	if (rc == -ESRCH)
		mica_run_remove(id);	/* who created it may have written them after its end */
	if (rc)
		return EXIT_NOT_FOUND;
	memcpy(w->uuid, info.handle, sizeof(w->uuid));
	memcpy(w->d.uuid, info.handle, sizeof(w->d.uuid));	/* a restart is the same domain */
	w->d.has_uuid = true;
	w->id = id;
	w->restarts = count ? (unsigned)atoi(count) : 0;
	w->began_ms = now_ms();
	register_self(id);
	reason = await_end(w);
	mica_names_set(NULL, id, w->uuid, NULL);
	if (reason >= 0)
		act(w, reason);
	else if (mica_domain_info(w->m, id, &info) || !memcmp(info.handle, w->uuid, sizeof(w->uuid)))
		/* Gone or dying, perhaps before its files were written: who removed it missed those. */
		mica_run_remove(id);
	return 0;
}

static const struct command_option monitor_options[] = {
	{ "foreground", 'F', NULL, "stay with this terminal" },
	{ NULL, 0, NULL, NULL },
};

const struct command cmd_monitor = {
	.name = "monitor", .args = "ID", .summary = "act when a domain ends (started by create)",
	.run = monitor_run, .options = monitor_options, .min_args = 1, .max_args = 1,
	.flags = CMD_HIDDEN,
};
