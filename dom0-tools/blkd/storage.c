/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One qemu-storage-daemon for each disk that is not raw.
 *
 *	image --qemu-storage-daemon--> NBD on RUN_DIR/<domid>-<vdev>-*.nbd --> mica-blkd-nbd
 *
 * The formats of `formats` name a file; type "blockdev" hands its params to the daemon as they
 * are (driver=rbd,pool=...), for network disks.  A daemon that dies is started again when the
 * disk's process, which has lost its connection, is.
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
#include "blkd/storage.h"

struct storage {
	char type[16], path[1024], base[80], socket[108];
	unsigned starts;
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
	/* A name of its own each time: one that is still ending removes its socket by name. */
	snprintf(s->socket, sizeof(s->socket), "%s-%d-%u.nbd", s->base, getpid(), s->starts++);
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
	rc = strlen(socket) < sizeof(s->base) ? 0 : -ENAMETOOLONG;
	if (!rc)
		strcpy(s->base, socket);
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
	free(s);
}
