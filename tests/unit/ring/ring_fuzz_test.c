/* unit: tests/fuzz/ring_fuzz.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring library's fuzzer for a bounded number of random inputs; UNIT_SEED repeats a run. */
#include "host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void random_inputs(void **state)
{
	static uint8_t data[2048];

	dice_start();
	for (unsigned run = 0; run < 60000; run++) {
		size_t size = 1 + dice(run % 16 ? 128 : sizeof(data));

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
