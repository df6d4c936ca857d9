/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two readers of device strings share: words between commas, and how to complain. */
#ifndef MICA_LIB_SPEC_PRIV_H
#define MICA_LIB_SPEC_PRIV_H

#include "lib/spec.h"

struct spec_word {
	const char *text;		/* the whole string */
	size_t at;			/* where this word begins */
	char key[32];			/* "" when it is no key=value */
	char value[1024];		/* of it, or the word; blanks around it are gone */
	size_t value_at;
};

/* The next word from *pos on; false at the end.  @rest: a key whose value is all that follows. */
bool spec_next(const char *text, size_t *pos, const char *rest, struct spec_word *w);
/* Describe what is wrong at @at; returns false. */
bool spec_fail(struct mica_spec_error *e, size_t at, const char *why, ...)
	__attribute__((format(printf, 3, 4)));
/* An unknown key, with the nearest of @keys (ends in NULL). */
bool spec_unknown(struct mica_spec_error *e, const struct spec_word *w, const char *const *keys);

#endif
