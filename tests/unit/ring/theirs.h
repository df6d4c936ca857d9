/* SPDX-License-Identifier: BSD-2-Clause */
/* Debian's libxen-dev ring macros behind functions, for ring_interop_test.c: see theirs.c. */
#ifndef UNIT_RING_THEIRS_H
#define UNIT_RING_THEIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct theirs;
struct theirs *theirs_back(void *shared, size_t bytes);
struct theirs *theirs_front(void *shared, size_t bytes);
void theirs_free(struct theirs *t);
unsigned theirs_entries(const struct theirs *t);
void theirs_set(struct theirs *t, uint32_t at);		/* as after @at messages either way */

bool theirs_back_take(struct theirs *t, void *request);	/* 112 bytes */
void theirs_back_answer(struct theirs *t, const void *response);	/* 16 bytes */
bool theirs_back_push(struct theirs *t);		/* true: notify */
bool theirs_back_more(struct theirs *t);

bool theirs_front_put(struct theirs *t, const void *request);	/* false: full */
bool theirs_front_push(struct theirs *t);
bool theirs_front_take(struct theirs *t, void *response);
bool theirs_front_more(struct theirs *t);

#endif
