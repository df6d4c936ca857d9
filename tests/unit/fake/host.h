/* SPDX-License-Identifier: BSD-2-Clause */
/* cmocka and dice for code that runs on an ordinary system, where unit.h's C library is not. */
#ifndef UNIT_HOST_H
#define UNIT_HOST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static uint64_t dice_state;

/* UNIT_SEED=n repeats a run. */
__attribute__((unused)) static void dice_start(void)
{
	const char *given = getenv("UNIT_SEED");

	dice_state = (given ? strtoull(given, NULL, 0) : 20240607) * 2 + 1;
	printf("seed %llu\n", (unsigned long long)(dice_state >> 1));
	fflush(stdout);			/* it may be the last one can say */
}

__attribute__((unused)) static uint64_t dice(uint64_t below)
{
	dice_state ^= dice_state << 13;
	dice_state ^= dice_state >> 7;
	dice_state ^= dice_state << 17;
	return dice_state % below;
}

/* How many of something a run makes; UNIT_STEPS=n is for longer ones. */
__attribute__((unused)) static unsigned dice_steps(unsigned usual)
{
	const char *given = getenv("UNIT_STEPS");

	return given ? (unsigned)strtoul(given, NULL, 0) : usual;
}

/*
 * A fuzzer's entry for a bounded number of inputs: one in 16 of up to @room bytes, the others of up to
 * @usual, small numbers more often than chance has it.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

__attribute__((unused)) static void dice_inputs(unsigned runs, size_t usual, size_t room)
{
	uint8_t *data = malloc(room);

	assert_non_null(data);
	dice_start();
	for (unsigned run = 0; run < runs; run++) {
		size_t size = 1 + dice(run % 16 ? usual : room);

		for (size_t i = 0; i < size; i++)
			data[i] = (uint8_t)(dice(3) ? dice(256) : dice(8));
		assert_int_equal(LLVMFuzzerTestOneInput(data, size), 0);
	}
	free(data);
}

#endif
