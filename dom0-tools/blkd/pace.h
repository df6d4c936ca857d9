/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many requests have to lie in a ring until its guest should notify us.  One is what answers
 * soonest, and at a high rate costs a notification and a wake-up for each.
 *
 *	1 --they come fast--> 2 --> ... --> half the ring, or PACE_MOST
 *	n --n took longer than half of PACE_WAIT_NS--> n/2
 *	n --fewer than n for PACE_WAIT_NS--> half of what came, no more for a while
 *
 * A guest with few requests under way, which waits for answers before it goes on, loses PACE_WAIT_NS
 * whenever that goes too far; so the while is PACE_HOLD_NS at first and doubles up to 32 of it.
 * Whoever asks for more than one looks by itself after PACE_WAIT_NS.
 */
#ifndef MICA_BLKD_PACE_H
#define MICA_BLKD_PACE_H

#include <stdint.h>

#define PACE_WAIT_NS	700000u
#define PACE_HOLD_NS	25000000u
#define PACE_MOST	16u		/* what is left of a notification is little then */

static inline uint32_t pace_min(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

struct pace {
	uint32_t n;			/* asked for; 0 counts as 1 */
	uint32_t got;			/* of these */
	uint64_t since_ns;		/* when that was */
	uint64_t hold_ns;		/* no more than now before that */
	uint32_t failures, too_many;	/* how often in vain, and for how many */
};

/* @took requests were there since the last call; how many to ask for now, at most @most.  More than
 * one: look again at pace_due(). */
static inline uint32_t pace_next(struct pace *p, uint32_t took, uint32_t most, uint64_t now_ns)
{
	uint64_t since = now_ns - p->since_ns;
	uint32_t n = p->n ? p->n : 1;

	p->got += took;
	if (p->got < n && since < PACE_WAIT_NS)
		return n - p->got;	/* another reason to look: the time goes on */
	if (p->got < n) {
		if (n > 1) {
			p->hold_ns = now_ns + ((uint64_t)PACE_HOLD_NS << pace_min(p->failures++, 5));
			p->too_many = n;
		}
		n = p->got / 2;
	} else if (n >= p->too_many && p->failures) {
		p->failures = 0;	/* now there are */
	} else if (since / p->got * n > PACE_WAIT_NS / 2) {
		n /= 2;
	} else if (since / p->got * (n + 1) <= PACE_WAIT_NS / 2 && now_ns >= p->hold_ns) {
		n += 1 + n / 4;
	}
	n = pace_min(n, pace_min(most, PACE_MOST));
	p->n = n ? n : 1;
	p->got = 0;
	p->since_ns = now_ns;
	return p->n;
}

static inline uint64_t pace_due(const struct pace *p)
{
	return p->since_ns + PACE_WAIT_NS;
}

#endif
