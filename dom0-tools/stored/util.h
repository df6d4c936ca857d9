/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small things every file of the store uses: intrusive lists and hash tables, allocation that
 * cannot fail, hashing of paths, and the log.  Nothing here knows what a store is.
 *
 * Memory: with Linux's overcommit a failed allocation of these sizes means that the machine is
 * lost.  The daemon then stops, and its successor goes on from the journal.
 */
#ifndef STORED_UTIL_H
#define STORED_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define container(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

/* --- doubly linked lists: the head is a link too ------------------------------------------- */
struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l) { l->next = l->prev = l; }
static inline bool list_empty(const struct list *l) { return l->next == l; }

static inline void list_append(struct list *head, struct list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

/* Leaves @l empty, so that it may be removed again. */
static inline void list_remove(struct list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

#define list_first(head, type, member)	container((head)->next, type, member)
#define list_each(l, head)		for (l = (head)->next; l != (head); l = l->next)
#define list_each_safe(l, n, head) \
	for (l = (head)->next, n = l->next; l != (head); l = n, n = l->next)

/* --- hash tables: chains of links, the table doubles when it is full ------------------------ */
struct hlink {
	struct hlink *next;
	uint32_t hash;
};

struct table {
	struct hlink **slot;
	uint32_t slots;			/* a power of two, or 0 */
	uint32_t used;
};

void table_add(struct table *t, struct hlink *l, uint32_t hash);
void table_remove(struct table *t, struct hlink *l);
void table_free(struct table *t);	/* the slots; what was in them belongs to others */

static inline struct hlink *table_chain(const struct table *t, uint32_t hash)
{
	return t->slots ? t->slot[hash & (t->slots - 1)] : NULL;
}

/* FNV-1a from a start that differs from run to run; hashing goes on where it stopped, so all
 * prefixes of a path are hashed in one pass. */
extern uint32_t hash_seed;
static inline uint32_t hash_more(uint32_t h, const char *s, size_t n)
{
	while (n--)
		h = (h ^ (uint8_t)*s++) * 16777619u;
	return h;
}

static inline uint32_t hash_path(const char *s, size_t n) { return hash_more(hash_seed, s, n); }

/* --- memory and the log --------------------------------------------------------------------- */
void *xmalloc(size_t n);
void *xzalloc(size_t n);
void *xrealloc(void *p, size_t n);
void *xmemdup(const void *p, size_t n);

void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
extern bool say_quiet;			/* tests: no log */

uint64_t now_ms(void);			/* monotonic */

/* --- a growing string of bytes -------------------------------------------------------------- */
struct buf {
	char *data;
	size_t len, room;
};

void buf_put(struct buf *b, const void *p, size_t n);
void buf_puts(struct buf *b, const char *s);		/* with its NUL */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_free(struct buf *b);

#endif
