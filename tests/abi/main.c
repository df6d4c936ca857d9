/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compares what abi/mica says with what Debian's libxen-dev says, fact by fact.  Prints a
 * line for every difference and a closing count; exits 1 if there was any.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fact.h"

#define MAX_FACTS	8192

static struct {
	const char *name;
	uint64_t ours;
} facts[MAX_FACTS];
static size_t nr_ours, nr_theirs, nr_failed;

static void remember(const char *name, uint64_t value)
{
	if (nr_ours < MAX_FACTS) {
		facts[nr_ours].name = name;
		facts[nr_ours].ours = value;
	}
	nr_ours++;
}

static void compare(const char *name, uint64_t value)
{
	size_t i = nr_theirs++;

	if (i >= nr_ours || i >= MAX_FACTS || strcmp(name, facts[i].name)) {
		printf("FAIL %s: the two lists do not line up\n", name);
		nr_failed++;
	} else if (value != facts[i].ours) {
		printf("FAIL %s: ours 0x%" PRIx64 ", theirs 0x%" PRIx64 "\n", name, facts[i].ours,
		       value);
		nr_failed++;
	}
}

int main(void)
{
	ours_each(remember);
	theirs_each(compare);
	if (nr_ours != nr_theirs) {
		printf("FAIL %zu facts of ours, %zu of theirs\n", nr_ours, nr_theirs);
		nr_failed++;
		nr_theirs++;
	}
	printf("%zu passed, %zu failed, 0 skipped\n", nr_theirs - nr_failed, nr_failed);
	return nr_failed != 0;
}
