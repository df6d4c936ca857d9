/* SPDX-License-Identifier: BSD-2-Clause */
/* See history.h. */
#include <stdlib.h>
#include <string.h>

#include "consoled/history.h"

void history_init(struct history *h, size_t size)
{
	size_t pow2 = 1024;

	while (pow2 * 2 <= size)
		pow2 *= 2;
	*h = (struct history){ .size = pow2 };
}

void history_free(struct history *h)
{
	free(h->bytes);
	h->bytes = NULL;
}

void history_add(struct history *h, const char *from, size_t n)
{
	size_t off, run;

	if (!h->bytes)
		h->bytes = malloc(h->size);
	if (!h->bytes)
		return;
	if (n > h->size) {
		h->end += n - h->size;
		from += n - h->size;
		n = h->size;
	}
	while (n) {
		off = h->end & (h->size - 1);
		run = h->size - off < n ? h->size - off : n;
		memcpy(h->bytes + off, from, run);
		h->end += run;
		from += run;
		n -= run;
	}
}

uint64_t history_start(const struct history *h)
{
	return h->end > h->size ? h->end - h->size : 0;
}

const char *history_at(const struct history *h, uint64_t *at, size_t *run)
{
	uint64_t start = history_start(h);
	size_t off;

	if (*at < start)
		*at = start;
	*run = 0;
	if (!h->bytes || *at >= h->end)
		return NULL;
	off = *at & (h->size - 1);
	*run = h->size - off;
	if (*run > h->end - *at)
		*run = h->end - *at;
	return h->bytes + off;
}
