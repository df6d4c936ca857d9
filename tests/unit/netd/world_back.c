/* SPDX-License-Identifier: BSD-2-Clause */
/* libmicaback's face over the guests' tables of keys; see world.h. */
#include "world.h"

struct mica_io *back_io(struct back *b)
{
	return b->net->io;
}

void *back_ctx(struct back *b)
{
	return b->net;
}

static int lookup(struct back_device *dev, char *value, size_t room, const char *fmt, va_list args)
{
	struct guest *g = world_guest(dev->domid);
	char key[64];

	vsnprintf(key, sizeof(key), fmt, args);
	for (unsigned i = 0; i < g->n_keys; i++) {
		if (strcmp(g->keys[i].key, key))
			continue;
		if (strlen(g->keys[i].value) >= room)
			return -ERANGE;
		strcpy(value, g->keys[i].value);
		return 0;
	}
	return -ENOENT;
}

static int to_number(const char *text, uint64_t *value, uint64_t low, uint64_t high)
{
	char *end;

	*value = strtoull(text, &end, 10);
	if (!*text || *end)
		return -EINVAL;
	return *value < low || *value > high ? -ERANGE : 0;
}

#define LOOKUP(rc, text)						\
	va_list args;							\
									\
	va_start(args, key);						\
	(rc) = lookup(dev, (text), sizeof(text), key, args);		\
	va_end(args)

int back_read(struct back_device *dev, char *value, size_t room, const char *key, ...)
{
	va_list args;
	int rc;

	if (world_reads && !--world_reads) {
		world_reads = 1;
		return -ENOTCONN;
	}
	va_start(args, key);
	rc = lookup(dev, value, room, key, args);
	va_end(args);
	return rc;
}

int back_read_front_u64(struct back_device *dev, uint64_t *value, uint64_t low, uint64_t high,
			const char *key, ...)
{
	char text[64];
	int rc;

	LOOKUP(rc, text);
	return rc ? rc : to_number(text, value, low, high);
}

int back_read_front_or(struct back_device *dev, uint64_t *value, uint64_t low, uint64_t high,
		       uint64_t otherwise, const char *key, ...)
{
	char text[64];
	int rc;

	LOOKUP(rc, text);
	*value = otherwise;
	return rc == -ENOENT ? 0 : rc ? rc : to_number(text, value, low, high);
}

/* One table for both ends' directories: what is offered would be the guest's answer. */
int back_write(struct back_device *dev, const char *key, const char *value, ...)
{
	char text[VALUE];
	va_list args;

	if (!strncmp(key, "feature-", 8) || !strncmp(key, "multi-", 6))
		return 0;
	va_start(args, value);
	assert_true(vsnprintf(text, sizeof(text), value, args) < (int)sizeof(text));
	va_end(args);
	if (world_writes)
		world_writes();
	guest_set(world_guest(dev->domid), key, text);
	return 0;
}

int back_fail(struct back_device *dev, int rc, const char *code, const char *hint,
	      const char *why, ...)
{
	va_list args;

	va_start(args, why);
	vsnprintf(world_guest(dev->domid)->why, 200, why, args);
	va_end(args);
	return rc;
}

void back_note(struct back_device *dev, const char *text, ...)
{
	world_guest(dev->domid)->notes++;
}

void back_cut_off(struct back_device *dev, const char *why, ...)
{
	struct guest *g = world_guest(dev->domid);
	va_list args;

	va_start(args, why);
	vsnprintf(g->why, sizeof(g->why), why, args);
	va_end(args);
	g->cut_off++;
	assert_int_equal(net_kind.disconnect(dev), 0);
	assert_null(dev->priv);
}

int back_bind(struct back_device *dev, uint32_t remote, uint32_t *port)
{
	*port = remote;
	return 0;
}

void back_unbind(struct back_device *dev, uint32_t port)
{
}

const char *guest_key(unsigned n, const char *key)
{
	for (unsigned i = 0; i < guests[n].n_keys; i++)
		if (!strcmp(guests[n].keys[i].key, key))
			return guests[n].keys[i].value;
	return "";
}
