/* SPDX-License-Identifier: BSD-2-Clause */
/* See mark.h.  One line of text for each domain, DIR/console-ID.at. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "consoled/mark.h"

static int path_of(char *to, const char *dir, domid_t id, const char *end)
{
	int n = snprintf(to, PATH_MAX, "%s/console-%u.at%s", dir, id, end);

	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int mark_write(const char *dir, domid_t id, const struct mark *m)
{
	char path[PATH_MAX], fresh[PATH_MAX], line[128];
	int fd, n, rc = path_of(path, dir, id, "");

	if (!rc)
		rc = path_of(fresh, dir, id, ".new");
	if (rc)
		return rc;
	n = snprintf(line, sizeof(line), "%" PRIu64 " %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu32 "\n",
		     m->mfn, m->port, m->inode, m->bytes, m->cons);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	errno = EIO;
	if (write(fd, line, (size_t)n) != n || rename(fresh, path))
		rc = -errno;
	close(fd);
	return rc;
}

int mark_read(const char *dir, domid_t id, struct mark *m)
{
	char path[PATH_MAX], line[128], end;
	int fd, rc = path_of(path, dir, id, "");
	ssize_t n;

	if (rc)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	line[n > 0 ? n : 0] = '\0';
	return sscanf(line, "%" SCNu64 " %" SCNu32 " %" SCNu64 " %" SCNu64 " %" SCNu32 "%c", &m->mfn,
		      &m->port, &m->inode, &m->bytes, &m->cons, &end) == 6 && end == '\n' ? 0 : -EINVAL;
}

void mark_remove(const char *dir, domid_t id)
{
	static const char *const ends[] = { "", ".new" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (!path_of(path, dir, id, ends[i]))
			unlink(path);
}

uint32_t mark_ahead(const struct mark *then, const struct mark *now, uint32_t pending)
{
	uint64_t logged = now->bytes - then->bytes;
	uint32_t ahead = (uint32_t)logged - (now->cons - then->cons);

	if (then->mfn != now->mfn || then->port != now->port || then->inode != now->inode ||
	    now->bytes < then->bytes)
		return 0;
	return ahead <= pending ? ahead : 0;
}
