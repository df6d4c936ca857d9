/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process of one disk: start, and the loop.
 *
 *	CONFIG --devices, journal, engine--> sandbox --> READY --> loop until the socket closes
 *
 * It ends when the supervisor does, by whatever means: the kernel kills it.  All it knew is in
 * the journal, and the next one goes on from there.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "blkd/disk.h"
#include "blkd/proto.h"
#include "blkd/sandbox.h"
#include "io/io_xen.h"

#define DEPTH	256u			/* transfers under way */

static struct disk disk;
static struct engine engine;
static struct bounce bounce;

static void tell(struct blkd_message *m)
{
	/* A supervisor that is gone takes us with it. */
	if (send(FD_CONTROL, m, sizeof(*m), MSG_NOSIGNAL) != sizeof(*m))
		_exit(1);
}

static void tell_text(uint32_t type, const char *text)
{
	struct blkd_message m = { .type = type };

	snprintf(m.text, sizeof(m.text), "%s", text);
	tell(&m);
}

static void tell_done(int rc)
{
	struct blkd_message m = { .type = MSG_DONE, .rc = rc };

	tell(&m);
}

__attribute__((format(printf, 1, 2), noreturn)) static void die(const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	tell_text(MSG_FAULT, text);
	_exit(1);
}

static void on_fault(struct disk *d, const char *why)
{
	tell_text(MSG_FAULT, why);
}

static void on_note(struct disk *d, const char *text)
{
	tell_text(MSG_NOTE, text);
}

static void on_drained(struct disk *d)
{
	tell_done(0);
}

static void on_event(void *ctx, uint32_t port)
{
	disk_event(&disk, port);
}

static void on_timer(void *ctx)
{
	disk_timer(&disk);
}

static void receive(struct blkd_message *m)
{
	ssize_t n;

	do {
		n = recv(FD_CONTROL, m, sizeof(*m), 0);
	} while (n < 0 && errno == EINTR);
	if (n != sizeof(*m))
		_exit(0);		/* the end */
}

static void obey(const struct blkd_message *m)
{
	int rc;

	switch (m->type) {
	case MSG_CONNECT:
		rc = disk_connect(&disk, &m->connect.rings, m->connect.resume);
		tell_done(rc);
		if (!rc)
			disk_run(&disk);
		break;
	case MSG_DISCONNECT:
		disk_disconnect(&disk);
		break;
	case MSG_LIMITS:
		disk_limits(&disk, m->limits.ops, m->limits.bytes);
		break;
	case MSG_RESIZE:
		disk.shape.bytes = m->bytes;
		break;
	default:
		die("message %u is not for a disk's process", m->type);
	}
}

/* The engine wished for, or the next this program has. */
static void start_engine(const struct blkd_config *c, const struct engine_ops *const *engines)
{
	static const struct engine_ops *const none[] = { &engine_error, NULL };
	int rc = -ENOSYS;

	if (c->broken)
		engines = none;
	for (size_t i = 0; engines[i] && rc; i++) {
		if (c->engine == ENGINE_THREADS && engines[i]->kind == ENGINE_URING)
			continue;
		engine = (struct engine){
			.ops = engines[i], .image = FD_IMAGE, .block_device = c->block_device,
			.alive = FD_ALIVE, .depth = DEPTH,
			.fixed = bounce.base, .fixed_bytes = bounce.base ? BOUNCE_BYTES : 0,
		};
		rc = engines[i]->start(&engine);
	}
	if (rc)
		die("no engine for input and output starts: %s", strerror(-rc));
}

static struct journal *map_journal(void)
{
	void *at = mmap(NULL, sizeof(struct journal), PROT_READ | PROT_WRITE, MAP_SHARED,
			FD_JOURNAL, 0);

	if (at == MAP_FAILED)
		die("cannot map the journal: %s", strerror(errno));
	return at;
}

static void begin(const struct engine_ops *const *engines, struct mica_io **io)
{
	struct blkd_message m;
	const char *what;
	int rc;

	receive(&m);
	if (m.type != MSG_CONFIG)
		die("the first message is no configuration");
	rc = io_xen_open(io, IO_XEN_GRANTS | IO_XEN_EVENTS, &what);
	if (rc)
		die("cannot open %s: %s", what, strerror(-rc));
	/* Kernels before 4.8 cannot; the guest's ports are checked by the hypervisor anyway. */
	io_xen_restrict(*io, m.config.domid);
	(*io)->driver = (struct mica_io_driver){ .event = on_event, .timer = on_timer };
	/* Neither is fatal: the heap serves, at the price of growing and shrinking all the time. */
	bounce_open(&bounce);
	mallopt(M_TRIM_THRESHOLD, 2 * BOUNCE_MOST);
	mallopt(M_MMAP_THRESHOLD, BOUNCE_MOST);
	start_engine(&m.config, engines);
	disk_init(&disk, *io, &engine, map_journal(), m.config.domid);
	disk.bounce = bounce;
	disk.shape = m.config.shape;
	if (engine.bytes) {
		disk.shape.bytes = engine.bytes & ~(uint64_t)(BLK_SECTOR - 1);
		disk.shape.discard = disk.shape.discard && engine.can_discard;
	}
	disk.durable = m.config.durable;
	disk.fault = on_fault;
	disk.note = on_note;
	disk.drained = on_drained;
	disk_limits(&disk, m.config.ops_limit, m.config.bytes_limit);
	if (!m.config.no_sandbox) {
		rc = sandbox_user(DISK_UID, EMPTY_DIR);
		if (!rc)
			rc = sandbox_filter();
		if (rc)
			die("cannot give up privileges: %s", strerror(-rc));
	}
	m = (struct blkd_message){ .type = MSG_READY, .rc = (int32_t)engine.ops->kind };
	m.ready.bytes = engine.bytes;
	m.ready.can_discard = engine.can_discard;
	tell(&m);
}

int process_main(const struct engine_ops *const *engines)
{
	struct blkd_message m;
	struct mica_io *io;
	struct pollfd fds[3];

	/* The supervisor may be gone already; then the socket says so. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	begin(engines, &io);
	fds[0] = (struct pollfd){ .fd = FD_CONTROL, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = io_xen_fd(io), .events = POLLIN };
	for (;;) {
		fds[2] = (struct pollfd){ .fd = engine.fd, .events = POLLIN };
		if (poll(fds, 3, -1) < 0) {
			if (errno != EINTR)
				die("poll: %s", strerror(errno));
			continue;
		}
		if (fds[2].revents)
			disk_engine(&disk);
		if (fds[1].revents)
			io_xen_dispatch(io);
		if (fds[0].revents) {
			receive(&m);
			obey(&m);
		}
	}
}
