/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One qemu-storage-daemon for each disk that is not raw.
 *
 *	image --qemu-storage-daemon--> NBD on RUN_DIR/<domid>-<vdev>.nbd --> mica-blkd-nbd
 *
 * The formats of `formats` name a file; type "blockdev" hands its params to the daemon as they
 * are (driver=rbd,pool=...), for network disks.  A daemon that dies is started again when the
 * disk's process, which has lost its connection, is.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blkd/blkd.h"
#include "blkd/storage.h"

#define MEASURE_MS	5000

struct storage {
	char type[16], path[1024], socket[108];
	bool read_only;
	pid_t pid;
};

static const char *const formats[] = {
	"qcow2", "qcow", "qed", "vmdk", "vdi", "vhdx", "vpc", "parallels", "luks", "blockdev", NULL
};

bool storage_is_raw(const char *type)
{
	return !strcmp(type, "phy") || !strcmp(type, "file") || !strcmp(type, "raw");
}

const char *storage_refuse(const char *type)
{
	for (size_t i = 0; formats[i]; i++)
		if (!strcmp(formats[i], type))
			return NULL;
	return "types: phy file raw; qcow2 qcow qed vmdk vdi vhdx vpc parallels luks;"
	       " blockdev with the options of qemu-storage-daemon";
}

/* In the options of that daemon a comma in a value is written twice. */
static void quote(char *to, size_t room, const char *from)
{
	size_t n = 0;

	for (; *from && n + 3 < room; from++) {
		to[n++] = *from;
		if (*from == ',')
			to[n++] = ',';
	}
	to[n] = '\0';
}

static void run_daemon(const struct storage *s)
{
	char path[2048], file[2200], disk[4096], server[512], export[128];
	const char *ro = s->read_only ? "on" : "off";

	quote(path, sizeof(path), s->path);
	snprintf(file, sizeof(file), "driver=file,node-name=file,filename=%s,read-only=%s", path, ro);
	if (!strcmp(s->type, "blockdev"))
		snprintf(disk, sizeof(disk), "node-name=disk,read-only=%s,discard=unmap,%s", ro,
			 s->path);
	else
		snprintf(disk, sizeof(disk), "driver=%s,node-name=disk,file=file,read-only=%s,"
			 "discard=unmap", s->type, ro);
	snprintf(server, sizeof(server), "addr.type=unix,addr.path=%s,max-connections=4", s->socket);
	snprintf(export, sizeof(export), "type=nbd,id=disk,node-name=disk,name=disk,writable=%s",
		 s->read_only ? "off" : "on");
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!strcmp(s->type, "blockdev"))
		execlp(settings.storage_program, settings.storage_program, "--blockdev", disk,
		       "--nbd-server", server, "--export", export, (char *)NULL);
	else
		execlp(settings.storage_program, settings.storage_program, "--blockdev", file,
		       "--blockdev", disk, "--nbd-server", server, "--export", export,
		       (char *)NULL);
	fprintf(stderr, "mica-blkd: cannot run %s: %s\n", settings.storage_program,
		strerror(errno));
	_exit(127);
}

int storage_restart(struct storage *s)
{
	sigset_t none;

	if (s->pid > 0)
		return 0;
	unlink(s->socket);
	s->pid = fork();
	if (s->pid < 0)
		return -errno;
	if (!s->pid) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		run_daemon(s);
	}
	return 0;
}

int storage_start(struct storage **out, const char *type, const char *path, bool read_only,
		  const char *socket, const char **why)
{
	struct storage *s = calloc(1, sizeof(*s));
	int rc = -ENOMEM;

	*why = "no memory";
	if (!s)
		return rc;
	snprintf(s->type, sizeof(s->type), "%s", type);
	snprintf(s->path, sizeof(s->path), "%s", path);
	*why = "the socket's name is too long";
	rc = strlen(socket) < sizeof(s->socket) ? 0 : -ENAMETOOLONG;
	if (!rc)
		strcpy(s->socket, socket);
	s->read_only = read_only;
	if (!rc)
		*why = "cannot be opened";
	if (!rc && strcmp(type, "blockdev") && access(path, read_only ? R_OK : R_OK | W_OK))
		rc = -errno;
	if (!rc)
		rc = storage_restart(s);
	if (rc) {
		free(s);
		return rc;
	}
	*out = s;
	return 0;
}

int storage_connect(struct storage *s)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd, rc;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s", s->socket);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || !connect(fd, (struct sockaddr *)&at, sizeof(at)))
		return fd < 0 ? -errno : fd;
	rc = -errno;
	close(fd);
	return rc;
}

/* `mica-blkd-nbd --measure` on the socket prints "BYTES DISCARD". */
static int ask(int fd, char *answer, size_t room)
{
	struct pollfd wait = { .events = POLLIN };
	int pipe_fd[2];
	ssize_t n = 0;
	pid_t pid;

	if (pipe2(pipe_fd, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid) {
		dup2(fd, 0);
		dup2(pipe_fd[1], 1);
		execl(settings.nbd_program, settings.nbd_program, "--measure", (char *)NULL);
		_exit(127);
	}
	close(pipe_fd[1]);
	wait.fd = pipe_fd[0];
	if (pid > 0 && poll(&wait, 1, MEASURE_MS) == 1)
		n = read(pipe_fd[0], answer, room - 1);
	close(pipe_fd[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (n <= 0)
		return -EIO;
	answer[n] = '\0';
	return 0;
}

int storage_measure(struct storage *s, uint64_t *bytes, bool *can_discard)
{
	unsigned long long size;
	unsigned discard;
	char answer[64];
	int fd = storage_connect(s), rc;

	if (fd < 0)
		return fd;
	rc = ask(fd, answer, sizeof(answer));
	close(fd);
	if (rc)
		return rc;
	if (sscanf(answer, "%llu %u", &size, &discard) != 2 || !size)
		return -EPROTO;
	*bytes = size & ~511ull;
	*can_discard = discard;
	return 0;
}

bool storage_died(struct storage *s, pid_t pid)
{
	if (s->pid != pid)
		return false;
	s->pid = 0;
	return true;
}

void storage_stop(struct storage *s)
{
	/* It writes its tables back and ends. */
	if (s->pid > 0)
		kill(s->pid, SIGTERM);
	unlink(s->socket);
	free(s);
}
