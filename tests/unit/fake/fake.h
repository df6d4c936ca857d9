/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine under the unit tests: what fake_*.c pretends, and the knobs a test turns.
 *
 * Every function of hypervisor/cpu is defined here as a weak symbol, so a test that links the real
 * file, or defines the function itself, wins.
 */
#ifndef FAKE_H
#define FAKE_H

#include "cpu/percpu.h"

struct memspace;

/* CPUs.  fake_cpus(n): ids 0..n-1 are online and this thread is CPU 0. */
void fake_cpus(unsigned n);
void fake_run_on(unsigned cpu);			/* this thread is CPU @cpu from now on */

/* preempt_due() says yes once in @fake_preempt_one_in calls; 0 = never, 1 = always. */
extern unsigned fake_preempt_one_in;

/* Time: now_ns() is this; timers fire only by fake_advance(). */
void fake_forget_timers(void);		/* none is armed any more */
extern uint64_t fake_now_ns;
void fake_advance(uint64_t ns);			/* runs what comes due, in order */

/* The flush clock.  fake_flushes counts full flushes of any CPU. */
extern uint64_t fake_flushes;
/* Would CPU @cpu still have a translation that was dropped at @stamp? */
bool fake_tlb_may_hold(unsigned cpu, uint32_t stamp);

/* Lines of log_*() and refusals: shown when UNIT_VERBOSE is set; counted always. */
extern unsigned fake_log_lines, fake_refusals;

/* Guest memory is the test's own memory.  fake_uaccess_left: bytes that may still be copied before
 * every access faults; ~0 = no limit. */
extern uint64_t fake_uaccess_left;

/* bug() normally ends the program; with fake_bug_expected it ends the current cmocka test as passed
 * through expect_assert_failure(). */
void fake_lock_check_none(void);		/* fails when this CPU holds any lock */
bool fake_lock_held(const struct spinlock *l);	/* by anyone */

/*
 * RAM: @frames machine frames from 0 on (the first 256 belong to DOMID_IO), mapped at the fake
 * DIRECT_MAP_BASE, with frame table and M2P; [first free, frames) is given to the heap unless
 * @heap is false.  Once per program.  The test links @mm.
 */
void fake_ram(uint64_t frames, bool heap);

/* memspaces by number, for space_of(): registered ones only. */
void fake_space_register(struct memspace *m);
void fake_space_forget_all(void);

#endif
