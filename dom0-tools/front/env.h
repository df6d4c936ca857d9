/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a driver's portable source takes from its surroundings besides struct mica_io: memory and
 * text.  This is the user-space face; guest-patches/mica-io has the kernel's, found first when a
 * module is built.
 */
#ifndef MICA_FRONT_ENV_H
#define MICA_FRONT_ENV_H

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Zeroed memory or NULL. */
static inline void *env_alloc(size_t bytes)
{
	return calloc(1, bytes);
}

static inline void env_free(void *p)
{
	free(p);
}

/* A decimal number and nothing else.  0 or -EINVAL. */
static inline int env_number(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return *text < '0' || *text > '9' || *end || errno ? -EINVAL : 0;
}

#endif
