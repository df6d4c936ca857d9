/* SPDX-License-Identifier: BSD-2-Clause */
/* One guest's console on disk, rotated by size. */
#ifndef MICA_CONSOLED_LOGFILE_H
#define MICA_CONSOLED_LOGFILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct logfile {
	char path[PATH_MAX];
	int fd;			/* -1: not open */
	uint64_t bytes;		/* in the current file */
	uint64_t limit;		/* rotate beyond this many bytes; 0: never */
	unsigned int keep;	/* old files: PATH.1 is the youngest */
	uint64_t lost;		/* bytes that could not be written since the last success */
	uint64_t inode;		/* of the current file */
	bool moved;		/* its size grew by other than console bytes; the owner clears it */
};

/* The name a guest's log may have: letters, digits and "._+-", anything else becomes '_'. */
void logfile_clean_name(char *to, size_t room, const char *name);
/* Open (append, 0640) DIR/guest-NAME.log.  0 or -errno; a log that failed may be used all the same. */
int logfile_open(struct logfile *l, const char *dir, const char *name, uint64_t limit,
		 unsigned int keep);
/* Append.  Never blocks the console: what the disk does not take is counted in ->lost. */
void logfile_write(struct logfile *l, const char *from, size_t n);
/* The last bytes of the file, at most @room; returns how many. */
size_t logfile_tail(const struct logfile *l, char *to, size_t room);
/* Open the path again, for a log that was moved away from outside. */
int logfile_reopen(struct logfile *l);
void logfile_close(struct logfile *l);

#endif
