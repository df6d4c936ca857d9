/* unit: @sim -DMICA_RING_CHECK tests/fuzz/echo_fuzz.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The hostile guest against the echo back end, bounded random inputs; UNIT_SEED repeats a run. */
#include "host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void random_inputs(void **state)
{
	static uint8_t data[600];

	dice_start();
	for (unsigned run = 0; run < 1500; run++) {
		size_t size = 1 + dice(run % 16 ? 96 : sizeof(data));

		for (size_t i = 0; i < size; i++)
			data[i] = (uint8_t)(dice(3) ? dice(256) : dice(8));
		assert_int_equal(LLVMFuzzerTestOneInput(data, size), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_inputs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
