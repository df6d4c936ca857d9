/* SPDX-License-Identifier: BSD-2-Clause */
/* Work on data nobody vouches for, done where it can do no harm. */
#ifndef MICA_LIB_SANDBOX_H
#define MICA_LIB_SANDBOX_H

/*
 * Call @work in a child process that may compute and get memory, nothing else: no file, no other
 * process, no new privilege.  It returns its result (0 to 127) and whatever it wrote to shared
 * memory.  -errno: the child could not be made, or was killed for trying more (-EPERM) or for
 * faulting (-EFAULT).
 */
int mica_sandboxed(int (*work)(void *arg), void *arg);

/* For a daemon after start-up: from now on no new privileges, and no core dump of guests' data. */
int mica_sandbox_self(void);

#endif
