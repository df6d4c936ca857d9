/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small files about running domains, one per fact, under MICA_RUN_DIR: the name for when the store
 * is down, the configuration a monitor restarts from.  They vanish with the machine's memory, as
 * the domains do.  Written whole or not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/domain.h"

#define PATH_BYTES	192

const char *mica_run_dir = MICA_RUN_DIR;

static const char *const facts[] = { "name", "uuid", "cfg", "restarts", "monitor", "note" };

static void path_of(char *path, size_t room, domid_t id, const char *what)
{
	snprintf(path, room, "%s/%u.%s", mica_run_dir, id, what);
}

/* No name of a domain is a number, so these cannot meet. */
static void path_of_name(char *path, size_t room, const char *name)
{
	snprintf(path, room, "%s/%s" MICA_RESTART_SUFFIX, mica_run_dir, name);
}

static void make_directory(void)
{
	char part[PATH_BYTES], *p;

	snprintf(part, sizeof(part), "%s/", mica_run_dir);
	for (p = part + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		if (mkdir(part, 0755) && errno != EEXIST)
			return;
	}
}

/* What is written before it takes the place of @path. */
static void temp_of(char *temp, size_t room, const char *path)
{
	snprintf(temp, room, "%s.new", path);
}

static int write_file(const char *path, const char *text)
{
	char temp[PATH_BYTES + 8];
	size_t bytes = text ? strlen(text) : 0;
	int fd, rc = 0;

	if (!text)
		return unlink(path) ? -errno : 0;
	make_directory();
	temp_of(temp, sizeof(temp), path);
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, text, bytes) != (ssize_t)bytes)
		rc = -EIO;
	if (close(fd) || (!rc && rename(temp, path)))
		rc = -errno;
	if (rc)
		unlink(temp);
	return rc;
}

static char *read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *text = NULL;
	struct stat st;
	ssize_t got = -1;

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &st))
		text = calloc(1, (size_t)st.st_size + 1);
	if (text)
		got = read(fd, text, (size_t)st.st_size);
	close(fd);
	if (got >= 0)
		return text;
	free(text);
	return NULL;
}

int mica_run_write(domid_t id, const char *what, const char *text)
{
	char path[PATH_BYTES];

	path_of(path, sizeof(path), id, what);
	return write_file(path, text);
}

char *mica_run_read(domid_t id, const char *what)
{
	char path[PATH_BYTES];

	path_of(path, sizeof(path), id, what);
	return read_file(path);
}

int mica_restart_write(const char *name, const char *text)
{
	char path[PATH_BYTES];

	path_of_name(path, sizeof(path), name);
	return write_file(path, text);
}

char *mica_restart_read(const char *name)
{
	char path[PATH_BYTES];

	path_of_name(path, sizeof(path), name);
	return read_file(path);
}

void mica_run_remove(domid_t id)
{
	char path[PATH_BYTES], temp[PATH_BYTES + 8];

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
		path_of(path, sizeof(path), id, facts[i]);
		temp_of(temp, sizeof(temp), path);
		unlink(path);
		unlink(temp);			/* of a writer that was killed */
	}
}
