/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A domain that is a process of its own: struct mica_io_ops as messages to the broker, and the
 * loop that makes the callbacks.  A watch event that arrives while a call waits for its reply is
 * kept for the loop.  See proc.h.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "sim/proc.h"
#include "sim/proc_wire.h"
#include "sim/sim_priv.h"

struct kept {
	struct kept *next;
	char path[SIM_PATH], token[64];
};

struct view {
	uint8_t *where;
	unsigned pages, id;
};

struct proc {
	struct mica_io io;		/* first */
	domid_t id;
	int fd, wake, memory_fd;
	bool broken;
	uint8_t *memory;
	uint32_t *pending;
	uint64_t timer;
	struct kept *kept;
	struct view view[SIM_MAPS];
	struct wire wire;		/* the call under way */
};

static struct proc *proc_of(struct mica_io *io)
{
	return (struct proc *)io;
}

static uint64_t proc_now(struct mica_io *io)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- messages --- */

static void keep(struct proc *p, const struct wire *m)
{
	struct kept *k = calloc(1, sizeof(*k)), **at = &p->kept;
	const char *path = (const char *)m->data;

	snprintf(k->path, sizeof(k->path), "%.255s", path);
	snprintf(k->token, sizeof(k->token), "%.63s", path + strlen(path) + 1);
	while (*at)
		at = &(*at)->next;
	*at = k;
}

/* Receive one message into @m; descriptors, if any, into fds[2]. */
static int receive(int fd, struct wire *m, int *fds)
{
	struct iovec part = { .iov_base = m, .iov_len = sizeof(*m) };
	char room[CMSG_SPACE(2 * sizeof(int))];
	struct msghdr head = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = room,
			       .msg_controllen = sizeof(room) };
	ssize_t n = recvmsg(fd, &head, MSG_CMSG_CLOEXEC);
	struct cmsghdr *item = n > 0 ? CMSG_FIRSTHDR(&head) : NULL;

	if (item && fds && item->cmsg_len == CMSG_LEN(2 * sizeof(int)))
		memcpy(fds, CMSG_DATA(item), 2 * sizeof(int));
	return n >= (ssize_t)WIRE_HEAD ? 0 : -EPIPE;
}

static int tell(struct proc *p, enum wire_op op)
{
	p->wire.op = op;
	if (p->broken ||
	    send(p->fd, &p->wire, WIRE_HEAD + p->wire.bytes, MSG_NOSIGNAL) < 0) {
		p->broken = true;
		return -EPIPE;
	}
	return 0;
}

/* p->wire is asked and answered. */
static int ask(struct proc *p, enum wire_op op)
{
	int rc = tell(p, op);

	while (!rc) {
		rc = receive(p->fd, &p->wire, NULL);
		if (!rc && p->wire.op != WIRE_CHANGED)
			return p->wire.rc;
		if (!rc)
			keep(p, &p->wire);
	}
	p->broken = true;
	return rc;
}

static struct wire *begin_call(struct mica_io *io)
{
	struct wire *m = &proc_of(io)->wire;

	memset(m, 0, WIRE_HEAD);
	return m;
}

static int put_strings(struct wire *m, const char *a, const char *b)
{
	size_t n = strlen(a) + 1, k = b ? strlen(b) + 1 : 0;

	if (n + k > WIRE_DATA)
		return -E2BIG;
	memcpy(m->data, a, n);
	if (b)
		memcpy(m->data + n, b, k);
	m->bytes = (uint32_t)(n + k);
	return 0;
}

/* --- the table --- */

static int proc_offer(struct mica_io *io, domid_t peer, uint32_t *port)
{
	struct wire *m = begin_call(io);
	int rc;

	m->a = peer;
	rc = ask(proc_of(io), WIRE_OFFER);
	*port = m->b;
	return rc;
}

static int proc_bind(struct mica_io *io, domid_t peer, uint32_t remote, uint32_t *port)
{
	struct wire *m = begin_call(io);
	int rc;

	m->a = peer;
	m->b = remote;
	rc = ask(proc_of(io), WIRE_BIND);
	*port = m->b;
	return rc;
}

static void proc_close(struct mica_io *io, uint32_t port)
{
	begin_call(io)->b = port;
	tell(proc_of(io), WIRE_CLOSE);
}

static void proc_notify(struct mica_io *io, uint32_t port)
{
	begin_call(io)->b = port;
	tell(proc_of(io), WIRE_NOTIFY);
}

static int proc_map(struct mica_io *io, domid_t peer, const uint32_t *refs, unsigned n,
		    bool writable, void **where)
{
	struct proc *p = proc_of(io);
	struct wire *m = begin_call(io);
	struct view *v = NULL;
	uint32_t pages[16];
	int rc;

	for (unsigned i = 0; i < SIM_MAPS && !v; i++)
		if (!p->view[i].pages)
			v = &p->view[i];
	if (!v || !n || n > 16)
		return -EINVAL;
	m->a = peer;
	m->b = n;
	m->c = writable;
	m->bytes = n * 4;
	memcpy(m->data, refs, m->bytes);
	rc = ask(p, WIRE_MAP);
	if (rc)
		return rc;
	memcpy(pages, m->data, n * 4);
	v->id = m->d;
	v->where = mmap(NULL, n * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned i = 0; i < n; i++)
		if (mmap(v->where + i * 4096, 4096, writable ? PROT_READ | PROT_WRITE : PROT_READ,
			 MAP_SHARED | MAP_FIXED, p->memory_fd, pages[i] * 4096l) == MAP_FAILED)
			abort();
	v->pages = n;
	*where = v->where;
	return 0;
}

static void proc_unmap(struct mica_io *io, void *where, unsigned n)
{
	struct proc *p = proc_of(io);
	struct wire *m = begin_call(io);

	for (unsigned i = 0; i < SIM_MAPS; i++)
		if (p->view[i].pages == n && p->view[i].where == where) {
			munmap(where, n * 4096);
			p->view[i].pages = 0;
			m->d = p->view[i].id;
			m->b = n;
			ask(p, WIRE_UNMAP);
			return;
		}
}

static int proc_copy(struct mica_io *io, struct mica_io_copy *pieces, unsigned n)
{
	struct proc *p = proc_of(io);
	int rc = 0;

	for (unsigned i = 0; i < n; i++) {
		struct mica_io_copy *c = &pieces[i];
		struct wire *m = begin_call(io);

		if (c->bytes > MICA_IO_PAGE_BYTES) {
			c->status = -EINVAL;
		} else {
			memcpy(m->data, c, sizeof(*c));
			m->bytes = (uint32_t)sizeof(*c) + c->bytes;
			memset(m->data + sizeof(*c), 0, c->bytes);
			if (!c->from.by_ref)
				memcpy(m->data + sizeof(*c), c->from.mem, c->bytes);
			c->status = ask(p, WIRE_COPY);
			if (!c->status && !c->to.by_ref)
				memcpy(c->to.mem, m->data + sizeof(*c), c->bytes);
		}
		rc = rc ? rc : c->status;
	}
	return rc;
}

static int proc_lend(struct mica_io *io, domid_t peer, unsigned n, bool writable, uint32_t *refs,
		     void **where)
{
	struct wire *m = begin_call(io);
	int rc;

	m->a = peer;
	m->b = n;
	m->c = writable;
	rc = ask(proc_of(io), WIRE_LEND);
	if (rc)
		return rc;
	memcpy(refs, m->data, n * 4);
	*where = proc_of(io)->memory + m->b * 4096u;
	return 0;
}

static int proc_reclaim(struct mica_io *io, void *where, unsigned n)
{
	struct wire *m = begin_call(io);

	m->a = (uint32_t)(((uint8_t *)where - proc_of(io)->memory) / 4096);
	m->b = n;
	return ask(proc_of(io), WIRE_RECLAIM);
}

static int store_ask(struct mica_io *io, enum wire_op op, const char *a, const char *b)
{
	struct wire *m = begin_call(io);
	int rc = put_strings(m, a, b);

	return rc ? rc : ask(proc_of(io), op);
}

static int proc_read(struct mica_io *io, const char *path, char *value, size_t room)
{
	struct wire *m = &proc_of(io)->wire;
	int rc = store_ask(io, WIRE_READ, path, NULL);

	if (rc)
		return rc;
	if (m->bytes > room)
		return -ERANGE;
	memcpy(value, m->data, m->bytes);
	return 0;
}

static int proc_list(struct mica_io *io, const char *path, char *names, size_t room)
{
	int rc = store_ask(io, WIRE_LIST, path, NULL);
	const char *from = (const char *)proc_of(io)->wire.data;
	size_t used = 0;

	for (int i = 0; i < rc; i++)
		used += strlen(from + used) + 1;
	if (rc > 0 && used > room)
		return -ERANGE;
	if (rc > 0)
		memcpy(names, from, used);
	return rc;
}

static int proc_write(struct mica_io *io, const char *path, const char *value)
{
	return store_ask(io, WIRE_WRITE, path, value);
}

static int proc_remove(struct mica_io *io, const char *path)
{
	return store_ask(io, WIRE_REMOVE, path, NULL);
}

static int proc_watch(struct mica_io *io, const char *path, const char *token)
{
	return store_ask(io, WIRE_WATCH, path, token);
}

static int proc_unwatch(struct mica_io *io, const char *path, const char *token)
{
	return store_ask(io, WIRE_UNWATCH, path, token);
}

static int proc_begin(struct mica_io *io)
{
	begin_call(io);
	return ask(proc_of(io), WIRE_BEGIN);
}

static int proc_end(struct mica_io *io, bool commit)
{
	begin_call(io)->a = commit;
	return ask(proc_of(io), WIRE_END);
}

static void proc_timer(struct mica_io *io, uint64_t at_ns)
{
	proc_of(io)->timer = at_ns;
}

static domid_t proc_self(struct mica_io *io)
{
	return proc_of(io)->id;
}

static const struct mica_io_ops proc_ops = {
	.port_offer = proc_offer, .port_bind = proc_bind, .port_close = proc_close,
	.port_notify = proc_notify, .map = proc_map, .unmap = proc_unmap, .copy = proc_copy,
	.lend = proc_lend, .reclaim = proc_reclaim, .read = proc_read, .write = proc_write,
	.remove = proc_remove, .list = proc_list, .watch = proc_watch, .unwatch = proc_unwatch,
	.begin = proc_begin, .end = proc_end, .now_ns = proc_now, .timer_set = proc_timer,
	.self = proc_self,
};

/* --- the loop --- */

static void call_events(struct proc *p)
{
	uint64_t count;
	uint32_t bits;

	if (read(p->wake, &count, sizeof(count)) < 0)
		return;
	bits = __atomic_exchange_n(p->pending, 0, __ATOMIC_SEQ_CST);
	for (uint32_t i = 1; i < SIM_PORTS; i++)
		if (bits & 1u << i)
			p->io.driver.event(p->io.driver.ctx, i);
}

static void call_kept(struct proc *p)
{
	while (p->kept) {
		struct kept *k = p->kept;

		p->kept = k->next;
		p->io.driver.changed(p->io.driver.ctx, k->path, k->token);
		free(k);
	}
}

static void once(struct proc *p, int timeout_ms)
{
	struct pollfd polled[2] = { { .fd = p->fd, .events = POLLIN },
				    { .fd = p->wake, .events = POLLIN } };

	if (poll(polled, 2, timeout_ms) < 0)
		return;
	if (polled[0].revents) {
		if (receive(p->fd, &p->wire, NULL)) {
			p->broken = true;
			return;
		}
		if (p->wire.op == WIRE_CHANGED)
			keep(p, &p->wire);
	}
	if (polled[1].revents)
		call_events(p);
	call_kept(p);
	if (p->timer && p->timer <= proc_now(&p->io)) {
		p->timer = 0;
		p->io.driver.timer(p->io.driver.ctx);
	}
}

int sim_wait(struct mica_io *io, bool (*done)(void *ctx), void *ctx, uint64_t limit_ns)
{
	struct proc *p = proc_of(io);
	uint64_t end = proc_now(io) + limit_ns;

	call_kept(p);
	while (!done(ctx)) {
		uint64_t now = proc_now(io), until = p->timer && p->timer < end ? p->timer : end;

		if (p->broken)
			return -EPIPE;
		if (now >= end)
			return -ETIMEDOUT;
		once(p, until <= now ? 0 : (int)((until - now) / 1000000) + 1);
	}
	return 0;
}

/* --- connections --- */

static int dial(const char *socket_path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(socket_path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, socket_path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address))) {
		int error = errno;

		close(fd);
		errno = error;
		fd = -1;
	}
	return fd;
}

static int hello(struct proc *p)
{
	int fds[2] = { -1, -1 }, rc;

	p->wire.a = p->id;
	rc = tell(p, WIRE_HELLO);
	if (!rc)
		rc = receive(p->fd, &p->wire, fds);
	if (!rc)
		rc = p->wire.rc;
	if (rc)
		return rc;
	p->memory_fd = fds[0];
	p->wake = fds[1];
	p->memory = mmap(NULL, SIM_PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
	if (p->memory == MAP_FAILED)
		return -errno;
	p->pending = (uint32_t *)(p->memory + (SIM_PAGES - SIM_DOMS + p->wire.b) * 4096u);
	return 0;
}

struct mica_io *sim_connect(const char *socket_path, domid_t id)
{
	struct proc *p = calloc(1, sizeof(*p));
	int rc;

	p->io.ops = &proc_ops;
	p->id = id;
	p->memory_fd = p->wake = -1;
	p->fd = dial(socket_path);
	rc = p->fd < 0 ? -errno : hello(p);
	if (!rc)
		return &p->io;
	if (p->fd >= 0)
		close(p->fd);
	free(p);
	errno = -rc;
	return NULL;
}

void sim_disconnect(struct mica_io *io)
{
	struct proc *p = proc_of(io);

	for (unsigned i = 0; i < SIM_MAPS; i++)
		if (p->view[i].pages)
			munmap(p->view[i].where, p->view[i].pages * 4096);
	while (p->kept) {
		struct kept *k = p->kept;

		p->kept = k->next;
		free(k);
	}
	munmap(p->memory, SIM_PAGES * 4096);
	close(p->memory_fd);
	close(p->wake);
	close(p->fd);
	free(p);
}

/* --- the toolstack --- */

static int remote(const char *socket_path, struct wire *m, enum wire_op op)
{
	int fd = dial(socket_path), rc;

	if (fd < 0)
		return -errno;
	m->op = op;
	rc = send(fd, m, WIRE_HEAD + m->bytes, MSG_NOSIGNAL) < 0 ? -EPIPE : receive(fd, m, NULL);
	close(fd);
	return rc ? rc : m->rc;
}

static int remote_device(const char *socket_path, enum wire_op op, const char *kind,
			 domid_t front, domid_t back, unsigned number)
{
	struct wire m = { .a = front, .b = back, .c = number };
	int rc = put_strings(&m, kind, NULL);

	return rc ? rc : remote(socket_path, &m, op);
}

int sim_remote_add(const char *socket_path, const char *kind, domid_t front, domid_t back,
		   unsigned number)
{
	return remote_device(socket_path, WIRE_ADD, kind, front, back, number);
}

int sim_remote_detach(const char *socket_path, const char *kind, domid_t front, domid_t back,
		      unsigned number)
{
	return remote_device(socket_path, WIRE_DETACH, kind, front, back, number);
}

int sim_remote_holds(const char *socket_path, domid_t id, struct sim_holds *holds)
{
	struct wire m = { .a = id };
	int rc = remote(socket_path, &m, WIRE_HOLDS);

	if (!rc)
		memcpy(holds, m.data, sizeof(*holds));
	return rc;
}

int sim_remote_stop(const char *socket_path)
{
	struct wire m = { .a = 0 };

	return remote(socket_path, &m, WIRE_STOP);
}
