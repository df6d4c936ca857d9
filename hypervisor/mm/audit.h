/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The auditor: recounts every reference in the system from scratch and compares with the frame table.
 *
 * What it finds by itself: allocations, pins, and what the entries of every table hold.  Upper floors
 * register a walk that reports what they hold: roots, descriptor frames, grants, scans of vCPUs.
 * A walk may be called several times in one audit (memory for the counts may be short, so frames are
 * counted in windows) and must report the same each time.
 */
#ifndef MM_AUDIT_H
#define MM_AUDIT_H

#include "mm/scan.h"
#include "mm/space.h"

struct audit;
void audit_register(void (*walk)(struct audit *a));			/* at most 8 */
void audit_ref(struct audit *a, mfn_t m, unsigned n);			/* someone holds n existence refs */
void audit_use(struct audit *a, mfn_t m, enum frame_kind kind);	/* ... one use and its ref */
void audit_scan(struct audit *a, const struct scan *s);		/* what a vCPU's unfinished check holds */
/*
 * Must run with all other vCPUs stopped and no pt_batch open.  Logs each difference (at most 20);
 * returns their number, or -ENOMEM when there is not even one page for the counts.  Logs "audit:
 * clean" when none.
 */
long frame_audit(void);

#endif
