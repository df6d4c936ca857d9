/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One guest's console on disk.
 *
 * Bytes go to the file as they are, each round with one write(2): nothing is held in memory, so a
 * daemon that is killed has lost nothing.  Past `limit` bytes the file becomes PATH.1, PATH.1
 * becomes PATH.2 and so on; what was PATH.keep is removed.  A full disk costs the bytes that did
 * not fit, never the console: they are counted, and a line says so once writing works again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "consoled/logfile.h"

void logfile_clean_name(char *to, size_t room, const char *name)
{
	size_t i;

	for (i = 0; name[i] && i + 1 < room; i++) {
		char c = name[i];
		int fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			   (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '+' || c == '-';

		to[i] = fine ? c : '_';
	}
	to[i] = '\0';
}

int logfile_reopen(struct logfile *l)
{
	struct stat st;
	int fd = open(l->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY,
		      0640);

	if (fd < 0)
		return -errno;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = fd;
	l->moved = true;
	if (fstat(fd, &st))
		st.st_size = 0, st.st_ino = 0;
	l->bytes = (uint64_t)st.st_size;
	l->inode = st.st_ino;
	return 0;
}

int logfile_open(struct logfile *l, const char *dir, const char *name, uint64_t limit,
		 unsigned int keep)
{
	char clean[256];

	*l = (struct logfile){ .fd = -1, .limit = limit, .keep = keep };
	logfile_clean_name(clean, sizeof(clean), name);
	if (snprintf(l->path, sizeof(l->path), "%s/guest-%s.log", dir, clean) >=
	    (int)sizeof(l->path))
		return -ENAMETOOLONG;
	return logfile_reopen(l);
}

static void rotate(struct logfile *l)
{
	char from[PATH_MAX + 16], to[PATH_MAX + 16];

	for (unsigned int n = l->keep; n; n--) {
		if (n == 1)
			snprintf(from, sizeof(from), "%s", l->path);
		else
			snprintf(from, sizeof(from), "%s.%u", l->path, n - 1);
		snprintf(to, sizeof(to), "%s.%u", l->path, n);
		rename(from, to);
	}
	if (!l->keep && unlink(l->path))
		return;
	logfile_reopen(l);
}

void logfile_write(struct logfile *l, const char *from, size_t n)
{
	char note[80];
	ssize_t done;

	if (l->limit && l->bytes && l->bytes + n > l->limit)
		rotate(l);
	if (l->fd < 0 && logfile_reopen(l)) {
		l->moved = true;
		l->lost += n;
		return;
	}
	if (l->lost) {
		l->moved = true;
		int len = snprintf(note, sizeof(note), "\n[%llu bytes of console output lost]\n",
				   (unsigned long long)l->lost);

		if (write(l->fd, note, (size_t)len) == len) {
			l->lost = 0;
			l->bytes += (uint64_t)len;
		}
	}
	do {
		done = write(l->fd, from, n);
	} while (done < 0 && errno == EINTR);
	if (done < 0)
		done = 0;
	l->bytes += (uint64_t)done;
	if ((size_t)done < n)
		l->moved = true;
	l->lost += n - (size_t)done;
}

size_t logfile_tail(const struct logfile *l, char *to, size_t room)
{
	size_t got = 0;
	struct stat st;
	off_t at;
	int fd = open(l->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return 0;
	if (!fstat(fd, &st)) {
		at = st.st_size > (off_t)room ? st.st_size - (off_t)room : 0;
		while (got < room) {
			ssize_t n = pread(fd, to + got, room - got, at + (off_t)got);

			if (n <= 0)
				break;
			got += (size_t)n;
		}
	}
	close(fd);
	return got;
}

void logfile_close(struct logfile *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}
