/* unit: dom0-tools/consoled/watch.c dom0-tools/lib/store.c dom0-tools/lib/store_wire.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the console daemon asks the store, and when: with a store that says which domain came or went it
 * asks about that one, with one that does not, about all.  This file plays the store at the other end of a
 * socket, counts the questions, and stands for the guests.
 */
#include "host.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <mica/io/xenstore.h>

#include "consoled/consoled.h"

#define DOMAINS		8

/* --- the guests --- */

static struct guest guests[DOMAINS];
static struct source *store_source;
static unsigned connects;

struct guest *guest_find(domid_t id)
{
	return id < DOMAINS && guests[id].id && guests[id].state != GUEST_GONE ? &guests[id] : NULL;
}

struct guest *guest_first(void)
{
	for (int i = 0; i + 1 < DOMAINS; i++)
		guests[i].next = &guests[i + 1];
	return &guests[0];
}

struct guest *guest_new(domid_t id, bool resumed)
{
	assert_true(id < DOMAINS);
	guests[id].id = id;
	guests[id].state = GUEST_WAITING;
	return &guests[id];
}

int guest_connect(struct guest *g, const char *name, uint64_t mfn, uint32_t port, size_t limit)
{
	assert_int_equal(mfn, 100 + g->id);
	assert_int_equal(port, 1);
	g->state = GUEST_UP;
	connects++;
	return 0;
}

void guest_release(struct guest *g)
{
	assert_int_equal(g->state, GUEST_UP);
	g->state = GUEST_GONE;
}

int loop_add(struct source *s, uint32_t wanted)
{
	store_source = s;
	return 0;
}

void loop_need_tick(void)
{
}

uint64_t loop_now_ms(void)
{
	return 0;
}

void note(const char *fmt, ...)
{
}

/* --- the store --- */

static char dir[] = "/tmp/consoled-watch-XXXXXX", path[64];
static int listener, peer;
static pthread_t thread;
static bool introduced[DOMAINS], knows_depth;
static unsigned asked_introduced, asked_list, asked_reads;
/* A transaction: what it wrote, how often it is to be disturbed, how it ended. */
static unsigned disturb, commits, aborts, writes_outside;
static char written[128];

static void answer(uint32_t type, uint32_t id, const char *body, size_t bytes)
{
	char message[256];
	struct xsd_sockmsg h = { .type = type, .req_id = id, .len = (uint32_t)bytes };

	memcpy(message, &h, sizeof(h));
	memcpy(message + sizeof(h), body, bytes);
	if (send(peer, message, sizeof(h) + bytes, MSG_NOSIGNAL) < 0)
		abort();
}

static size_t list(char *out)
{
	size_t n = 0;

	for (int i = 0; i < DOMAINS; i++)
		if (introduced[i])
			n += (size_t)sprintf(out + n, "%d", i) + 1;
	return n;
}

/* The value of a node; NULL: there is none. */
static const char *value_of(const char *node, char *value)
{
	unsigned id;
	char leaf[32];

	if (sscanf(node, "/local/domain/%u/%31s", &id, leaf) != 2 || id >= DOMAINS || !introduced[id])
		return NULL;
	if (!strcmp(leaf, "console/ring-ref"))
		sprintf(value, "%u", 100 + id);
	else if (!strcmp(leaf, "console/port"))
		strcpy(value, "1");
	else if (!strcmp(leaf, "name"))
		sprintf(value, "guest%u", id);
	else
		return NULL;
	return value;
}

static void serve(const struct xsd_sockmsg *h, const char *body)
{
	size_t two = strlen(body) + 1 + strlen(body + strlen(body) + 1) + 1;
	const char *value;
	char out[128];

	switch (h->type) {
	case XS_WATCH:
		if (h->len > two && !knows_depth) {
			answer(XS_ERROR, h->req_id, "EINVAL", 7);
			return;
		}
		if (h->len > two && strcmp(body + two, "1"))
			abort();
		answer(h->type, h->req_id, "OK", 3);
		return;
	case XS_DIRECTORY:
		asked_list++;
		answer(h->type, h->req_id, out, list(out));
		return;
	case XS_IS_DOMAIN_INTRODUCED:
		asked_introduced++;
		answer(h->type, h->req_id, introduced[atoi(body)] ? "T" : "F", 2);
		return;
	case XS_READ:
		asked_reads++;
		value = value_of(body, out);
		answer(value ? h->type : XS_ERROR, h->req_id, value ? value : "ENOENT",
		       value ? strlen(value) : 7);
		return;
	case XS_TRANSACTION_START:
		written[0] = 0;
		answer(h->type, h->req_id, "7", 2);
		return;
	case XS_WRITE:
		writes_outside += h->tx_id != 7;
		snprintf(written, sizeof(written), "%s=%s", body, body + strlen(body) + 1);
		answer(h->type, h->req_id, "OK", 3);
		return;
	case XS_TRANSACTION_END:
		if (strcmp(body, "T")) {
			aborts++;
		} else if (disturb) {
			disturb--;
			answer(XS_ERROR, h->req_id, "EAGAIN", 7);
			return;
		} else {
			commits++;
		}
		answer(h->type, h->req_id, "OK", 3);
		return;
	default:
		answer(h->type, h->req_id, "OK", 3);
	}
}

static void *run(void *arg)
{
	struct xsd_sockmsg h;
	char body[512];

	peer = accept(listener, NULL, NULL);
	while (recv(peer, &h, sizeof(h), MSG_WAITALL) == sizeof(h) && h.len < sizeof(body) - 2 &&
	       (!h.len || recv(peer, body, h.len, MSG_WAITALL) == (ssize_t)h.len)) {
		body[h.len] = body[h.len + 1] = 0;
		serve(&h, body);
	}
	close(peer);
	return NULL;
}

/* An event, and all that the daemon does about it. */
static void event(const char *what, const char *token)
{
	char body[128];
	size_t n = strlen(what) + 1 + strlen(token) + 1;

	memcpy(body, what, strlen(what) + 1);
	memcpy(body + strlen(what) + 1, token, strlen(token) + 1);
	asked_introduced = asked_list = asked_reads = connects = 0;
	answer(XS_WATCH_EVENT, 0, body, n);
	store_source->ready(store_source, EPOLLIN);
}

static void begin(bool depth)
{
	knows_depth = depth;
	memset(guests, 0, sizeof(guests));
	for (int i = 0; i < DOMAINS; i++)
		guests[i].state = GUEST_GONE;
	memset(introduced, 0, sizeof(introduced));
	introduced[1] = introduced[2] = true;
	pthread_create(&thread, NULL, run, NULL);
	assert_int_equal(watch_start(), 0);
	assert_int_equal(guests[1].state, GUEST_UP);
	assert_int_equal(guests[2].state, GUEST_UP);
	assert_int_equal(guests[3].state, GUEST_GONE);
}

/* The store goes; the daemon notices and forgets the connection. */
static void end(void)
{
	shutdown(peer, SHUT_RDWR);
	pthread_join(thread, NULL);
	store_source->ready(store_source, EPOLLIN);
	assert_true(watch_tick());
}

static void test_named(void **state)
{
	begin(true);
	introduced[3] = true;
	event("@introduceDomain/3", "in");
	assert_int_equal(guests[3].state, GUEST_UP);
	assert_int_equal(asked_introduced, 1);
	assert_int_equal(asked_list, 0);
	assert_int_equal(connects, 1);
	/* it shut down, and is there still */
	event("@releaseDomain/2", "out");
	assert_int_equal(guests[2].state, GUEST_UP);
	assert_int_equal(asked_introduced, 1);
	introduced[2] = false;
	event("@releaseDomain/2", "out");
	assert_int_equal(guests[2].state, GUEST_GONE);
	assert_int_equal(asked_introduced, 1);
	assert_int_equal(asked_list + asked_reads, 0);
	assert_int_equal(guests[1].state, GUEST_UP);
	end();
}

/* Known, gone before we asked, none of ours, or dom0: no question too many, and no guest. */
static void test_nothing_to_do(void **state)
{
	begin(true);
	event("@introduceDomain/2", "in");
	assert_int_equal(asked_introduced + asked_list + asked_reads, 0);
	event("@releaseDomain/5", "out");
	assert_int_equal(asked_introduced + asked_list + asked_reads, 0);
	event("@introduceDomain/0", "in");
	assert_int_equal(asked_introduced + asked_list + asked_reads, 0);
	event("@introduceDomain/4", "in");
	assert_int_equal(asked_introduced, 1);
	assert_int_equal(guests[4].state, GUEST_GONE);
	assert_int_equal(connects, 0);
	end();
}

static void test_plain(void **state)
{
	begin(false);
	introduced[3] = true;
	introduced[1] = false;
	event("@introduceDomain", "in");
	assert_int_equal(guests[3].state, GUEST_UP);
	assert_int_equal(asked_list, 1);
	assert_int_equal(connects, 1);
	event("@releaseDomain", "out");
	assert_int_equal(asked_introduced, 3);
	assert_int_equal(guests[1].state, GUEST_GONE);
	assert_int_equal(guests[2].state, GUEST_UP);
	assert_int_equal(guests[3].state, GUEST_UP);
	end();
}

/* The terminal is written while the domain is there, and never makes a directory for one that went. */
static void test_tty(void **state)
{
	begin(true);
	strcpy(guests[2].tty, "/dev/pts/9");
	commits = aborts = writes_outside = 0;
	disturb = 2;
	watch_publish_tty(&guests[2]);
	assert_string_equal(written, "/local/domain/2/console/tty=/dev/pts/9");
	assert_int_equal(disturb, 0);
	assert_int_equal(commits, 1);
	introduced[2] = false;
	watch_publish_tty(&guests[2]);
	assert_string_equal(written, "");
	assert_int_equal(commits, 1);
	assert_int_equal(aborts, 1);
	assert_int_equal(writes_outside, 0);
	end();
}

static int setup(void **state)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/socket", dir);
	strcpy(a.sun_path, path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setenv("XENSTORED_PATH", path, 1);
	return bind(listener, (struct sockaddr *)&a, sizeof(a)) || listen(listener, 1);
}

static int teardown(void **state)
{
	close(listener);
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named), cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_plain), cmocka_unit_test(test_tty),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
