/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The numbers of all disks: as JSON to whoever connects to the socket, and for each disk whose
 * numbers changed as the key `stats` of its back end's directory, "name=value ..." in one line.
 *
 * They are the disk process's, read from its journal while it writes them: each is whole, all
 * together are of about the same moment.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "blkd/blkd.h"

static const struct {
	const char *name;
	size_t offset;
} fields[] = {
#define FIELD(name)	{ #name, offsetof(struct blk_stats, name) }
	FIELD(reads), FIELD(writes), FIELD(flushes), FIELD(discards), FIELD(read_bytes),
	FIELD(write_bytes), FIELD(discard_bytes), FIELD(read_ns), FIELD(write_ns), FIELD(flush_ns),
	FIELD(errors), FIELD(refused), FIELD(replayed), FIELD(events), FIELD(bells),
	FIELD(spurious), FIELD(throttled), FIELD(mapped_pages), FIELD(copied_pages),
#undef FIELD
};

#define NR_FIELDS	(sizeof(fields) / sizeof(fields[0]))

static uint64_t field(const struct vbd *v, size_t i)
{
	const char *at = (const char *)&v->journal->stats + fields[i].offset;

	return __atomic_load_n((const uint64_t *)(const void *)at, __ATOMIC_RELAXED);
}

static bool has_numbers(const struct vbd *v)
{
	return !v->gone && v->journal && v->dev;
}

static void print_string(FILE *f, const char *key, const char *text)
{
	fprintf(f, "\"%s\":\"", key);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(f, "\\%c", *text);
		else if ((unsigned char)*text < ' ')
			fprintf(f, "\\u%04x", *text);
		else
			fputc(*text, f);
	}
	fputc('"', f);
}

static void print_disk(FILE *f, const struct vbd *v)
{
	fprintf(f, "{\"domid\":%u,\"vdev\":%u,", v->dev->domid, v->dev->handle);
	print_string(f, "domain", v->name);
	fputc(',', f);
	print_string(f, "path", v->path);
	fputc(',', f);
	print_string(f, "type", v->type);
	fprintf(f, ",\"engine\":\"%s\",\"direct\":%s,\"read_only\":%s,\"connected\":%s",
		engine_names[v->engine], v->image.direct ? "true" : "false",
		v->image.shape.read_only ? "true" : "false",
		v->child == CHILD_UP ? "true" : "false");
	fprintf(f, ",\"size_bytes\":%llu,\"sector_bytes\":%u,\"iops_limit\":%llu,"
		"\"bytes_per_second_limit\":%llu,\"pid\":%d,\"restarts\":%llu,\"in_flight\":%u",
		(unsigned long long)v->image.shape.bytes, v->image.shape.sector_bytes,
		(unsigned long long)v->ops_limit, (unsigned long long)v->bytes_limit, v->pid,
		(unsigned long long)v->restarts, v->journal->stats.in_flight);
	for (size_t i = 0; i < NR_FIELDS; i++)
		fprintf(f, ",\"%s\":%llu", fields[i].name, (unsigned long long)field(v, i));
	fputc('}', f);
}

/* The whole document goes into the socket's buffer, or its end is cut off: we do not wait. */
void report_accept(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	bool first = true;

	if (!f) {
		if (fd >= 0)
			close(fd);
		return;
	}
	fputs("{\"schema\":\"mica/blkd/1\",\"disks\":[", f);
	for (const struct vbd *v = vbds; v; v = v->next) {
		if (!has_numbers(v))
			continue;
		if (!first)
			fputc(',', f);
		first = false;
		print_disk(f, v);
	}
	fputs("]}\n", f);
	fclose(f);
}

int report_listen(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	strcpy(at.sun_path, path);
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) || chmod(path, 0660) ||
	    listen(fd, 16))
		return -errno;
	return fd;
}

void report_store(void)
{
	char text[1024];

	for (struct vbd *v = vbds; v; v = v->next) {
		uint64_t sum = 0;
		size_t n = 0;

		if (!has_numbers(v) || v->child != CHILD_UP)
			continue;
		for (size_t i = 0; i < NR_FIELDS; i++) {
			uint64_t value = field(v, i);

			sum += value;
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s=%llu", n ? " " : "",
					      fields[i].name, (unsigned long long)value);
		}
		if (sum == v->told_sum)
			continue;
		v->told_sum = sum;
		back_write(v->dev, "stats", "%s", text);
	}
}
