/* unit: dom0-tools/io/io_xen_store.c dom0-tools/lib/store.c dom0-tools/lib/store_wire.c tests/unit/lib/fake_store.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store of the real world when it is late: its lock is held, so that it does not answer.  The
 * connection stays, watches become what the driver wanted meanwhile, and every one fires.
 */
#include "unit.h"
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "../lib/fake_store.h"
#include "io/io_xen_priv.h"

#define LIMIT_MS	300		/* more than one takes that answers */

static struct fake_store *f;
static struct mica_store *client;
static struct io_xen x;
static struct { char path[64], token[16]; } seen[64];
static unsigned n_seen, silent_at;	/* the event that finds the store silent, 1 the next; 0: none */
static int answered;			/* what the driver's read got */

static void changed(void *ctx, const char *path, const char *token)
{
	char value[16];

	snprintf(seen[n_seen].path, sizeof(seen[0].path), "%s", path);
	snprintf(seen[n_seen++].token, sizeof(seen[0].token), "%s", token);
	if (silent_at && !--silent_at)
		pthread_mutex_lock(&f->lock);
	answered = xen_read(&x.io, "/key", value, sizeof(value));
}

static unsigned times_seen(const char *path, const char *token)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_seen; i++)
		n += !strcmp(seen[i].path, path) && !strcmp(seen[i].token, token);
	return n;
}

static int make(void **state)
{
	struct epoll_event ev = { .events = EPOLLIN };

	f = fake_store_new(&client);
	fake_store_set(f, "/key", "1");
	x = (struct io_xen){ .store = client, .store_fd = mica_store_fd(client),
			     .io.driver.changed = changed };
	x.epoll = epoll_create1(EPOLL_CLOEXEC);
	x.retry = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	ev.data.fd = x.store_fd;
	assert_int_equal(epoll_ctl(x.epoll, EPOLL_CTL_ADD, x.store_fd, &ev), 0);
	n_seen = silent_at = 0;
	return 0;
}

static int end(void **state)
{
	xen_store_close(&x);
	fake_store_free(f);
	close(x.epoll);
	return close(x.retry);
}

/* Dispatch until there is nothing more to come. */
static void settle(void)
{
	struct pollfd wait = { .fd = x.epoll, .events = POLLIN };

	do {
		assert_int_equal(xen_store_dispatch(&x), 0);
		assert_ptr_equal(x.store, client);
	} while (io_xen_late(&x.io) ? poll(&wait, 1, 60000) > 0 :
		 xen_store_waiting(&x) || poll(&wait, 1, 50) > 0);
	assert_false(io_xen_late(&x.io));
}

static void change(const char *path)
{
	pthread_mutex_lock(&f->lock);
	fake_store_set(f, path, "2");
	pthread_mutex_unlock(&f->lock);
}

/* While it is silent the driver waits once; all that it wants is done later. */
static void a_late_store_is_not_lost(void **state)
{
	char value[16];

	assert_int_equal(xen_watch(&x.io, "/kept", "k"), 0);
	assert_int_equal(xen_watch(&x.io, "/old", "o"), 0);
	assert_int_equal(xen_watch(&x.io, "/twice", "t"), 0);
	settle();
	assert_int_equal(n_seen, 3);
	io_xen_answer_limit(&x.io, LIMIT_MS);
	pthread_mutex_lock(&f->lock);
	assert_int_equal(xen_read(&x.io, "/key", value, sizeof(value)), -ETIMEDOUT);
	assert_true(io_xen_late(&x.io));
	io_xen_answer_limit(&x.io, 1000000);	/* nothing waits now */
	assert_int_equal(xen_write(&x.io, "/key", "3"), -ETIMEDOUT);
	assert_int_equal(xen_begin(&x.io), -ETIMEDOUT);
	assert_int_equal(xen_watch(&x.io, "/new", "n"), 0);
	assert_int_equal(xen_unwatch(&x.io, "/old", "o"), 0);
	assert_int_equal(xen_unwatch(&x.io, "/old", "o"), -ENOENT);
	assert_int_equal(xen_unwatch(&x.io, "/twice", "t"), 0);
	assert_int_equal(xen_watch(&x.io, "/twice", "t"), 0);
	assert_int_equal(xen_store_dispatch(&x), 0);
	assert_int_equal(n_seen, 3);
	pthread_mutex_unlock(&f->lock);
	settle();
	assert_int_equal(times_seen("/kept", "k"), 2);
	assert_int_equal(times_seen("/twice", "t"), 2);
	assert_int_equal(times_seen("/new", "n"), 1);
	assert_int_equal(times_seen("/old", "o"), 1);
	assert_int_equal(answered, 0);
	change("/kept/a");
	change("/old/a");
	change("/new/a");
	change("/twice/a");
	settle();
	assert_int_equal(times_seen("/kept/a", "k"), 1);
	assert_int_equal(times_seen("/new/a", "n"), 1);
	assert_int_equal(times_seen("/twice/a", "t"), 1);
	assert_int_equal(times_seen("/old/a", "o"), 0);
	assert_int_equal(xen_write(&x.io, "/key", "4"), 0);
	assert_int_equal(xen_unwatch(&x.io, "/kept", "k"), 0);
}

/* What the driver could not look at, it hears of again; so it is while all watches fire again. */
static void an_event_in_vain_comes_again(void **state)
{
	assert_int_equal(xen_watch(&x.io, "/a", "a"), 0);
	assert_int_equal(xen_watch(&x.io, "/b", "b"), 0);
	settle();
	io_xen_answer_limit(&x.io, LIMIT_MS);
	for (unsigned at = 1; at <= 2; at++) {
		n_seen = 0;
		change("/a/x");
		change("/b/x");
		silent_at = at;
		assert_int_equal(xen_store_dispatch(&x), 0);
		assert_true(io_xen_late(&x.io));
		assert_int_equal(answered, -ETIMEDOUT);
		assert_int_equal(n_seen, at);
		silent_at = 2;				/* again, while it catches up */
		pthread_mutex_unlock(&f->lock);
		while (silent_at) {
			struct pollfd wait = { .fd = x.epoll, .events = POLLIN };

			poll(&wait, 1, 60000);
			assert_int_equal(xen_store_dispatch(&x), 0);
		}
		assert_true(io_xen_late(&x.io));
		pthread_mutex_unlock(&f->lock);
		settle();
		assert_int_equal(answered, 0);
		assert_true(times_seen("/a/x", "a") >= 1 && times_seen("/b/x", "b") >= 1);
		assert_true(times_seen("/a/x", "a") + times_seen("/b/x", "b") >= 3);
		assert_true(times_seen("/a", "a") >= 1 && times_seen("/b", "b") >= 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_late_store_is_not_lost, make, end),
		cmocka_unit_test_setup_teardown(an_event_in_vain_comes_again, make, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
