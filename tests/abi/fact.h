/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One thing known about the ABI: a name to print and a number.  ours.c and theirs.c each
 * hand out the same list of names, in the same order, with the numbers their headers
 * give; main.c compares them.  The two never share a header of the ABI, because the
 * names they define are the same.
 */
#ifndef TESTS_ABI_FACT_H
#define TESTS_ABI_FACT_H

#include <stddef.h>
#include <stdint.h>

/* Receives one fact.  @name lives as long as the program. */
typedef void (*fact_fn)(const char *name, uint64_t value);

/* Call @fact for every fact, in the order of facts.def. */
void ours_each(fact_fn fact);
void theirs_each(fact_fn fact);

#endif /* TESTS_ABI_FACT_H */
