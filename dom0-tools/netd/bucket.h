/* SPDX-License-Identifier: BSD-2-Clause */
/* Token buckets: so many units a second, and so many at once. */
#ifndef MICA_NETD_BUCKET_H
#define MICA_NETD_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	uint64_t rate;			/* units a second; 0: no limit */
	uint64_t burst;			/* units */
	int64_t tokens;
	uint64_t at_ns;			/* when they were counted */
};

/* At most @rate units a second and @burst at once; begins full. */
void bucket_set(struct bucket *b, uint64_t rate, uint64_t burst, uint64_t now_ns);
/* Take @n if there is anything left: one unit may overdraw, the debt is paid before the next. */
bool bucket_take(struct bucket *b, uint64_t n, uint64_t now_ns);
/* Whether bucket_take() would succeed now. */
bool bucket_open(struct bucket *b, uint64_t now_ns);
/* When it will be open (ns); 0 when it is. */
uint64_t bucket_opens_at(struct bucket *b, uint64_t now_ns);

#endif
