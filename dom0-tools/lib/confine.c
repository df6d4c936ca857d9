/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * See confine.h.  The filter: only this machine's system calls; mmap and mprotect unless they make
 * memory executable; no socket but Unix ones; then one test per allowed call.  Calls every daemon
 * makes stand here, those of one daemon in its own list.
 */
#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/confine.h"

#define OFFSET(field)	((uint32_t)offsetof(struct seccomp_data, field))
#define LOAD(field)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, OFFSET(field))
#define DENY		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define ALLOW		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define IS(value, yes, no) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), (yes), (no))

static const int common[] = {
	SYS_read, SYS_write, SYS_writev, SYS_sendto, SYS_sendmsg, SYS_recvfrom, SYS_recvmsg,
	SYS_accept4, SYS_close, SYS_poll, SYS_ppoll, SYS_epoll_wait, SYS_epoll_pwait,
	SYS_epoll_ctl, SYS_ioctl, SYS_fcntl, SYS_lseek, SYS_munmap, SYS_mremap, SYS_madvise,
	SYS_brk, SYS_fstat, SYS_newfstatat, SYS_pread64, SYS_pwrite64, SYS_clock_gettime,
	SYS_clock_nanosleep, SYS_nanosleep, SYS_getrandom, SYS_futex, SYS_restart_syscall,
	SYS_rt_sigreturn, SYS_rt_sigprocmask, SYS_getpid, SYS_gettid, SYS_tgkill, SYS_exit,
	SYS_exit_group,
};

#define COMMON	(sizeof(common) / sizeof(common[0]))
#define HEAD	15

/* Two words for each call, after what looks at arguments. */
static size_t add_calls(struct sock_filter *code, const int *calls, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		code[2 * i] = (struct sock_filter)IS(calls[i], 0, 1);
		code[2 * i + 1] = (struct sock_filter)ALLOW;
	}
	return 2 * nr;
}

static int filter_calls(const struct mica_confine *c)
{
	static const struct sock_filter head[HEAD] = {
		LOAD(arch),
		IS(AUDIT_ARCH_X86_64, 1, 0),
		DENY,
		LOAD(nr),
		/* memory: never executable */
		IS(SYS_mmap, 1, 0),
		IS(SYS_mprotect, 0, 4),
		LOAD(args[2]),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1),
		DENY,
		ALLOW,
		/* sockets: no network */
		IS(SYS_socket, 0, 4),
		LOAD(args[0]),
		IS(AF_UNIX, 0, 1),
		ALLOW,
		DENY,
		/* the rest by number, which is still loaded */
	};
	size_t n = HEAD, room = HEAD + 2 * (COMMON + c->nr_calls) + 1;
	struct sock_filter *code = calloc(room, sizeof(*code));
	struct sock_fprog program = { .filter = code };
	int rc = 0;

	if (!code)
		return -ENOMEM;
	for (size_t i = 0; i < HEAD; i++)
		code[i] = head[i];
	n += add_calls(code + n, common, COMMON);
	n += add_calls(code + n, c->calls, c->nr_calls);
	code[n++] = (struct sock_filter)DENY;
	program.len = (unsigned short)n;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		rc = errno == EINVAL ? 1 : -errno;
	free(code);
	return rc;
}

/* Of root's capabilities only these, for ever. */
static int keep_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { 0 };

	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (!(keep >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) && errno != EINVAL)
			return -errno;
	for (unsigned i = 0; i < 2; i++)
		sets[i].effective = sets[i].permitted = (uint32_t)(keep >> 32 * i);
	return syscall(SYS_capset, &head, sets) ? -errno : 0;
}

static int become(unsigned uid, unsigned gid)
{
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return -errno;
	/* It must not come back. */
	return uid && !setresuid(0, 0, 0) ? -EPERM : 0;
}

int mica_confine(const struct mica_confine *c, const char **what)
{
	const struct rlimit none = { 0, 0 };
	int rc = 0;

	*what = "enter its directory";
	if (c->root_dir >= 0 && (fchdir(c->root_dir) || (!geteuid() && chroot("."))))
		return -errno;
	*what = "give up root's rights";
	if (!geteuid())
		rc = c->keep_user ? keep_capabilities(c->capabilities) : become(c->uid, c->gid);
	if (rc)
		return rc;
	*what = "forbid new privileges";
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	*what = "forbid core dumps";
	if (setrlimit(RLIMIT_CORE, &none))
		return -errno;
	*what = "restrict its system calls";
	return filter_calls(c);
}
