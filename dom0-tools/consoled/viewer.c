/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readers beside the pty: a Unix socket on which any number of programs may watch a guest, each at
 * its own speed, and type unless they came to read only.
 *
 *	request    DOMID [ro] [replay]\n
 *	answer     ok NAME\n, then the console's bytes; or one line `error WHY\n` and the end
 *
 * A viewer is a position in the guest's history, so a slow one costs nothing: it misses what fell
 * out.  With `replay` it starts at the oldest byte kept, else at the present.
 *
 *	asking --request--> watching --guest gone and all read, or hang-up--> closed
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "consoled/consoled.h"

#define MAX_ASKING	32	/* connections that have not said what they want */

struct viewer {
	struct source io;
	struct guest *guest;	/* NULL: asking */
	struct viewer *next;	/* of the same guest */
	uint64_t at;
	bool read_only;
	size_t len;
	char request[64];
};

static struct source listener = { .fd = -1 };
static unsigned int nr_asking;

static void viewer_close(struct viewer *v)
{
	if (v->guest) {
		struct viewer **link = &v->guest->viewers;

		while (*link != v)
			link = &(*link)->next;
		*link = v->next;
		v->guest->nr_viewers--;
	} else {
		nr_asking--;
	}
	loop_close(&v->io);
	free(v);
}

static void say_line(struct viewer *v, const char *a, const char *b)
{
	char line[256];
	int len = snprintf(line, sizeof(line), "%s %s\n", a, b);

	send(v->io.fd, line, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Write on; false when it hung up. */
static bool viewer_write(struct viewer *v)
{
	const char *from;
	size_t run;
	ssize_t n;

	while ((from = history_at(&v->guest->history, &v->at, &run))) {
		n = send(v->io.fd, from, run, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		v->at += (uint64_t)n;
	}
	return true;
}

static void viewer_want(struct viewer *v)
{
	bool behind = v->at < v->guest->history.end;
	bool listens = v->read_only || guest_room(v->guest);

	loop_want(&v->io, (listens ? EPOLLIN : 0) | (behind ? EPOLLOUT : 0) | EPOLLRDHUP);
}

static const char *viewer_begin(struct viewer *v)
{
	char *word, *save, *end;
	struct guest *g;
	unsigned long id;
	bool replay = false;

	word = strtok_r(v->request, " ", &save);
	id = word ? strtoul(word, &end, 10) : 0;
	if (!word || *end || !*word || id > 0x7fef)
		return "the request is DOMID [ro] [replay]";
	g = guest_find((domid_t)id);
	if (!g || g->pty.fd < 0)
		return "no such console";
	if (g->nr_viewers == MAX_VIEWERS)
		return "too many viewers";
	while ((word = strtok_r(NULL, " ", &save))) {
		if (!strcmp(word, "ro"))
			v->read_only = true;
		else if (!strcmp(word, "replay"))
			replay = true;
		else
			return "the request is DOMID [ro] [replay]";
	}
	nr_asking--;
	v->guest = g;
	v->next = g->viewers;
	g->viewers = v;
	g->nr_viewers++;
	v->at = replay ? history_start(&g->history) : g->history.end;
	say_line(v, "ok", g->name);
	return NULL;
}

/* One byte at a time up to the newline: what follows is typed already. */
static bool viewer_ask(struct viewer *v)
{
	const char *wrong;
	char c;

	while (recv(v->io.fd, &c, 1, MSG_DONTWAIT) == 1) {
		if (c != '\n' && v->len + 1 < sizeof(v->request)) {
			v->request[v->len++] = c;
			continue;
		}
		v->request[v->len] = '\0';
		wrong = viewer_begin(v);
		if (!wrong)
			return true;
		say_line(v, "error", wrong);
		return false;
	}
	return errno == EAGAIN;
}

/* False when it hung up. */
static bool viewer_read(struct viewer *v)
{
	char typed[512];
	size_t room = v->read_only ? sizeof(typed) : guest_room(v->guest);
	ssize_t n;

	if (!room)
		return true;
	n = recv(v->io.fd, typed, room < sizeof(typed) ? room : sizeof(typed), MSG_DONTWAIT);
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	if (!v->read_only)
		guest_type(v->guest, typed, (size_t)n);
	return true;
}

static void viewer_ready(struct source *s, uint32_t events)
{
	struct viewer *v = (struct viewer *)((char *)s - offsetof(struct viewer, io));
	bool alive = !(events & (EPOLLERR | EPOLLHUP));

	if (alive && !v->guest) {
		alive = viewer_ask(v);
		if (alive && !v->guest)
			return;
	} else if (alive && (events & EPOLLIN)) {
		alive = viewer_read(v);
	}
	if (alive && v->guest)
		alive = viewer_write(v);
	/* Half a hang-up is the end of typing; who waits for output keeps both halves open. */
	if (!alive || (events & EPOLLRDHUP && v->at >= v->guest->history.end))
		viewer_close(v);
	else
		viewer_want(v);
}

void viewers_service(struct guest *g)
{
	struct viewer *v = g->viewers, *next;

	for (; v; v = next) {
		next = v->next;
		if (viewer_write(v))
			viewer_want(v);
		else
			viewer_close(v);
	}
}

bool viewers_done(const struct guest *g)
{
	for (const struct viewer *v = g->viewers; v; v = v->next)
		if (v->at < g->history.end)
			return false;
	return true;
}

void viewers_drop(struct guest *g)
{
	while (g->viewers)
		viewer_close(g->viewers);
}

static void accept_viewer(struct source *s, uint32_t events)
{
	int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct viewer *v;

	if (fd < 0)
		return;
	v = nr_asking < MAX_ASKING ? calloc(1, sizeof(*v)) : NULL;
	if (!v) {
		close(fd);
		return;
	}
	v->io = (struct source){ .fd = fd, .ready = viewer_ready };
	if (loop_add(&v->io, EPOLLIN | EPOLLRDHUP)) {
		close(fd);
		free(v);
		return;
	}
	nr_asking++;
}

int viewers_listen(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	strcpy(at.sun_path, path);
	unlink(path);
	listener.ready = accept_viewer;
	listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener.fd < 0)
		return -errno;
	if (bind(listener.fd, (struct sockaddr *)&at, sizeof(at)) || chmod(path, 0660) ||
	    listen(listener.fd, MAX_ASKING))
		return -errno;
	return loop_add(&listener, EPOLLIN);
}
