/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets of dom0's processes, and the loop that serves them and the rings.
 *
 * Only root can connect (the sockets have mode 0600), so a client speaks with the rights of
 * domain 0; on socket_ro it cannot change anything.  A client that stops reading is not read from
 * once its queue is long.  Nobody can starve others: each turn takes at most one buffer of
 * requests from a socket and a few requests from a ring.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server.h"

#define SOCKETS_MAX	4000u
#define IN_ROOM		16384

struct sock {
	struct conn conn;
	struct server *srv;
	int fd;
	uint32_t events;		/* what epoll waits for */
	size_t have;
	char in[IN_ROOM + 1];
};

static void sock_wait(struct sock *k)
{
	uint32_t want = (conn_choked(k->srv->store, &k->conn) ? 0 : EPOLLIN) |
			(conn_pending(&k->conn) ? EPOLLOUT : 0);
	struct epoll_event ev = { .events = want, .data.ptr = k };

	if (want == k->events || k->conn.dead)
		return;
	k->events = want;
	epoll_ctl(k->srv->epoll, EPOLL_CTL_MOD, k->fd, &ev);
}

static void sock_drop(struct sock *k)
{
	if (k->conn.dead)
		return;
	k->conn.dead = true;
	list_remove(&k->conn.live);
	list_append(&k->srv->closing, &k->conn.live);
}

static void sock_flush(struct conn *c)
{
	struct sock *k = container(c, struct sock, conn);

	while (conn_pending(c) && !c->dead) {
		ssize_t n = send(k->fd, c->out + c->head, conn_pending(c), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN)
				sock_drop(k);
			break;
		}
		conn_consume(c, (size_t)n);
	}
	sock_wait(k);
}

/* Run the whole messages in the buffer. */
static void sock_requests(struct sock *k)
{
	struct xsd_sockmsg h;
	size_t at = 0;

	while (k->have - at >= sizeof(h) && !k->conn.dead && !conn_choked(k->srv->store, &k->conn)) {
		char *payload = k->in + at + sizeof(h), after;

		memcpy(&h, k->in + at, sizeof(h));
		if (h.len > XENSTORE_PAYLOAD_MAX) {
			say("a socket sent a message of %u bytes; closed", h.len);
			sock_drop(k);
			return;
		}
		if (k->have - at < sizeof(h) + h.len)
			break;
		after = payload[h.len];
		store_request(k->srv->store, &k->conn, &h, payload);
		payload[h.len] = after;
		at += sizeof(h) + h.len;
	}
	memmove(k->in, k->in + at, k->have - at);
	k->have -= at;
}

static void sock_ready(struct sock *k, uint32_t events)
{
	struct store *s = k->srv->store;

	if (events & EPOLLOUT) {
		sock_flush(&k->conn);
		conn_pay_owed(s, &k->conn);
		store_commit(s, NULL);
		sock_requests(k);
	}
	if (!k->conn.dead && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && k->have < IN_ROOM) {
		ssize_t n = recv(k->fd, k->in + k->have, IN_ROOM - k->have, MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			sock_drop(k);
			return;
		}
		if (n > 0)
			k->have += (size_t)n;
		sock_requests(k);
	}
	sock_wait(k);
}

static void listen_again(struct server *srv, bool on)
{
	for (unsigned i = 0; i < 2; i++) {
		struct epoll_event ev = { .events = on ? EPOLLIN : 0, .data.ptr = &srv->listeners[i] };

		epoll_ctl(srv->epoll, EPOLL_CTL_MOD, srv->listeners[i], &ev);
	}
	srv->deaf = !on;
}

static void accept_one(struct server *srv, int which)
{
	int fd = accept4(srv->listeners[which], NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct sock *k;

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			listen_again(srv, false);
		return;
	}
	k = xzalloc(sizeof(*k));
	conn_init(srv->store, &k->conn, 0);
	k->conn.read_only = which == 1;
	k->conn.flush = sock_flush;
	k->srv = srv;
	k->fd = fd;
	k->events = EPOLLIN;
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = k };
	if (epoll_ctl(srv->epoll, EPOLL_CTL_ADD, fd, &ev))
		sock_drop(k);
	if (++srv->nsockets >= SOCKETS_MAX) {
		say("%u sockets are open; no more for now", srv->nsockets);
		listen_again(srv, false);
	}
}

static void free_closed(struct server *srv)
{
	while (!list_empty(&srv->closing)) {
		struct conn *c = list_first(&srv->closing, struct conn, live);
		struct sock *k = container(c, struct sock, conn);

		conn_fini(srv->store, c);
		close(k->fd);
		free(k);
		srv->nsockets--;
		if (srv->deaf)
			listen_again(srv, true);
	}
}

static int listen_on(const char *dir, const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", dir, name) >= (int)sizeof(a.sun_path))
		die("%s/%s is too long for the name of a socket", dir, name);
	if (fd < 0)
		die("cannot make a socket: %s", strerror(errno));
	if (!connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die("another store daemon answers at %s; stop it first", a.sun_path);
	close(fd);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(a.sun_path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) || chmod(a.sun_path, 0600) ||
	    listen(fd, 128))
		die("cannot listen at %s: %s", a.sun_path, strerror(errno));
	return fd;
}

static void add_fd(struct server *srv, int fd, void *tag)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = tag };

	if (fd >= 0 && epoll_ctl(srv->epoll, EPOLL_CTL_ADD, fd, &ev))
		die("cannot wait for events: %s", strerror(errno));
}

void server_listen(struct server *srv, const char *dir)
{
	list_init(&srv->closing);
	srv->epoll = epoll_create1(EPOLL_CLOEXEC);
	srv->listeners[0] = listen_on(dir, "socket");
	srv->listeners[1] = listen_on(dir, "socket_ro");
	add_fd(srv, srv->listeners[0], &srv->listeners[0]);
	add_fd(srv, srv->listeners[1], &srv->listeners[1]);
	add_fd(srv, srv->signals, &srv->signals);
	add_fd(srv, srv->events, &srv->events);
}

/* Each ring that has something to do gets one turn. */
static void serve_rings(struct store *s)
{
	struct list now;

	list_init(&now);
	while (!list_empty(&s->busy)) {
		struct list *l = s->busy.next;

		list_remove(l);
		list_append(&now, l);
	}
	while (!list_empty(&now))
		ring_work(list_first(&now, struct conn, live)->ring);
}

bool server_turn(struct server *srv, int timeout_ms)
{
	struct epoll_event ev[64];
	int n = epoll_wait(srv->epoll, ev, 64, list_empty(&srv->store->busy) ? timeout_ms : 0);

	for (int i = 0; i < n; i++) {
		void *tag = ev[i].data.ptr;

		if (tag == &srv->signals)
			return false;
		if (tag == &srv->events)
			srv->on_events(srv);
		else if (tag == &srv->listeners[0] || tag == &srv->listeners[1])
			accept_one(srv, tag == &srv->listeners[1]);
		else if (!((struct sock *)tag)->conn.dead)
			sock_ready(tag, ev[i].events);
	}
	serve_rings(srv->store);
	ring_bells(srv->store);
	free_closed(srv);
	state_compact(srv->store, false);
	return true;
}

void server_run(struct server *srv)
{
	ring_bells(srv->store);
	while (server_turn(srv, -1))
		;
}
