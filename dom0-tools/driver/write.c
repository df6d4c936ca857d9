/* SPDX-License-Identifier: BSD-2-Clause */
/* Puts a generated driver on disk: all of its files, or none. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/proto.h"

#define PATH_ROOM	1024

/* True: it was there, and has something in it. */
static bool in_use(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool used = false;

	if (!d)
		return errno != ENOENT;
	while ((e = readdir(d)))
		used |= strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	return used;
}

static int write_file(const char *dir, const char *name, const char *text, size_t bytes)
{
	char path[PATH_ROOM];
	FILE *out;
	bool bad;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	out = fopen(path, "wxe");
	if (!out)
		return -errno;
	bad = fwrite(text, 1, bytes, out) != bytes;
	bad |= fclose(out) != 0;
	return bad ? -EIO : 0;
}

static int write_all(const struct proto *p, const char *text, size_t bytes, const char *dir)
{
	char name[128], *generated;
	int rc;

	snprintf(name, sizeof(name), "%s.json", p->name);
	rc = write_file(dir, name, text, bytes);
	for (unsigned i = 0; !rc; i++) {
		rc = driver_file(p, i, name, &generated);
		if (rc == -EINVAL)
			return 0;
		if (!rc) {
			rc = write_file(dir, name, generated, strlen(generated));
			free(generated);
		}
	}
	return rc;
}

static void remove_all(const struct proto *p, const char *dir)
{
	char name[128], path[PATH_ROOM + 128], *generated;

	for (unsigned i = 0; !driver_file(p, i, name, &generated); i++) {
		free(generated);
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/%s.json", dir, p->name);
	unlink(path);
	snprintf(path, sizeof(path), "%s/linux", dir);
	rmdir(path);
	rmdir(dir);
}

int driver_write(const struct proto *p, const char *text, size_t bytes, const char *dir,
		 struct mica_error *e)
{
	char sub[PATH_ROOM];
	int rc = 0;

	if (snprintf(sub, sizeof(sub), "%s/linux", dir) >= (int)sizeof(sub))
		return mica_fail(e, "MICA-CFG-003", "the directory's name is too long");
	if (in_use(dir)) {
		rc = mica_fail(e, "MICA-CFG-003", "%s is there already and is not an empty directory", dir);
		mica_hint(e, "name another with --dir, or remove it; nothing is overwritten");
		return rc;
	}
	if ((mkdir(dir, 0777) && errno != EEXIST) || mkdir(sub, 0777))
		rc = -errno;
	if (!rc)
		rc = write_all(p, text, bytes, dir);
	if (!rc)
		return 0;
	remove_all(p, dir);
	mica_fail(e, "MICA-HOST-002", "%s: %s", dir, strerror(-rc));
	mica_undone(e, "nothing of the driver is left in %s", dir);
	return rc;
}
