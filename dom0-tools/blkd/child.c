/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process of a disk, seen from the supervisor.
 *
 *	NONE --start--> STARTING --READY--> IDLE --CONNECT--> CONNECTING --DONE--> UP
 *	                   ^                                                        |
 *	                   |                 IDLE <--DONE-- DISCONNECTING <--DISCONNECT
 *	                   +--- any but NONE, when it dies
 *
 * A process that dies is started again, and its rings are connected where it left them; the guest
 * waits for its answers meanwhile and sees nothing.  One that was killed is started again at once,
 * however often; one that fails by itself DEATHS times without having answered one request between
 * is given up, and the guest's device with it.
 *
 * What a process had begun may go on after its death: the kernel finishes the transfers of an
 * io_uring in its own time, an NBD server those of a connection that is gone.  Repeated meanwhile,
 * such a write could land on top of a later one, and such a read in memory the guest uses for
 * something else.  So a new process waits for the end of both: the ring holds one end of a pipe
 * until its last transfer is done, and a storage server is ended, which finishes all, and started
 * anew.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "blkd/blkd.h"
#include "blkd/storage.h"

#define DEATHS		8u
#define WAIT_FIRST_NS	10000000ull
#define WAIT_MOST_NS	1000000000ull
#define DRAIN_NS	30000000000ull	/* for a disconnection */
#define START_NS	60000000000ull	/* until it is READY */

int child_journal(struct vbd *v)
{
	void *at;

	snprintf(v->journal_path, sizeof(v->journal_path), "%s/%u-%u.journal", settings.run_dir,
		 v->dev->domid, v->dev->handle);
	/* What an earlier guest of this number left is of no use. */
	if (!v->dev->resuming)
		unlink(v->journal_path);
	v->journal_fd = open(v->journal_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (v->journal_fd < 0 || ftruncate(v->journal_fd, sizeof(struct journal)))
		return -errno;
	at = mmap(NULL, sizeof(struct journal), PROT_READ, MAP_SHARED, v->journal_fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	v->journal = at;
	return 0;
}

static void tell(struct vbd *v, struct blkd_message *m)
{
	/* It may have died; then its death is what we hear of. */
	if (send(v->control, m, sizeof(*m), MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(*m))
		kill(v->pid, SIGKILL);
}

static void tell_config(struct vbd *v)
{
	struct blkd_message m = { .type = MSG_CONFIG };

	m.config = (struct blkd_config){
		.domid = v->dev->domid, .engine = settings.engine, .durable = v->durable,
		.block_device = v->image.block_device, .no_sandbox = settings.no_sandbox,
		.broken = v->broken,
		.shape = v->image.shape,
		.ops_limit = v->ops_limit, .bytes_limit = v->bytes_limit,
	};
	tell(v, &m);
}

/* In the new process: the four descriptors at their places, and nothing else. */
static void become(struct vbd *v, int control, int image, int alive, const char *program)
{
	int from[4] = { control, image, v->journal_fd, alive };
	sigset_t none;

	/* Out of each other's way first. */
	for (int i = 0; i < 4; i++)
		from[i] = fcntl(from[i], F_DUPFD, 16);
	for (int i = 0; i < 4; i++)
		if (from[i] < 0 || dup2(from[i], FD_CONTROL + i) < 0)
			_exit(126);
	if (syscall(SYS_close_range, FD_ALIVE + 1, ~0u, 0))
		for (int fd = FD_ALIVE + 1; fd < 1024; fd++)
			close(fd);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execl(program, "mica-blkd-disk", "--disk-process", (char *)NULL);
	_exit(127);
}

/* The socket to the process, and the pipe that tells of its end; 0 or -errno. */
static int open_ends(int pair[2], int alive[2])
{
	int rc;

	if (pipe2(alive, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	if (!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return 0;
	rc = -errno;
	close(alive[0]);
	close(alive[1]);
	return rc;
}

int child_start(struct vbd *v)
{
	const char *program = v->storage ? settings.nbd_program : settings.program;
	int pair[2], alive[2], image = v->image.fd, rc;

	if (v->storage && v->broken) {
		image = open("/dev/null", O_RDWR | O_CLOEXEC);
	} else if (v->storage) {
		image = storage_connect(v->storage);
		if (image < 0)
			return image;
	}
	rc = open_ends(pair, alive);
	if (rc && v->storage && image >= 0)
		close(image);
	if (rc)
		return rc;
	v->last_words[0] = '\0';
	v->pid = fork();
	if (!v->pid)
		become(v, pair[1], image, alive[1], program);
	close(pair[1]);
	close(alive[1]);
	if (v->storage)
		close(image);
	if (v->pid < 0) {
		close(pair[0]);
		close(alive[0]);
		v->pid = 0;
		return -EAGAIN;
	}
	v->control = pair[0];
	v->alive = alive[0];
	v->child = CHILD_STARTING;
	v->deadline_ns = now_ns() + START_NS;
	loop_need_tick();
	fcntl(v->control, F_SETFL, O_NONBLOCK);
	loop_watch(v->control, v);
	tell_config(v);
	return 0;
}

void child_connect(struct vbd *v)
{
	struct blkd_message m = { .type = MSG_CONNECT };

	v->has_rings = true;
	if (v->child != CHILD_IDLE)
		return;			/* READY brings us here again */
	m.connect.rings = v->rings;
	m.connect.resume = v->resume;
	v->child = CHILD_CONNECTING;
	tell(v, &m);
}

bool child_disconnect(struct vbd *v)
{
	struct blkd_message m = { .type = MSG_DISCONNECT };

	v->has_rings = false;
	if (v->child != CHILD_UP)
		return v->child == CHILD_CONNECTING || v->child == CHILD_DISCONNECTING;
	v->child = CHILD_DISCONNECTING;
	v->deadline_ns = now_ns() + DRAIN_NS;
	loop_need_tick();
	tell(v, &m);
	return true;
}

void child_limits(struct vbd *v)
{
	struct blkd_message m = { .type = MSG_LIMITS };

	m.limits.ops = v->ops_limit;
	m.limits.bytes = v->bytes_limit;
	if (v->child > CHILD_STARTING)
		tell(v, &m);
}

void child_resize(struct vbd *v)
{
	struct blkd_message m = { .type = MSG_RESIZE };

	m.bytes = v->image.shape.bytes;
	if (v->child > CHILD_STARTING)
		tell(v, &m);
}

/* --- what it says --- */

static void on_ready(struct vbd *v, const struct blkd_message *m)
{
	int32_t engine = m->rc;

	if (v->child != CHILD_STARTING)
		return;
	v->child = CHILD_IDLE;
	v->deadline_ns = 0;
	v->engine = engine >= ENGINE_URING && engine <= ENGINE_ERROR ? (enum engine_kind)engine :
		ENGINE_THREADS;
	/* Resized or limited while it was away. */
	child_limits(v);
	if (!v->storage)
		child_resize(v);
	if (v->step == VBD_PROBE)
		vbd_ready(v, m->ready.bytes, m->ready.can_discard);
	else if (v->storage && !v->broken)
		vbd_ready_again(v, m->ready.bytes);
	if (v->has_rings && v->child == CHILD_IDLE)
		child_connect(v);
}

static void gave_up(struct vbd *v, const char *why)
{
	v->has_rings = false;
	if (v->step == VBD_CONNECT)
		vbd_done(v, back_fail(v->dev, -EPROTO, "MICA-DISK-004", NULL,
				      "cannot connect: %s", why));
	else
		back_cut_off(v->dev, "%s", why);
}

static void on_done(struct vbd *v, int32_t rc)
{
	if (v->child == CHILD_DISCONNECTING) {
		v->child = CHILD_IDLE;
		v->deadline_ns = 0;
		if (v->step == VBD_DISCONNECT)
			vbd_done(v, 0);
		return;
	}
	if (v->child != CHILD_CONNECTING)
		return;
	v->child = rc ? CHILD_IDLE : CHILD_UP;
	if (!v->has_rings) {		/* the guest went away meanwhile */
		if (!child_disconnect(v) && v->step == VBD_DISCONNECT)
			vbd_done(v, 0);
		return;
	}
	if (!rc) {
		v->resume = true;	/* from here on */
		if (v->step == VBD_CONNECT)
			vbd_done(v, 0);
		return;
	}
	gave_up(v, rc == -ESTALE ? "no record of the requests in flight is left; attach the disk"
		" again" : rc == -EPROTO ? "the ring's indices are impossible" :
		rc == -EINVAL ? "the rings' grants or ports are not valid" : strerror(-rc));
}

static void clean(struct blkd_message *m)
{
	m->text[sizeof(m->text) - 1] = '\0';
	for (char *c = m->text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

static void on_message(struct vbd *v, struct blkd_message *m)
{
	if (m->type == MSG_FAULT || m->type == MSG_NOTE)
		clean(m);
	switch (m->type) {
	case MSG_READY:
		on_ready(v, m);
		break;
	case MSG_DONE:
		on_done(v, m->rc);
		break;
	case MSG_NOTE:
		back_note(v->dev, "%s", m->text);
		break;
	case MSG_FAULT:
		snprintf(v->last_words, sizeof(v->last_words), "%s", m->text);
		if (v->child == CHILD_UP)
			back_cut_off(v->dev, "%s", m->text);
		break;
	}
}

void child_readable(struct vbd *v)
{
	struct blkd_message m;
	pid_t pid = v->pid;

	/* A message can end the process, and with it the socket. */
	while (v->pid == pid && v->control >= 0) {
		ssize_t n = recv(v->control, &m, sizeof(m), 0);

		if (n == sizeof(m)) {
			on_message(v, &m);
			continue;
		}
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		/* Its end; waitpid() says how. */
		close(v->control);
		v->control = -1;
	}
}

/* --- its death --- */

static uint64_t answered(const struct vbd *v)
{
	const struct blk_stats *s = &v->journal->stats;

	return s->reads + s->writes + s->flushes + s->discards + s->refused;
}

static void how(const struct vbd *v, int status, char *text, size_t room)
{
	if (v->last_words[0])
		snprintf(text, room, "%s", v->last_words);
	else if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SERVER_LOST)
		snprintf(text, room, "its storage server is gone");
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		snprintf(text, room, "it made a system call its sandbox forbids");
	else if (WIFSIGNALED(status))
		snprintf(text, room, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(text, room, "status %d", WEXITSTATUS(status));
}

static void start_again(struct vbd *v, const char *text, bool killed)
{
	uint64_t wait = WAIT_FIRST_NS, now = answered(v);

	if (now != v->progress)
		v->deaths = 0;
	v->progress = now;
	v->restarts++;
	if (++v->deaths > DEATHS && !killed) {
		back_note(v->dev, "its process died %u times without answering a request; given up",
			  v->deaths);
		gave_up(v, text);
		return;
	}
	if (!v->resizing)
		back_note(v->dev, "its process (pid %d) died: %s; starting it again", v->pid, text);
	for (unsigned i = 1; i < v->deaths && wait < WAIT_MOST_NS; i++)
		wait *= 2;
	v->retry_ns = now_ns() + (v->deaths > 1 ? wait : 0);
	v->retry_until_ns = 0;
	loop_need_tick();
}

bool child_is_over(struct vbd *v)
{
	char c;

	if (v->alive >= 0 && read(v->alive, &c, 1) < 0)
		return false;
	if (v->alive >= 0)
		close(v->alive);
	v->alive = -1;
	if (v->old_server && !storage_end(v->storage))
		return false;
	v->old_server = false;
	return true;
}

void child_died(struct vbd *v, int status)
{
	bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	enum vbd_step step = v->step;
	char text[300];

	/* Its last words first. */
	if (v->control >= 0)
		child_readable(v);
	if (v->control >= 0)
		close(v->control);
	v->control = -1;
	how(v, status, text, sizeof(text));
	v->child = CHILD_NONE;
	v->deadline_ns = 0;
	v->old_server = v->storage != NULL;
	if (step == VBD_PROBE) {
		v->pid = 0;
		vbd_done(v, back_fail(v->dev, -EIO, "MICA-DISK-005", NULL,
				      "the disk's process does not start: %s", text));
		return;
	}
	if (v->dev->phase == PHASE_NEW)
		return;
	start_again(v, text, killed);
	v->pid = 0;
	/* What it had under way has ended with it. */
	if (!v->gone && step == VBD_DISCONNECT)
		vbd_done(v, 0);
}

void child_kill(struct vbd *v)
{
	if (v->control >= 0)
		close(v->control);
	v->control = -1;
	if (v->pid > 0)
		kill(v->pid, SIGKILL);	/* collected by main.c, which finds no disk for it */
	v->pid = 0;
	v->child = CHILD_NONE;
}
