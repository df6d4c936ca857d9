/* SPDX-License-Identifier: BSD-2-Clause */
/* cmocka and dice for code that runs on an ordinary system, where fake/unit.h's C library is not. */
#ifndef UNIT_SIM_HOST_H
#define UNIT_SIM_HOST_H

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
}

__attribute__((unused)) static uint64_t dice(uint64_t below)
{
	dice_state ^= dice_state << 13;
	dice_state ^= dice_state >> 7;
	dice_state ^= dice_state << 17;
	return dice_state % below;
}

#endif
