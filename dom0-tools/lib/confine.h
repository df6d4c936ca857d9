/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a daemon gives up for good once it has opened everything: other directories, root's user
 * or root's capabilities, new privileges, core dumps of guests' data, and all system calls but a
 * list.  A call that is not on the list fails with EPERM and the daemon goes on.
 */
#ifndef MICA_LIB_CONFINE_H
#define MICA_LIB_CONFINE_H

#include <stddef.h>
#include <stdint.h>

struct mica_confine {
	int root_dir;			/* becomes / ; -1: stays as it is */
	int keep_user;			/* 1: stay root, but with @capabilities only */
	unsigned uid, gid;		/* else become this user */
	uint64_t capabilities;		/* bit n: CAP_n is kept (with keep_user) */
	const int *calls;		/* besides those every daemon needs */
	size_t nr_calls;
};

/*
 * In this order; what is not root's skips what only root can give up.  0, or -errno and *what says
 * which step failed ("give up root's rights").  A kernel without filters for system calls is no
 * failure: 1, and everything else was done.
 */
int mica_confine(const struct mica_confine *c, const char **what);

#endif
