/* unit: dom/sched.c dom/event.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The scheduler over virtual time: hogs, sleepers, weights, affinity, several CPUs. */
#include "sched_world.h"

static void weights_one_cpu(void **state)
{
	struct vcpu *a, *b, *c;

	setup(1);
	a = hog(256, 0);
	b = hog(512, 0);
	c = hog(1024, 0);
	play(SECOND, NULL);
	expect_share(a, 0, SECOND, 1.0 / 7, 0.02);
	expect_share(b, 0, SECOND, 2.0 / 7, 0.02);
	expect_share(c, 0, SECOND, 4.0 / 7, 0.02);
}

/* Who had the CPU for itself owes nothing to who comes later. */
static void alone_before(void **state)
{
	struct vcpu *a, *b;
	uint64_t was;

	setup(1);
	a = hog(1, 0);
	play(2 * SECOND, NULL);
	was = cpu_time(a);
	b = hog(2, 0);
	play(SECOND, NULL);
	expect_share(a, was, SECOND, 1.0 / 3, 0.02);
	expect_share(b, 0, SECOND, 2.0 / 3, 0.02);
}

/* A newcomer whose first queue's clock is far ahead, or far behind, gets its share where it is pinned. */
static void pinned_newcomer(void **state)
{
	static const unsigned others[] = { 16, 4096 };
	struct vcpu *a, *b, *x;
	uint64_t was;

	for (unsigned i = 0; i < 2; i++) {
		setup(2);
		x = hog(others[i], 0);
		assert_int_equal(sched_set_affinity(x, 1, 1), 0);
		a = hog(256, 0);
		assert_int_equal(sched_set_affinity(a, 2, 2), 0);
		play(SECOND, NULL);
		was = cpu_time(a);
		b = hog(256, 0);
		assert_int_equal(sched_set_affinity(b, 2, 2), 0);
		play(SECOND, NULL);
		expect_share(a, was, SECOND, 0.5, 0.02);
		expect_share(b, 0, SECOND, 0.5, 0.02);
	}
}

/* @v, which runs or waits, goes to sleep. */
static void falls_asleep(struct vcpu *v)
{
	while (!v->running)
		play(STEP, NULL);
	fake_run_on(v->cpu);
	sched_block(v);
	run_softirqs();
}

/*
 * a ran for seconds beside a CPU that nobody used, whose clock so stood still.  Two come there that owe
 * nothing by that clock: they do not keep a waiting until they have had as much, be it that a slept a
 * moment (@sleeps) or that its CPU fetched one of them.
 */
static void clocks_apart(bool sleeps)
{
	struct vcpu *a, *other[2];
	uint64_t was;

	setup(2);
	a = hog(256, 0);
	assert_int_equal(sched_set_affinity(a, 1, 1), 0);
	for (unsigned i = 0; i < 2; i++) {
		other[i] = hog(256, 0);
		assert_int_equal(sched_set_affinity(other[i], 2, 2), 0);
	}
	play(20 * MS, NULL);
	falls_asleep(other[0]);
	falls_asleep(other[1]);
	play(5 * SECOND, NULL);
	sched_set_affinity(a, 3, 3);
	for (unsigned i = 0; i < 2; i++) {
		sched_set_affinity(other[i], 3, 3);
		sched_wake(other[i]);
		run_softirqs();
	}
	if (sleeps) {
		falls_asleep(a);
		sched_wake(a);
	} else {
		softirq_raise_on(a->cpu, SOFTIRQ_SCHED);
	}
	run_softirqs();
	was = cpu_time(a);
	play(SECOND, NULL);
	if (cpu_time(a) - was < SECOND / 4)
		fail_msg("a got %lu ms of 1000", (cpu_time(a) - was) / MS);
}

static void clocks_apart_asleep(void **state) { clocks_apart(true); }
static void clocks_apart_fetched(void **state) { clocks_apart(false); }

static void weights_over_cpus(void **state)
{
	struct vcpu *v[5];
	uint64_t before[5];

	setup(2);
	for (unsigned i = 0; i < 5; i++)
		v[i] = hog(256, 0);
	play(200 * MS, NULL);
	for (unsigned i = 0; i < 5; i++)
		before[i] = cpu_time(v[i]);
	play(2 * SECOND, NULL);
	for (unsigned i = 0; i < 5; i++)
		expect_share(v[i], before[i], 2 * SECOND, 2.0 / 5, 0.02);
}

static void three_on_two(void **state)
{
	struct vcpu *v[3];

	setup(2);
	for (unsigned i = 0; i < 3; i++)
		v[i] = hog(256, 0);
	play(2 * SECOND, NULL);
	for (unsigned i = 0; i < 3; i++)
		expect_share(v[i], 0, 2 * SECOND, 2.0 / 3, 0.02);
}

static void idle_steals(void **state)
{
	struct vcpu *v[4];

	setup(4);
	for (unsigned i = 0; i < 4; i++) {
		v[i] = hog(256, 0);
		run_softirqs();
	}
	play(SECOND, NULL);
	for (unsigned i = 0; i < 4; i++)
		expect_share(v[i], 0, SECOND, 1.0, 0.02);
}

/* A sleeper that wakes every millisecond for 50 us among hogs runs at its next step. */
static struct vcpu *sleeper;
static uint64_t woken_at, worst;
static unsigned wakes;

static void sleeper_step(void)
{
	unsigned cpu;

	for_each_cpu(cpu, cpus_online) {
		if (fake_percpus[cpu].vcpu != sleeper)
			continue;
		fake_run_on(cpu);
		if (woken_at) {
			worst = MAX(worst, now_ns() - woken_at);
			woken_at = 0;
		}
		sched_block(sleeper);
		run_softirqs();
	}
	if (sleeper->blocked && !woken_at && now_ns() % MS < STEP) {
		woken_at = now_ns();
		wakes++;
		sched_wake(sleeper);
		run_softirqs();
	}
}

static void wake_latency(void **state)
{
	setup(1);
	for (unsigned i = 0; i < 4; i++)
		hog(256, 0);
	play(200 * MS, NULL);
	sleeper = hog(256, 0);
	worst = wakes = 0;
	woken_at = 0;
	play(SECOND, sleeper_step);
	assert_true(wakes > 800);
	if (worst > 100 * 1000)
		fail_msg("woke after %lu ns at worst, %u times", worst, wakes);
}

/* How long a woken vCPU waits for one that began to run 50 us ago. */
static uint64_t waits_for_beginner(bool privileged)
{
	struct vcpu *a, *b;
	uint64_t woken;

	setup(1);
	a = hog(256, 0);
	a->dom->privileged = privileged;
	b = hog(256, 0);
	play(100 * MS, NULL);
	while (this_cpu()->vcpu != b)
		play(STEP, NULL);
	sched_block(b);
	run_softirqs();
	assert_ptr_equal(this_cpu()->vcpu, a);
	play(3 * MS, NULL);
	sched_wake(b);			/* a has run for long: at once */
	run_softirqs();
	assert_ptr_equal(this_cpu()->vcpu, b);
	sched_block(b);
	run_softirqs();
	play(50000, NULL);
	woken = now_ns();
	sched_wake(b);
	run_softirqs();
	while (this_cpu()->vcpu != b)
		play(STEP, NULL);
	return now_ns() - woken;
}

/* A guest that has just begun goes on until the rate limit, dom0 does not, nor anybody if there is none. */
static void rate_limit(void **state)
{
	assert_int_equal(waits_for_beginner(false), 0);
	sched_ratelimit_us = 1000;
	assert_int_equal(waits_for_beginner(false), MS - 50000);
	assert_int_equal(waits_for_beginner(true), 0);
	sched_ratelimit_us = 200;
	assert_int_equal(waits_for_beginner(false), 150000);
	sched_ratelimit_us = 0;
}

static void affinity(void **state)
{
	struct vcpu *a, *b;
	uint64_t of_a, of_b;

	setup(2);
	a = hog(256, 0);
	b = hog(256, 0);
	run_softirqs();
	/* b may only run where a runs: they share that CPU */
	assert_int_equal(sched_set_affinity(a, 1, 1), 0);
	assert_int_equal(sched_set_affinity(b, 1, 1), 0);
	assert_int_equal(sched_set_affinity(b, 1ul << 40, 1), -EINVAL);
	run_softirqs();
	of_a = cpu_time(a);
	of_b = cpu_time(b);
	play(SECOND, NULL);
	expect_share(a, of_a, SECOND, 0.5, 0.02);
	expect_share(b, of_b, SECOND, 0.5, 0.02);
	/* a waker is between two queues with b, going where it may not run any more */
	while (!b->running)
		play(STEP, NULL);
	sched_block(b);
	run_softirqs();
	b->blocked = false;
	assert_int_equal(sched_set_affinity(b, 2, 2), 0);
	run_softirqs();
	assert_true(b->running && b->cpu == 1);
}

static void runstate_adds_up(void **state)
{
	struct vcpu_runstate_info r;
	struct vcpu *a;
	uint64_t start;

	setup(1);
	start = now_ns();
	a = hog(256, 30);
	hog(256, 0);
	play(SECOND, NULL);
	sched_get_runstate(a, &r);
	assert_int_equal(r.time[0] + r.time[1] + r.time[2] + r.time[3], now_ns() - start);
}

/* Random wakes, blocks, pauses and affinity changes on 4 CPUs: nobody is lost, nobody runs twice. */
static void random_life(void **state)
{
	struct vcpu *v[12];

	unit_seed("random_life");
	setup(4);
	for (unsigned i = 0; i < 12; i++)
		v[i] = hog(1 + unit_below(1024), unit_one_in(4) ? 10 + unit_below(80) : 0);
	for (uint64_t step = 0; step < unit_steps(20000); step++) {
		struct vcpu *x = v[unit_below(12)];
		unsigned running = 0;

		fake_run_on(unit_below(4));
		switch (unit_below(6)) {
		case 0:
			sched_wake(x);
			break;
		case 1:
			if (!this_cpu()->vcpu->is_idle)
				sched_block(this_cpu()->vcpu);
			break;
		case 2:
			atomic_add(&x->pause_count, 1);
			if (x->running)
				softirq_raise_on(x->cpu, SOFTIRQ_SCHED);
			break;
		case 3:
			if (x->pause_count)
				vcpu_unpause(x);
			break;
		default:
			fake_advance(STEP);
		}
		run_softirqs();
		for (unsigned i = 0; i < 12; i++) {
			running += v[i]->on_cpu;
			assert_true(!(v[i]->on_cpu && v[i]->queued));
			assert_true(v[i]->on_cpu || v[i]->queued || v[i]->blocked || v[i]->capped ||
				    v[i]->pause_count);
		}
		assert_true(running <= 4);
	}
	fake_lock_check_none();
}

/* Memory is scrubbed a piece at a time, and interrupts come in between. */
static void idle_takes_interrupts(void **state)
{
	setup(1);
	dirty = true;
	if (!setjmp(back))
		sched_idle_loop();
	dirty = false;
	assert_int_equal(pieces, 3);
}

/* A vCPU that is woken while its CPU, about to leave it, looks for work on another one. */
static struct vcpu *window_vcpu;

bool lock_try(struct spinlock *l)		/* steal() asks for the other queue: the window is open */
{
	struct vcpu *v = window_vcpu;

	if (v) {
		window_vcpu = NULL;
		sched_wake(v);
		return false;
	}
	if (fake_lock_held(l))
		return false;
	lock_take(l);
	return true;
}

static void woken_in_the_window(void **state)
{
	struct vcpu *a, *b;

	setup(2);
	a = hog(256, 0);
	b = hog(256, 0);
	assert_int_equal(sched_set_affinity(a, 1, 1), 0);
	assert_int_equal(sched_set_affinity(b, 2, 2), 0);
	assert_int_equal(sched_set_affinity(hog(256, 0), 2, 2), 0);
	play(10 * MS, NULL);
	assert_true(a->running);
	fake_run_on(a->cpu);
	sched_block(a);
	window_vcpu = a;
	run_softirqs();
	assert_null(window_vcpu);
	assert_true(a->running || a->queued);
	assert_false(a->blocked);
}

/* Five that work and sleep, for milliseconds or for seconds: who wants to run has not long to wait. */
static struct { struct vcpu *v; uint64_t until, ready_at; } worker[5];

static uint64_t work_or_sleep(unsigned seconds_one_in)
{
	return unit_below(unit_one_in(seconds_one_in) ? 3000 : 20) * MS;
}

static void worker_step(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(worker); i++) {
		struct vcpu *v = worker[i].v;

		if (v->on_cpu && cpu_time(v) >= worker[i].until) {
			fake_run_on(v->cpu);
			sched_block(v);
			worker[i].until = now_ns() + work_or_sleep(6);
		} else if (v->blocked && now_ns() >= worker[i].until) {
			sched_wake(v);
			worker[i].until = cpu_time(v) + work_or_sleep(4);
		}
		if (v->on_cpu || v->blocked)
			worker[i].ready_at = now_ns();
		worst = MAX(worst, now_ns() - worker[i].ready_at);
	}
	run_softirqs();
}

/* Three others may be as far behind as dom/sched.c lets them be (BEHIND_NS), and each has two slices of it. */
#define LONGEST		(3 * (100 + 2 * 5) * MS)

static void nobody_waits_long(void **state)
{
	unit_seed("nobody_waits_long");
	for (unsigned round = worst = 0; round < 5; round++) {
		setup(2);
		for (unsigned i = 0; i < ARRAY_SIZE(worker); i++) {
			worker[i].v = hog(256, 0);
			worker[i].until = unit_below(5000) * MS;
			worker[i].ready_at = now_ns();
			run_softirqs();
		}
		play(60 * SECOND, worker_step);
		if (worst > LONGEST)
			fail_msg("round %u: somebody waited %lu ms", round, worst / MS);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_one_cpu), cmocka_unit_test(weights_over_cpus),
		cmocka_unit_test(three_on_two),
		cmocka_unit_test(idle_steals), cmocka_unit_test(wake_latency), cmocka_unit_test(affinity),
		cmocka_unit_test(runstate_adds_up), cmocka_unit_test(random_life),
		cmocka_unit_test(woken_in_the_window), cmocka_unit_test(alone_before),
		cmocka_unit_test(pinned_newcomer), cmocka_unit_test(rate_limit),
		cmocka_unit_test(clocks_apart_asleep), cmocka_unit_test(clocks_apart_fetched),
		cmocka_unit_test(nobody_waits_long), cmocka_unit_test(idle_takes_interrupts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
