/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which domains there are and where their consoles are, from the store.
 *
 * @introduceDomain and @releaseDomain say that the set changed, and with a store that can, for which
 * domain: only that one is asked about.  Else, and at the start, all are.
 * /local/domain/N/console is watched for each domain: name, ring-ref, port, limit and type may
 * come in any order.  The store may restart: then everything is asked again, and consoles that are
 * up go on meanwhile, because they need no store.
 *
 *	no store --connected--> listening --connection lost--> no store, tried again each second
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "consoled/consoled.h"
#include "lib/store.h"

#define RETRY_MS	1000
#define ANSWER_S	60	/* a store that is silent for so long counts as gone */
#define TRIES		50	/* of a transaction that others disturb */

static struct mica_store *store;
static struct source store_io = { .fd = -1 };
static uint64_t retry_ms;
static bool first_scan = true;

/* The descriptor belongs to the client, which closes it; the loop forgets it by itself then. */
static void store_lost(int rc)
{
	if (!store)
		return;
	note("the store does not answer (%s); consoles go on, looking for it", strerror(-rc));
	store_io.fd = -1;
	mica_store_close(store);
	store = NULL;
	retry_ms = loop_now_ms() + RETRY_MS;
	loop_need_tick();
}

/* Errors of the connection, as opposed to answers. */
static bool is_lost(int rc)
{
	switch (rc) {
	case -ENOENT:
	case -EACCES:
	case -EINVAL:
	case -EEXIST:
	case -ERANGE:
	case -ENOSPC:
	case -EISDIR:
	case -EPERM:
		return false;
	default:
		return rc < 0;
	}
}

static int get_number(const char *what, domid_t id, uint64_t *value)
{
	char text[32], *end;
	int rc = mica_store_get(store, text, sizeof(text), "/local/domain/%u/console/%s", id, what);

	if (rc)
		return rc;
	*value = strtoull(text, &end, 10);
	return *end || !text[0] ? -EINVAL : 0;
}

/* All or nothing: written after the domain was removed, it would make a directory that nobody removes. */
static int put_tty(const struct guest *g, const char *path)
{
	uint64_t mfn;
	int end, rc = mica_store_begin(store);

	if (rc)
		return rc;
	rc = get_number("ring-ref", g->id, &mfn);
	if (!rc)
		rc = mica_store_put(store, path, "%s", g->tty);
	end = mica_store_end(store, !rc);
	return rc ? rc : end;
}

void watch_publish_tty(struct guest *g)
{
	char path[64];
	int rc, tries = 0;

	if (!store)
		return;
	snprintf(path, sizeof(path), "/local/domain/%u/console/tty", g->id);
	do {
		rc = put_tty(g, path);
	} while (rc == -EAGAIN && ++tries < TRIES);
	if (rc && rc != -ENOENT)
		note("guest %s: cannot write %s: %s", g->name, path, strerror(-rc));
}

/* Read a domain's console nodes; incomplete ones are left for the next event. */
static int look_at(struct guest *g)
{
	uint64_t mfn = 0, port = 0, limit = 0;
	char name[128], type[32];
	int rc;

	rc = mica_store_get(store, type, sizeof(type), "/local/domain/%u/console/type", g->id);
	if (!rc && strcmp(type, "xenconsoled"))
		return 0;			/* a device model serves it */
	rc = is_lost(rc) ? rc : get_number("ring-ref", g->id, &mfn);
	if (!rc)
		rc = get_number("port", g->id, &port);
	if (rc)
		return rc;
	rc = get_number("limit", g->id, &limit);
	if (is_lost(rc))
		return rc;
	rc = mica_store_get(store, name, sizeof(name), "/local/domain/%u/name", g->id);
	if (rc)
		snprintf(name, sizeof(name), "%u", g->id);
	if (is_lost(rc))
		return rc;
	guest_connect(g, name, mfn, (uint32_t)port, limit);
	return 0;
}

static int new_domain(domid_t id)
{
	char path[64], token[16];
	struct guest *g = guest_new(id, first_scan);
	int rc;

	if (!g)
		return 0;
	snprintf(path, sizeof(path), "/local/domain/%u/console", id);
	snprintf(token, sizeof(token), "%u", id);
	rc = mica_store_watch(store, path, token);
	if (rc && rc != -EEXIST)
		note("cannot watch %s: %s", path, strerror(-rc));
	return look_at(g);
}

/* Does it still exist, as far as the store knows? */
static int check_one(struct guest *g)
{
	char path[64], token[16];
	int rc = mica_store_is_introduced(store, g->id);

	if (rc)
		return is_lost(rc) ? rc : 0;
	snprintf(path, sizeof(path), "/local/domain/%u/console", g->id);
	snprintf(token, sizeof(token), "%u", g->id);
	mica_store_unwatch(store, path, token);
	guest_release(g);
	return 0;
}

static int check_known(void)
{
	struct guest *g, *next;
	int rc = 0;

	for (g = guest_first(); g && !rc; g = next) {
		next = g->next;
		if (g->state != GUEST_GONE)
			rc = check_one(g);
	}
	return rc;
}

static int find_one(unsigned long id)
{
	int rc;

	if (!id || id >= DOMID_FIRST_RESERVED || guest_find((domid_t)id))
		return 0;
	rc = mica_store_is_introduced(store, (domid_t)id);
	if (rc > 0)
		rc = new_domain((domid_t)id);
	return is_lost(rc) ? rc : 0;
}

static int find_new(void)
{
	int n, rc = 0;
	char **names;

	n = mica_store_list(store, "/local/domain", &names);
	if (n < 0)
		return is_lost(n) ? n : 0;
	for (int i = 0; i < n && !rc; i++)
		rc = find_one(strtoul(names[i], NULL, 10));
	free(names);
	return rc;
}

/* A start or an end must not cost a question for each that runs. */
static int set_changed(bool came, int id)
{
	struct guest *g;

	if (id < 0)
		return came ? find_new() : check_known();
	if (came)
		return find_one((unsigned long)id);
	g = guest_find((domid_t)id);
	return g ? check_one(g) : 0;
}

static int handle(const char *path, const char *token)
{
	struct guest *g;
	int rc;

	if (path[0] == '@')
		return set_changed(!strcmp(token, "in"), mica_store_event_domain(path));
	g = guest_find((domid_t)strtoul(token, NULL, 10));
	rc = g ? look_at(g) : 0;
	return is_lost(rc) ? rc : 0;
}

/* Events that came while a request waited for its answer are in the client, not in the socket. */
static void store_ready(struct source *s, uint32_t events)
{
	char *path, *token;
	int rc;

	while (store && (rc = mica_store_event(store, 0, &path, &token)) > 0) {
		rc = handle(path, token);
		free(path);
		if (rc)
			break;
	}
	if (store && rc < 0)
		store_lost(rc);
}

/* Everything anew: watches, and what happened while nobody listened. */
static int begin(void)
{
	struct timeval limit = { .tv_sec = ANSWER_S };
	char path[64], token[16];
	int rc;

	setsockopt(mica_store_fd(store), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	rc = mica_store_watch_domains(store, "@introduceDomain", "in");
	if (!rc)
		rc = mica_store_watch_domains(store, "@releaseDomain", "out");
	for (struct guest *g = guest_first(); g && !rc; g = g->next) {
		if (g->state == GUEST_GONE)
			continue;
		snprintf(path, sizeof(path), "/local/domain/%u/console", g->id);
		snprintf(token, sizeof(token), "%u", g->id);
		rc = mica_store_watch(store, path, token);
	}
	if (!rc)
		rc = check_known();
	if (!rc)
		rc = find_new();
	first_scan = false;
	return rc;
}

int watch_start(void)
{
	int rc = mica_store_open(&store);

	if (rc)
		return rc;
	rc = begin();
	if (rc) {
		mica_store_close(store);
		store = NULL;
		return rc;
	}
	store_io = (struct source){ .fd = mica_store_fd(store), .ready = store_ready };
	rc = loop_add(&store_io, EPOLLIN);
	if (!rc)
		store_ready(&store_io, EPOLLIN);
	return rc;
}

bool watch_tick(void)
{
	if (store)
		return false;
	if (loop_now_ms() < retry_ms)
		return true;
	if (!watch_start()) {
		note("the store is back");
		return false;
	}
	retry_ms = loop_now_ms() + RETRY_MS;
	return true;
}
