/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a disk's process gives up before it looks at the guest's memory: root, files, the network,
 * other processes, and all system calls but those its work takes.  A call that is not on the list
 * ends the process, which the supervisor reports by name.
 *
 * It keeps: the image, /dev/xen/gntdev and /dev/xen/evtchn (bound to one guest by the kernel),
 * an io_uring that can only read, write, flush and punch that one image, and the control socket.
 * What it could still do if it were taken over: read and write its own disk and the memory that
 * guests have granted to the control domain.
 */
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <mica/types.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/gntdev.h>

#include "blkd/sandbox.h"

#define OFFSET(field)	((uint32_t)offsetof(struct seccomp_data, field))
#define LOAD(field)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, OFFSET(field))
#define EQUAL(k, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(k), yes, no)
#define KILL		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define ALLOW		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

static const int calls[] = {
	SYS_read, SYS_write, SYS_poll, SYS_ppoll, SYS_epoll_wait, SYS_epoll_pwait, SYS_epoll_ctl,
	SYS_sendto, SYS_recvfrom, SYS_sendmsg, SYS_recvmsg, SYS_timerfd_settime, SYS_io_uring_enter, SYS_preadv,
	SYS_preadv2, SYS_pwritev, SYS_pwritev2, SYS_fdatasync, SYS_fallocate, SYS_munmap,
	SYS_mremap, SYS_madvise, SYS_brk, SYS_futex, SYS_clock_gettime, SYS_nanosleep,
	SYS_clock_nanosleep, SYS_restart_syscall, SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_getpid,
	SYS_gettid, SYS_tgkill, SYS_sched_yield, SYS_close, SYS_exit, SYS_exit_group,
	SYS_writev, SYS_set_robust_list, SYS_rseq,
};

static const unsigned long ioctls[] = {
	IOCTL_GNTDEV_MAP_GRANT_REF, IOCTL_GNTDEV_UNMAP_GRANT_REF, IOCTL_GNTDEV_GRANT_COPY,
	IOCTL_GNTDEV_GET_OFFSET_FOR_VADDR, IOCTL_EVTCHN_BIND_INTERDOMAIN, IOCTL_EVTCHN_UNBIND,
	IOCTL_EVTCHN_NOTIFY, BLKDISCARD,
};

#define CALLS	(sizeof(calls) / sizeof(calls[0]))
#define IOCTLS	(sizeof(ioctls) / sizeof(ioctls[0]))
#define MOST	(24 + 2 * (CALLS + IOCTLS))

static unsigned put(struct sock_filter *code, unsigned n, struct sock_filter one)
{
	code[n] = one;
	return n + 1;
}

#define PUT(...) (n = put(code, n, (struct sock_filter)__VA_ARGS__))

/* mmap and mprotect without PROT_EXEC, ioctl by its number, the rest by name. */
static unsigned build(struct sock_filter code[MOST])
{
	unsigned n = 0;

	PUT(LOAD(arch));
	PUT(EQUAL(AUDIT_ARCH_X86_64, 1, 0));
	PUT(KILL);
	PUT(LOAD(nr));
	PUT(EQUAL(SYS_mmap, 1, 0));
	PUT(EQUAL(SYS_mprotect, 0, 4));
	PUT(LOAD(args[2]));
	PUT(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1));
	PUT(KILL);
	PUT(ALLOW);
	PUT(EQUAL(SYS_ioctl, 0, (uint8_t)(2 * IOCTLS + 2)));
	PUT(LOAD(args[1]));
	for (size_t i = 0; i < IOCTLS; i++) {
		PUT(EQUAL(ioctls[i], 0, 1));
		PUT(ALLOW);
	}
	PUT(KILL);
	for (size_t i = 0; i < CALLS; i++) {
		PUT(EQUAL(calls[i], 0, 1));
		PUT(ALLOW);
	}
	PUT(KILL);
	return n;
}

/* For all threads of the process. */
int sandbox_filter(void)
{
	struct sock_filter code[MOST];
	struct sock_fprog prog = { .filter = code };

	prog.len = (unsigned short)build(code);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog))
		return -errno;
	return 0;
}

int sandbox_user(unsigned id, const char *empty_dir)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none))	/* no dump of a guest's data */
		return -errno;
	if (!geteuid()) {
		if (chdir(empty_dir) || chroot(".") || setgroups(0, NULL) ||
		    setresgid(id, id, id) || setresuid(id, id, id))
			return -errno;
		if (!setresuid(0, 0, 0))
			return -EPERM;		/* rights that come back were not given up */
	}
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0;
}
