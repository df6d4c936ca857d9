/* SPDX-License-Identifier: BSD-2-Clause */
/* Undoing tables: what mm/scan.c and mm/undo.c tell each other. */
#ifndef MM_UNDO_H
#define MM_UNDO_H

#include "cpu/softirq.h"
#include "mm/frame.h"

/* Groups of 8 leaves, higher entries and tables between two looks at the clock: some microseconds.
 * Unit tests look often. */
#ifndef SCAN_BUDGET
#define SCAN_BUDGET		32
#endif

/* Is it enough for now?  Asked after each of these; a fresh budget always lets the caller do something first. */
static inline bool undo_spend(unsigned *budget)
{
	if (--*budget)
		return false;
	*budget = SCAN_BUDGET;
	return preempt_due();
}

/* A table whose check ended early (busy checking, one user): its first @taken entries hold references. */
void undo_unfinished(struct frame *f, unsigned taken);

#endif
