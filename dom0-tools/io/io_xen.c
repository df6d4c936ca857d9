/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real world of io.h: grants, event channels, time, and the loop that makes the callbacks.
 * The store is io_xen_store.c's.
 *
 *	epoll --+-- /dev/xen/evtchn   ports read in batches, told, then unmasked by one write
 *	        +-- the store         watch events
 *	        +-- timer             of timer_set()
 *	        +-- retry             while the store is lost
 *
 * A copy of grants is one hypercall for up to COPY_BATCH pieces, and either side may be a grant
 * of another domain.  One thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include <xenevtchn.h>
#include <xengnttab.h>

/* Both families of headers have these, with the same values spelt differently. */
#undef DOMID_FIRST_RESERVED
#undef DOMID_SELF
#undef DOMID_IO
#undef DOMID_XEN
#undef DOMID_COW
#undef DOMID_INVALID
#undef DOMID_IDLE
#undef DOMID_MASK
#include "io/io_xen_priv.h"

#define MAX_GRANTS	65536u	/* mapped at a time, for kernels that ask for a limit */
#define COPY_BATCH	64u
#define PORT_BATCH	64

static struct io_xen *of(struct mica_io *io)
{
	return (struct io_xen *)io;
}

static int failed(void)
{
	return errno ? -errno : -EIO;
}

/* --- event channels --- */

static int xen_port_offer(struct mica_io *io, domid_t peer, uint32_t *port)
{
	int local = xenevtchn_bind_unbound_port(of(io)->events, peer);

	if (local < 0)
		return failed();
	*port = (uint32_t)local;
	return 0;
}

static int xen_port_bind(struct mica_io *io, domid_t peer, uint32_t remote, uint32_t *port)
{
	int local = xenevtchn_bind_interdomain(of(io)->events, peer, remote);

	if (local < 0)
		return failed();
	*port = (uint32_t)local;
	return 0;
}

static void xen_port_close(struct mica_io *io, uint32_t port)
{
	xenevtchn_unbind(of(io)->events, port);
}

static void xen_port_notify(struct mica_io *io, uint32_t port)
{
	xenevtchn_notify(of(io)->events, port);
}

/* The device gives many ports in one read, and takes back as many in one write. */
static void events_dispatch(struct io_xen *x)
{
	int fd = xenevtchn_fd(x->events);
	uint32_t ports[PORT_BATCH];
	ssize_t n = read(fd, ports, sizeof(ports));

	if (n <= 0)
		return;
	for (size_t i = 0; i < (size_t)n / sizeof(ports[0]); i++)
		x->io.driver.event(x->io.driver.ctx, ports[i]);
	/* A port that was closed meanwhile is skipped by the kernel. */
	while (write(fd, ports, (size_t)n) < 0 && errno == EINTR)
		;
}

/* --- the peer's pages --- */

static int xen_map(struct mica_io *io, domid_t peer, const uint32_t *refs, unsigned n,
		   bool writable, void **where)
{
	errno = 0;
	*where = xengnttab_map_domain_grant_refs(of(io)->grants, n, peer, (uint32_t *)refs,
						 PROT_READ | (writable ? PROT_WRITE : 0));
	return *where ? 0 : failed();
}

static void xen_unmap(struct mica_io *io, void *where, unsigned n)
{
	xengnttab_unmap(of(io)->grants, where, n);
}

static int copy_status(int16_t status)
{
	switch (status) {
	case GNTST_okay: return 0;
	case GNTST_bad_domain: return -ESRCH;
	case GNTST_permission_denied: return -EACCES;
	case GNTST_eagain: return -EAGAIN;
	case GNTST_bad_copy_arg: return -EINVAL;
	default: return -EFAULT;
	}
}

static void copy_side(const struct mica_io_side *side, union xengnttab_copy_ptr *to)
{
	if (!side->by_ref) {
		to->virt = side->mem;
		return;
	}
	to->foreign.ref = side->ref;
	to->foreign.offset = (uint16_t)side->offset;
	to->foreign.domid = side->domid;
}

static int copy_some(struct io_xen *x, struct mica_io_copy *pieces, unsigned n)
{
	xengnttab_grant_copy_segment_t segs[COPY_BATCH];
	int all = 0, first = 0;

	memset(segs, 0, n * sizeof(segs[0]));
	for (unsigned i = 0; i < n; i++) {
		copy_side(&pieces[i].from, &segs[i].source);
		copy_side(&pieces[i].to, &segs[i].dest);
		segs[i].len = (uint16_t)pieces[i].bytes;
		segs[i].flags = (uint16_t)((pieces[i].from.by_ref ? GNTCOPY_source_gref : 0) |
					   (pieces[i].to.by_ref ? GNTCOPY_dest_gref : 0));
	}
	if (xengnttab_grant_copy(x->grants, n, segs))
		all = failed();
	/* Each has its own: one guest's bad grant must not cost another guest's frame. */
	for (unsigned i = 0; i < n; i++) {
		pieces[i].status = all ? all : copy_status(segs[i].status);
		if (!first)
			first = pieces[i].status;
	}
	return first;
}

static int xen_copy(struct mica_io *io, struct mica_io_copy *pieces, unsigned n)
{
	int rc = 0;

	for (unsigned done = 0; done < n;) {
		unsigned batch = n - done < COPY_BATCH ? n - done : COPY_BATCH;
		int one = copy_some(of(io), pieces + done, batch);

		if (!rc)
			rc = one;
		done += batch;
	}
	return rc;
}

/* --- our own pages --- */

static int xen_lend(struct mica_io *io, domid_t peer, unsigned n, bool writable, uint32_t *refs,
		    void **where)
{
	errno = 0;
	*where = of(io)->shares ? xengntshr_share_pages(of(io)->shares, peer, (int)n, refs, writable)
				: NULL;
	if (!*where)
		return of(io)->shares ? failed() : -ENOTCONN;
	memset(*where, 0, (size_t)n * MICA_IO_PAGE_BYTES);
	return 0;
}

/* The kernel ends the grant when the peer's last mapping is gone, whenever that is. */
static int xen_reclaim(struct mica_io *io, void *where, unsigned n)
{
	return xengntshr_unshare(of(io)->shares, where, n) ? failed() : 0;
}

/* --- time --- */

static uint64_t xen_now_ns(struct mica_io *io)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void xen_timer_set(struct mica_io *io, uint64_t at_ns)
{
	struct itimerspec at = {
		.it_value = { .tv_sec = (time_t)(at_ns / 1000000000u),
			      .tv_nsec = (long)(at_ns % 1000000000u) },
	};

	timerfd_settime(of(io)->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static domid_t xen_self(struct mica_io *io)
{
	return 0;	/* a daemon of the control domain */
}

static const struct mica_io_ops xen_ops = {
	.port_offer = xen_port_offer, .port_bind = xen_port_bind, .port_close = xen_port_close,
	.port_notify = xen_port_notify, .map = xen_map, .unmap = xen_unmap, .copy = xen_copy,
	.lend = xen_lend, .reclaim = xen_reclaim, .read = xen_read, .write = xen_write,
	.remove = xen_remove, .list = xen_list, .watch = xen_watch, .unwatch = xen_unwatch,
	.begin = xen_begin, .end = xen_end, .now_ns = xen_now_ns, .timer_set = xen_timer_set,
	.self = xen_self,
};

/* --- the loop --- */

int io_xen_fd(struct mica_io *io)
{
	return of(io)->epoll;
}

int io_xen_grant_fd(struct mica_io *io)
{
	return xengnttab_fd(of(io)->grants);
}

int io_xen_event_fd(struct mica_io *io)
{
	return xenevtchn_fd(of(io)->events);
}

int io_xen_restrict(struct mica_io *io, domid_t peer)
{
	return xenevtchn_restrict(of(io)->events, peer) ? failed() : 0;
}

bool io_xen_waiting(struct mica_io *io)
{
	return xen_store_waiting(of(io));
}

int io_xen_dispatch(struct mica_io *io)
{
	return io_xen_wait(io, 0);
}

int io_xen_wait(struct mica_io *io, int ms)
{
	struct io_xen *x = of(io);
	struct epoll_event got[4];
	uint64_t ticks;
	int rc = 0, n;

	/* What came while a request waited for its answer is in the client, not in the socket. */
	if (xen_store_waiting(x)) {
		rc = xen_store_dispatch(x);
		ms = 0;
	}
	n = epoll_wait(x->epoll, got, 4, ms);
	for (int i = 0; i < n; i++) {
		int fd = got[i].data.fd;

		if (x->events && fd == xenevtchn_fd(x->events))
			events_dispatch(x);
		else if (fd == x->store_fd)
			rc = xen_store_dispatch(x);
		else if (read(fd, &ticks, sizeof(ticks)) != sizeof(ticks))
			continue;
		else if (fd == x->retry)
			xen_store_retry(x);
		else if (x->io.driver.timer)
			x->io.driver.timer(x->io.driver.ctx);
	}
	return rc;
}

static int add(struct io_xen *x, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(x->epoll, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

static int open_events(struct io_xen *x)
{
	int fd;

	x->events = xenevtchn_open(NULL, 0);
	if (!x->events)
		return failed();
	fd = xenevtchn_fd(x->events);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	return add(x, fd);
}

static int open_grants(struct io_xen *x)
{
	x->grants = xengnttab_open(NULL, 0);
	if (!x->grants)
		return failed();
	xengnttab_set_max_grants(x->grants, MAX_GRANTS);
	return 0;
}

static int open_timers(struct io_xen *x)
{
	int rc;

	x->epoll = epoll_create1(EPOLL_CLOEXEC);
	x->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	x->retry = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (x->epoll < 0 || x->timer < 0 || x->retry < 0)
		return -errno;
	rc = add(x, x->timer);
	return rc ? rc : add(x, x->retry);
}

static int open_parts(struct io_xen *x, const char **what)
{
	int rc;

	*what = "timers";
	rc = open_timers(x);
	if (!rc && (x->parts & IO_XEN_EVENTS)) {
		*what = "event channels (/dev/xen/evtchn)";
		rc = open_events(x);
	}
	if (!rc && (x->parts & IO_XEN_GRANTS)) {
		*what = "grants (/dev/xen/gntdev)";
		rc = open_grants(x);
	}
	if (!rc && (x->parts & IO_XEN_LEND)) {
		*what = "lending pages (/dev/xen/gntalloc)";
		x->shares = xengntshr_open(NULL, 0);
		rc = x->shares ? 0 : failed();
	}
	if (!rc && (x->parts & IO_XEN_STORE)) {
		*what = "the store (is mica-stored running?)";
		rc = xen_store_open(x);
	}
	return rc;
}

int io_xen_open(struct mica_io **io, unsigned parts, const char **what)
{
	struct io_xen *x = calloc(1, sizeof(*x));
	int rc;

	*what = "memory";
	if (!x)
		return -ENOMEM;
	x->io.ops = &xen_ops;
	x->parts = parts;
	x->epoll = x->timer = x->retry = x->store_fd = -1;
	errno = 0;
	rc = open_parts(x, what);
	if (rc) {
		io_xen_close(&x->io);
		return rc;
	}
	*io = &x->io;
	return 0;
}

void io_xen_close(struct mica_io *io)
{
	struct io_xen *x = of(io);

	xen_store_close(x);
	if (x->grants)
		xengnttab_close(x->grants);
	if (x->shares)
		xengntshr_close(x->shares);
	if (x->events)
		xenevtchn_close(x->events);
	for (int i = 0; i < 3; i++) {
		int fd = i == 0 ? x->epoll : i == 1 ? x->timer : x->retry;

		if (fd >= 0)
			close(fd);
	}
	free(x);
}
