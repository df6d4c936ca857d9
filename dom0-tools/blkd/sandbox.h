/* SPDX-License-Identifier: BSD-2-Clause */
/* What a disk's process gives up. */
#ifndef MICA_BLKD_SANDBOX_H
#define MICA_BLKD_SANDBOX_H

/* Another user, an empty directory as root, no new privileges.  0 or -errno. */
int sandbox_user(unsigned id, const char *empty_dir);
/* The filter of system calls, for all threads, for ever.  0 or -errno. */
int sandbox_filter(void);

#endif
