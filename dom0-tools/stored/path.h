/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of nodes.  Inside the daemon a path is absolute and canonical: the root is "", every
 * other node "/a/b"; the special nodes keep their '@'.  So each prefix that ends before a '/',
 * the empty one included, is the name of an ancestor.
 */
#ifndef STORED_PATH_H
#define STORED_PATH_H

#include "util.h"

#define PATH_ROOM	3073			/* XENSTORE_ABS_PATH_MAX and a NUL */
#define PATH_INTRODUCE	"@introduceDomain"
#define PATH_RELEASE	"@releaseDomain"

/*
 * Make a client's path canonical: @in is a NUL-terminated string, @home the domain whose
 * /local/domain/N relative paths start at.  @special also takes names that start with '@'.
 * Returns 0 or -EINVAL.
 */
int path_parse(char out[PATH_ROOM], unsigned home, const char *in, bool special);

/* Bytes of "/local/domain/N/" if @path lies below it (not the domain's node itself), else 0. */
size_t path_home(unsigned home, const char *path);

/* Length of the parent's path; 0 is the root.  Not for the root or special nodes. */
size_t path_parent(const char *path, size_t len);

static inline const char *path_show(const char *path) { return *path ? path : "/"; }

#endif
