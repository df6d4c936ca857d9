/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The requests of the store, each a few lines over store_call().  Paths are sent with their NUL,
 * values without.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <mica/io/xenstore.h>

#include "lib/store_priv.h"

/* A string with its NUL, as a part. */
static struct store_part text(const char *t)
{
	return (struct store_part){ t, strlen(t) + 1 };
}

static int call_path(struct mica_store *s, uint32_t type, const char *path)
{
	struct store_part part = text(path);

	return store_call(s, type, &part, 1, NULL, NULL);
}

int mica_store_begin(struct mica_store *s)
{
	struct store_part part = text("");
	size_t bytes;
	char *id;
	int rc = s->tx ? -EBUSY : store_call(s, XS_TRANSACTION_START, &part, 1, &id, &bytes);

	if (rc)
		return rc;
	s->tx = (uint32_t)strtoul(id, NULL, 10);
	free(id);
	return s->tx ? 0 : -EPROTO;
}

int mica_store_end(struct mica_store *s, bool commit)
{
	int rc = s->tx ? call_path(s, XS_TRANSACTION_END, commit ? "T" : "F") : -EINVAL;

	s->tx = 0;
	return rc;
}

int mica_store_read(struct mica_store *s, const char *path, char **value, size_t *bytes)
{
	struct store_part part = text(path);
	size_t got;

	return store_call(s, XS_READ, &part, 1, value, bytes ? bytes : &got);
}

int mica_store_read_many(struct mica_store *s, unsigned n, const char *const *paths,
			 char **values)
{
	unsigned sent = 0, got = 0;
	int rc = s->unanswered ? -EBUSY : 0;
	size_t bytes;

	memset(values, 0, n * sizeof(*values));
	while (!rc && got < n) {
		struct store_part part;

		if (sent < n && sent - got < STORE_UNANSWERED_MAX) {
			part = text(paths[sent++]);
			rc = store_send(s, XS_READ, &part, 1);
			continue;
		}
		/* Half of them, so that the daemon always has something to do. */
		for (unsigned i = 0; !rc && got < sent && i < STORE_UNANSWERED_MAX / 2; i++) {
			rc = store_answer(s, &values[got], &bytes);
			if (rc)
				values[got] = NULL;
			if (rc == -ENOENT || rc == -EACCES)
				rc = 0;
			got++;
		}
	}
	if (rc)
		s->unanswered = 0;
	return rc;
}

int mica_store_get(struct mica_store *s, char *value, size_t room, const char *path, ...)
{
	char name[XENSTORE_ABS_PATH_MAX + 1], *read;
	va_list args;
	size_t bytes;
	int rc;

	va_start(args, path);
	vsnprintf(name, sizeof(name), path, args);
	va_end(args);
	rc = mica_store_read(s, name, &read, &bytes);
	if (rc)
		return rc;
	if (bytes < room)
		memcpy(value, read, bytes + 1);
	else
		rc = -ERANGE;
	free(read);
	return rc;
}

int mica_store_write(struct mica_store *s, const char *path, const void *value, size_t bytes)
{
	struct store_part parts[] = { text(path), { value, bytes } };

	return store_call(s, XS_WRITE, parts, 2, NULL, NULL);
}

int mica_store_put(struct mica_store *s, const char *path, const char *value, ...)
{
	char buffer[XENSTORE_PAYLOAD_MAX];
	va_list args;
	int n;

	va_start(args, value);
	n = vsnprintf(buffer, sizeof(buffer), value, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(buffer))
		return -E2BIG;
	return mica_store_write(s, path, buffer, (size_t)n);
}

int mica_store_mkdir(struct mica_store *s, const char *path)
{
	return call_path(s, XS_MKDIR, path);
}

int mica_store_rm(struct mica_store *s, const char *path)
{
	return call_path(s, XS_RM, path);
}

/* A directory too long for one message comes in parts, each led by its generation. */
static int list_in_parts(struct mica_store *s, const char *path, char **all, size_t *total)
{
	char generation[32] = "", offset[32];
	size_t bytes, head;
	char *answer, *more;
	int rc;

	*all = NULL;
	*total = 0;
	for (;;) {
		struct store_part parts[] = { text(path), text(offset) };

		snprintf(offset, sizeof(offset), "%zu", *total);
		parts[1] = text(offset);
		rc = store_call(s, XS_DIRECTORY_PART, parts, 2, &answer, &bytes);
		if (rc)
			break;
		head = strlen(answer) + 1;
		if (head > bytes || head > sizeof(generation)) {
			free(answer);
			rc = -EPROTO;
			break;
		}
		if (generation[0] && strcmp(generation, answer))
			*total = 0, generation[0] = 0;	/* it changed: from the start */
		else
			strcpy(generation, answer);
		if (!generation[0]) {
			free(answer);
			continue;
		}
		more = realloc(*all, *total + (bytes - head) + 1);
		if (!more) {
			free(answer);
			rc = -ENOMEM;
			break;
		}
		*all = more;
		memcpy(more + *total, answer + head, bytes - head);
		*total += bytes - head;
		/* An empty string ends the whole. */
		rc = bytes == head || (bytes - head >= 1 && !answer[bytes - 1] &&
				       (bytes - head == 1 || !answer[bytes - 2])) ? 1 : 0;
		free(answer);
		if (rc)
			break;
	}
	if (rc == 1) {
		*total -= *total ? 1 : 0;
		return 0;
	}
	free(*all);
	return rc;
}

int mica_store_list(struct mica_store *s, const char *path, char ***names)
{
	struct store_part part = text(path);
	char *answer, **list;
	size_t bytes, at;
	int n = 0, rc = store_call(s, XS_DIRECTORY, &part, 1, &answer, &bytes);

	if (rc == -E2BIG)
		rc = list_in_parts(s, path, &answer, &bytes);
	if (rc)
		return rc;
	for (at = 0; at < bytes; at += strlen(answer + at) + 1)
		n++;
	list = malloc((size_t)(n + 1) * sizeof(*list) + bytes + 1);
	if (!list) {
		free(answer);
		return -ENOMEM;
	}
	memcpy(list + n + 1, answer, bytes);
	((char *)(list + n + 1))[bytes] = 0;
	free(answer);
	answer = (char *)(list + n + 1);
	n = 0;
	for (at = 0; at < bytes; at += strlen(answer + at) + 1)
		list[n++] = answer + at;
	list[n] = NULL;
	*names = list;
	return n;
}

int mica_store_get_perms(struct mica_store *s, const char *path, struct mica_perm *list, int room)
{
	struct store_part part = text(path);
	size_t bytes;
	char *answer;
	int n = 0, rc = store_call(s, XS_GET_PERMS, &part, 1, &answer, &bytes);

	if (rc)
		return rc;
	for (size_t at = 0; at < bytes && n < room; at += strlen(answer + at) + 1, n++)
		list[n] = (struct mica_perm){ answer[at], (domid_t)atoi(answer + at + 1) };
	free(answer);
	return n;
}

int mica_store_set_perms(struct mica_store *s, const char *path, const struct mica_perm *list,
			 int n)
{
	struct store_part parts[2] = { text(path) };
	char buffer[1024];
	size_t at = 0;

	for (int i = 0; i < n; i++) {
		if (at + 16 > sizeof(buffer))
			return -E2BIG;
		at += (size_t)sprintf(buffer + at, "%c%u", list[i].access, list[i].domain) + 1;
	}
	parts[1] = (struct store_part){ buffer, at };
	return store_call(s, XS_SET_PERMS, parts, 2, NULL, NULL);
}

static int call_watch(struct mica_store *s, uint32_t type, const char *path, const char *token)
{
	struct store_part parts[] = { text(path), text(token) };

	return store_call(s, type, parts, 2, NULL, NULL);
}

int mica_store_watch(struct mica_store *s, const char *path, const char *token)
{
	return call_watch(s, XS_WATCH, path, token);
}

int mica_store_watch_domains(struct mica_store *s, const char *special, const char *token)
{
	struct store_part parts[] = { text(special), text(token), text("1") };
	int rc = store_call(s, XS_WATCH, parts, 3, NULL, NULL);

	return rc == -EINVAL ? mica_store_watch(s, special, token) : rc;
}

int mica_store_event_domain(const char *path)
{
	const char *number = strchr(path, '/');
	unsigned long id;
	char *end;

	if (path[0] != '@' || !number || number[1] < '0' || number[1] > '9')
		return -1;
	id = strtoul(number + 1, &end, 10);
	return *end || id >= DOMID_FIRST_RESERVED ? -1 : (int)id;
}

int mica_store_unwatch(struct mica_store *s, const char *path, const char *token)
{
	return call_watch(s, XS_UNWATCH, path, token);
}

bool mica_store_waiting(const struct mica_store *s)
{
	return (s->first && !s->late) || s->in_at != s->in_end;
}

int mica_store_event(struct mica_store *s, int timeout_ms, char **path, char **token)
{
	struct store_event *ev;
	int rc = s->first && !s->late ? 1 : store_poll(s, timeout_ms);

	if (rc <= 0 || s->late)
		return rc < 0 ? rc : 0;
	ev = s->first;
	s->first = ev->next;
	if (!s->first)
		s->last = &s->first;
	*path = ev->path;
	*token = ev->token;
	free(ev);
	return 1;
}

void mica_store_limit(struct mica_store *s, int ms)
{
	s->limit_ms = ms;
}

bool mica_store_is_late(const struct mica_store *s)
{
	return s->late;
}

int mica_store_introduce(struct mica_store *s, domid_t id, uint64_t mfn, uint32_t port)
{
	char a[16], b[24], c[16];
	struct store_part parts[3];

	snprintf(a, sizeof(a), "%u", id);
	snprintf(b, sizeof(b), "%llu", (unsigned long long)mfn);
	snprintf(c, sizeof(c), "%u", port);
	parts[0] = text(a);
	parts[1] = text(b);
	parts[2] = text(c);
	return store_call(s, XS_INTRODUCE, parts, 3, NULL, NULL);
}

int mica_store_release(struct mica_store *s, domid_t id)
{
	char a[16];

	snprintf(a, sizeof(a), "%u", id);
	return call_path(s, XS_RELEASE, a);
}

int mica_store_is_introduced(struct mica_store *s, domid_t id)
{
	struct store_part part;
	char a[16], *answer;
	size_t bytes;
	int rc;

	snprintf(a, sizeof(a), "%u", id);
	part = text(a);
	rc = store_call(s, XS_IS_DOMAIN_INTRODUCED, &part, 1, &answer, &bytes);
	if (rc)
		return rc;
	rc = answer[0] == 'T';
	free(answer);
	return rc;
}
