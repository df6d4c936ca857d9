/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A limit of so many a second, as a bucket of tokens.  Whoever comes while it is above zero may
 * take any amount and leave a debt, so that one big request is not refused for ever; the next
 * waits until the debt is paid.  The bucket holds a tenth of a second's worth.
 */
#ifndef MICA_BLKD_LIMIT_H
#define MICA_BLKD_LIMIT_H

#include <stdint.h>

struct limit {
	uint64_t per_second;		/* 0: none */
	int64_t tokens;
	uint64_t then_ns, left;		/* left: nanoseconds * rate not yet a token */
};

static inline int64_t limit_full(const struct limit *l)
{
	return l->per_second >= 10 ? (int64_t)(l->per_second / 10) : 1;
}

static inline void limit_set(struct limit *l, uint64_t per_second, uint64_t now_ns)
{
	l->per_second = per_second < INT64_MAX ? per_second : INT64_MAX;
	l->tokens = limit_full(l);
	l->then_ns = now_ns;
	l->left = 0;
}

static inline void limit_fill(struct limit *l, uint64_t now_ns)
{
	unsigned __int128 earned = (unsigned __int128)(now_ns - l->then_ns) * l->per_second + l->left;

	l->then_ns = now_ns;
	l->left = (uint64_t)(earned % 1000000000u);
	earned /= 1000000000u;
	if (earned > (uint64_t)INT64_MAX || (int64_t)earned > limit_full(l) - l->tokens)
		l->tokens = limit_full(l);
	else
		l->tokens += (int64_t)earned;
}

/* Nanoseconds until something may pass, 0: now. */
static inline uint64_t limit_wait_ns(struct limit *l, uint64_t now_ns)
{
	unsigned __int128 need;

	if (!l->per_second)
		return 0;
	limit_fill(l, now_ns);
	if (l->tokens > 0)
		return 0;
	need = (unsigned __int128)(1 - l->tokens) * 1000000000u / l->per_second + 1;
	return need > UINT64_MAX ? UINT64_MAX : (uint64_t)need;
}

static inline void limit_pay(struct limit *l, uint64_t amount)
{
	if (l->per_second)
		l->tokens -= amount < INT64_MAX / 2 ? (int64_t)amount : INT64_MAX / 2;
}

#endif
