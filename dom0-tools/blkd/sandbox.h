/* SPDX-License-Identifier: BSD-2-Clause */
/* What a disk's process and a storage server give up. */
#ifndef MICA_BLKD_SANDBOX_H
#define MICA_BLKD_SANDBOX_H

/* Another user, an empty directory as root, no new privileges.  0 or -errno. */
int sandbox_user(unsigned id, const char *empty_dir);
/* The filter of system calls, for all threads, for ever.  0 or -errno. */
int sandbox_filter(void);

#define STORAGE_UID	65533		/* of storage servers; they own no file but their socket */

/* Before exec() of a storage server for @path of @type (NULL: to be read only), whose socket will be
 * in directory @sockets: a user of its own, and only the files it needs.  0 or -errno. */
int sandbox_storage(const char *type, const char *path, const char *sockets);

#endif
