/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store SOCKET CLIENTS SECONDS: how many requests a second the store answers to that many
 * connected clients, each with one request on its way at a time and a home of 20 nodes.  Half
 * are reads, a quarter writes (each with a watch of another client's home that does not match),
 * the rest listings and transactions of four requests.  Prints one line of numbers.
 */
#include <sys/epoll.h>
#include <time.h>

#include "client.h"

struct client {
	int fd;
	unsigned id, step, tx, awaited;
};

static char reply[XENSTORE_PAYLOAD_MAX + 1];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void give_up(const char *what)
{
	fprintf(stderr, "store: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void send_request(struct client *c)
{
	char out[256];
	struct xsd_sockmsg h = { .req_id = 1 };
	char *p = out + sizeof(h);
	unsigned k = c->step++ % 16;

	if (k == 12) {
		h.type = XS_TRANSACTION_START;
		*p = 0;
		h.len = 1;
	} else if (k == 15) {
		h.type = XS_TRANSACTION_END;
		h.len = 2;
		memcpy(p, "T", 2);
	} else if (k == 3) {
		h.type = XS_DIRECTORY;
		h.len = (uint32_t)sprintf(p, "/bench/%u", c->id) + 1;
	} else if (k % 4 == 1 || k == 14) {
		h.type = XS_WRITE;
		h.len = (uint32_t)sprintf(p, "/bench/%u/node-%u%cvalue %u", c->id, c->step % 20, 0, c->step);
	} else {
		h.type = XS_READ;
		h.len = (uint32_t)sprintf(p, "/bench/%u/node-%u", c->id, c->step % 20) + 1;
	}
	if (k >= 13)
		h.tx_id = c->tx;
	c->awaited = h.type;
	memcpy(out, &h, sizeof(h));
	if (send(c->fd, out, sizeof(h) + h.len, MSG_NOSIGNAL) < 0)
		give_up("send");
}

static void get_reply(struct client *c)
{
	char in[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX + 1];
	struct xsd_sockmsg h;
	ssize_t n = recv(c->fd, in, sizeof(in) - 1, 0);

	if (n < (ssize_t)sizeof(h))
		give_up("recv");
	memcpy(&h, in, sizeof(h));
	if (n != (ssize_t)(sizeof(h) + h.len) || h.type != c->awaited) {
		fprintf(stderr, "store: request of type %u failed\n", c->awaited);
		exit(1);
	}
	in[n] = 0;
	if (h.type == XS_TRANSACTION_START)
		c->tx = (unsigned)atoi(in + sizeof(h));
}

static void prepare(struct client *c, const char *path)
{
	char text[128];
	int len;

	c->fd = client_open(path);
	if (c->fd < 0)
		give_up(path);
	for (unsigned i = 0; i < 20; i++) {
		len = sprintf(text, "/bench/%u/node-%u%c0", c->id, i, 0);
		client_ask(c->fd, XS_WRITE, 0, text, (size_t)len, reply);
	}
	len = sprintf(text, "/bench/%u/watched%ctoken", c->id, 0) + 1;
	client_ask(c->fd, XS_WATCH, 0, text, (size_t)len, reply);
	client_read(c->fd, text, sizeof(struct xsd_sockmsg));
	client_read(c->fd, reply, ((struct xsd_sockmsg *)(void *)text)->len);
}

int main(int argc, char **argv)
{
	unsigned n = argc == 4 ? (unsigned)atoi(argv[2]) : 0;
	struct client *c = calloc(n + 1, sizeof(*c));
	struct epoll_event ev[256];
	int poll = epoll_create1(0);
	double from, until;
	uint64_t done = 0;

	if (!n || !c)
		return 2;
	for (unsigned i = 0; i < n; i++) {
		c[i].id = i;
		prepare(&c[i], argv[1]);
		ev[0] = (struct epoll_event){ .events = EPOLLIN, .data.ptr = &c[i] };
		epoll_ctl(poll, EPOLL_CTL_ADD, c[i].fd, &ev[0]);
	}
	from = now();
	until = from + atof(argv[3]);
	for (unsigned i = 0; i < n; i++)
		send_request(&c[i]);
	while (now() < until) {
		int got = epoll_wait(poll, ev, 256, 1000);

		for (int i = 0; i < got; i++) {
			get_reply(ev[i].data.ptr);
			send_request(ev[i].data.ptr);
			done++;
		}
	}
	printf("%8u clients %10.0f requests/s\n", n, (double)done / (now() - from));
	return 0;
}
