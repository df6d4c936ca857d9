/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ticket locks: who comes takes the next number and waits until it is served, so waiters are served
 * in order.  The lock word is { low half: now serving, high half: next number }; only the holder
 * writes the low half, so dropping is a plain 16-bit store.
 *
 * Who waits goes on serving requests of other CPUs (cpu_relax_poll), because the holder may be
 * waiting for an answer from us.  The two top ranks are different: their holders wait for nobody,
 * and what smp_poll() serves may take them itself, so waiting for them serves nothing.  Debug
 * builds keep a bitmap of the ranks this CPU holds and stop at the first lock taken out of order.
 */
#include "cpu/asm.h"
#include "cpu/lock.h"
#include "cpu/smp.h"
#include "lib/bug.h"

static inline uint16_t *serving(struct spinlock *l)
{
	return (uint16_t *)&l->ticket;		/* little endian: the low half */
}

void lock_init(struct spinlock *l, enum lock_rank rank)
{
	*l = (struct spinlock)SPINLOCK_INIT(rank);
}

#ifdef MICA_DEBUG
static void note_taken(struct spinlock *l)
{
	this_cpu()->lock_rank |= 1u << l->rank;
	l->owner = (uint16_t)(cpu_id() + 1);
}

/* @pair: one lock of the same rank is held already, at a lower address. */
static void check_order(const struct spinlock *l, bool pair)
{
	uint32_t held = this_cpu()->lock_rank;

	if (this_cpu()->in_panic)
		return;
	bug_on(l->rank == RANK_NONE || l->rank >= NR_RANKS);
	bug_on(l->owner == cpu_id() + 1);
	bug_on(held >> (l->rank + (pair ? 1 : 0)));
}

static void note_dropped(struct spinlock *l, bool pair)
{
	bug_on(l->owner != cpu_id() + 1 && !this_cpu()->in_panic);
	l->owner = 0;
	if (!pair)
		this_cpu()->lock_rank &= ~(1u << l->rank);
}
#else
static inline void note_taken(struct spinlock *l) { }
static inline void check_order(const struct spinlock *l, bool pair) { }
static inline void note_dropped(struct spinlock *l, bool pair) { }
#endif

static void take(struct spinlock *l, bool pair)
{
	uint16_t mine;

	check_order(l, pair);
	mine = (uint16_t)(atomic_add(&l->ticket, 1u << 16) >> 16);
	while (atomic_acquire(serving(l)) != mine) {
		if (l->rank >= RANK_CALL)
			cpu_pause();
		else
			cpu_relax_poll();
	}
	note_taken(l);
}

static void drop(struct spinlock *l, bool pair)
{
	note_dropped(l, pair);
	atomic_release(serving(l), (uint16_t)(atomic_read(serving(l)) + 1));
}

LOCKS_UNCHECKED void lock_take(struct spinlock *l)
{
	take(l, false);
}

/* Order is not checked: a lock that was not waited for cannot be part of a deadlock. */
LOCKS_UNCHECKED bool lock_try(struct spinlock *l)
{
	uint32_t now = atomic_read(&l->ticket);

	if ((uint16_t)now != now >> 16 || !atomic_cmpxchg(&l->ticket, &now, now + (1u << 16)))
		return false;
	note_taken(l);
	return true;
}

LOCKS_UNCHECKED void lock_drop(struct spinlock *l)
{
	drop(l, false);
}

void lock_pair(struct spinlock *a, struct spinlock *b)
{
	if (a == b) {
		take(a, false);
	} else {
		take(MIN(a, b), false);
		take(MAX(a, b), true);
	}
}

void lock_pair_drop(struct spinlock *a, struct spinlock *b)
{
	drop(a, a != b);
	if (a != b)
		drop(b, false);
}
