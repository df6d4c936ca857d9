/* unit: tests/fuzz/console_ring_fuzz.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fuzzer of console rings for a bounded number of random inputs; UNIT_SEED repeats a run,
 * UNIT_STEPS=n makes so many.
 */
#include "host.h"

static void random_inputs(void **state)
{
	dice_inputs(dice_steps(20000), 128, 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_inputs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
