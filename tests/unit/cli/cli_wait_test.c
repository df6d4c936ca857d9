/* unit: dom0-tools/cli/control.c dom0-tools/cli/console.c dom0-tools/lib/store.c dom0-tools/lib/store_wire.c dom0-tools/lib/error.c tests/unit/lib/fake_store.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What verbs that wait for a guest do when the answer and the limit come at the same time, or no answer
 * comes: over a fake store, with a clock of our own, and with one domain that is there or gone.
 */
#include "host.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "../lib/fake_store.h"

#define NODE		"/local/domain/7/control/shutdown"
#define FAILED		99

struct cli_options cli;
static uint64_t ahead_ms;		/* of the real clock */
static bool gone;

uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 + ahead_ms;
}

int mica_domain_info(struct mica *m, domid_t id, mica_dominfo *info)
{
	*info = (mica_dominfo){ .domain = id };
	return gone ? -ESRCH : 0;
}

int cli_fail(const char *code, const char *what, const char *why, ...)
{
	return FAILED;
}

int cli_report(struct mica_error *e)
{
	return FAILED;
}

/* --- what these tests do not reach --- */

const char *cli_opt_nth(const char *name, unsigned nth)
{
	return NULL;
}

void cli_say(const char *text, ...)
{
}

int cli_each(int argc, char **argv, const char *verb, bool need_store,
	     int (*act)(struct target *t, struct mica_error *e))
{
	return FAILED;
}

int cli_open_both(struct mica **m, struct mica_store **s)
{
	return FAILED;
}

int cli_target(struct target *t, struct mica *m, struct mica_store *s, const char *word)
{
	return FAILED;
}

int cli_target_or_none(struct target *t, struct mica *m, struct mica_store *s, const char *word)
{
	return FAILED;
}

const char *state_word(const mica_dominfo *info)
{
	return "";
}

unsigned shutdown_reason(const mica_dominfo *info)
{
	return 0;
}

const char *reason_word(unsigned reason)
{
	return "";
}

int mica_domain_list(struct mica *m, mica_dominfo **list)
{
	return -ENOSYS;
}

int mica_domain_remove(struct mica *m, struct mica_store *s, domid_t id, unsigned timeout_ms,
		       struct mica_error *e)
{
	return -ENOSYS;
}

char *mica_run_read(domid_t id, const char *what)
{
	return NULL;
}

int mica_config_parse(struct mica_config *c, const char *source, const char *text,
		      struct mica_error *e)
{
	return -ENOSYS;
}

void mica_config_free(struct mica_config *c)
{
}

int mica_domain_config_read(struct mica_domain_config *d, const struct mica_config *c,
			    struct mica_error *e)
{
	return -ENOSYS;
}

void mica_domain_config_free(struct mica_domain_config *d)
{
}

void mica_close(struct mica *m)
{
}

/* --- a request to shut down --- */

/* The guest takes it, but whoever asked sees that only when the time is over. */
static void take_late(struct fake_store *f, const char *path, const char *value)
{
	if (strcmp(path, NODE) || !value || !value[0])
		return;
	fake_store_set(f, NODE, "");
	ahead_ms += 1000000;
}

/* It shuts down, and is gone with its nodes before whoever asked looks again. */
static void go_late(struct fake_store *f, const char *path, const char *value)
{
	if (strcmp(path, NODE) || !value || !value[0])
		return;
	gone = true;
	fake_store_rm(f, "/local/domain/7");
	ahead_ms += 1000000;
}

static void ignore(struct fake_store *f, const char *path, const char *value)
{
	ahead_ms += 1000000;
}

static int ask(void (*guest)(struct fake_store *f, const char *path, const char *value),
	       const char *left)
{
	struct target t = { .id = 7, .name = "guest" };
	struct fake_store *f = fake_store_new(&t.s);
	struct mica_error e;
	int rc;

	gone = false;
	fake_store_set(f, NODE, "");
	f->on_write = guest;
	rc = control_request(&t, "poweroff", &e);
	if (left)
		assert_string_equal(fake_store_get(f, NODE), left);
	else
		assert_null(fake_store_get(f, NODE));
	mica_store_close(t.s);
	fake_store_free(f);
	return rc;
}

static void test_request(void **state)
{
	assert_int_equal(ask(take_late, ""), 0);
	assert_int_equal(ask(go_late, NULL), 0);
	assert_true(ask(ignore, "") < 0);
}

/* --- a terminal that never comes --- */

static void test_no_terminal(void **state)
{
	struct mica_store *s;
	struct fake_store *f = fake_store_new(&s);

	fake_store_set(f, "/local/domain/7/console/tty", "");
	cli.timeout_ms = 50;
	assert_int_equal(console_attach(s, 7, 0, true, true, true), FAILED);
	assert_int_equal(f->nr_watches, 0);
	cli.timeout_ms = 0;
	mica_store_close(s);
	fake_store_free(f);
}

/* --- a domain that goes before its console's last bytes were read --- */

static char dir[] = "/tmp/cli-wait-XXXXXX";

struct console {
	struct fake_store *store;
	int listener;
};

/* The console daemon, which hears of the end after everybody else. */
static void *serve_console(void *arg)
{
	struct console *c = arg;
	int fd = accept(c->listener, NULL, NULL);
	char request[64];

	if (read(fd, request, sizeof(request)) <= 0 || write(fd, "ok guest\nfirst, ", 16) != 16)
		abort();
	for (bool seen = false; !seen; usleep(1000)) {		/* it is being watched */
		pthread_mutex_lock(&c->store->lock);
		seen = c->store->nr_watches == 1;
		if (seen)
			fake_store_rm(c->store, "/local/domain/7");
		pthread_mutex_unlock(&c->store->lock);
	}
	usleep(200000);
	if (write(fd, "last", 4) != 4)
		abort();
	close(fd);
	return NULL;
}

static void test_last_words(void **state)
{
	struct console c = { .listener = socket(AF_UNIX, SOCK_STREAM, 0) };
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char seen[64] = "";
	struct mica_store *s;
	pthread_t thread;
	int out[2], before = dup(1);

	assert_non_null(mkdtemp(dir));
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/sock", dir);
	assert_int_equal(bind(c.listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(c.listener, 1), 0);
	setenv("MICA_CONSOLE_SOCKET", at.sun_path, 1);
	c.store = fake_store_new(&s);
	fake_store_set(c.store, "/local/domain/7/console/tty", "/dev/null");
	fake_store_set(c.store, "/local/domain/7/domid", "7");
	assert_int_equal(pipe(out), 0);
	pthread_create(&thread, NULL, serve_console, &c);
	fflush(stdout);
	dup2(out[1], 1);
	assert_int_equal(console_attach(s, 7, 0, true, true, true), 0);
	dup2(before, 1);
	pthread_join(thread, NULL);
	assert_true(read(out[0], seen, sizeof(seen) - 1) > 0);
	assert_string_equal(seen, "first, last");
	close(out[0]);
	close(out[1]);
	close(before);
	close(c.listener);
	unlink(at.sun_path);
	rmdir(dir);
	mica_store_close(s);
	fake_store_free(c.store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request), cmocka_unit_test(test_no_terminal),
		cmocka_unit_test(test_last_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
