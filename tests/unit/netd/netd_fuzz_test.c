/* unit: tests/fuzz/netd_fuzz.c dom0-tools/netd/switch.c dom0-tools/netd/mac.c dom0-tools/netd/bucket.c dom0-tools/netd/frame.c dom0-tools/netd/guard.c dom0-tools/netd/offload.c dom0-tools/netd/config.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The fuzzer of frames and words for a bounded number of random inputs; UNIT_SEED repeats a run, UNIT_STEPS=n makes so many. */
#include "host.h"

static void random_inputs(void **state)
{
	dice_inputs(dice_steps(20000), 200, 9000);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_inputs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
