/* SPDX-License-Identifier: BSD-2-Clause */
/* See fake_store.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <mica/io/xenstore.h>

#include "fake_store.h"

static void node_clear(struct fake_node *n)
{
	free(n->path);
	free(n->value);
	free(n->perms);
	memset(n, 0, sizeof(*n));
}

static struct fake_node *find(const struct fake_store *f, const char *path)
{
	for (int i = 0; i < f->nr; i++)
		if (!strcmp(f->nodes[i].path, path))
			return (struct fake_node *)&f->nodes[i];
	return NULL;
}

static bool below(const char *path, const char *parent)
{
	size_t n = strlen(parent);

	return !strncmp(path, parent, n) && (!path[n] || path[n] == '/' || !strcmp(parent, "/"));
}

static void send_message(struct fake_store *f, uint32_t type, uint32_t id, const char *body,
			 size_t bytes)
{
	char text[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
	struct xsd_sockmsg h = { .type = type, .req_id = id, .len = (uint32_t)bytes };

	memcpy(text, &h, sizeof(h));
	memcpy(text + sizeof(h), body, bytes);
	send(f->fd, text, sizeof(h) + bytes, MSG_NOSIGNAL);
}

static void fire(struct fake_store *f, const char *path)
{
	char body[512];

	for (int i = 0; i < f->nr_watches; i++) {
		size_t a = strlen(path) + 1, b = strlen(f->watches[i].token) + 1;

		if (!below(path, f->watches[i].path) && !below(f->watches[i].path, path))
			continue;
		memcpy(body, path, a);
		memcpy(body + a, f->watches[i].token, b);
		send_message(f, XS_WATCH_EVENT, 0, body, a + b);
	}
}

/* Made with all above it, whose permissions it inherits. */
static struct fake_node *make(struct fake_store *f, const char *path)
{
	struct fake_node *n = find(f, path), *up;
	char parent[256];

	if (n)
		return n;
	snprintf(parent, sizeof(parent), "%s", path);
	*strrchr(parent, '/') = 0;
	up = parent[0] ? make(f, parent) : NULL;
	if (f->nr == FAKE_NODES)
		abort();
	n = &f->nodes[f->nr++];
	n->path = strdup(path);
	n->value = strdup("");
	n->perms = strdup(up ? up->perms : "n0");
	return n;
}

const char *fake_store_get(const struct fake_store *f, const char *path)
{
	const struct fake_node *n = find(f, path);

	return n ? n->value : NULL;
}

const char *fake_store_perms(const struct fake_store *f, const char *path)
{
	const struct fake_node *n = find(f, path);

	return n ? n->perms : NULL;
}

void fake_store_set(struct fake_store *f, const char *path, const char *value)
{
	struct fake_node *n = make(f, path);
	char *new = strdup(value);

	free(n->value);
	n->value = new;
	if (f->nr_before < 0)
		fire(f, path);
	if (f->on_write)
		f->on_write(f, path, value);
}

void fake_store_rm(struct fake_store *f, const char *path)
{
	int kept = 0;

	for (int i = 0; i < f->nr; i++) {
		if (below(f->nodes[i].path, path))
			node_clear(&f->nodes[i]);
		else
			f->nodes[kept++] = f->nodes[i];
	}
	memset(f->nodes + kept, 0, (size_t)(f->nr - kept) * sizeof(f->nodes[0]));
	f->nr = kept;
	if (f->nr_before < 0)
		fire(f, path);
}

int fake_store_count(const struct fake_store *f)
{
	return f->nr;
}

static const char *list(struct fake_store *f, const char *path, char *out, size_t *bytes)
{
	size_t n = strcmp(path, "/") ? strlen(path) : 0;

	*bytes = 0;
	if (n && !find(f, path))
		return "ENOENT";
	for (int i = 0; i < f->nr; i++) {
		const char *p = f->nodes[i].path;

		if (strncmp(p, path, n) || p[n] != '/' || strchr(p + n + 1, '/'))
			continue;
		strcpy(out + *bytes, p + n + 1);
		*bytes += strlen(p + n + 1) + 1;
	}
	return NULL;
}

static void begin(struct fake_store *f)
{
	f->nr_before = f->nr;
	for (int i = 0; i < f->nr; i++) {
		f->before[i].path = strdup(f->nodes[i].path);
		f->before[i].value = strdup(f->nodes[i].value);
		f->before[i].perms = strdup(f->nodes[i].perms);
	}
}

static const char *end(struct fake_store *f, bool commit)
{
	struct fake_node *drop = commit ? f->before : f->nodes;
	int n = commit ? f->nr_before : f->nr;

	if (f->nr_before < 0)
		return "ENOENT";
	for (int i = 0; i < n; i++)
		node_clear(&drop[i]);
	if (!commit) {
		memcpy(f->nodes, f->before, sizeof(f->nodes));
		memset(f->before, 0, sizeof(f->before));
		f->nr = f->nr_before;
	}
	f->nr_before = -1;
	if (commit)
		fire(f, "/local/domain");
	return NULL;
}

static void watch(struct fake_store *f, const char *path, const char *token, bool on)
{
	char body[512];
	size_t a = strlen(path) + 1, b = strlen(token) + 1;

	for (int i = 0; !on && i < f->nr_watches; i++) {
		if (strcmp(f->watches[i].path, path) || strcmp(f->watches[i].token, token))
			continue;
		free(f->watches[i].path);
		free(f->watches[i].token);
		f->watches[i] = f->watches[--f->nr_watches];
		return;
	}
	if (!on || f->nr_watches == FAKE_WATCHES)
		return;
	f->watches[f->nr_watches].path = strdup(path);
	f->watches[f->nr_watches++].token = strdup(token);
	memcpy(body, path, a);
	memcpy(body + a, token, b);
	send_message(f, XS_WATCH_EVENT, 0, body, a + b);
}

static void set_perms(struct fake_store *f, const char *path, const char *perms, size_t bytes)
{
	struct fake_node *n = find(f, path);

	free(n->perms);
	n->perms = calloc(1, bytes + 1);
	memcpy(n->perms, perms, bytes);
	for (size_t i = 0; i + 1 < bytes; i++)
		if (!n->perms[i])
			n->perms[i] = ' ';
}

/* An error's name, or NULL and the answer in @out. */
static const char *serve(struct fake_store *f, uint32_t type, char *body, size_t len, char *out,
			 size_t *bytes)
{
	const char *second = body + strlen(body) + 1;
	size_t left = len - (size_t)(second - body);
	unsigned id = (unsigned)atoi(body) % FAKE_INTRODUCED;
	char value[4096];

	strcpy(out, "OK");
	*bytes = 3;
	switch (type) {
	case XS_READ:
		if (!find(f, body))
			return "ENOENT";
		strcpy(out, find(f, body)->value);
		*bytes = strlen(out);
		return NULL;
	case XS_WRITE:
		snprintf(value, sizeof(value), "%.*s", (int)left, second);
		fake_store_set(f, body, value);
		return NULL;
	case XS_MKDIR:
		make(f, body);
		return NULL;
	case XS_RM:
		if (!find(f, body))
			return "ENOENT";
		fake_store_rm(f, body);
		return NULL;
	case XS_DIRECTORY:
		return list(f, body, out, bytes);
	case XS_SET_PERMS:
		if (!find(f, body))
			return "ENOENT";
		set_perms(f, body, second, left);
		return NULL;
	case XS_WATCH:
	case XS_UNWATCH:
		watch(f, body, second, type == XS_WATCH);
		return NULL;
	case XS_TRANSACTION_START:
		begin(f);
		strcpy(out, "1");
		*bytes = 2;
		return NULL;
	case XS_TRANSACTION_END:
		return end(f, body[0] == 'T');
	case XS_INTRODUCE:
		f->introduced[id] = true;
		return NULL;
	case XS_RELEASE:
		if (!f->introduced[id])
			return "ENOENT";
		f->introduced[id] = false;
		return NULL;
	case XS_IS_DOMAIN_INTRODUCED:
		strcpy(out, f->introduced[id] ? "T" : "F");
		*bytes = 2;
		return NULL;
	default:
		return "ENOSYS";
	}
}

static void *run(void *arg)
{
	struct fake_store *f = arg;
	struct xsd_sockmsg h;
	char body[XENSTORE_PAYLOAD_MAX + 1], out[XENSTORE_PAYLOAD_MAX + 1];

	while (recv(f->fd, &h, sizeof(h), MSG_WAITALL) == sizeof(h) &&
	       (!h.len || recv(f->fd, body, h.len, MSG_WAITALL) == (ssize_t)h.len)) {
		const char *wrong = NULL;
		size_t bytes;

		body[h.len] = 0;
		pthread_mutex_lock(&f->lock);
		if (++f->requests == f->fail_at) {
			wrong = f->fail_with;
			/* A refused commit is the end of the transaction all the same. */
			if (h.type == XS_TRANSACTION_END)
				end(f, false);
		} else {
			wrong = serve(f, h.type, body, h.len, out, &bytes);
		}
		if (wrong)
			send_message(f, XS_ERROR, h.req_id, wrong, strlen(wrong) + 1);
		else
			send_message(f, h.type, h.req_id, out, bytes);
		pthread_mutex_unlock(&f->lock);
	}
	return NULL;
}

struct fake_store *fake_store_new(struct mica_store **client)
{
	struct fake_store *f = calloc(1, sizeof(*f));
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) || mica_store_open_fd(client, fds[0]))
		abort();
	f->fd = fds[1];
	f->nr_before = -1;
	pthread_mutex_init(&f->lock, NULL);
	pthread_create(&f->thread, NULL, run, f);
	return f;
}

void fake_store_free(struct fake_store *f)
{
	pthread_join(f->thread, NULL);
	if (f->nr_before >= 0)
		end(f, true);
	for (int i = 0; i < f->nr; i++)
		node_clear(&f->nodes[i]);
	for (int i = 0; i < f->nr_watches; i++) {
		free(f->watches[i].path);
		free(f->watches[i].token);
	}
	close(f->fd);
	free(f);
}
