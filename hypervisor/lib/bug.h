/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "We are wrong": bug_on() stops the machine with a full report.  It is for our own mistakes only,
 * never for anything a guest, the firmware or the toolstack can cause.
 */
#ifndef LIB_BUG_H
#define LIB_BUG_H

#include "lib/util.h"

/* cpu/panic.c in the hypervisor, the test harness on the build host. */
void noreturn bug(const char *what, const char *file, int line);

#define bug_on(cond) \
	do { if (unlikely(cond)) bug(#cond, __FILE__, __LINE__); } while (0)

#ifdef MICA_DEBUG
#define debug_bug_on(cond)	bug_on(cond)
#else
#define debug_bug_on(cond)	((void)sizeof(cond))
#endif

#endif
