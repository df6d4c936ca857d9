/* unit: tests/fuzz/ring_fuzz.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring library's fuzzer for a bounded number of random inputs; UNIT_SEED repeats a run. */
#include "host.h"

static void random_inputs(void **state)
{
	dice_inputs(dice_steps(60000), 128, 2048);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_inputs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
