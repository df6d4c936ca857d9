/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a guest's ring and its log were level, on disk, so that a daemon that was killed between
 * writing the log and giving the bytes back does not write them again.
 *
 * Every byte taken is one byte in the log.  As long as that is all that happens to either, one pair
 * of positions tells where the other is for ever: the mark is written when a ring is connected and
 * when the log changes in another way (a new file, a note of ours, bytes lost), not for each byte.
 */
#ifndef MICA_CONSOLED_MARK_H
#define MICA_CONSOLED_MARK_H

#include <stdbool.h>
#include <stdint.h>
#include <mica/types.h>

struct mark {
	uint64_t mfn;		/* the ring, */
	uint32_t port;		/* as the store names it */
	uint64_t inode;		/* the log's file */
	uint64_t bytes;		/* its size in bytes when */
	uint32_t cons;		/* the ring's out_cons was this */
};

/* Replaces @id's, all or nothing.  0 or -errno. */
int mark_write(const char *dir, domid_t id, const struct mark *m);
/* 0, -ENOENT, -EINVAL for a file that is no mark. */
int mark_read(const char *dir, domid_t id, struct mark *m);
void mark_remove(const char *dir, domid_t id);
/*
 * How many bytes at out_cons = @now->cons are in the log already, of @pending there; @now names ring
 * and log as they are found.  0 when @then is of another ring or file.
 */
uint32_t mark_ahead(const struct mark *then, const struct mark *now, uint32_t pending);

#endif
