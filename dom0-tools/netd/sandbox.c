/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a worker gives up before it looks at the first byte of a guest.
 *
 * It keeps its open descriptors: the store, grants, event channels, the TAP device.  Files are
 * those of the directory for its captures; it is nobody in particular and has no capabilities; the
 * system calls left are those of the data path.  Connecting to anything is answered with EPERM
 * (the client of the store tries), everything else that is not listed ends the process, and the
 * supervisor starts another one.
 */
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/sandbox.h"
#include "netd/worker.h"

#define ALLOW(nr) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), \
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE(nr) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (nr), 0, 1), \
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)

static int filter_calls(void)
{
	static struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		/* the data path */
		ALLOW(__NR_ioctl), ALLOW(__NR_ppoll), ALLOW(__NR_epoll_wait), ALLOW(__NR_read),
		ALLOW(__NR_write), ALLOW(__NR_readv), ALLOW(__NR_writev), ALLOW(__NR_mmap),
		ALLOW(__NR_munmap), ALLOW(__NR_clock_gettime),
		/* the store and timers */
		ALLOW(__NR_sendto), ALLOW(__NR_recvfrom), ALLOW(__NR_sendmsg),
		ALLOW(__NR_recvmsg), ALLOW(__NR_poll), ALLOW(__NR_epoll_pwait),
		ALLOW(__NR_epoll_ctl), ALLOW(__NR_timerfd_settime), ALLOW(__NR_close),
		/* captures */
		ALLOW(__NR_openat), ALLOW(__NR_lseek), ALLOW(__NR_ftruncate), ALLOW(__NR_fstat),
		ALLOW(__NR_newfstatat),
		/* the C library */
		ALLOW(__NR_brk), ALLOW(__NR_mremap), ALLOW(__NR_madvise), ALLOW(__NR_mprotect),
		ALLOW(__NR_futex), ALLOW(__NR_getpid), ALLOW(__NR_rt_sigreturn),
		ALLOW(__NR_rt_sigaction), ALLOW(__NR_rt_sigprocmask), ALLOW(__NR_restart_syscall),
		ALLOW(__NR_fcntl), ALLOW(__NR_exit), ALLOW(__NR_exit_group),
		REFUSE(__NR_socket), REFUSE(__NR_connect), REFUSE(__NR_open),
		REFUSE(__NR_setsockopt), REFUSE(__NR_access),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	static const struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]), .filter = filter,
	};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	return syscall(SYS_capset, &head, none) ? -errno : 0;
}

/* Nobody's number when there is no such user: a lab without a user table works the same. */
static int become(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return -errno;
	return 0;
}

int sandbox_enter(const char *dir, const char *user, const char **what)
{
	const struct passwd *pw = *user ? getpwnam(user) : NULL;
	uid_t uid = pw ? pw->pw_uid : 65534;
	gid_t gid = pw ? pw->pw_gid : 65534;
	int rc;

	*what = "the directory of captures";
	if ((mkdir(dir, 0750) && errno != EEXIST) || chown(dir, uid, gid) || chroot(dir) ||
	    chdir("/"))
		return -errno;
	*what = "no new privileges";
	rc = mica_sandbox_self();
	if (rc)
		return rc;
	*what = "capabilities";
	if (!*user)
		return filter_calls();
	/* The bounding set needs privileges that the change of user takes away. */
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno != EINVAL)
			return -errno;
	*what = "user";
	rc = become(uid, gid);
	if (rc)
		return rc;
	*what = "capabilities";
	rc = drop_capabilities();
	if (rc)
		return rc;
	*what = "system call filter";
	return filter_calls();
}
