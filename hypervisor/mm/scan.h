/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checking and undoing whole tables, in bounded steps, without recursion.
 *
 * Checking descends: a table's children may never have been pinned one by one.  One struct scan per
 * vCPU holds the path (one cursor per level) so that a preempted check resumes where it stopped: the
 * hypercall returns RESTART, is executed again, and goes on.  When the check ends on behalf of
 * another call, its result waits in the scan for the call that asked (same root, same kind) and is
 * consumed by it; a new check makes room by dropping it.
 *
 * Undoing is a worklist per memspace (through frame.link), lock RANK_SCAN.  Whoever takes a table off
 * the list works on it alone and without the lock; how far it came stands in the frame's word.  Any
 * CPU that needs a frame of the space helps to drain the list.
 */
#ifndef MM_SCAN_H
#define MM_SCAN_H

#include "mm/frame.h"

struct scan {				/* one per vCPU; private to whoever runs that vCPU */
	struct {
		struct frame *table;	/* valid for level..root_level while a check is under way */
		uint16_t next;		/* first entry not yet taken */
	} at[PT_LEVELS + 1];		/* index = level of the table */
	uint8_t level;			/* level of the table being worked on; 0 = idle */
	uint8_t root_level;
	bool done;			/* result below waits for its caller; 0 = the use is taken */
	int rc;
	struct frame *root;
	const struct memspace *space;
	struct memspace *home;		/* the vCPU's own space */
};

void scan_init(struct scan *s, struct memspace *home);
/* Goes on with an unfinished check: 0 nothing left, RESTART preempted again. */
int scan_continue(struct scan *s);
/* The vCPU will not come back soon (blocked, paused, down, destroyed): undo what was taken, drop a waiting
 * result.  A table being checked keeps other vCPUs waiting, so whoever stops running must not hold one;
 * the call it belongs to starts anew.  Never blocks. */
void scan_abort(struct scan *s);
/* Undoes queued tables of @space; RESTART when more is left and preemption is due. */
int scan_drain(struct memspace *space);
/* Is a table of @space queued, or being undone by some CPU?  False: what was unpinned is plain memory. */
bool scan_undoing(struct memspace *space);
static inline bool scan_busy(const struct scan *s) { return s && s->level; }

/* frame.c: @f was just taken busy as a table of @level; checks it, settles it or queues it for undo. */
int scan_check(struct scan *s, struct frame *f, unsigned level, const struct memspace *space);
/* frame.c: is the result of a finished check of (@f, @level) waiting?  Consumes it. */
bool scan_consume(struct scan *s, struct frame *f, unsigned level, int *rc);
/* frame.c: @f (busy undoing) goes on its owner's worklist. */
void scan_queue(struct frame *f);

#endif
