/* unit: cpu/timer.c cpu/timer_heap.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: the heap against a sorted array under random operations; and when functions run, on
 * which CPU, and what the APIC timer is armed for.
 */
#include "unit.h"
#include "cpu/apic.h"
#include "cpu/softirq.h"
#include "cpu/timer.h"

#define NR	64

static uint64_t apic_armed = ~0ul;	/* last value given to apic_timer_arm */

void apic_timer_arm(uint64_t deadline_ns)
{
	apic_armed = deadline_ns;
}

/* --- the heap alone --- */

/* Counts the timers of a tree and checks order and links. */
static unsigned check_tree(const struct timer *t, const struct timer *parent)
{
	if (!t)
		return 0;
	assert_true(!parent || parent->deadline_ns <= t->deadline_ns);
	assert_ptr_equal(t->parent, parent);
	return 1 + check_tree(t->left, t) + check_tree(t->right, t);
}

static void heap_random(void **state)
{
	struct timer timers[NR] = { 0 }, *root = NULL;
	bool in[NR] = { 0 };
	unsigned count = 0;
	uint64_t steps = unit_steps(200000);

	unit_seed("heap");
	while (steps--) {
		unsigned i = (unsigned)unit_below(NR);
		uint64_t least = ~0ul;

		if (in[i]) {
			root = timer_heap_remove(root, &timers[i]);
			count--;
		} else {
			timers[i].deadline_ns = unit_below(1000);
			root = timer_heap_insert(root, &timers[i]);
			count++;
		}
		in[i] = !in[i];
		for (unsigned k = 0; k < NR; k++)
			if (in[k])
				least = MIN(least, timers[k].deadline_ns);
		assert_true(count ? root && root->deadline_ns == least : !root);
		if (root && steps % 64 == 0) {
			assert_int_equal(check_tree(root, NULL), count);
		}
	}
}

static void heap_sorts(void **state)
{
	struct timer timers[NR] = { 0 }, *root = NULL;
	uint64_t last = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < NR; i++) {
		timers[i].deadline_ns = unit_below(50);
		root = timer_heap_insert(root, &timers[i]);
	}
	for (; root; n++) {
		assert_true(root->deadline_ns >= last);
		last = root->deadline_ns;
		root = timer_heap_remove(root, root);
	}
	assert_int_equal(n, NR);
}

/* --- timers on CPUs --- */

static unsigned fired[NR], fired_on[NR];
static uint64_t fired_at[NR];

static void fire(void *data)
{
	unsigned i = (unsigned)(uintptr_t)data;

	fake_lock_check_none();
	fired[i]++;
	fired_on[i] = cpu_id();
	fired_at[i] = fake_now_ns;
}

static int start_cpus(void **state)
{
	fake_cpus(2);
	for (unsigned c = 2; c-- > 0;) {
		fake_run_on(c);
		timer_init_cpu();
		this_cpu()->softirq_pending = 0;
	}
	fake_now_ns = 1000;
	memset(fired, 0, sizeof(fired));
	return 0;
}

static void run_at(uint64_t now)
{
	fake_now_ns = now;
	softirq_raise(SOFTIRQ_TIMER);
	softirq_run();
}

static void fires_when_due(void **state)
{
	struct timer a, b;

	timer_init(&a, fire, (void *)0, 0);
	timer_init(&b, fire, (void *)1, 0);
	timer_set(&a, 3000);
	assert_int_equal(apic_armed, 3000);
	timer_set(&b, 2000);
	assert_int_equal(apic_armed, 2000);
	run_at(1999);
	assert_int_equal(fired[0] + fired[1], 0);
	run_at(2000);
	assert_int_equal(fired[1], 1);
	assert_false(timer_armed(&b));
	assert_true(timer_armed(&a));
	assert_int_equal(apic_armed, 3000);
	run_at(10000);
	assert_int_equal(fired[0], 1);
	assert_int_equal(apic_armed, ~0ul);
	fake_lock_check_none();
}

static void stop_and_rearm(void **state)
{
	struct timer a, b;

	timer_init(&a, fire, (void *)0, 0);
	timer_init(&b, fire, (void *)1, 0);
	timer_set(&a, 2000);
	timer_set(&b, 2500);
	timer_stop(&a);
	timer_stop(&a);
	assert_false(timer_armed(&a));
	timer_set(&b, 5000);			/* later: the APIC stays at 2000 and fires for nothing */
	assert_int_equal(apic_armed, 2000);
	run_at(2600);
	assert_int_equal(fired[0] + fired[1], 0);
	assert_int_equal(apic_armed, 5000);
	timer_set(&b, 500);			/* in the past: at once */
	run_at(2700);
	assert_int_equal(fired[1], 1);
}

static struct timer again;

static void fire_again(void *data)
{
	fired[2]++;
	timer_set(&again, fake_now_ns);
}

/* A function that always re-arms for now does not keep the softirq for ever. */
static void rearm_inside(void **state)
{
	timer_init(&again, fire_again, NULL, 0);
	timer_set(&again, 1500);
	run_at(1500);
	assert_true(fired[2] >= 1 && fired[2] < 100);
	assert_int_equal(apic_armed, 1500);
	timer_stop(&again);
	assert_false(timer_armed(&again));
}

static void other_cpu(void **state)
{
	struct timer a;

	timer_init(&a, fire, (void *)0, 1);
	timer_set(&a, 2000);
	assert_true(percpu_of(1)->softirq_pending & 1u << SOFTIRQ_TIMER);
	run_at(2000);
	assert_int_equal(fired[0], 0);		/* not ours */
	fake_run_on(1);
	run_at(2000);
	assert_int_equal(fired[0], 1);
	assert_int_equal(fired_on[0], 1);
	timer_set(&a, 3000);
	fake_run_on(0);
	timer_migrate(&a, 0);
	assert_true(timer_armed(&a));
	run_at(3000);
	assert_int_equal(fired[0], 2);
	assert_int_equal(fired_on[0], 0);
	fake_lock_check_none();
}

static void random_timers(void **state)
{
	struct timer timers[NR];
	uint64_t due[NR] = { 0 }, steps = unit_steps(50000);

	unit_seed("timers");
	for (unsigned i = 0; i < NR; i++)
		timer_init(&timers[i], fire, (void *)(uintptr_t)i, i % 2);
	while (steps--) {
		unsigned i = (unsigned)unit_below(NR);

		switch (unit_below(5)) {
		case 0:
		case 1:
			due[i] = fake_now_ns + unit_below(1000);
			timer_set(&timers[i], due[i]);
			break;
		case 2:
			timer_stop(&timers[i]);
			due[i] = 0;
			break;
		case 3:
			timer_migrate(&timers[i], (unsigned)unit_below(2));
			break;
		default:
			memset(fired, 0, sizeof(fired));
			fake_now_ns += unit_below(200);
			for (unsigned c = 0; c < 4; c++) {	/* twice: a round is bounded */
				fake_run_on(c % 2);
				run_at(fake_now_ns);
			}
			fake_run_on(0);
			for (unsigned k = 0; k < NR; k++) {
				bool want = due[k] && due[k] <= fake_now_ns;

				assert_int_equal(fired[k], want);
				if (want)
					assert_int_equal(fired_on[k], timers[k].cpu);
				if (want)
					due[k] = 0;
				assert_int_equal(timer_armed(&timers[k]), due[k] != 0);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heap_random),
		cmocka_unit_test(heap_sorts),
		cmocka_unit_test_setup(fires_when_due, start_cpus),
		cmocka_unit_test_setup(stop_and_rearm, start_cpus),
		cmocka_unit_test_setup(rearm_inside, start_cpus),
		cmocka_unit_test_setup(other_cpu, start_cpus),
		cmocka_unit_test_setup(random_timers, start_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
