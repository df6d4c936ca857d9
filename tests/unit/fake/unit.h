/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every unit test includes first.  cmocka comes before any header of ours because util.h
 * gives short names (noreturn, section) to attributes that system headers spell out.
 */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fake.h"
#include "lib/string.h"
#include <mica/errno.h>

/* Repeatable randomness: the seed is printed, and UNIT_SEED=n in the environment repeats a run. */
uint64_t unit_seed(const char *what);
uint64_t unit_random(void);			/* of this thread */
void unit_reseed(uint64_t seed);
static inline uint64_t unit_below(uint64_t n) { return unit_random() % n; }
static inline bool unit_one_in(uint64_t n) { return unit_below(n) == 0; }
/* Steps of a random program: @n, or UNIT_STEPS=n from the environment. */
uint64_t unit_steps(uint64_t n);

#endif
