/* SPDX-License-Identifier: BSD-2-Clause */
/* Doubly linked circular lists with the links inside the object.  The list's owner names its lock. */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include "lib/util.h"

struct list {
	struct list *next, *prev;
};

#define LIST_INIT(name)		{ &(name), &(name) }

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void list_insert(struct list *at, struct list *n)	/* n goes before at */
{
	n->next = at;
	n->prev = at->prev;
	at->prev->next = n;
	at->prev = n;
}

static inline void list_add_tail(struct list *head, struct list *n)
{
	list_insert(head, n);
}

static inline void list_add_head(struct list *head, struct list *n)
{
	list_insert(head->next, n);
}

/* Leaves @n empty, so that list_empty(n) tells whether it is on a list. */
static inline void list_del(struct list *n)
{
	n->next->prev = n->prev;
	n->prev->next = n->next;
	list_init(n);
}

#define list_for_each(pos, head, type, member) \
	for (type *pos = container_of((head)->next, type, member); &pos->member != (head); \
	     pos = container_of(pos->member.next, type, member))

/* @pos may be removed in the body. */
#define list_for_each_safe(pos, head, type, member) \
	for (type *pos = container_of((head)->next, type, member), \
	     *pos##_next = container_of(pos->member.next, type, member); &pos->member != (head); \
	     pos = pos##_next, pos##_next = container_of(pos->member.next, type, member))

#define list_first(head, type, member)	container_of((head)->next, type, member)

#endif
