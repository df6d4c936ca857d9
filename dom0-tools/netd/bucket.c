/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Token buckets.  A bucket lends: whoever finds it not empty may take more than is in it, so a
 * frame larger than the burst is late but never stuck, and the average holds all the same.
 */
#include "netd/bucket.h"

#define NS_PER_S	1000000000ull
#define RATE_MOST	(1ull << 50)

void bucket_set(struct bucket *b, uint64_t rate, uint64_t burst, uint64_t now_ns)
{
	b->rate = rate < RATE_MOST ? rate : RATE_MOST;
	b->burst = burst < 1 ? 1 : burst < RATE_MOST ? burst : RATE_MOST;
	b->tokens = (int64_t)b->burst;
	b->at_ns = now_ns;
}

static void refill(struct bucket *b, uint64_t now_ns)
{
	unsigned __int128 more;

	if (now_ns <= b->at_ns)
		return;
	more = (unsigned __int128)(now_ns - b->at_ns) * b->rate / NS_PER_S;
	if (!more)
		return;		/* keep the fraction: at_ns stays */
	if (more >= (unsigned __int128)((int64_t)b->burst - b->tokens)) {
		b->tokens = (int64_t)b->burst;
		b->at_ns = now_ns;
		return;
	}
	b->tokens += (int64_t)more;
	b->at_ns += (uint64_t)(more * NS_PER_S / b->rate);
}

bool bucket_open(struct bucket *b, uint64_t now_ns)
{
	if (!b->rate)
		return true;
	refill(b, now_ns);
	return b->tokens > 0;
}

bool bucket_take(struct bucket *b, uint64_t n, uint64_t now_ns)
{
	if (!bucket_open(b, now_ns))
		return false;
	if (b->rate)
		b->tokens -= (int64_t)(n < RATE_MOST ? n : RATE_MOST);
	return true;
}

uint64_t bucket_opens_at(struct bucket *b, uint64_t now_ns)
{
	uint64_t missing;

	if (bucket_open(b, now_ns))
		return 0;
	missing = (uint64_t)(1 - b->tokens);
	return b->at_ns + (uint64_t)((unsigned __int128)missing * NS_PER_S / b->rate) + 1;
}
