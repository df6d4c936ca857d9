/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of a device in the store, and its ports.
 *
 * What is read below the front end's directory was written by a guest: a number must be digits
 * alone, fit in 64 bits and lie between the caller's bounds, and text must fit in the caller's
 * room; nothing is cut to fit.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "back/back_priv.h"

#define KEY_PATH	(BACK_PATH + 96)

/* DIR/KEY, formatted; false when it does not fit. */
static bool join(char path[KEY_PATH], const char *dir, const char *key, va_list args)
{
	int n = snprintf(path, KEY_PATH, "%s/", dir), more;

	more = vsnprintf(path + n, (size_t)(KEY_PATH - n), key, args);
	return more >= 0 && n + more < KEY_PATH;
}

static int read_at(struct back_device *dev, const char *dir, char *value, size_t room,
		   const char *key, va_list args)
{
	struct mica_io *io = dev->back->io;
	char path[KEY_PATH];

	if (!join(path, dir, key, args))
		return -ENAMETOOLONG;
	return io->ops->read(io, path, value, room);
}

static int number(const char *text, uint64_t low, uint64_t high, uint64_t *value)
{
	uint64_t n;
	char *end;

	/* strtoull() takes a sign and blanks, which no number of ours has. */
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (*end)
		return -EINVAL;
	if (errno || n < low || n > high)
		return -ERANGE;
	*value = n;
	return 0;
}

#define READ_AT(rc, dir, value, room, key)				\
	do {								\
		va_list args_;						\
		va_start(args_, key);					\
		rc = read_at(dev, dir, value, room, key, args_);	\
		va_end(args_);						\
	} while (0)

int back_read(struct back_device *dev, char *value, size_t room, const char *key, ...)
{
	int rc;

	READ_AT(rc, dev->dir, value, room, key);
	return rc;
}

int back_read_front(struct back_device *dev, char *value, size_t room, const char *key, ...)
{
	int rc;

	READ_AT(rc, dev->front, value, room, key);
	return rc;
}

int back_read_u64(struct back_device *dev, uint64_t *value, uint64_t low, uint64_t high,
		  const char *key, ...)
{
	char text[32];
	int rc;

	READ_AT(rc, dev->dir, text, sizeof(text), key);
	return rc ? rc : number(text, low, high, value);
}

int back_read_front_u64(struct back_device *dev, uint64_t *value, uint64_t low, uint64_t high,
			const char *key, ...)
{
	char text[32];
	int rc;

	READ_AT(rc, dev->front, text, sizeof(text), key);
	return rc ? rc : number(text, low, high, value);
}

int back_read_front_or(struct back_device *dev, uint64_t *value, uint64_t low, uint64_t high,
		       uint64_t otherwise, const char *key, ...)
{
	char text[32];
	int rc;

	READ_AT(rc, dev->front, text, sizeof(text), key);
	if (rc == -ENOENT) {
		*value = otherwise;
		return 0;
	}
	return rc ? rc : number(text, low, high, value);
}

/* Only where the device still is: a key written after the toolstack took the directory away would
 * leave a directory that nobody removes. */
static int write_if_there(struct back_device *dev, const char *path, const char *value)
{
	struct mica_io *io = dev->back->io;
	char there[BACK_PATH + 16], text[4];
	int rc, began;

	snprintf(there, sizeof(there), "%s/frontend-id", dev->dir);
	do {
		began = io->ops->begin(io);
		if (began && began != -EBUSY)	/* busy: the caller's own transaction */
			return began;
		rc = io->ops->read(io, there, text, sizeof(text));
		rc = rc == -ENOENT ? rc : io->ops->write(io, path, value);
		if (!began) {
			int end = io->ops->end(io, !rc);

			rc = rc ? rc : end;
		}
	} while (rc == -EAGAIN && !began);
	return rc;
}

int back_write(struct back_device *dev, const char *key, const char *value, ...)
{
	char path[KEY_PATH], *text = dev->back->value;
	const size_t room = sizeof(dev->back->value);
	va_list args;
	int n;

	va_start(args, value);
	n = vsnprintf(text, room, value, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room)
		return -E2BIG;
	n = snprintf(path, sizeof(path), "%s/%s", dev->dir, key);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	return write_if_there(dev, path, text);
}

int back_set_state(struct back_device *dev, unsigned state)
{
	int rc = back_write(dev, "state", "%u", state);

	if (!rc)
		dev->state = state;
	return rc;
}

int back_touch_state(struct back_device *dev)
{
	return back_set_state(dev, dev->state);
}

/* --- ports --- */

int back_bind(struct back_device *dev, uint32_t remote, uint32_t *port)
{
	struct back *b = dev->back;
	int rc = b->io->ops->port_bind(b->io, dev->domid, remote, port);

	if (rc)
		return rc;
	if (*port >= b->port_room) {
		uint32_t room = *port + 64;
		struct back_device **more = realloc(b->by_port, room * sizeof(*more));

		if (!more) {
			b->io->ops->port_close(b->io, *port);
			return -ENOMEM;
		}
		memset(more + b->port_room, 0, (room - b->port_room) * sizeof(*more));
		b->by_port = more;
		b->port_room = room;
	}
	b->by_port[*port] = dev;
	return 0;
}

void back_unbind(struct back_device *dev, uint32_t port)
{
	struct back *b = dev->back;

	if (port < b->port_room && b->by_port[port] == dev) {
		b->by_port[port] = NULL;
		b->io->ops->port_close(b->io, port);
	}
}
