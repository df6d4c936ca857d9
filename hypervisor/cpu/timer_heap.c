/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An intrusive pairing heap of timers, earliest deadline at the root.
 *
 *          root               child: first child        next: right sibling
 *         /                   prev:  left sibling, or the parent for a first child
 *        a -- b -- c
 *       /         /
 *      d -- e    f
 *
 * Insert is one comparison; removing any element costs O(log n) amortised.  Pure data structure: the
 * lock is its user's (cpu/timer.c).
 */
#include "cpu/timer.h"

/* Two roots (no siblings) become one; either may be NULL. */
static struct timer *merge(struct timer *a, struct timer *b)
{
	struct timer *first;

	if (!a || !b)
		return a ? a : b;
	first = a->deadline_ns <= b->deadline_ns ? a : b;
	b = first == a ? b : a;
	b->prev = first;
	b->next = first->child;
	if (b->next)
		b->next->prev = b;
	first->child = b;
	return first;
}

static struct timer *cut_first(struct timer **list)
{
	struct timer *t = *list;

	*list = t->next;
	t->next = t->prev = NULL;
	return t;
}

/* A list of siblings becomes one tree: merged in pairs left to right, then all into one right to left. */
static struct timer *merge_siblings(struct timer *list)
{
	struct timer *pairs = NULL, *root = NULL;

	while (list) {
		struct timer *a = cut_first(&list);

		if (list)
			a = merge(a, cut_first(&list));
		a->next = pairs;
		pairs = a;
	}
	while (pairs)
		root = merge(root, cut_first(&pairs));
	return root;
}

struct timer *timer_heap_insert(struct timer *root, struct timer *t)
{
	t->child = t->next = t->prev = NULL;
	return merge(root, t);
}

struct timer *timer_heap_remove(struct timer *root, struct timer *t)
{
	struct timer *below = merge_siblings(t->child);

	t->child = NULL;
	if (t == root)
		return below;
	if (t->prev->child == t)
		t->prev->child = t->next;
	else
		t->prev->next = t->next;
	if (t->next)
		t->next->prev = t->prev;
	t->next = t->prev = NULL;
	return merge(root, below);
}
