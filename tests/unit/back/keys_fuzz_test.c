/* unit: tests/fuzz/keys_fuzz.c dom0-tools/back/keys.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The fuzzer of guests' keys for a bounded number of random inputs; UNIT_SEED repeats a run, UNIT_STEPS=n makes so many. */
#include "host.h"

static void random_inputs(void **state)
{
	dice_inputs(dice_steps(200000), 24, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_inputs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
