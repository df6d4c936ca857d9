/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One qemu-storage-daemon for each disk that is not raw.
 *
 *	image --qemu-storage-daemon--> NBD on RUN_DIR/<domid>-<vdev>-*.nbd --> mica-blkd-nbd
 *
 * The formats of `formats` name a file; type "blockdev" hands its params to the daemon as they
 * are (driver=rbd,pool=...), for network disks.  A daemon that dies is started again when the
 * disk's process, which has lost its connection, is.
 *
 * A new size is given to a server that exports nothing yet: qemu refuses it under an NBD export.  So
 * one that is to resize is started without socket and export and told, by QMP over its descriptor 3
 * and in this order, to resize, to listen and to export.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
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
#include "blkd/sandbox.h"
#include "blkd/storage.h"

struct storage {
	char type[16], path[1024], base[80], socket[108];
	unsigned starts;
	uint64_t resize;		/* by the next server, 0: not */
	int qmp;			/* what that one answers; -1: none */
	bool ending;
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

/* In JSON a quote or a backslash has a backslash before it; other odd bytes are not let in. */
static bool json(char *to, size_t room, const char *from)
{
	size_t n = 0;

	for (; *from && n + 3 < room; from++) {
		if ((unsigned char)*from < ' ')
			return false;
		if (*from == '"' || *from == '\\')
			to[n++] = '\\';
		to[n++] = *from;
	}
	to[n] = '\0';
	return !*from;
}

/* What a server is told whose socket is @fd's other end; all fits in its buffer. */
static int tell_to_resize(const struct storage *s, int fd)
{
	char path[256], text[1024];
	int n;

	if (!json(path, sizeof(path), s->socket))
		return -EINVAL;
	n = snprintf(text, sizeof(text),
		     "{\"execute\":\"qmp_capabilities\"}\n"
		     "{\"execute\":\"block_resize\",\"arguments\":{\"node-name\":\"disk\",\"size\":%llu}}\n"
		     "{\"execute\":\"nbd-server-start\",\"arguments\":{\"max-connections\":4,\"addr\":"
		     "{\"type\":\"unix\",\"data\":{\"path\":\"%s\"}}}}\n"
		     "{\"execute\":\"block-export-add\",\"arguments\":{\"type\":\"nbd\",\"id\":\"disk\","
		     "\"node-name\":\"disk\",\"name\":\"disk\",\"writable\":true}}\n",
		     (unsigned long long)s->resize, path);
	return n > 0 && (size_t)n < sizeof(text) && send(fd, text, (size_t)n, MSG_NOSIGNAL) == n ?
		0 : -EIO;
}

static void run_daemon(const struct storage *s, int qmp)
{
	const char *args[16];
	unsigned n = 0;
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
	if (!settings.no_sandbox) {
		int rc = sandbox_storage(s->type, s->read_only ? NULL : s->path, settings.run_dir);

		if (rc) {
			fprintf(stderr, "mica-blkd: cannot give up root for %s: %s\n",
				settings.storage_program, strerror(-rc));
			_exit(126);
		}
	}
	/* A change of user would undo it. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	args[n++] = settings.storage_program;
	if (strcmp(s->type, "blockdev")) {
		args[n++] = "--blockdev";
		args[n++] = file;
	}
	args[n++] = "--blockdev";
	args[n++] = disk;
	args[n++] = qmp < 0 ? "--nbd-server" : "--chardev";
	args[n++] = qmp < 0 ? server : "socket,id=qmp,fd=3";
	args[n++] = qmp < 0 ? "--export" : "--monitor";
	args[n++] = qmp < 0 ? export : "chardev=qmp";
	args[n] = NULL;
	if (qmp >= 0 && qmp != 3)
		dup2(qmp, 3);
	else if (qmp == 3)
		fcntl(3, F_SETFD, 0);
	execvp(settings.storage_program, (char **)args);
	fprintf(stderr, "mica-blkd: cannot run %s: %s\n", settings.storage_program,
		strerror(errno));
	_exit(127);
}

static void forget_qmp(struct storage *s)
{
	if (s->qmp >= 0)
		close(s->qmp);
	s->qmp = -1;
}

/* For a server that is to resize: the end that it is told by, and reads from.  -1: it need not. */
static int begin_resize(struct storage *s)
{
	int pair[2], rc;

	forget_qmp(s);
	if (!s->resize)
		return -1;
	rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair);
	if (!rc && tell_to_resize(s, pair[0])) {
		close(pair[0]);
		close(pair[1]);
		rc = -1;
	}
	s->resize = 0;
	if (rc)
		return -1;
	s->qmp = pair[0];
	return pair[1];
}

void storage_resize(struct storage *s, uint64_t bytes)
{
	s->resize = bytes;
}

int storage_restart(struct storage *s)
{
	sigset_t none;
	int qmp;

	if (s->pid > 0)
		return 0;
	unlink(s->socket);
	/* A name of its own each time: one that is still ending removes its socket by name. */
	snprintf(s->socket, sizeof(s->socket), "%s-%d-%u.nbd", s->base, getpid(), s->starts++);
	qmp = begin_resize(s);
	s->pid = fork();
	if (!s->pid) {
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		run_daemon(s, qmp);
	}
	if (qmp >= 0)
		close(qmp);
	return s->pid < 0 ? -errno : 0;
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
	rc = strlen(socket) < sizeof(s->base) ? 0 : -ENAMETOOLONG;
	if (!rc)
		strcpy(s->base, socket);
	s->read_only = read_only;
	s->qmp = -1;
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

void storage_complaint(struct storage *s, char *text, size_t room)
{
	static const char desc[] = "\"desc\": \"";
	char answers[4096], *at;
	ssize_t n = s->qmp < 0 ? -1 : recv(s->qmp, answers, sizeof(answers) - 1, MSG_DONTWAIT);

	snprintf(text, room, "its storage server does not say why");
	if (n <= 0)
		return;
	answers[n] = '\0';
	at = strstr(answers, desc);
	if (!at)
		return;
	at += sizeof(desc) - 1;
	at[strcspn(at, "\"\n")] = '\0';
	snprintf(text, room, "%s", at);
}

bool storage_died(struct storage *s, pid_t pid)
{
	if (s->pid != pid)
		return false;
	s->pid = 0;
	s->ending = false;
	return true;
}

bool storage_end(struct storage *s)
{
	if (s->pid > 0 && !s->ending)
		kill(s->pid, SIGTERM);
	s->ending = s->pid > 0;
	return !s->ending;
}

void storage_sweep(const char *run_dir)
{
	DIR *dir = opendir(run_dir);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (strstr(e->d_name, ".nbd"))
			unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
}

void storage_stop(struct storage *s)
{
	/* It writes its tables back and ends. */
	if (s->pid > 0)
		kill(s->pid, SIGTERM);
	unlink(s->socket);
	forget_qmp(s);
	free(s);
}
