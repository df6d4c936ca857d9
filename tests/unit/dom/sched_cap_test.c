/* unit: dom/sched.c dom/event.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Caps: what a domain may have of the CPUs, whoever else wants them, and when it is told so. */
#include "sched_world.h"

static void caps(void **state)
{
	struct vcpu *a, *b;

	setup(1);
	a = hog(256, 25);
	b = hog(256, 0);
	play(SECOND, NULL);
	expect_share(a, 0, SECOND, 0.25, 0.02);
	expect_share(b, 0, SECOND, 0.75, 0.02);
}

static void cap_alone(void **state)
{
	struct vcpu *a;

	setup(1);
	a = hog(256, 10);
	play(SECOND, NULL);
	expect_share(a, 0, SECOND, 0.10, 0.02);
}

static uint64_t ran(struct vcpu *v)
{
	struct vcpu_runstate_info rs;

	sched_get_runstate(v, &rs);
	return rs.time[RUNSTATE_running];
}

/*
 * One that runs alone, without a slice, has its cap at once; so it is with one that is lower, or gone.
 * The first test: those that wait when one ends are counted on, and where somebody waits everybody has
 * slices.
 */
static void cap_while_it_runs(void **state)
{
	static const unsigned cap[] = { 10, 50, 20, 0 };
	struct vcpu *a, *b;

	setup(2);
	a = hog(256, 0);
	b = hog(256, 0);
	play(SECOND, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(cap); i++) {
		uint64_t before = ran(a), other = ran(b);
		double want = (cap[i] ? cap[i] : 100) / 100.0, share;

		sched_set_params(a->dom, 0, cap[i]);
		play(SECOND, NULL);
		share = (double)(ran(a) - before) / (double)SECOND;
		if (share < want - 0.03 || share > want + 0.03)
			fail_msg("share %.3f with a cap of %u", share, cap[i]);
		assert_true(ran(b) - other > SECOND / 100 * 99);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cap_while_it_runs),
		cmocka_unit_test(caps), cmocka_unit_test(cap_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
