/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gives up everything but what serving takes, before the first byte of a guest is read: another
 * user, the state directory as root directory, no way to gain rights, and a list of system calls
 * (lib/confine.h).
 */
#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/confine.h"
#include "server.h"

/* Compacting the journal. */
static const int calls[] = {
	SYS_openat, SYS_unlinkat, SYS_renameat, SYS_renameat2, SYS_fallocate, SYS_ftruncate,
};

void sandbox_enter(int state_dir, unsigned uid, unsigned gid)
{
	const struct mica_confine c = {
		.root_dir = state_dir, .uid = uid, .gid = gid,
		.calls = calls, .nr_calls = sizeof(calls) / sizeof(calls[0]),
	};
	const char *what;
	int rc;

	if (!geteuid() && fchown(state_dir, uid, gid))
		die("cannot give the state directory to user %u: %s", uid, strerror(errno));
	rc = mica_confine(&c, &what);
	if (rc < 0)
		die("cannot %s: %s (--no-sandbox keeps root's rights)", what, strerror(-rc));
	if (rc)
		say("the kernel offers no filter for system calls; going on without");
}
