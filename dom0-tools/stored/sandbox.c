/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gives up everything but what serving takes, before the first byte of a guest is read: another
 * user, the state directory as root directory, no way to gain rights, and a list of system calls.
 * A call that is not on the list fails with EPERM; the daemon goes on.
 */
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "server.h"

#define OFFSET(field)	((uint32_t)offsetof(struct seccomp_data, field))
#define LOAD(field)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, OFFSET(field))
#define DENY		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define ALLOW		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static const int allowed[] = {
	SYS_read, SYS_write, SYS_writev, SYS_sendto, SYS_recvfrom, SYS_accept4, SYS_close,
	SYS_epoll_wait, SYS_epoll_pwait, SYS_epoll_ctl, SYS_ioctl, SYS_fcntl, SYS_lseek,
	SYS_munmap, SYS_mremap, SYS_madvise, SYS_brk,
	SYS_openat, SYS_unlinkat, SYS_renameat, SYS_renameat2, SYS_fallocate, SYS_ftruncate,
	SYS_fstat, SYS_newfstatat, SYS_pread64, SYS_pwrite64,
	SYS_clock_gettime, SYS_getrandom, SYS_futex, SYS_restart_syscall, SYS_rt_sigreturn,
	SYS_rt_sigprocmask, SYS_getpid, SYS_gettid, SYS_tgkill, SYS_exit, SYS_exit_group,
};

#define CALLS	(sizeof(allowed) / sizeof(allowed[0]))

/* load arch, load number; mmap only if not executable; then one test per allowed call. */
static void filter_calls(void)
{
	struct sock_filter code[10 + 2 * CALLS + 1] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
		DENY,
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 4),
		LOAD(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
		DENY,
		ALLOW,
	};
	struct sock_fprog prog = { .filter = code };
	unsigned n = 9;

	for (size_t i = 0; i < CALLS; i++) {
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (uint32_t)allowed[i], 0, 1);
		code[n++] = (struct sock_filter)ALLOW;
	}
	code[n++] = (struct sock_filter)DENY;
	prog.len = (unsigned short)n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		say("the kernel offers no filter for system calls (%s); going on without",
		    strerror(errno));
}

void sandbox_enter(int state_dir, unsigned uid, unsigned gid)
{
	if (fchdir(state_dir))
		die("cannot enter the state directory: %s", strerror(errno));
	if (!geteuid()) {
		if (fchown(state_dir, uid, gid) || chroot(".") || setgroups(0, NULL) ||
		    setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
			die("cannot give up root's rights: %s (--no-sandbox keeps them)",
			    strerror(errno));
		if (uid && !setresuid(0, 0, 0))
			die("root's rights came back after they were given up");
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		die("cannot forbid new privileges: %s", strerror(errno));
	filter_calls();
}
