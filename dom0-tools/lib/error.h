/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What went wrong, as one object from the place it was noticed to the operator: a code of the
 * catalogue, what was being done, why it failed, measured facts, next steps, and what was undone.
 *
 * A function of libmica that can fail in a way worth explaining takes a struct mica_error; it
 * returns 0 or the (negative) errno of the code's catalogue row.  Functions that only pass on a
 * system call or hypercall return a plain -errno instead.
 */
#ifndef MICA_LIB_ERROR_H
#define MICA_LIB_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses of every program; the numbers are a promise to scripts. */
enum mica_exit {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,			/* wrong command line or configuration */
	EXIT_NOT_FOUND = 3,
	EXIT_STATE = 4,			/* exists already, or is in the wrong state */
	EXIT_DENIED = 5,
	EXIT_RESOURCES = 6,		/* memory, CPUs, quota */
	EXIT_PARTLY = 7,		/* some of several succeeded */
	EXIT_TIMEOUT = 8,
	EXIT_GUEST = 9,			/* the guest refused or does not answer */
	EXIT_NO_HOST = 10,		/* not under Mica, or a daemon cannot be reached */
	EXIT_UNSUPPORTED = 11,
	EXIT_INTEGRITY = 12,
	EXIT_CANCELLED = 13,
	EXIT_INTERRUPTED = 130,
};

#define MICA_ERROR_TEXT		512
#define MICA_ERROR_ITEMS	8

struct mica_error {
	const struct mica_code *code;	/* NULL: nothing went wrong */
	char what[MICA_ERROR_TEXT];	/* "cannot create 'web1'" */
	char why[MICA_ERROR_TEXT];	/* "disk xvda is in use" */
	char fact[MICA_ERROR_ITEMS][MICA_ERROR_TEXT];
	char hint[MICA_ERROR_ITEMS][MICA_ERROR_TEXT];
	char undone[MICA_ERROR_TEXT];
	int facts, hints;
};

/* One row of the catalogue: what `mica help CODE` prints. */
struct mica_code {
	const char *name;		/* "MICA-MEM-001" */
	enum mica_exit exit;
	int errnum;			/* what functions return, negated */
	const char *title;
	const char *cause;
	const char *remedy;
};

/* The row of @name; a name that is not in the catalogue gives the row of MICA-INT-001. */
const struct mica_code *mica_code_find(const char *name);
/* The @i-th row, NULL past the last. */
const struct mica_code *mica_code_nth(size_t i);

/* Start the description of a failure; what stood in @e is lost.  Returns -errno of the code. */
int mica_fail(struct mica_error *e, const char *code, const char *why, ...)
	__attribute__((format(printf, 3, 4)));
/* Add to it.  Past MICA_ERROR_ITEMS a fact or hint is dropped. */
void mica_fact(struct mica_error *e, const char *text, ...) __attribute__((format(printf, 2, 3)));
void mica_hint(struct mica_error *e, const char *text, ...) __attribute__((format(printf, 2, 3)));
void mica_undone(struct mica_error *e, const char *text, ...) __attribute__((format(printf, 2, 3)));
/* Say what was being done; the first to say so wins. */
void mica_what(struct mica_error *e, const char *text, ...) __attribute__((format(printf, 2, 3)));
/* Describe a plain -errno of a hypercall: picks the code that fits. */
int mica_fail_errno(struct mica_error *e, int rc, const char *why, ...)
	__attribute__((format(printf, 3, 4)));

#endif
