/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The broker of proc.h: a simulated world whose domains are processes.  It runs the same calls
 * with the same faults as ops.c does for coroutines, one message after the other; what they make
 * due (events, watches) it hands on after each.  A connection that ends is a domain that died.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "sim/proc.h"
#include "sim/proc_wire.h"
#include "sim/sim_priv.h"

#define CLIENTS	12

struct client {
	int fd, wake;			/* -1: none */
	struct sim_dom *dom;		/* null: a toolstack */
};

struct broker {
	struct sim *world;
	struct client client[CLIENTS];
	bool stop;
};

static uint64_t real_time(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* --- the driver interface towards the world is not used; what is due is handed on --- */

static unsigned domain_index(struct sim *w, struct sim_dom *d)
{
	unsigned i;

	for (i = 0; w->dom[i] != d; i++)
		;
	return i;
}

static uint32_t *pending_word(struct sim *w, struct sim_dom *d)
{
	return (uint32_t *)(w->memory + (SIM_PAGES - SIM_DOMS + domain_index(w, d)) * 4096u);
}

static void hand_on(struct broker *b, struct client *c)
{
	struct sim_dom *d = c->dom;
	uint64_t one = 1;
	uint32_t bits = 0;

	for (unsigned i = 1; i < SIM_PORTS; i++)
		if (d->port[i].pending) {
			d->port[i].pending = false;
			bits |= 1u << i;
		}
	if (bits) {
		__atomic_fetch_or(pending_word(b->world, d), bits, __ATOMIC_SEQ_CST);
		if (write(c->wake, &one, sizeof(one)) < 0)
			return;
	}
	while (d->messages && d->messages->due <= b->world->now) {
		struct sim_message *m = d->messages;
		struct wire out = { .op = WIRE_CHANGED };
		size_t path = strlen(m->path) + 1, token = strlen(m->token) + 1;

		d->messages = m->next;
		memcpy(out.data, m->path, path);
		memcpy(out.data + path, m->token, token);
		out.bytes = (uint32_t)(path + token);
		if (send(c->fd, &out, WIRE_HEAD + out.bytes, MSG_NOSIGNAL) < 0)
			sim_trace(b->world, "a watch event for d%u could not be told", d->id);
		free(m);
	}
}

/* --- calls --- */

static int say_hello(struct broker *b, struct client *c, struct wire *m)
{
	struct mica_io *io = sim_domain(b->world, (domid_t)m->a);

	if (!io || c->dom)
		return -EINVAL;
	for (unsigned i = 0; i < CLIENTS; i++)
		if (b->client[i].dom == sim_of(io))
			return -EBUSY;
	if (!sim_alive(io))
		sim_revive(io);
	c->dom = sim_of(io);
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	__atomic_store_n(pending_word(b->world, c->dom), 0, __ATOMIC_SEQ_CST);
	m->b = domain_index(b->world, c->dom);
	return c->wake < 0 ? -errno : 0;
}

/* Two strings in the message's data, or -EINVAL. */
static int strings(struct wire *m, const char **first, const char **second)
{
	size_t n = strnlen((char *)m->data, m->bytes);

	if (n >= m->bytes || m->data[m->bytes - 1])
		return -EINVAL;
	*first = (char *)m->data;
	*second = n + 1 < m->bytes ? (char *)m->data + n + 1 : "";
	return 0;
}

static int store_call(struct mica_io *io, struct wire *m)
{
	static char answer[WIRE_DATA];
	const char *path, *value;
	int rc = strings(m, &path, &value);

	if (rc)
		return rc;
	switch (m->op) {
	case WIRE_READ:
		rc = io->ops->read(io, path, answer, MICA_IO_VALUE_BYTES);
		m->bytes = rc ? 0 : (uint32_t)strlen(answer) + 1;
		break;
	case WIRE_LIST:
		rc = io->ops->list(io, path, answer, MICA_IO_VALUE_BYTES);
		m->bytes = rc > 0 ? MICA_IO_VALUE_BYTES : 0;
		break;
	case WIRE_WRITE:
		rc = io->ops->write(io, path, value);
		break;
	case WIRE_REMOVE:
		rc = io->ops->remove(io, path);
		break;
	case WIRE_WATCH:
		rc = io->ops->watch(io, path, value);
		break;
	case WIRE_UNWATCH:
		rc = io->ops->unwatch(io, path, value);
		break;
	}
	if (m->op == WIRE_READ || m->op == WIRE_LIST)
		memcpy(m->data, answer, m->bytes);
	else
		m->bytes = 0;
	return rc;
}

static int map_call(struct mica_io *io, struct wire *m)
{
	struct sim_dom *d = sim_of(io);
	uint32_t refs[16];
	void *where;
	int rc;

	if (m->b > 16 || m->bytes != m->b * 4)
		return -EINVAL;
	memcpy(refs, m->data, m->bytes);
	rc = io->ops->map(io, (domid_t)m->a, refs, m->b, m->c, &where);
	for (unsigned i = 0; !rc && i < SIM_MAPS; i++)
		if (d->map[i].pages && d->map[i].where == where) {
			m->d = i;
			for (unsigned k = 0; k < m->b; k++)
				refs[k] = d->map[i].page[k];
			memcpy(m->data, refs, m->bytes);
		}
	return rc;
}

static int lend_call(struct mica_io *io, struct wire *m)
{
	uint32_t refs[16];
	void *where;
	int rc;

	if (m->b > 16)
		return -EINVAL;
	rc = io->ops->lend(io, (domid_t)m->a, m->b, m->c, refs, &where);
	if (rc)
		return rc;
	m->bytes = m->b * 4;
	memcpy(m->data, refs, m->bytes);
	m->b = (uint32_t)(((uint8_t *)where - sim_of(io)->world->memory) / 4096);
	return 0;
}

static int copy_call(struct mica_io *io, struct wire *m)
{
	struct mica_io_copy c;

	if (m->bytes < sizeof(c))
		return -EINVAL;
	memcpy(&c, m->data, sizeof(c));
	if (c.bytes > m->bytes - sizeof(c) || (!c.from.by_ref && !c.to.by_ref))
		return -EINVAL;
	if (!c.from.by_ref)
		c.from.mem = m->data + sizeof(c);
	if (!c.to.by_ref)
		c.to.mem = m->data + sizeof(c);
	return io->ops->copy(io, &c, 1);
}

static int domain_call(struct sim_dom *d, struct wire *m)
{
	struct mica_io *io = &d->io;

	switch (m->op) {
	case WIRE_OFFER:
		return io->ops->port_offer(io, (domid_t)m->a, &m->b);
	case WIRE_BIND:
		return io->ops->port_bind(io, (domid_t)m->a, m->b, &m->b);
	case WIRE_CLOSE:
		io->ops->port_close(io, m->b);
		return 0;
	case WIRE_NOTIFY:
		io->ops->port_notify(io, m->b);
		return 0;
	case WIRE_LEND:
		return lend_call(io, m);
	case WIRE_RECLAIM:
		return m->a >= SIM_PAGES || m->b > 16 ? -EINVAL :
			io->ops->reclaim(io, d->world->memory + m->a * 4096u, m->b);
	case WIRE_MAP:
		return map_call(io, m);
	case WIRE_UNMAP:
		if (m->d < SIM_MAPS && d->map[m->d].pages)
			io->ops->unmap(io, d->map[m->d].where, m->b);
		return 0;
	case WIRE_COPY:
		return copy_call(io, m);
	case WIRE_BEGIN:
		return io->ops->begin(io);
	case WIRE_END:
		return io->ops->end(io, m->a);
	default:
		return m->op >= WIRE_READ && m->op <= WIRE_UNWATCH ? store_call(io, m) : -ENOSYS;
	}
}

static int toolstack_call(struct broker *b, struct wire *m)
{
	struct sim_dom *d;
	struct sim_holds holds;
	const char *kind, *none;

	switch (m->op) {
	case WIRE_ADD:
	case WIRE_DETACH:
		if (strings(m, &kind, &none))
			return -EINVAL;
		if (m->op == WIRE_ADD)
			return sim_device_add(b->world, kind, (domid_t)m->a, (domid_t)m->b, m->c);
		sim_device_detach(b->world, kind, (domid_t)m->a, (domid_t)m->b, m->c);
		return 0;
	case WIRE_HOLDS:
		d = sim_find(b->world, (domid_t)m->a);
		if (!d)
			return -ESRCH;
		holds = sim_holds(&d->io);
		m->bytes = sizeof(holds);
		memcpy(m->data, &holds, sizeof(holds));
		return 0;
	case WIRE_STOP:
		b->stop = true;
		return 0;
	default:
		return -ENOSYS;
	}
}

/* --- connections --- */

static void reply(struct broker *b, struct client *c, struct wire *m)
{
	struct iovec part = { .iov_base = m, .iov_len = WIRE_HEAD + m->bytes };
	char room[CMSG_SPACE(2 * sizeof(int))] = { 0 };
	struct msghdr head = { .msg_iov = &part, .msg_iovlen = 1 };
	int fds[2] = { b->world->memory_fd, c->wake };

	if (m->op == WIRE_HELLO && !m->rc) {
		struct cmsghdr *item;

		head.msg_control = room;
		head.msg_controllen = sizeof(room);
		item = CMSG_FIRSTHDR(&head);
		item->cmsg_level = SOL_SOCKET;
		item->cmsg_type = SCM_RIGHTS;
		item->cmsg_len = CMSG_LEN(sizeof(fds));
		memcpy(CMSG_DATA(item), fds, sizeof(fds));
	}
	if (sendmsg(c->fd, &head, MSG_NOSIGNAL) < 0)
		sim_trace(b->world, "a reply could not be sent");
}

static void hang_up(struct client *c)
{
	if (c->dom && c->dom->alive)
		sim_kill(&c->dom->io);
	if (c->wake >= 0)
		close(c->wake);
	close(c->fd);
	*c = (struct client){ .fd = -1, .wake = -1 };
}

static void serve_one(struct broker *b, struct client *c)
{
	static struct wire m;
	ssize_t n = recv(c->fd, &m, sizeof(m), 0);

	if (n < (ssize_t)WIRE_HEAD || m.bytes != (size_t)n - WIRE_HEAD) {
		hang_up(c);
		return;
	}
	if (m.op == WIRE_HELLO)
		m.rc = say_hello(b, c, &m);
	else if (c->dom)
		m.rc = domain_call(c->dom, &m);
	else
		m.rc = toolstack_call(b, &m);
	if (c->dom && !c->dom->alive) {		/* a fault of the plan has killed it */
		hang_up(c);
		return;
	}
	if (m.op != WIRE_CLOSE && m.op != WIRE_NOTIFY)
		reply(b, c, &m);
}

static void welcome(struct broker *b, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	for (unsigned i = 0; i < CLIENTS && fd >= 0; i++)
		if (b->client[i].fd < 0) {
			b->client[i].fd = fd;
			return;
		}
	if (fd >= 0)
		close(fd);
}

static void turn(struct broker *b, int listener)
{
	struct pollfd polled[CLIENTS + 1] = { { .fd = listener, .events = POLLIN } };
	bool due = sim_next_due(b->world) != UINT64_MAX;

	for (unsigned i = 0; i < CLIENTS; i++)
		polled[i + 1] = (struct pollfd){ .fd = b->client[i].fd, .events = POLLIN };
	poll(polled, CLIENTS + 1, due ? 1 : 1000);
	b->world->now = real_time();
	if (polled[0].revents)
		welcome(b, listener);
	for (unsigned i = 0; i < CLIENTS; i++)
		if (polled[i + 1].revents && b->client[i].fd >= 0)
			serve_one(b, &b->client[i]);
	sim_deliver_due(b->world);
	for (unsigned i = 0; i < CLIENTS; i++)
		if (b->client[i].dom)
			hand_on(b, &b->client[i]);
}

int sim_serve(const char *socket_path, const struct sim_options *options)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct broker b = { .stop = false };
	int listener, rc = 0;

	if (strlen(socket_path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, socket_path);
	for (unsigned i = 0; i < CLIENTS; i++)
		b.client[i] = (struct client){ .fd = -1, .wake = -1 };
	b.world = sim_open(options);
	if (!b.world)
		return -ENOMEM;
	/* The last pages hold the domains' pending bits. */
	memset(b.world->page_users + SIM_PAGES - SIM_DOMS, 1, SIM_DOMS);
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(listener, CLIENTS))
		rc = -errno;
	while (!rc && !b.stop)
		turn(&b, listener);
	for (unsigned i = 0; i < CLIENTS; i++)
		if (b.client[i].fd >= 0)
			hang_up(&b.client[i]);
	if (listener >= 0)
		close(listener);
	unlink(socket_path);
	sim_close(b.world);
	return rc;
}
