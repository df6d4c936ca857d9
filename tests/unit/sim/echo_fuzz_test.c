/* unit: @sim -DMICA_RING_CHECK tests/fuzz/echo_fuzz.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The hostile guest against the echo back end, bounded random inputs; UNIT_SEED repeats a run. */
#include "host.h"

static void random_inputs(void **state)
{
	dice_inputs(dice_steps(1500), 96, 600);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_inputs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
