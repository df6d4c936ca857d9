/* unit: dom0-tools/lib/store.c dom0-tools/lib/store_wire.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store client against a daemon played by a thread: requests as they must be on the wire,
 * events between answers, errors by name, directories in parts, a daemon that talks nonsense.
 */
#include "unit.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <mica/io/xenstore.h>

#include "lib/store.h"

struct reply {
	uint32_t want_type;		/* of the request before it */
	const char *want;		/* its payload */
	size_t want_bytes;
	uint32_t type;
	const char *body;
	size_t bytes;
	bool event_first, wrong_id;
};

static struct {
	int fd;
	const struct reply *script;
	int n;
	const char *wrong;
} daemon_;

static void send_message(uint32_t type, uint32_t id, const char *body, size_t bytes)
{
	struct xsd_sockmsg h = { .type = type, .req_id = id, .len = (uint32_t)bytes };

	if (write(daemon_.fd, &h, sizeof(h)) != sizeof(h) ||
	    (bytes && bytes <= 4096 && write(daemon_.fd, body, bytes) != (ssize_t)bytes))
		daemon_.wrong = "cannot write";
}

static void *play(void *unused)
{
	for (int i = 0; i < daemon_.n; i++) {
		const struct reply *r = &daemon_.script[i];
		struct xsd_sockmsg h;
		char body[4096];

		if (recv(daemon_.fd, &h, sizeof(h), MSG_WAITALL) != sizeof(h) ||
		    (h.len && recv(daemon_.fd, body, h.len, MSG_WAITALL) != (ssize_t)h.len)) {
			daemon_.wrong = "no request";
			break;
		}
		if (h.type != r->want_type || h.len != r->want_bytes ||
		    memcmp(body, r->want, h.len))
			daemon_.wrong = r->want;
		if (r->event_first)
			send_message(XS_WATCH_EVENT, 0, "/a/b\0tok", 9);
		send_message(r->type, h.req_id + r->wrong_id, r->body, r->bytes);
	}
	return NULL;
}

static pthread_t thread;

static struct mica_store *begin(const struct reply *script, int n)
{
	struct mica_store *s;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(mica_store_open_fd(&s, fds[0]), 0);
	daemon_.fd = fds[1];
	daemon_.script = script;
	daemon_.n = n;
	daemon_.wrong = NULL;
	pthread_create(&thread, NULL, play, NULL);
	return s;
}

static void end(struct mica_store *s)
{
	mica_store_close(s);
	pthread_join(thread, NULL);
	close(daemon_.fd);
	if (daemon_.wrong)
		fail_msg("daemon: %s", daemon_.wrong);
}

static void test_requests(void **state)
{
	static const struct reply script[] = {
		{ XS_READ, "/x", 3, XS_READ, "value", 5, true, false },
		{ XS_WRITE, "/x\0v7", 5, XS_WRITE, "OK", 3, false, false },
		{ XS_READ, "/no", 4, XS_ERROR, "ENOENT", 7, false, false },
		{ XS_DIRECTORY, "/d", 3, XS_DIRECTORY, "a\0bb\0", 5, false, false },
		{ XS_GET_PERMS, "/x", 3, XS_GET_PERMS, "n0\0r7", 6, false, false },
		{ XS_SET_PERMS, "/x\0b3\0n0", 9, XS_SET_PERMS, "OK", 3, false, false },
		{ XS_INTRODUCE, "7\0" "123\0" "4", 8, XS_INTRODUCE, "OK", 3, false, false },
	};
	struct mica_store *s = begin(script, 7);
	char *value, **names, *path, *token;
	struct mica_perm perms[4];
	size_t bytes;

	assert_int_equal(mica_store_read(s, "/x", &value, &bytes), 0);
	assert_string_equal(value, "value");
	free(value);
	assert_int_equal(mica_store_put(s, "/x", "v%d", 7), 0);
	assert_int_equal(mica_store_read(s, "/no", &value, &bytes), -ENOENT);
	assert_int_equal(mica_store_list(s, "/d", &names), 2);
	assert_string_equal(names[1], "bb");
	free(names);
	assert_int_equal(mica_store_get_perms(s, "/x", perms, 4), 2);
	assert_true(perms[1].access == 'r' && perms[1].domain == 7);
	perms[0] = (struct mica_perm){ 'b', 3 };
	perms[1] = (struct mica_perm){ 'n', 0 };
	assert_int_equal(mica_store_set_perms(s, "/x", perms, 2), 0);
	assert_int_equal(mica_store_introduce(s, 7, 123, 4), 0);
	assert_int_equal(mica_store_event(s, 0, &path, &token), 1);
	assert_string_equal(path, "/a/b");
	assert_string_equal(token, "tok");
	free(path);
	assert_int_equal(mica_store_event(s, 0, &path, &token), 0);
	end(s);
}

static void test_transaction(void **state)
{
	static const struct reply script[] = {
		{ XS_TRANSACTION_START, "", 1, XS_TRANSACTION_START, "42", 3, false, false },
		{ XS_RM, "/x", 3, XS_RM, "OK", 3, false, false },
		{ XS_TRANSACTION_END, "T", 2, XS_ERROR, "EAGAIN", 7, false, false },
	};
	struct mica_store *s = begin(script, 3);

	assert_int_equal(mica_store_end(s, true), -EINVAL);
	assert_int_equal(mica_store_begin(s), 0);
	assert_int_equal(mica_store_begin(s), -EBUSY);
	assert_int_equal(mica_store_rm(s, "/x"), 0);
	assert_int_equal(mica_store_end(s, true), -EAGAIN);
	end(s);
}

/* Sent without waiting; the first failure is the batch's, and what follows still gets its own. */
static void test_batch(void **state)
{
	static const struct reply script[] = {
		{ XS_WRITE, "/a\0" "1", 4, XS_WRITE, "OK", 3, false, false },
		{ XS_MKDIR, "/b", 3, XS_ERROR, "EACCES", 7, true, false },
		{ XS_RM, "/c", 3, XS_ERROR, "ENOENT", 7, false, false },
		{ XS_READ, "/d", 3, XS_READ, "four", 4, false, false },
		{ XS_WRITE, "/e\0" "5", 4, XS_WRITE, "OK", 3, false, false },
	};
	struct mica_store *s = begin(script, 5);
	char *value, *path, *token;
	size_t bytes;

	mica_store_batch(s);
	assert_int_equal(mica_store_put(s, "/a", "1"), 0);
	assert_int_equal(mica_store_mkdir(s, "/b"), 0);
	assert_int_equal(mica_store_rm(s, "/c"), 0);
	/* a question in a batch is answered, after all before it */
	assert_int_equal(mica_store_read(s, "/d", &value, &bytes), 0);
	assert_string_equal(value, "four");
	free(value);
	assert_int_equal(mica_store_batch_end(s), -EACCES);
	mica_store_batch(s);
	mica_store_put(s, "/e", "5");
	assert_int_equal(mica_store_batch_end(s), 0);
	assert_int_equal(mica_store_event(s, 0, &path, &token), 1);
	free(path);
	end(s);
}

#define MANY	200

/* More than are sent at once; a node that is not there is NULL, its neighbours are right. */
static void test_read_many(void **state)
{
	static struct reply script[MANY];
	static char paths[MANY][16], bodies[MANY][16];
	const char *each[MANY];
	char *values[MANY];
	struct mica_store *s;

	for (int i = 0; i < MANY; i++) {
		int n = snprintf(paths[i], sizeof(paths[i]), "/n/%d", i);

		snprintf(bodies[i], sizeof(bodies[i]), "v%d", i);
		each[i] = paths[i];
		script[i] = (struct reply){ XS_READ, paths[i], (size_t)n + 1, XS_READ, bodies[i],
					    strlen(bodies[i]), i % 50 == 3, false };
		if (i % 7 == 2) {
			script[i].type = XS_ERROR;
			script[i].body = "ENOENT";
			script[i].bytes = 7;
		}
	}
	s = begin(script, MANY);
	assert_int_equal(mica_store_read_many(s, MANY, each, values), 0);
	for (int i = 0; i < MANY; i++) {
		if (i % 7 == 2)
			assert_null(values[i]);
		else
			assert_string_equal(values[i], bodies[i]);
		free(values[i]);
	}
	end(s);
}

/* The daemon goes away in the middle: an error, not a wait for ever. */
static void test_batch_cut_off(void **state)
{
	static const struct reply script[] = {
		{ XS_WRITE, "/a\0" "1", 4, XS_WRITE, "OK", 3, false, false },
	};
	const char *paths[] = { "/a", "/b" };
	char *values[2];
	struct mica_store *s = begin(script, 1);

	mica_store_batch(s);
	mica_store_put(s, "/a", "1");
	assert_int_equal(mica_store_batch_end(s), 0);
	pthread_join(thread, NULL);
	close(daemon_.fd);
	signal(SIGPIPE, SIG_IGN);
	assert_true(mica_store_read_many(s, 2, paths, values) < 0);
	assert_null(values[0]);
	mica_store_batch(s);
	mica_store_put(s, "/a", "1");
	mica_store_rm(s, "/b");
	assert_true(mica_store_batch_end(s) < 0);
	mica_store_close(s);
}

static void test_directory_in_parts(void **state)
{
	static const struct reply script[] = {
		{ XS_DIRECTORY, "/d", 3, XS_ERROR, "E2BIG", 6, false, false },
		{ XS_DIRECTORY_PART, "/d\0" "0", 5, XS_DIRECTORY_PART, "9\0a\0", 4, false, false },
		{ XS_DIRECTORY_PART, "/d\0" "2", 5, XS_DIRECTORY_PART, "9\0b\0\0", 5, false, false },
	};
	struct mica_store *s = begin(script, 3);
	char **names;

	assert_int_equal(mica_store_list(s, "/d", &names), 2);
	assert_string_equal(names[0], "a");
	assert_string_equal(names[1], "b");
	free(names);
	end(s);
}

/* --- late answers: the daemon's end is played by hand --- */

static struct mica_store *late_store(void)
{
	struct mica_store *s;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(mica_store_open_fd(&s, fds[0]), 0);
	mica_store_limit(s, 20);
	daemon_.fd = fds[1];
	daemon_.wrong = NULL;
	return s;
}

/* The next request, of this type with this payload; its number. */
static uint32_t request(uint32_t type, const char *want, size_t bytes, uint32_t tx)
{
	struct xsd_sockmsg h;
	char body[4096];

	assert_int_equal(recv(daemon_.fd, &h, sizeof(h), MSG_WAITALL), sizeof(h));
	assert_int_equal(h.type, type);
	assert_int_equal(h.len, bytes);
	assert_int_equal(h.tx_id, tx);
	assert_int_equal(recv(daemon_.fd, body, bytes, MSG_WAITALL), bytes);
	assert_memory_equal(body, want, bytes);
	return h.req_id;
}

static void no_request(void)
{
	char byte;

	assert_int_equal(recv(daemon_.fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void late_end(struct mica_store *s)
{
	char *value, *path, *token;
	size_t bytes;
	uint32_t next;

	/* the connection is as good as new; the answer may lie there before it is asked for */
	while (mica_store_is_late(s))
		assert_int_equal(mica_store_event(s, 0, &path, &token), 0);
	no_request();
	assert_int_equal(mica_store_put(s, "/y", "1"), -ETIMEDOUT);
	next = request(XS_WRITE, "/y\0" "1", 4, 0);
	send_message(XS_WRITE, next, "OK", 3);
	assert_int_equal(mica_store_event(s, 0, &path, &token), 0);
	assert_false(mica_store_is_late(s));
	send_message(XS_READ, next + 1, "v", 1);
	assert_int_equal(mica_store_read(s, "/x", &value, &bytes), 0);
	assert_string_equal(value, "v");
	free(value);
	mica_store_close(s);
	close(daemon_.fd);
	assert_null(daemon_.wrong);
}

/* It is not waited for, nothing more is asked, events are kept back; then all goes on. */
static void test_late_answer(void **state)
{
	struct mica_store *s = late_store();
	char *value, *path, *token;
	size_t bytes;
	uint32_t id;

	assert_int_equal(mica_store_read(s, "/x", &value, &bytes), -ETIMEDOUT);
	assert_true(mica_store_is_late(s));
	id = request(XS_READ, "/x", 3, 0);
	assert_int_equal(mica_store_put(s, "/x", "1"), -ETIMEDOUT);
	assert_int_equal(mica_store_begin(s), -ETIMEDOUT);
	no_request();
	send_message(XS_WATCH_EVENT, 0, "/a/b\0tok", 9);
	for (int i = 0; i < 3; i++)
		assert_int_equal(mica_store_event(s, 0, &path, &token), 0);
	assert_false(mica_store_waiting(s));
	send_message(XS_ERROR, id, "ENOENT", 7);
	assert_int_equal(mica_store_event(s, 1000, &path, &token), 0);
	assert_false(mica_store_is_late(s));
	assert_true(mica_store_waiting(s));
	assert_int_equal(mica_store_event_again(s, "/again", "more"), 0);
	assert_int_equal(mica_store_event(s, 0, &path, &token), 1);
	assert_string_equal(path, "/a/b");
	free(path);
	assert_int_equal(mica_store_event(s, 0, &path, &token), 1);
	assert_string_equal(path, "/again");
	assert_string_equal(token, "more");
	free(path);
	late_end(s);
}

/* A transaction nobody knows of, or has given up, is ended. */
static void test_late_transaction(void **state)
{
	struct mica_store *s = late_store();
	char *value, *path, *token;
	size_t bytes;
	uint32_t id;

	assert_int_equal(mica_store_begin(s), -ETIMEDOUT);
	id = request(XS_TRANSACTION_START, "", 1, 0);
	send_message(XS_TRANSACTION_START, id, "7", 2);
	assert_int_equal(mica_store_event(s, 0, &path, &token), 0);
	assert_true(mica_store_is_late(s));
	id = request(XS_TRANSACTION_END, "F", 2, 7);
	send_message(XS_TRANSACTION_END, id, "OK", 3);
	assert_int_equal(mica_store_event(s, 0, &path, &token), 0);
	assert_false(mica_store_is_late(s));

	send_message(XS_TRANSACTION_START, id + 1, "9", 2);
	assert_int_equal(mica_store_begin(s), 0);
	request(XS_TRANSACTION_START, "", 1, 0);
	assert_int_equal(mica_store_read(s, "/x", &value, &bytes), -ETIMEDOUT);
	assert_int_equal(mica_store_put(s, "/x", "1"), -ETIMEDOUT);
	assert_true(mica_store_end(s, true) < 0);
	id = request(XS_READ, "/x", 3, 9);
	no_request();
	send_message(XS_READ, id, "v", 1);
	assert_int_equal(mica_store_event(s, 0, &path, &token), 0);
	id = request(XS_TRANSACTION_END, "F", 2, 9);
	send_message(XS_ERROR, id, "ENOENT", 7);
	late_end(s);
}

static void test_late_batch(void **state)
{
	struct mica_store *s = late_store();
	const char *const paths[] = { "/a", "/b" };
	char *values[2], *path, *token;

	mica_store_batch(s);
	for (int i = 0; i < 3; i++)
		mica_store_mkdir(s, "/d");
	assert_int_equal(mica_store_batch_end(s), -ETIMEDOUT);
	assert_int_equal(mica_store_read_many(s, 2, paths, values), -ETIMEDOUT);
	for (int i = 0; i < 3; i++) {
		assert_true(mica_store_is_late(s));
		send_message(XS_MKDIR, request(XS_MKDIR, "/d", 3, 0), "OK", 3);
		assert_int_equal(mica_store_event(s, 0, &path, &token), 0);
	}
	assert_false(mica_store_is_late(s));
	late_end(s);
}

static void test_nonsense(void **state)
{
	static const struct reply script[] = {
		{ XS_READ, "/x", 3, XS_READ, "v", 1, false, true },
		{ XS_READ, "/x", 3, XS_ERROR, "EWHAT", 6, false, false },
		{ XS_READ, "/x", 3, XS_READ, "", 5000, false, false },
	};
	struct mica_store *s = begin(script, 3);
	char value[4];

	assert_int_equal(mica_store_get(s, value, 4, "/x"), -EPROTO);
	assert_int_equal(mica_store_get(s, value, 4, "/x"), -EPROTO);
	assert_int_equal(mica_store_get(s, value, 4, "/x"), -EBADMSG);
	end(s);
}

/* A daemon that takes a depth, and one that does not know what that is. */
static void test_watch_domains(void **state)
{
	static const struct reply script[] = {
		{ XS_WATCH, "@releaseDomain\0end\0" "1", 21, XS_WATCH, "OK", 3, false, false },
		{ XS_WATCH, "@releaseDomain\0end\0" "1", 21, XS_ERROR, "EINVAL", 7, false, false },
		{ XS_WATCH, "@releaseDomain\0end", 19, XS_WATCH, "OK", 3, false, false },
		{ XS_WATCH, "@releaseDomain\0end\0" "1", 21, XS_ERROR, "EEXIST", 7, false, false },
	};
	struct mica_store *s = begin(script, 4);

	assert_int_equal(mica_store_watch_domains(s, "@releaseDomain", "end"), 0);
	assert_int_equal(mica_store_watch_domains(s, "@releaseDomain", "end"), 0);
	assert_int_equal(mica_store_watch_domains(s, "@releaseDomain", "end"), -EEXIST);
	end(s);
}

static void test_event_domain(void **state)
{
	assert_int_equal(mica_store_event_domain("@releaseDomain/7"), 7);
	assert_int_equal(mica_store_event_domain("@introduceDomain/0"), 0);
	assert_int_equal(mica_store_event_domain("@introduceDomain/32751"), 32751);
	assert_int_equal(mica_store_event_domain("@introduceDomain/32752"), -1);
	assert_int_equal(mica_store_event_domain("@introduceDomain/99999999999999999999"), -1);
	assert_int_equal(mica_store_event_domain("@releaseDomain"), -1);
	assert_int_equal(mica_store_event_domain("@releaseDomain/"), -1);
	assert_int_equal(mica_store_event_domain("@releaseDomain/7x"), -1);
	assert_int_equal(mica_store_event_domain("@releaseDomain/7/8"), -1);
	assert_int_equal(mica_store_event_domain("@releaseDomain/-7"), -1);
	assert_int_equal(mica_store_event_domain("/local/domain/7"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests), cmocka_unit_test(test_batch), cmocka_unit_test(test_read_many),
		cmocka_unit_test(test_batch_cut_off), cmocka_unit_test(test_transaction),
		cmocka_unit_test(test_directory_in_parts), cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_late_answer), cmocka_unit_test(test_late_transaction),
		cmocka_unit_test(test_late_batch),
		cmocka_unit_test(test_watch_domains), cmocka_unit_test(test_event_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
