/* unit: dom0-tools/cli/monitor.c dom0-tools/cli/words.c dom0-tools/lib/run.c dom0-tools/lib/restart.c dom0-tools/lib/error.c dom0-tools/lib/parse.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain's monitor between the domain's end and the store's: what it leaves of the domain's files when
 * the end was faster than their writing, and which connection it works with when the store was started
 * again meanwhile.  And that whoever sees a domain run finds its monitor.  This file stands for the
 * hypervisor, the store and the library, and for the program that the monitor becomes.
 */
#include "host.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <mica/sched.h>

#include "cli/cli.h"

extern const struct command cmd_monitor;

#define ID		7

struct cli_options cli;

/* The monitor is a process: what it has ends with it. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

static char dir[] = "/tmp/cli-monitor-XXXXXX";

/* How the domain is found, look by look; the last one stays. */
enum look { ALIVE, DYING, GONE, REBOOT };
static const enum look *looks;

/* Connections to the store: of these, all before `answers` are dead. */
static char connections[4];
static unsigned opened, closed, answers;
static struct mica_store *removed_with, *started_with;
static bool started_paused, resumed;

int mica_open(struct mica **m)
{
	return 0;
}

void mica_close(struct mica *m)
{
}

int mica_domain_info(struct mica *m, domid_t id, mica_dominfo *info)
{
	*info = (mica_dominfo){ .domain = id };
	switch (*looks) {
	case GONE: return -ESRCH;
	case DYING: info->flags = XEN_DOMINF_dying; break;
	case REBOOT:
		info->flags = XEN_DOMINF_shutdown | SHUTDOWN_reboot << XEN_DOMINF_shutdownshift;
		break;
	case ALIVE: looks++; break;
	}
	return 0;
}

int mica_store_open(struct mica_store **s)
{
	assert_true(opened < sizeof(connections));
	*s = (struct mica_store *)(void *)&connections[opened++];
	return 0;
}

void mica_store_close(struct mica_store *s)
{
	closed++;
}

int mica_store_is_introduced(struct mica_store *s, domid_t id)
{
	return (char *)s - connections < (long)answers ? -EPIPE : 1;
}

int mica_store_event(struct mica_store *s, int timeout_ms, char **path, char **token)
{
	return 0;
}

int mica_store_watch(struct mica_store *s, const char *path, const char *token)
{
	return 0;
}

int mica_store_watch_domains(struct mica_store *s, const char *special, const char *token)
{
	return 0;
}

int mica_store_unwatch(struct mica_store *s, const char *path, const char *token)
{
	return 0;
}

int mica_store_event_domain(const char *path)
{
	return -1;
}

void mica_domain_name(struct mica_store *s, domid_t id, char name[MICA_NAME_MAX])
{
	strcpy(name, "guest");
}

static int held = -1;
static unsigned names_set;

int mica_names_hold(const char *path, domid_t id)
{
	assert_int_equal(id, ID);
	held = open("/dev/null", O_RDONLY);
	return held;
}

/* What it is called is looked up and set while nobody renames it. */
int mica_names_set(const char *path, domid_t id, const uint8_t uuid[16], const char *name)
{
	if (name) {
		assert_int_not_equal(fcntl(held, F_GETFD), -1);
		names_set++;
	} else {
		assert_int_equal(fcntl(held, F_GETFD), -1);
	}
	return 0;
}

int mica_config_parse(struct mica_config *c, const char *file, const char *text, struct mica_error *e)
{
	return 0;
}

int mica_config_set(struct mica_config *c, const char *setting, struct mica_error *e)
{
	return 0;
}

char *mica_config_text(const struct mica_config *c)
{
	return strdup("name = \"guest\"");
}

int mica_domain_config_read(struct mica_domain_config *d, const struct mica_config *c,
			    struct mica_error *e)
{
	*d = (struct mica_domain_config){ .on_reboot = { ACT_RESTART, 0, 0 } };
	return 0;
}

int mica_domain_remove(struct mica *m, struct mica_store *s, domid_t id, unsigned timeout_ms,
		       struct mica_error *e)
{
	removed_with = s;
	answers++;			/* and the store is started anew once more */
	mica_run_remove(id);
	return 0;
}

/* The next domain; its monitor is this program, see main(). */
int mica_domain_start(struct mica *m, struct mica_store *s, const struct mica_domain_config *d,
		      const struct mica_create_options *o, domid_t *id, struct mica_error *e)
{
	started_with = s;
	started_paused = o->paused;
	*id = ID + 1;
	return 0;
}

int mica_domain_resume(struct mica *m, domid_t id)
{
	char *monitor = mica_run_read(id, "monitor");

	assert_int_equal(id, ID + 1);
	assert_non_null(monitor);
	assert_int_not_equal(atoi(monitor), 0);
	assert_int_not_equal(atoi(monitor), getpid());
	free(monitor);
	resumed = true;
	mica_run_remove(id);
	return 0;
}

const char *cli_opt_nth(const char *name, unsigned nth)
{
	return "";			/* --foreground */
}

int cli_fail(const char *code, const char *what, const char *why, ...)
{
	return -1;
}

static int files(void)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	int n = 0;

	while (d && (de = readdir(d)))
		n += de->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static int monitor(void)
{
	char *argv[] = { (char *)"monitor", (char *)"7", NULL };

	assert_int_equal(mica_run_write(ID, "cfg", "name = \"guest\""), 0);
	assert_int_equal(mica_run_write(ID, "restarts", "0"), 0);
	opened = closed = 0;
	return cmd_monitor.run(2, argv);
}

static void test_ended_at_once(void **state)
{
	looks = (const enum look[]){ GONE };
	assert_int_equal(monitor(), EXIT_NOT_FOUND);
	assert_int_equal(files(), 0);
	looks = (const enum look[]){ DYING };
	assert_int_equal(monitor(), 0);
	assert_int_equal(files(), 0);
	looks = (const enum look[]){ ALIVE, ALIVE, GONE };
	assert_int_equal(monitor(), 0);
	assert_int_equal(files(), 0);
}

static void test_store_started_again(void **state)
{
	looks = (const enum look[]){ ALIVE, ALIVE, REBOOT };
	answers = 1;
	assert_int_equal(monitor(), 0);
	assert_ptr_equal(removed_with, &connections[1]);
	assert_ptr_equal(started_with, &connections[2]);
	assert_true(names_set > 0);
	assert_true(started_paused);
	assert_true(resumed);
	assert_int_equal(opened, 3);
	assert_int_equal(closed, 2);
	assert_int_equal(files(), 0);
}

static int setup(void **state)
{
	mica_run_dir = dir;
	return !mkdtemp(dir);
}

static int teardown(void **state)
{
	return rmdir(dir);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "monitor"))
		return 0;		/* the new domain's */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ended_at_once), cmocka_unit_test(test_store_started_again),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
