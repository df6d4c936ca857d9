/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A skew heap of timers, links inside them, earliest deadline at the root: no timer is due before its
 * parent.  Two heaps are merged down their right edges, and each node passed swaps its children, which
 * alone keeps the edges short: inserting and removing any timer cost O(log n) amortised.
 *
 * Pure data structure: the lock is its user's (cpu/timer.c).
 */
#include "cpu/timer.h"

/* One heap of two, either may be NULL; its root gets @parent. */
static struct timer *merge(struct timer *a, struct timer *b, struct timer *parent)
{
	struct timer *root, **at = &root;

	while (a && b) {
		struct timer *first = a->deadline_ns <= b->deadline_ns ? a : b;

		b = first == a ? b : a;
		a = first->right;		/* what comes of it and b is the new left */
		first->right = first->left;
		first->parent = parent;
		parent = *at = first;
		at = &first->left;
	}
	*at = a ? a : b;
	if (*at)
		(*at)->parent = parent;
	return root;
}

struct timer *timer_heap_insert(struct timer *root, struct timer *t)
{
	t->left = t->right = NULL;
	return merge(root, t, NULL);
}

struct timer *timer_heap_remove(struct timer *root, struct timer *t)
{
	struct timer *parent = t->parent, *below = merge(t->left, t->right, parent);

	if (!parent)
		return below;
	*(parent->left == t ? &parent->left : &parent->right) = below;
	return root;
}
