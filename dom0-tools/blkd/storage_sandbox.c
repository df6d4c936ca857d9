/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a storage server gives up before it is started.  Unlike a disk's process it has to open
 * files by name: the image, those the image builds on, libraries.  So it keeps one right of root,
 * to open any file (CAP_DAC_OVERRIDE), as a user of its own; and where the kernel has Landlock it
 * can write and make nothing but the image and its socket:
 *
 *	the image itself, or its directory when the format spreads over several files
 *	a socket in its directory (which the supervisor removes)
 *	/dev
 *
 * The options of type "blockdev" can name anything; such a server is only made that user.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "blkd/sandbox.h"

#define KEPT		(1u << CAP_DAC_OVERRIDE)
#define WRITES		((uint64_t)LANDLOCK_ACCESS_FS_WRITE_FILE)
#define MAKES		((uint64_t)(LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
			 LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | \
			 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | \
			 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | \
			 LANDLOCK_ACCESS_FS_MAKE_SYM))
#define SOCKETS		((uint64_t)LANDLOCK_ACCESS_FS_MAKE_SOCK)

/* @path and, if it is a directory, all below. */
static int allow(int ruleset, const char *path, uint64_t what)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = what };
	struct stat st;
	long rc;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return -errno;
	/* Of a file only what files have. */
	if (!fstat(rule.parent_fd, &st) && !S_ISDIR(st.st_mode))
		rule.allowed_access &= WRITES;
	rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	if (rc)
		rc = -errno;
	close(rule.parent_fd);
	return (int)rc;
}

/* A qcow2 image whose data is in a file of its own, by its header's incompatible feature. */
static bool has_data_file(const char *path)
{
	uint8_t header[80];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool has = fd >= 0 && pread(fd, header, sizeof(header), 0) == sizeof(header) &&
		!memcmp(header, "QFI\xfb", 4) && header[7] >= 3 && header[79] & 4;

	if (fd >= 0)
		close(fd);
	return has;
}

static int allow_image(int ruleset, const char *type, const char *path)
{
	char dir[1024];
	char *slash;

	if (strcmp(type, "vmdk") && !has_data_file(path))
		return allow(ruleset, path, WRITES);
	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (!slash)
		return allow(ruleset, ".", WRITES);
	slash[slash == dir] = '\0';
	return allow(ruleset, dir, WRITES);
}

/* 0 also where the kernel has no Landlock. */
static int restrict_writes(const char *type, const char *path, const char *sockets)
{
	struct landlock_ruleset_attr attr = { .handled_access_fs = WRITES | MAKES };
	int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0), rc = 0;

	if (ruleset < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	if (path)
		rc = allow_image(ruleset, type, path);
	if (!rc)
		rc = allow(ruleset, sockets, SOCKETS);
	if (!rc)
		rc = allow(ruleset, "/dev", WRITES);
	if (!rc && syscall(SYS_landlock_restrict_self, ruleset, 0))
		rc = -errno;
	close(ruleset);
	return rc;
}

/* All rights but KEPT, which stays over exec(). */
static int drop_root(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {
		{ .effective = KEPT, .permitted = KEPT, .inheritable = KEPT },
	};

	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(cap < 32 && KEPT & 1u << cap) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			return -errno;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setgroups(0, NULL) ||
	    setresgid(STORAGE_UID, STORAGE_UID, STORAGE_UID) ||
	    setresuid(STORAGE_UID, STORAGE_UID, STORAGE_UID) ||
	    syscall(SYS_capset, &header, data) ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0))
		return -errno;
	return 0;
}

int sandbox_storage(const char *type, const char *path, const char *sockets)
{
	int rc = 0;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (strcmp(type, "blockdev"))
		rc = restrict_writes(type, path, sockets);
	if (!rc && !geteuid())
		rc = drop_root();
	return rc;
}
