/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happened to a device, in words: to the operator by the daemon's note(), and for a failure
 * into the store at /local/domain/<self>/error/backend/<kind>/<domid>/<handle>/error, where
 * Linux's own back ends write theirs.  The words are gone when the device connects.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "back/back_priv.h"

static void say(struct back_device *dev, const char *line)
{
	struct back *b = dev->back;

	if (b->kind->note)
		b->kind->note(b->ctx, dev, line);
	else
		fprintf(stderr, "%s\n", line);
}

/* "mblk 3/51712 (web)".  The name is the toolstack's; printable all the same. */
static void who(struct back_device *dev, char *text, size_t room)
{
	struct mica_io *io = dev->back->io;
	char path[64], name[64];
	int n = snprintf(text, room, "%s %u/%u", dev->back->kind->dir, dev->domid, dev->handle);

	snprintf(path, sizeof(path), "/local/domain/%u/name", dev->domid);
	if (io->ops->read(io, path, name, sizeof(name)) || !name[0])
		return;
	for (char *c = name; *c; c++)
		if (*c < '!' || *c > '~')
			*c = '?';
	snprintf(text + n, room - (size_t)n, " (%s)", name);
}

static void error_path(struct back_device *dev, char *path, size_t room, const char *key)
{
	struct mica_io *io = dev->back->io;

	snprintf(path, room, "/local/domain/%u/error/backend/%s/%u/%u%s", io->ops->self(io),
		 dev->back->kind->dir, dev->domid, dev->handle, key);
}

static void failed(struct back_device *dev, const char *code, const char *hint, const char *why)
{
	struct mica_io *io = dev->back->io;
	char path[BACK_PATH], device[128], *line = dev->back->line;

	who(dev, device, sizeof(device));
	snprintf(line, sizeof(dev->back->line), "error: %s: %s [%s]%s%s", device, why, code,
		 hint ? "\nhint: " : "", hint ? hint : "");
	say(dev, line);
	error_path(dev, path, sizeof(path), "/error");
	if (!dev->gone && !io->ops->write(io, path, why))
		dev->told = true;
}

int back_fail(struct back_device *dev, int rc, const char *code, const char *hint,
	      const char *why, ...)
{
	char text[512];
	va_list args;

	va_start(args, why);
	vsnprintf(text, sizeof(text), why, args);
	va_end(args);
	failed(dev, code, hint, text);
	return rc;
}

void back_note(struct back_device *dev, const char *fmt, ...)
{
	char text[512], device[128], *line = dev->back->line;
	va_list args;

	who(dev, device, sizeof(device));
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(line, sizeof(dev->back->line), "%s: %s", device, text);
	say(dev, line);
}

void back_clear_error(struct back_device *dev)
{
	struct mica_io *io = dev->back->io;
	char path[BACK_PATH];

	if (!dev->told)
		return;
	error_path(dev, path, sizeof(path), "");
	io->ops->remove(io, path);
	dev->told = false;
}
