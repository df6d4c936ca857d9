/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proportional share by virtual time.
 *
 * Each CPU has a queue of runnable vCPUs sorted by vruntime: CPU time scaled by 256 / weight of the
 * domain.  The one furthest behind runs, for at most a slice; the queue's clock is the vruntime of the
 * one it picked last.  A vCPU that slept starts at the queue's clock less a bonus, so it preempts a
 * hog soon but cannot hoard.  vruntimes mean the same on every CPU: one that picks looks at the heads of
 * the other queues too and takes a vCPU that is more than a slice further behind than its own, so
 * shares are right over all CPUs, not only on each.  A woken vCPU whose CPU is busy goes to an idle
 * one, and if there is none it preempts who runs there, but not before that guest had its rate limit.
 * Caps: a domain has cap percent of each PERIOD; when it is used up its vCPUs are parked until the
 * next one.
 *
 * Lock: one per queue (RANK_SCHED), guards the list and the scheduling fields of vCPUs whose cpu is
 * this one.  v->cpu changes only under the lock of the queue it names.
 *
 *   blocked --wake--> queued --pick--> running --slice over--> queued
 *                                         '--block, pause, down--> (not queued)
 */
#include <mica/errno.h>
#include "cpu/asm.h"
#include "cpu/fpu.h"
#include "cpu/keys.h"
#include "cpu/log.h"
#include "cpu/smp.h"
#include "cpu/softirq.h"
#include "cpu/switch.h"
#include "cpu/time.h"
#include "dom/event.h"
#include "dom/sched.h"
#include "dom/vtime.h"
#include "lib/bug.h"
#include "mm/heap.h"

#define SLICE_NS	5000000ul
#define WAKE_BONUS_NS	1000000ul	/* how far behind the queue's clock a sleeper may come back */
#define PREEMPT_NS	250000ul	/* a woken vCPU must be this far behind to preempt */
#define BEHIND_NS	100000000ul	/* further behind is only where clocks drifted apart: no debt */
#define CAP_PERIOD_NS	20000000ul

struct runqueue {
	struct spinlock lock;		/* RANK_SCHED */
	struct list queue;		/* by vruntime */
	unsigned nr;
	uint64_t clock;			/* vruntime of the last one picked, when it was */
	uint64_t head;			/* vruntime of the first in the queue, ~0 = empty; others read it */
	struct timer slice;
	struct vcpu idle;
	bool is_idle;			/* runs nobody, and nobody is on the way */
};

static struct runqueue *rq_of_cpu[MAX_CPUS];
static unsigned nr_waiting;		/* queued anywhere; atomic */
static struct domain idle_domain = { .id = DOMID_IDLE, .weight = 1 };
static struct vcpu_info idle_info = { .evtchn_upcall_mask = 1 };
unsigned sched_ratelimit_us;

LOCKS_UNCHECKED static struct runqueue *lock_vcpu(struct vcpu *v)
{
	for (;;) {
		unsigned cpu = read_once(v->cpu);
		struct runqueue *rq = rq_of_cpu[cpu];

		lock_take(&rq->lock);
		if (v->cpu == cpu)
			return rq;
		lock_drop(&rq->lock);
	}
}

static bool runnable(const struct vcpu *v)
{
	return !v->blocked && !v->offline && !v->capped && !atomic_read(&v->pause_count);
}

static void set_state(struct vcpu *v, int32_t state, uint64_t now)
{
	struct vcpu_runstate_info *r = &v->runstate;

	r->time[r->state] += now - r->state_entry_time;
	r->state = state;
	r->state_entry_time = now;
}

/* What a vCPU that does not run is doing. */
static int32_t resting_state(const struct vcpu *v)
{
	if (v->offline || atomic_read(&v->pause_count))
		return RUNSTATE_offline;
	return v->blocked ? RUNSTATE_blocked : RUNSTATE_runnable;
}

static void publish_head(struct runqueue *rq)
{
	write_once(rq->head, rq->nr ? list_first(&rq->queue, struct vcpu, run_link)->vruntime : ~0ul);
}

static void enqueue(struct runqueue *rq, struct vcpu *v)
{
	struct list *at = rq->queue.prev;

	while (at != &rq->queue && container_of(at, struct vcpu, run_link)->vruntime > v->vruntime)
		at = at->prev;
	list_insert(at->next, &v->run_link);
	v->queued = true;
	rq->nr++;
	atomic_add(&nr_waiting, 1);
	publish_head(rq);
}

static void dequeue(struct runqueue *rq, struct vcpu *v)
{
	list_del(&v->run_link);
	v->queued = false;
	rq->nr--;
	atomic_sub(&nr_waiting, 1);
	publish_head(rq);
}

static uint64_t scaled(const struct domain *d, uint64_t ns)
{
	return ns * 256 / d->weight;
}

LOCKS_UNCHECKED static void cap_refill(void *data)
{
	struct domain *d = data;
	struct vcpu *v;

	d->cap_period_start_ns = now_ns();
	atomic_set(&d->cap_used_ns, 0);
	for_each_vcpu(d, v) {
		struct runqueue *rq = lock_vcpu(v);
		bool parked = v->capped;

		v->capped = false;
		lock_drop(&rq->lock);
		if (parked)
			sched_wake(v);
	}
}

/* Time the domain may still use in this period; ~0 without a cap. */
static uint64_t cap_left(struct domain *d)
{
	uint64_t budget = CAP_PERIOD_NS / 100 * d->cap, used = atomic_read(&d->cap_used_ns);

	return d->cap ? budget - MIN(used, budget) : ~0ul;
}

/* Charges the running vCPU for its time since it was last charged. */
static void account(struct vcpu *v, uint64_t now)
{
	uint64_t ran = now - v->sched_in_ns;

	v->sched_in_ns = now;
	if (v->is_idle)
		return;
	v->vruntime += scaled(v->dom, ran);
	if (!v->dom->cap)
		return;
	atomic_add(&v->dom->cap_used_ns, ran);
	if (!cap_left(v->dom)) {
		v->capped = true;
		if (!timer_armed(&v->dom->cap_timer))
			timer_set(&v->dom->cap_timer, MAX(now, v->dom->cap_period_start_ns + CAP_PERIOD_NS));
	}
}

static bool may_run_on(const struct vcpu *v, unsigned cpu)
{
	return v->hard_affinity >> cpu & 1;
}

/* Takes from another queue a vCPU that may run here, is fully saved, and is further behind than @than. */
LOCKS_UNCHECKED static struct vcpu *steal(unsigned cpu, uint64_t than)
{
	for (unsigned i = 1; i < nr_cpus; i++) {
		struct runqueue *rq = rq_of_cpu[(cpu + i) % nr_cpus];

		if (!rq || read_once(rq->head) >= than || !lock_try(&rq->lock))
			continue;
		list_for_each(v, &rq->queue, struct vcpu, run_link) {
			if (v->vruntime >= than)
				break;
			if (!may_run_on(v, cpu) || !runnable(v) || atomic_acquire(&v->on_cpu))
				continue;
			dequeue(rq, v);
			v->cpu = (uint16_t)cpu;
			v->running = true;	/* nobody else may wake or take it now */
			lock_drop(&rq->lock);
			return v;
		}
		lock_drop(&rq->lock);
	}
	return NULL;
}

/* A vCPU that was paused while it waited leaves the queue here; sched_wake brings it back. */
static struct vcpu *pick(struct runqueue *rq, unsigned cpu)
{
	list_for_each_safe(v, &rq->queue, struct vcpu, run_link) {
		if (!may_run_on(v, cpu))
			continue;
		dequeue(rq, v);
		if (runnable(v))
			return v;
	}
	return NULL;
}

static void arm_slice(struct runqueue *rq, struct vcpu *v, uint64_t now)
{
	uint64_t run = rq->nr || read_once(nr_waiting) ? SLICE_NS : ~0ul, left = cap_left(v->dom);

	if (v->is_idle || MIN(run, left) == ~0ul)
		timer_stop(&rq->slice);
	else
		timer_set(&rq->slice, now + MIN(run, MAX(left, 10000ul)));
}

/* An idle CPU that could run the first in our queue looks, and takes it.  Without this one that had to
 * queue here (it was still being saved when it woke) would share this CPU for ever. */
static void offer(struct runqueue *rq)
{
	struct vcpu *first = list_first(&rq->queue, struct vcpu, run_link);
	unsigned cpu;

	for_each_cpu(cpu, first->hard_affinity & cpus_online)
		if (rq_of_cpu[cpu] && read_once(rq_of_cpu[cpu]->is_idle)) {
			softirq_raise_on(cpu, SOFTIRQ_SCHED);
			return;
		}
}

/* SOFTIRQ_SCHED: may leave for another vCPU and not return. */
static void schedule(void)
{
	struct percpu *pc = this_cpu();
	struct runqueue *rq = rq_of_cpu[pc->id];
	struct vcpu *prev = pc->vcpu, *next = NULL;
	bool push = false;
	uint64_t now;

	lock_take(&rq->lock);
	now = now_ns();
	account(prev, now);
	/* Somebody further behind elsewhere?  Two queue locks are never held at once; meanwhile prev still
	 * counts as running, so who wakes it leaves it to us: what it wants is looked at afterwards. */
	if (read_once(nr_waiting) > rq->nr) {
		uint64_t mine = !prev->is_idle && runnable(prev) ? MIN(rq->head, prev->vruntime) : rq->head;
		uint64_t than = mine == ~0ul ? mine : mine - MIN(mine, SLICE_NS);

		lock_drop(&rq->lock);
		next = steal(pc->id, than);
		lock_take(&rq->lock);
		if (next && than != ~0ul)
			next->vruntime = MAX(next->vruntime, than - MIN(than, BEHIND_NS));
	}
	if (!prev->is_idle && runnable(prev)) {
		if (may_run_on(prev, pc->id))
			enqueue(rq, prev);
		else
			push = true;
	}
	if (!next)
		next = pick(rq, pc->id);
	if (!next)
		next = &rq->idle;
	rq->is_idle = next->is_idle;
	if (!next->is_idle)
		rq->clock = next->vruntime;
	next->sched_in_ns = now;
	prev->running = false;
	next->running = true;
	if (next != prev) {
		set_state(prev, resting_state(prev), now);
		set_state(next, RUNSTATE_running, now);
	}
	arm_slice(rq, next, now);
	if (rq->nr)
		offer(rq);
	/* Who pauses it counts up, then looks whether it runs; we do it the other way round. */
	smp_fence();
	if (!next->is_idle && unlikely(!runnable(next)))
		softirq_raise(SOFTIRQ_SCHED);
	lock_drop(&rq->lock);
	if (push)
		sched_wake(prev);		/* finds a CPU where it may run */
	if (next != prev)
		vcpu_switch(prev, next);
}

void sched_idle_loop(void)
{
	for (;;) {
		while (this_cpu()->softirq_pending)
			softirq_run();
		/* Piece by piece: the interrupts of this CPU, and others' requests to it, come in between. */
		if (!preempt_due() && heap_scrub_some())
			continue;
		cli();
		if (!read_once(this_cpu()->softirq_pending))
			__asm__ volatile("sti; hlt; cli" ::: "memory");
	}
}

/* An idle CPU where @v may run, or where it ran last. */
static unsigned choose_cpu(const struct vcpu *v)
{
	cpumask_t may = v->hard_affinity & cpus_online;
	unsigned cpu = v->cpu;

	if ((may >> cpu & 1) && read_once(rq_of_cpu[cpu]->is_idle))
		return cpu;
	for_each_cpu(cpu, may)
		if (rq_of_cpu[cpu] && read_once(rq_of_cpu[cpu]->is_idle))
			return cpu;
	return may >> v->cpu & 1 ? v->cpu : (unsigned)__builtin_ctzl(may);
}

/* Where @cur, which runs, stands: who runs alone has no slice, so nobody charges it meanwhile. */
static uint64_t vruntime_at(const struct vcpu *cur, uint64_t now)
{
	return cur->vruntime + scaled(cur->dom, now > cur->sched_in_ns ? now - cur->sched_in_ns : 0);
}

/* The queue's clock, brought up to date. */
static uint64_t clock_at(const struct runqueue *rq, const struct vcpu *cur, uint64_t now)
{
	return cur->is_idle ? rq->clock : MAX(rq->clock, MIN(rq->head, vruntime_at(cur, now)));
}

/* Where @v, which joins a queue from another one or from sleep, stands by that queue's clock. */
static void join_clock(struct vcpu *v, uint64_t clock)
{
	uint64_t bonus = scaled(v->dom, WAKE_BONUS_NS), ahead = scaled(v->dom, SLICE_NS);

	if (v->vruntime + bonus < clock)
		v->vruntime = clock - bonus;
	/* Clocks of queues drift apart, and a vCPU fetched from another sets the clock back: what it owes by
	 * that clock is not owed by this one. */
	if (v->vruntime > clock + ahead)
		v->vruntime = clock + ahead;
}

LOCKS_UNCHECKED void sched_wake(struct vcpu *v)
{
	struct runqueue *rq = lock_vcpu(v);
	struct vcpu *cur;
	unsigned to;
	uint64_t now, until;
	bool kick = false;

	v->blocked = v->polling = false;
	if (v->running || v->queued || !runnable(v)) {
		lock_drop(&rq->lock);
		return;
	}
	now = now_ns();
	set_state(v, RUNSTATE_runnable, now);
	to = atomic_acquire(&v->on_cpu) && may_run_on(v, v->cpu) ? v->cpu : choose_cpu(v);
	if (to != v->cpu) {
		struct runqueue *old = rq;

		rq = rq_of_cpu[to];
		v->cpu = to;			/* from here on the other queue's lock guards it, and nobody */
		lock_drop(&old->lock);		/* else can wake or take it: it is neither queued nor running */
		lock_take(&rq->lock);
		if (v->cpu != to || v->running || v->queued || !runnable(v)) {
			lock_drop(&rq->lock);	/* somebody was faster after all */
			return;
		}
	}
	cur = percpu_of(to)->vcpu;
	join_clock(v, clock_at(rq, cur, now));
	enqueue(rq, v);
	if (rq->is_idle) {
		kick = true;
		rq->is_idle = false;		/* taken: the next one woken goes elsewhere */
	} else if (v->vruntime + PREEMPT_NS < vruntime_at(cur, now) || !timer_armed(&rq->slice)) {
		/* One that runs without a slice is to get one.  A guest that has just begun goes on a little, so
		 * it is not interrupted at each request it puts into a ring; dom0 has done its part when it
		 * wakes a guest, and would only go to sleep before it hears the answer. */
		until = cur->sched_in_ns + (cur->dom->privileged ? 0 : sched_ratelimit_us * 1000ul);
		kick = now >= until;
		if (!kick && (!timer_armed(&rq->slice) || rq->slice.deadline_ns > until))
			timer_set(&rq->slice, until);
	}
	lock_drop(&rq->lock);
	if (kick)
		softirq_raise_on(to, SOFTIRQ_SCHED);
}

LOCKS_UNCHECKED void sched_block(struct vcpu *v)
{
	struct runqueue *rq = lock_vcpu(v);

	v->blocked = true;
	lock_drop(&rq->lock);
	/* An event may have come before blocked was seen: the sender looks at blocked after it set
	 * pending, we look at pending after we set blocked. */
	smp_fence();
	if (event_deliverable(v))
		sched_wake(v);
	else
		softirq_raise(SOFTIRQ_SCHED);
}

LOCKS_UNCHECKED void sched_yield(void)
{
	struct vcpu *v = current;
	struct runqueue *rq = lock_vcpu(v);

	if (rq->nr) {				/* go behind the next one */
		v->vruntime = MAX(v->vruntime, rq->head + 1);
		softirq_raise(SOFTIRQ_SCHED);
	}
	lock_drop(&rq->lock);
}

LOCKS_UNCHECKED bool sched_try_sleep_sync(struct vcpu *v)
{
	/* Who chose it before it was paused has marked it as running when the lock is ours. */
	lock_drop(&lock_vcpu(v)->lock);
	while (read_once(v->running) || atomic_acquire(&v->on_cpu)) {
		if (read_once(v->running))
			softirq_raise_on(read_once(v->cpu), SOFTIRQ_SCHED);
		cpu_relax_poll();
		if (atomic_read(&current->pause_count))
			return false;
	}
	return true;
}

void sched_sleep_sync(struct vcpu *v)
{
	while (!sched_try_sleep_sync(v))
		;
}

LOCKS_UNCHECKED int sched_set_affinity(struct vcpu *v, cpumask_t hard, cpumask_t soft)
{
	struct runqueue *rq;
	bool wake;

	if (!(hard & cpus_online))
		return refuse(-EINVAL, "affinity %lx has no CPU that is online", hard);
	rq = lock_vcpu(v);
	v->hard_affinity = hard;
	v->soft_affinity = soft;
	if (v->queued && !may_run_on(v, v->cpu))
		dequeue(rq, v);
	else if (v->running && !may_run_on(v, v->cpu))
		softirq_raise_on(v->cpu, SOFTIRQ_SCHED);	/* schedule() sends it away */
	/* Or somebody who wakes it has just moved it to a queue by the old affinity, and was not yet in. */
	wake = runnable(v) && !v->running && !v->queued;
	lock_drop(&rq->lock);
	if (wake)
		sched_wake(v);
	return 0;
}

void sched_set_params(struct domain *d, unsigned weight, unsigned cap)
{
	struct vcpu *v;

	if (weight)
		d->weight = (uint16_t)weight;
	d->cap = (uint16_t)cap;
	if (!cap)
		cap_refill(d);
	/* One that runs alone has no slice, in which its new cap would be looked at. */
	for_each_vcpu(d, v)
		if (read_once(v->running))
			softirq_raise_on(read_once(v->cpu), SOFTIRQ_SCHED);
}

LOCKS_UNCHECKED void sched_get_runstate(struct vcpu *v, struct vcpu_runstate_info *out)
{
	struct runqueue *rq = lock_vcpu(v);
	uint64_t now = now_ns();

	*out = v->runstate;
	out->time[out->state] += now - out->state_entry_time;
	lock_drop(&rq->lock);
}

void sched_domain_init(struct domain *d)
{
	timer_init(&d->cap_timer, cap_refill, d, cpu_id());
	d->cap_period_start_ns = now_ns();
}

void sched_vcpu_init(struct vcpu *v)
{
	list_init(&v->run_link);
	v->hard_affinity = v->soft_affinity = ~0ul;
	v->cpu = (uint16_t)(v->id % nr_cpus);
	v->vruntime = rq_of_cpu[v->cpu]->clock;
	v->pause_count = v->dom->pause_count;
}

LOCKS_UNCHECKED void sched_vcpu_fini(struct vcpu *v)
{
	struct runqueue *rq;

	sched_sleep_sync(v);
	rq = lock_vcpu(v);
	if (v->queued)
		dequeue(rq, v);
	lock_drop(&rq->lock);
}

static void slice_over(void *data)
{
	softirq_raise(SOFTIRQ_SCHED);
}

static void second_over(void *data)
{
	struct timer *t = data;

	if (!current->is_idle)
		vtime_update(current);
	timer_set(t, now_ns() + 1000000000ul);
}

static void dump(void)
{
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		struct runqueue *rq = rq_of_cpu[cpu];
		struct vcpu *v = percpu_of(cpu)->vcpu;

		log_info("cpu%u: runs %s%u.%u, %u waiting, clock %lu us", cpu, v->is_idle ? "idle " : "d",
			 v->dom->id, v->id, rq->nr, rq->clock / 1000);
	}
}

void sched_init_cpu(unsigned cpu)
{
	struct runqueue *rq = kmalloc(sizeof(*rq));
	struct vcpu *idle;

	bug_on(!rq);
	lock_init(&rq->lock, RANK_SCHED);
	list_init(&rq->queue);
	timer_init(&rq->slice, slice_over, rq, cpu);
	rq->is_idle = true;
	rq->head = ~0ul;
	idle = &rq->idle;
	idle->dom = &idle_domain;
	idle->id = cpu;
	idle->is_idle = idle->running = true;
	idle->mode = VMODE_KERNEL;
	idle->info = &idle_info;
	idle->cpu = (uint16_t)cpu;
	idle->hard_affinity = BIT(cpu);
	list_init(&idle->run_link);
	rq_of_cpu[cpu] = rq;
	percpu_of(cpu)->idle = percpu_of(cpu)->vcpu = idle;
	percpu_of(cpu)->sched = rq;
}

void sched_init(void)
{
	softirq_register(SOFTIRQ_SCHED, schedule);
	keys_register('r', "run queues", dump);
}

void sched_start(void)
{
	static struct timer second[MAX_CPUS];
	unsigned cpu = cpu_id();

	timer_init(&second[cpu], second_over, &second[cpu], cpu);
	timer_set(&second[cpu], now_ns() + 1000000000ul);
	softirq_raise(SOFTIRQ_SCHED);
	stack_reset_call(sched_idle_loop);
}
