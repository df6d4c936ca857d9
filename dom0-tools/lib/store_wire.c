/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages of the store's protocol on a file descriptor.  The kernel's device and the daemon's
 * socket take the same bytes; the device wants header and payload in one write.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>
#include <mica/io/xenstore.h>

#include "lib/store_priv.h"

_Static_assert(sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX <= STORE_OUT_BYTES,
	       "any message fits");

static const char *const sockets[] = { "/run/xenstored/socket", "/var/run/xenstored/socket" };
static const char *const devices[] = { "/dev/xen/xenbus", "/proc/xen/xenbus" };

static int connect_to(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int mica_store_open_fd(struct mica_store **s, int fd)
{
	struct mica_store *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	new->fd = fd;
	new->next_req = 1;
	new->last = &new->first;
	*s = new;
	return 0;
}

static int opened(struct mica_store **s, int fd, const char *place)
{
	int rc = mica_store_open_fd(s, fd);

	if (rc)
		close(fd);
	else
		snprintf((*s)->place, sizeof((*s)->place), "%s", place);
	return rc;
}

int mica_store_open_socket(struct mica_store **s)
{
	const char *given = getenv("XENSTORED_PATH");
	int rc = -ENOENT, fd;

	if (given) {
		fd = connect_to(given);
		return fd < 0 ? fd : opened(s, fd, given);
	}
	for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
		fd = connect_to(sockets[i]);
		if (fd >= 0)
			return opened(s, fd, sockets[i]);
		if (fd != -ENOENT)
			rc = fd;
	}
	return rc;
}

int mica_store_open(struct mica_store **s)
{
	int rc = mica_store_open_socket(s), fd;

	if (!rc || getenv("XENSTORED_PATH"))
		return rc;
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		fd = open(devices[i], O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		rc = opened(s, fd, devices[i]);
		if (!rc)
			(*s)->one_by_one = true;
		return rc;
	}
	return rc;
}

void mica_store_close(struct mica_store *s)
{
	if (!s)
		return;
	while (s->first) {
		struct store_event *next = s->first->next;

		free(s->first->path);
		free(s->first);
		s->first = next;
	}
	close(s->fd);
	free(s);
}

int mica_store_fd(const struct mica_store *s)
{
	return s->fd;
}

const char *mica_store_place(const struct mica_store *s)
{
	return s->place;
}

static int send_all(int fd, const char *data, size_t bytes)
{
	while (bytes) {
		ssize_t n = write(fd, data, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -errno;
		data += n;
		bytes -= (size_t)n;
	}
	return 0;
}

/* Answers of a batch come in one piece; what is not asked for yet stays in in[]. */
static int receive_all(struct mica_store *s, char *data, size_t bytes)
{
	while (bytes) {
		size_t have = s->in_end - s->in_at;
		ssize_t n;

		if (have) {
			have = have < bytes ? have : bytes;
			memcpy(data, s->in + s->in_at, have);
			s->in_at += have;
			data += have;
			bytes -= have;
			continue;
		}
		n = read(s->fd, s->in, sizeof(s->in));
		if (n < 0 && errno == EINTR)
			continue;
		/* Half a message, and its rest does not come within the socket's limit, if it has one. */
		if (n <= 0)
			return !n ? -ECONNRESET : errno == EAGAIN ? -EIO : -errno;
		s->in_at = 0;
		s->in_end = (size_t)n;
	}
	return 0;
}

static int keep_event(struct mica_store *s, char *body, size_t bytes)
{
	struct store_event *ev;
	size_t path = strlen(body) + 1;

	if (path >= bytes)
		return -EBADMSG;
	ev = calloc(1, sizeof(*ev));
	if (!ev)
		return -ENOMEM;
	ev->path = body;
	ev->token = body + path;
	*s->last = ev;
	s->last = &ev->next;
	return 0;
}

static int receive(struct mica_store *s, struct xsd_sockmsg *head, char **body)
{
	int rc = receive_all(s, (char *)head, sizeof(*head));

	if (rc)
		return rc;
	if (head->len > XENSTORE_PAYLOAD_MAX)
		return -EBADMSG;
	*body = calloc(1, head->len + 1);
	if (!*body)
		return -ENOMEM;
	rc = receive_all(s, *body, head->len);
	if (rc)
		free(*body);
	return rc;
}

static int errno_of(const char *name)
{
	static const struct { const char *name; int errnum; } known[] = {
		{ "EINVAL", EINVAL }, { "EACCES", EACCES }, { "EEXIST", EEXIST },
		{ "EISDIR", EISDIR }, { "ENOENT", ENOENT }, { "ENOMEM", ENOMEM },
		{ "ENOSPC", ENOSPC }, { "EIO", EIO }, { "ENOTEMPTY", ENOTEMPTY },
		{ "ENOSYS", ENOSYS }, { "EROFS", EROFS }, { "EBUSY", EBUSY },
		{ "EAGAIN", EAGAIN }, { "EISCONN", EISCONN }, { "E2BIG", E2BIG },
		{ "EPERM", EPERM },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(known[i].name, name))
			return known[i].errnum;
	return EPROTO;
}

int mica_store_event_again(struct mica_store *s, const char *path, const char *token)
{
	size_t a = strlen(path) + 1, b = strlen(token) + 1;
	char *body = malloc(a + b);
	int rc;

	if (!body)
		return -ENOMEM;
	memcpy(body, path, a);
	memcpy(body + a, token, b);
	rc = keep_event(s, body, a + b);
	if (rc)
		free(body);
	return rc;
}

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A message begins to come before @end_ms.  What has begun to come is waited for. */
static int await_message(struct mica_store *s, int64_t end_ms)
{
	struct pollfd wait = { .fd = s->fd, .events = POLLIN };

	while (s->limit_ms && s->in_at == s->in_end) {
		int64_t left = end_ms - clock_ms();
		int rc = poll(&wait, 1, left > 0 ? (int)left : 0);

		if (rc > 0)
			break;
		if (!rc)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/* The answer that is waited for, and those to what was asked after it, are for nobody. */
static void give_up(struct mica_store *s)
{
	s->late = s->unanswered + 1;
	s->unanswered = 0;
	s->late_tx = s->tx;
	s->tx = 0;
}

/* Wait for the answer to @req; events on the way are kept. */
static int await(struct mica_store *s, uint32_t req, char **answer, size_t *bytes)
{
	int64_t end_ms = s->limit_ms ? clock_ms() + s->limit_ms : 0;
	struct xsd_sockmsg head;
	char *body;
	int rc;

	for (;;) {
		rc = await_message(s, end_ms);
		if (rc == -ETIMEDOUT)
			give_up(s);
		if (!rc)
			rc = receive(s, &head, &body);
		if (rc)
			return rc;
		if (head.type == XS_WATCH_EVENT) {
			rc = keep_event(s, body, head.len);
			if (!rc)
				continue;
			free(body);
			return rc;
		}
		if (head.type == XS_ERROR)
			rc = -errno_of(body);
		else if (head.req_id != req)
			rc = -EPROTO;
		if (rc) {
			free(body);
			return rc;
		}
		*answer = body;
		*bytes = head.len;
		return 0;
	}
}

static int flush(struct mica_store *s)
{
	int rc = s->unsent ? send_all(s->fd, s->out, s->unsent) : 0;

	s->unsent = 0;
	return rc;
}

static int queue(struct mica_store *s, uint32_t type, const struct store_part *parts, int n)
{
	struct xsd_sockmsg head = { .type = type, .req_id = s->next_req, .tx_id = s->tx };
	char *at;
	int rc = 0;

	for (int i = 0; i < n; i++) {
		if (parts[i].bytes > XENSTORE_PAYLOAD_MAX - head.len)
			return -E2BIG;
		head.len += (uint32_t)parts[i].bytes;
	}
	/* The kernel's device takes one message at each write. */
	if (s->unsent && s->one_by_one)
		rc = flush(s);
	if (!rc && s->unsent + sizeof(head) + head.len > sizeof(s->out))
		rc = flush(s);
	if (rc)
		return rc;
	at = s->out + s->unsent;
	memcpy(at, &head, sizeof(head));
	at += sizeof(head);
	for (int i = 0; i < n; at += parts[i++].bytes)
		memcpy(at, parts[i].data, parts[i].bytes);
	s->unsent += sizeof(head) + head.len;
	if (!s->unanswered++)
		s->oldest = head.req_id;
	s->next_req++;
	return 0;
}

int store_send(struct mica_store *s, uint32_t type, const struct store_part *parts, int n)
{
	return s->late ? -ETIMEDOUT : queue(s, type, parts, n);
}

/* An answer to what was given up.  Behind the last one the transaction ends that nobody has any more. */
static int throw_away(struct mica_store *s, const struct xsd_sockmsg *head, const char *body)
{
	static const struct store_part no = { "F", 2 };
	int rc;

	if (head->type == XS_TRANSACTION_START)
		s->late_tx = (uint32_t)strtoul(body, NULL, 10);
	if (--s->late || !s->late_tx)
		return 0;
	s->tx = s->late_tx;
	rc = queue(s, XS_TRANSACTION_END, &no, 1);
	if (!rc)
		rc = flush(s);
	s->tx = s->late_tx = 0;
	s->late = 1;
	s->unanswered = 0;
	return rc;
}

int store_answer(struct mica_store *s, char **answer, size_t *bytes)
{
	int rc = flush(s);

	if (rc)
		return rc;
	s->unanswered--;
	return await(s, s->oldest++, answer, bytes);
}

/* All answers that are still to come; they only matter if they are failures. */
static int drain(struct mica_store *s)
{
	while (s->unanswered) {
		size_t bytes;
		char *answer;
		int rc = store_answer(s, &answer, &bytes);

		if (!rc)
			free(answer);
		else if (!s->batch_rc)
			s->batch_rc = rc;
		/* Of a connection that broke nothing more comes. */
		if (rc == -ECONNRESET || rc == -EPIPE || rc == -EPROTO || rc == -EBADMSG)
			s->unanswered = 0;
	}
	return s->batch_rc;
}

int mica_store_batch(struct mica_store *s)
{
	s->batching = true;
	s->batch_rc = 0;
	return 0;
}

int mica_store_batch_end(struct mica_store *s)
{
	s->batching = false;
	return drain(s);
}

int store_call(struct mica_store *s, uint32_t type, const struct store_part *parts, int n,
	       char **answer, size_t *bytes)
{
	char *ignored = NULL;
	size_t got;
	int rc;

	if (s->batching && !answer) {
		if (s->unanswered == STORE_UNANSWERED_MAX)
			drain(s);
		rc = store_send(s, type, parts, n);
		if (rc && !s->batch_rc)
			s->batch_rc = rc;
		return s->batch_rc;
	}
	drain(s);
	rc = store_send(s, type, parts, n);
	if (!rc)
		rc = store_answer(s, answer ? answer : &ignored, bytes ? bytes : &got);
	free(ignored);
	return rc;
}

int store_poll(struct mica_store *s, int timeout_ms)
{
	struct pollfd wait = { .fd = s->fd, .events = POLLIN };
	struct xsd_sockmsg head;
	char *body;
	int rc = s->in_at < s->in_end ? 1 : poll(&wait, 1, timeout_ms);

	if (rc <= 0)
		return rc < 0 && errno != EINTR ? -errno : 0;
	rc = receive(s, &head, &body);
	if (rc)
		return rc;
	if (head.type == XS_WATCH_EVENT) {
		rc = keep_event(s, body, head.len);
		if (!rc)
			return 1;
	} else {
		rc = s->late ? throw_away(s, &head, body) : -EPROTO;
	}
	free(body);
	return rc;
}
