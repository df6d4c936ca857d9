/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler over virtual time.  vcpu_switch() is ours: it only notes who runs and jumps back to the
 * loop that plays the CPUs.  Included by one test file each: it defines what dom/sched.c wants from the
 * floors around it.
 */
#ifndef UNIT_DOM_SCHED_WORLD_H
#define UNIT_DOM_SCHED_WORLD_H

#include "unit.h"
#include "cpu/softirq.h"
#include "cpu/time.h"
#include "dom/event.h"
#include "dom/sched.h"
#include "dom/vtime.h"
#include "mm/heap.h"

#define MS	1000000ul
#define SECOND	(1000 * MS)
#define STEP	(50 * 1000ul)

static jmp_buf back;
static struct vcpu_info info[64];

void vcpu_switch(struct vcpu *prev, struct vcpu *next)
{
	assert_true(next->is_idle || !next->on_cpu);
	assert_true(next->running && !next->queued);
	this_cpu()->vcpu = next;
	prev->on_cpu = false;
	next->on_cpu = !next->is_idle;
	longjmp(back, 1);
}

void vcpu_pause(struct vcpu *v) { atomic_add(&v->pause_count, 1); }
void vcpu_unpause(struct vcpu *v)
{
	if (atomic_sub(&v->pause_count, 1) == 1)
		sched_wake(v);
}
void vtime_update(struct vcpu *v) { }
void keys_register(char key, const char *help, void (*fn)(void));
void keys_register(char key, const char *help, void (*fn)(void)) { }
void stack_reset_call(void (*fn)(void));
void stack_reset_call(void (*fn)(void)) { abort(); }

/* Nothing is freed one by one: all that a test made goes when the next begins. */
static void *made[256];
static unsigned nr_made;

void *kmalloc(size_t n)
{
	assert_true(nr_made < ARRAY_SIZE(made));
	return made[nr_made++] = calloc(1, n);
}

/* An idle CPU with memory to scrub: an interrupt comes in its fourth window. */
static bool dirty;
static unsigned pieces, windows;

bool heap_scrub_some(void)
{
	pieces += dirty;
	assert_true(pieces <= windows || !dirty);
	return dirty;
}

bool preempt_due(void)
{
	if (dirty && ++windows == 4)
		longjmp(back, 1);
	return false;
}

/* Nothing here lives across the setjmp(), which vcpu_switch() comes back to. */
static void run_cpu(void)
{
	while (this_cpu()->softirq_pending)
		if (!setjmp(back))
			softirq_run();
}

static void run_softirqs(void)
{
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		fake_run_on(cpu);
		run_cpu();
	}
	fake_run_on(0);
}

/* Lets @ns of virtual time pass; @each is called after every step. */
static void play(uint64_t ns, void (*each)(void))
{
	for (uint64_t t = 0; t < ns; t += STEP) {
		fake_advance(STEP);
		run_softirqs();
		if (each)
			each();
	}
}

static struct vcpu *hogs[256];
static unsigned nr_hogs;

/* The scheduler counts who waits on all queues: nobody of the test before is left there. */
static void setup(unsigned cpus)
{
	while (nr_hogs) {
		struct vcpu *v = hogs[--nr_hogs];

		v->running = v->on_cpu = false;
		sched_vcpu_fini(v);
	}
	fake_forget_timers();
	while (nr_made)
		free(made[--nr_made]);
	fake_cpus(cpus);
	sched_init();
	for (unsigned i = 0; i < cpus; i++) {
		sched_init_cpu(i);
		fake_percpus[i].softirq_pending = 0;
	}
}

static struct vcpu *hog(unsigned weight, unsigned cap)
{
	static unsigned n;
	struct domain *d = kmalloc(sizeof(*d));
	struct vcpu *v = kmalloc(sizeof(*v));

	d->id = (domid_t)++n;
	d->weight = (uint16_t)weight;
	d->max_vcpus = 1;
	d->vcpu = kmalloc(sizeof(v));
	d->vcpu[0] = v;
	sched_domain_init(d);
	sched_set_params(d, weight, cap);
	v->dom = d;
	v->info = &info[n % 64];
	v->offline = true;
	v->runstate.state = RUNSTATE_offline;
	v->runstate.state_entry_time = now_ns();
	sched_vcpu_init(v);
	v->offline = false;
	sched_wake(v);
	assert_true(nr_hogs < ARRAY_SIZE(hogs));
	return hogs[nr_hogs++] = v;
}

static uint64_t cpu_time(struct vcpu *v)
{
	struct vcpu_runstate_info r;

	sched_get_runstate(v, &r);
	return r.time[RUNSTATE_running];
}

static void expect_share(struct vcpu *v, uint64_t before, uint64_t over, double share, double error)
{
	double got = (double)(cpu_time(v) - before) / (double)over;

	if (got < share - error || got > share + error)
		fail_msg("d%u got %.4f, expected %.4f +- %.4f", v->dom->id, got, share, error);
}

#endif
