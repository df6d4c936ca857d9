/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ranked spinlocks.  A CPU takes locks in rising rank only; two of one rank (two domains' event
 * channels) go by address through lock_pair().  Debug builds check every acquire.
 *
 * The hypervisor runs with interrupts off, so no lock is ever taken "irq-safe".  Who waits for a
 * lock serves other CPUs' requests meanwhile (smp_poll), so a holder may wait for a TLB flush.
 */
#ifndef CPU_LOCK_H
#define CPU_LOCK_H

#include "lib/util.h"

enum lock_rank {			/* low to high; take in this order */
	RANK_NONE,
	RANK_DOMAINS,			/* the table of domains */
	RANK_LIFE,			/* one domain's life cycle: create, pause, destroy */
	RANK_PHYSDEV,			/* pirq table of a domain */
	RANK_EVTCHN,			/* one domain's event channels */
	RANK_GRANT,			/* one domain's grant table */
	RANK_SPACE,			/* one domain's frame accounting */
	RANK_SCAN,			/* worklist of tables being undone */
	RANK_HVMAP,			/* the hypervisor's own page tables */
	RANK_IRQ,			/* vectors, IO-APIC, PCI configuration ports */
	RANK_SCHED,			/* one run queue */
	RANK_TIMER,			/* one CPU's timers */
	RANK_HEAP,			/* buddy and small-object allocators */
	RANK_CALL,			/* smp_call queue */
	RANK_LOG,			/* console ring, UART */
	NR_RANKS
};

#if defined(__clang__) && defined(MICA_THREAD_SAFETY)
#define TS(x)			__attribute__((x))
#else
#define TS(x)
#endif
#define TAKES(...)		TS(acquire_capability(__VA_ARGS__))
#define DROPS(...)		TS(release_capability(__VA_ARGS__))
#define NEEDS(...)		TS(requires_capability(__VA_ARGS__))
/* A lock is taken here and dropped elsewhere, or depending on what is found: beyond the analysis. */
#define LOCKS_UNCHECKED		TS(no_thread_safety_analysis)
#define GUARDED_BY(l)		/* documentation on fields */

struct TS(capability("lock")) spinlock {
	uint32_t ticket;		/* low half: now serving, high half: next ticket */
	uint16_t rank;
	uint16_t owner;			/* debug: cpu + 1 */
};

#define SPINLOCK_INIT(r)	{ .ticket = 0, .rank = (r) }

void lock_init(struct spinlock *l, enum lock_rank rank);
void lock_take(struct spinlock *l) TAKES(*l);
bool lock_try(struct spinlock *l) TS(try_acquire_capability(true, *l));
void lock_drop(struct spinlock *l) DROPS(*l);
/* Two locks of equal rank, lower address first; @a and @b may be the same lock. */
void lock_pair(struct spinlock *a, struct spinlock *b);
void lock_pair_drop(struct spinlock *a, struct spinlock *b);

#endif
