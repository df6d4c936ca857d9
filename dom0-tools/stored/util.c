/* SPDX-License-Identifier: BSD-2-Clause */
/* See util.h. */
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "util.h"

uint32_t hash_seed = 2166136261u;
bool say_quiet;

static void table_grow(struct table *t)
{
	uint32_t slots = t->slots ? t->slots * 2 : 64;
	struct hlink **slot = xzalloc(slots * sizeof(*slot)), *l, *next;

	for (uint32_t i = 0; i < t->slots; i++) {
		for (l = t->slot[i]; l; l = next) {
			next = l->next;
			l->next = slot[l->hash & (slots - 1)];
			slot[l->hash & (slots - 1)] = l;
		}
	}
	free(t->slot);
	t->slot = slot;
	t->slots = slots;
}

void table_add(struct table *t, struct hlink *l, uint32_t hash)
{
	if (t->used >= t->slots)
		table_grow(t);
	l->hash = hash;
	l->next = t->slot[hash & (t->slots - 1)];
	t->slot[hash & (t->slots - 1)] = l;
	t->used++;
}

void table_remove(struct table *t, struct hlink *l)
{
	struct hlink **at = &t->slot[l->hash & (t->slots - 1)];

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	t->used--;
}

void table_free(struct table *t)
{
	free(t->slot);
	*t = (struct table){ 0 };
}

void *xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		die("out of memory for %zu bytes; the state is safe, start again", n);
	return p;
}

void *xzalloc(size_t n)
{
	return memset(xmalloc(n), 0, n);
}

void *xrealloc(void *p, size_t n)
{
	p = realloc(p, n);
	if (!p)
		die("out of memory for %zu bytes; the state is safe, start again", n);
	return p;
}

void *xmemdup(const void *p, size_t n)
{
	void *copy = xmalloc(n);

	if (n)
		memcpy(copy, p, n);
	return copy;
}

void say(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (say_quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "mica-stored: %s\n", line);
}

void die(const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fprintf(stderr, "mica-stored: %s\n", line);
	exit(1);
}

uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	if (b->len + n > b->room) {
		b->room = (b->len + n) * 2 + 64;
		b->data = xrealloc(b->data, b->room);
	}
	if (n)
		memcpy(b->data + b->len, p, n);
	b->len += n;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s) + 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_put(b, text, n < (int)sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

void buf_free(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ 0 };
}
