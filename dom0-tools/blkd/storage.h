/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Formats other than raw, and network disks: qemu-storage-daemon has them, one process for each
 * disk, and exports the disk over NBD on a socket of its own.
 */
#ifndef MICA_BLKD_STORAGE_H
#define MICA_BLKD_STORAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct storage;

/* True when the daemon itself reads @type. */
bool storage_is_raw(const char *type);
/* NULL, or why there is no such type. */
const char *storage_refuse(const char *type);
/* Start one; *s on success.  @socket: what the names of its sockets begin with.  0 or -errno with
 * *why. */
int storage_start(struct storage **s, const char *type, const char *path, bool read_only,
		  const char *socket, const char **why);
/* A connected socket, or -errno; -ENOENT, -ECONNREFUSED: not yet. */
int storage_connect(struct storage *s);
/* True when @pid was its server, which has ended. */
bool storage_died(struct storage *s, pid_t pid);
/* Have it finish what it was told and end; true when it has. */
bool storage_end(struct storage *s);
/* Start the server if there is none.  0 or -errno. */
int storage_restart(struct storage *s);
/* The next server that is started makes the image @bytes large before it serves it. */
void storage_resize(struct storage *s, uint64_t bytes);
/* Why it did not, in its words. */
void storage_complaint(struct storage *s, char *text, size_t room);
void storage_stop(struct storage *s);
/* Sockets that servers of an earlier daemon left. */
void storage_sweep(const char *run_dir);

#endif
