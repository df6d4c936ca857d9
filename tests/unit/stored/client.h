/* SPDX-License-Identifier: BSD-2-Clause */
/* A blocking client of the store's socket, for tests and measurements. */
#ifndef STORED_CLIENT_H
#define STORED_CLIENT_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <mica/io/xenstore.h>

/* Connected, or -1. */
static inline int client_open(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a))) {
		close(fd);
		return -1;
	}
	return fd;
}

static inline bool client_read(int fd, void *to, size_t n)
{
	for (char *p = to; n;) {
		ssize_t got = recv(fd, p, n, 0);

		if (got <= 0)
			return false;
		p += got;
		n -= (size_t)got;
	}
	return true;
}

/* One request and its reply, a NUL after it.  Length of the reply, or -1: the store is gone. */
static inline int client_ask(int fd, uint32_t type, uint32_t tx, const void *data, size_t len,
			     char reply[XENSTORE_PAYLOAD_MAX + 1])
{
	char out[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
	struct xsd_sockmsg h = { type, 1, tx, (uint32_t)len };

	memcpy(out, &h, sizeof(h));
	memcpy(out + sizeof(h), data, len);
	if (send(fd, out, sizeof(h) + len, MSG_NOSIGNAL) != (ssize_t)(sizeof(h) + len))
		return -1;
	if (!client_read(fd, &h, sizeof(h)) || h.len > XENSTORE_PAYLOAD_MAX ||
	    !client_read(fd, reply, h.len))
		return -1;
	reply[h.len] = 0;
	return (int)h.len;
}

#endif
