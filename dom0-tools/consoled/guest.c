/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One guest's console.
 *
 *	ring --peek--> log --> history --> pty, viewers        (bytes the guest wrote)
 *	ring <------------------------- pty, viewers           (bytes typed)
 *
 * The ring is emptied whether anybody reads or not; the log has every byte from the first.  A
 * guest that writes more than ROUND_BYTES in a tick finds its port masked until the next one, and
 * so waits for room in its own ring.  Typed bytes are read from pty and viewers only when the
 * guest has room for them, so none is held here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "consoled/consoled.h"
#include "consoled/mark.h"
#include "consoled/ring.h"

/* All; those that are not gone by their domain; those that are up by their local port. */
static struct guest *guests, *by_domain[DOMID_FIRST_RESERVED], **by_port;
static size_t nr_ports;

struct guest *guest_first(void)
{
	return guests;
}

struct guest *guest_find(domid_t id)
{
	return id < DOMID_FIRST_RESERVED ? by_domain[id] : NULL;
}

struct guest *guest_new(domid_t id, bool resumed)
{
	struct guest *g = id < DOMID_FIRST_RESERVED ? calloc(1, sizeof(*g)) : NULL;

	if (!g)
		return NULL;
	by_domain[id] = g;
	g->id = id;
	g->resumed = resumed;
	g->pty.fd = g->slave = g->log.fd = -1;
	g->budget = ROUND_BYTES;
	g->next = guests;
	guests = g;
	return g;
}

/* --- the pty --- */

static void pty_write(struct guest *g)
{
	const char *from;
	size_t run;
	ssize_t n;

	while (g->pty.fd >= 0 && (from = history_at(&g->history, &g->pty_at, &run))) {
		n = write(g->pty.fd, from, run);
		if (n <= 0)
			break;
		g->pty_at += (uint64_t)n;
	}
}

static void pty_want(struct guest *g)
{
	bool behind = g->pty_at < g->history.end;

	loop_want(&g->pty, (g->ring && ring_room(g->ring) ? EPOLLIN : 0) | (behind ? EPOLLOUT : 0));
}

static void pty_ready(struct source *s, uint32_t events)
{
	struct guest *g = (struct guest *)((char *)s - offsetof(struct guest, pty));
	char typed[512];
	size_t room = guest_room(g);
	ssize_t n;

	if ((events & EPOLLIN) && room) {
		n = read(s->fd, typed, room < sizeof(typed) ? room : sizeof(typed));
		if (n > 0)
			guest_type(g, typed, (size_t)n);
	}
	if (events & EPOLLOUT)
		pty_write(g);
	pty_want(g);
}

/* Raw: every byte is the guest's business.  Readable to the group mica, if there is one. */
static int pty_open(struct guest *g)
{
	struct termios raw;
	int rc;

	g->pty.ready = pty_ready;
	g->pty.fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (g->pty.fd < 0)
		return -errno;
	if (grantpt(g->pty.fd) || unlockpt(g->pty.fd) ||
	    ptsname_r(g->pty.fd, g->tty, sizeof(g->tty)))
		goto failed;
	g->slave = open(g->tty, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (g->slave < 0 || tcgetattr(g->slave, &raw))
		goto failed;
	cfmakeraw(&raw);
	if (tcsetattr(g->slave, TCSANOW, &raw))
		goto failed;
	if (settings.group < 0 || fchown(g->slave, 0, (gid_t)settings.group) ||
	    fchmod(g->slave, 0660))
		fchmod(g->slave, 0600);
	rc = loop_add(&g->pty, EPOLLIN);
	if (!rc)
		return 0;
	errno = -rc;
failed:
	rc = -errno;
	close(g->pty.fd);
	if (g->slave >= 0)
		close(g->slave);
	g->pty.fd = g->slave = -1;
	return rc;
}

/* --- the ring --- */

static void ring_down(struct guest *g)
{
	if (!g->ring)
		return;
	backend.unbind(backend.ctx, g->local);
	backend.unmap(backend.ctx, g->ring, g->granted);
	g->ring = NULL;
	by_port[g->local] = NULL;
}

/* So that an event finds its guest among any number of them. */
static int enter_port(struct guest *g, size_t local)
{
	struct guest **more;

	if (local >= nr_ports) {
		more = reallocarray(by_port, local * 2 + 64, sizeof(*more));
		if (!more)
			return -ENOMEM;
		memset(more + nr_ports, 0, (local * 2 + 64 - nr_ports) * sizeof(*more));
		by_port = more;
		nr_ports = local * 2 + 64;
	}
	by_port[local] = g;
	return 0;
}

static int ring_up(struct guest *g, uint64_t mfn, uint32_t port)
{
	int local, rc;

	g->ring = backend.map(backend.ctx, g->id, mfn, &g->granted);
	if (!g->ring)
		return errno ? -errno : -EIO;
	local = rc = backend.bind(backend.ctx, g->id, port);
	if (local >= 0) {
		rc = enter_port(g, (size_t)local);
		if (rc)
			backend.unbind(backend.ctx, (uint32_t)local);
	}
	if (rc) {
		backend.unmap(backend.ctx, g->ring, g->granted);
		g->ring = NULL;
		return rc;
	}
	g->local = (uint32_t)local;
	g->mfn = mfn;
	g->port = port;
	return 0;
}

static struct mark place(const struct guest *g)
{
	return (struct mark){ .mfn = g->mfn, .port = g->port, .inode = g->log.inode,
			      .bytes = g->log.bytes, .cons = ring_place(g->ring) };
}

/* Log and ring are level now.  Without a mark a kill may repeat bytes, nothing else. */
static void level(struct guest *g)
{
	struct mark now = place(g);

	g->log.moved = false;
	if (g->log.fd < 0 || mark_write(settings.mark_dir, g->id, &now))
		mark_remove(settings.mark_dir, g->id);
}

/*
 * A daemon before this one may have been killed with bytes in the log that it had not given back.
 * Those must be what the log ends with: it may have grown by a note of ours, or by another guest of
 * that name, since the mark was made.
 */
static void give_back_logged(struct guest *g)
{
	char in_log[RING_OUT_BYTES], in_ring[RING_OUT_BYTES];
	struct mark then, now = place(g);
	bool skipped;
	size_t ahead;

	if (mark_read(settings.mark_dir, g->id, &then))
		return;
	ahead = mark_ahead(&then, &now, ring_pending(g->ring));
	if (logfile_tail(&g->log, in_log, ahead) == ahead &&
	    ring_peek(g->ring, in_ring, &skipped) >= ahead && !memcmp(in_log, in_ring, ahead))
		ring_take(g->ring, ahead);
}

/* The end of an older daemon's log, so that those who ask for a replay get one. */
static void remember(struct guest *g)
{
	char *tail = malloc(g->history.size);

	if (!tail)
		return;
	history_add(&g->history, tail, logfile_tail(&g->log, tail, g->history.size));
	g->pty_at = g->history.end;
	free(tail);
}

static int first_connect(struct guest *g, size_t limit)
{
	int rc = logfile_open(&g->log, settings.log_dir, g->name, settings.log_bytes,
			      settings.log_keep);

	if (rc)
		note("guest %s: no log %s: %s", g->name, g->log.path, strerror(-rc));
	if (!limit || limit > settings.history_bytes)
		limit = settings.history_bytes;
	history_init(&g->history, limit);
	if (g->resumed)
		remember(g);
	return pty_open(g);
}

int guest_connect(struct guest *g, const char *name, uint64_t mfn, uint32_t port, size_t limit)
{
	int rc;

	if (g->state == GUEST_UP && g->mfn == mfn && g->port == port)
		return 0;
	if (g->pty.fd < 0) {
		strncpy(g->name, name, sizeof(g->name) - 1);
		rc = first_connect(g, limit);
		if (rc) {
			note("guest %s: no pty: %s", g->name, strerror(-rc));
			return rc;
		}
	}
	ring_down(g);
	g->state = GUEST_WAITING;
	rc = ring_up(g, mfn, port);
	if (rc) {
		note("guest %s: cannot reach its ring: %s", g->name, strerror(-rc));
		return rc;
	}
	g->state = GUEST_UP;
	if (g->resumed)
		give_back_logged(g);
	g->resumed = false;
	level(g);
	watch_publish_tty(g);
	guest_service(g);
	return 0;
}

static void say_broken(struct guest *g)
{
	static const char text[] = "\n[the console ring's indexes were impossible; output lost]\n";

	ring_resync(g->ring);
	g->log.moved = true;
	if (g->broken_ring)
		return;
	g->broken_ring = true;
	note("guest %s: impossible indexes in its console ring", g->name);
	logfile_write(&g->log, text, sizeof(text) - 1);
}

/* Empty the ring into log and history as far as the budget goes; true when anything moved. */
static bool take_output(struct guest *g)
{
	char bytes[RING_OUT_BYTES];
	bool skipped, moved = false;
	size_t n;

	while (g->budget) {
		n = ring_peek(g->ring, bytes, &skipped);
		if (skipped) {
			say_broken(g);
			g->budget -= RING_OUT_BYTES < g->budget ? RING_OUT_BYTES : g->budget;
			moved = true;
			break;
		}
		if (!n)
			break;
		logfile_write(&g->log, bytes, n);
		history_add(&g->history, bytes, n);
		ring_take(g->ring, n);
		g->budget -= n < g->budget ? n : g->budget;
		moved = true;
	}
	if (g->log.moved)
		level(g);
	return moved;
}

void guest_service(struct guest *g)
{
	if (g->ring && take_output(g))
		backend.notify(backend.ctx, g->local);
	if (!g->budget && !g->held) {
		g->held = true;
		loop_need_tick();
	} else if (g->budget < ROUND_BYTES) {
		loop_need_tick();
	}
	pty_write(g);
	pty_want(g);
	viewers_service(g);
}

size_t guest_room(struct guest *g)
{
	return g->ring ? ring_room(g->ring) : 0;
}

size_t guest_type(struct guest *g, const char *from, size_t n)
{
	n = g->ring ? ring_put(g->ring, from, n) : 0;
	if (n)
		backend.notify(backend.ctx, g->local);
	return n;
}

void guests_event(struct source *s, uint32_t events)
{
	int local = backend.pending(backend.ctx);
	struct guest *g = local >= 0 && (size_t)local < nr_ports ? by_port[local] : NULL;

	if (!g)
		return;
	guest_service(g);
	if (!g->held)
		backend.unmask(backend.ctx, g->local);
}

/* --- the end --- */

void guest_release(struct guest *g)
{
	if (g->state == GUEST_GONE)
		return;
	g->budget = ROUND_BYTES;
	if (g->ring)
		take_output(g);
	ring_down(g);
	mark_remove(settings.mark_dir, g->id);
	if (by_domain[g->id] == g)
		by_domain[g->id] = NULL;
	g->state = GUEST_GONE;
	g->held = false;
	g->gone_ms = loop_now_ms();
	pty_write(g);
	pty_want(g);
	viewers_service(g);
	loop_need_tick();
}

static void guest_free(struct guest **link)
{
	struct guest *g = *link;

	*link = g->next;
	ring_down(g);
	if (by_domain[g->id] == g)
		by_domain[g->id] = NULL;
	viewers_drop(g);
	loop_close(&g->pty);
	if (g->slave >= 0)
		close(g->slave);
	logfile_close(&g->log);
	history_free(&g->history);
	free(g);
}

bool guests_tick(void)
{
	struct guest **link = &guests, *g;
	uint64_t now = loop_now_ms();
	bool again = false;

	while ((g = *link)) {
		if (g->state == GUEST_GONE) {
			again = true;
			if (viewers_done(g))
				viewers_drop(g);
			if (now - g->gone_ms >= LINGER_MS) {
				guest_free(link);
				continue;
			}
		}
		g->budget = ROUND_BYTES;
		if (g->held) {
			g->held = false;
			guest_service(g);
			if (!g->held && g->ring)
				backend.unmask(backend.ctx, g->local);
			again |= g->held;
		}
		link = &g->next;
	}
	return again;
}

void guests_reopen_logs(void)
{
	for (struct guest *g = guests; g; g = g->next)
		if (g->log.path[0])
			logfile_reopen(&g->log);
}

void guests_close(void)
{
	while (guests)
		guest_free(&guests);
	free(by_port);
	by_port = NULL;
	nr_ports = 0;
}
