/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results: success, skip, error (could not be run), failure - and the checks that decide.
 *
 * A test is one function test_main().  Checks do not stop it; test_skip() and test_error() do.
 * At the end the hypervisor is asked for an audit, one RESULT line is printed with the worst
 * result and the first reason, and the machine is powered off.
 */
#ifndef GUEST_RESULT_H
#define GUEST_RESULT_H
#include "print.h"
#include "trap.h"

extern const char test_name[];	/* from guest.h, one copy per test */

void test_main(void);

void test_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void test_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void test_error(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void test_finish(void) __attribute__((noreturn));
/* True when the hypervisor is Mica; for the rare question it answers differently on purpose. */
bool on_mica(void);

void check_equal_at(const char *what, long got, long want, int line);
void check_refused_at(const char *what, long got, int line);
void check_fault_at(const struct fault *f, int vector, long error, int line);

/* check(condition, "what went wrong", ...) */
#define check(cond, ...) do {						\
	if (!(cond))							\
		test_fail(__VA_ARGS__);					\
} while (0)
#define check_equal(expr, want)	check_equal_at(#expr, (long)(expr), (long)(want), __LINE__)
#define check_ok(expr)		check_equal(expr, 0)
/* any negative answer */
#define check_refused(expr)	check_refused_at(#expr, (long)(expr), __LINE__)
/* FAULT_IN() must have raised @vector with @error; vector -1: no exception at all */
#define check_fault(f, vector, error)	check_fault_at(f, vector, error, __LINE__)
/* a step every later one needs */
#define must(expr) do {							\
	long must_rc = (long)(expr);					\
	if (must_rc < 0)						\
		test_error("%s: %ld (line %d)", #expr, must_rc, __LINE__);\
} while (0)

#endif
