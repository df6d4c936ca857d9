/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One disk: its connection to the guest as a whole.  disk.h has the states.
 *
 * A guest that storms us with events that bring nothing makes this process sleep between them:
 * it is the guest's own disk that waits.  An event or two for nothing is usual, since requests
 * are also looked for whenever the engine is through with some.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "blkd/disk.h"

#define IDLE_EVENTS	1000u		/* in a row, without one request, before we sleep */
#define STORM_SLEEP_NS	2000000

void disk_init(struct disk *d, struct mica_io *io, struct engine *e, struct journal *j,
	       domid_t domid)
{
	memset(d, 0, sizeof(*d));
	d->io = io;
	d->engine = e;
	d->journal = j;
	d->domid = domid;
	j->stats.engine = e->ops->kind;
	j->stats.in_flight = 0;
}

void disk_tell(struct disk *d, uint32_t once, const char *fmt, ...)
{
	char text[256];
	va_list args;

	if (d->told & once)
		return;
	d->told |= once;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	d->note(d, text);
}

static void drop_all(struct disk *d)
{
	for (unsigned i = 0; i < d->rings.nr_queues; i++)
		queue_disconnect(&d->queue[i]);
	pages_unmap_all(&d->pages);
	d->barrier = NULL;
	d->state = DISK_OFF;
}

static bool rings_sane(const struct blk_rings *r)
{
	return r->nr_queues && r->nr_queues <= BLK_QUEUES && r->nr_pages &&
		r->nr_pages <= BLK_RING_PAGES && !(r->nr_pages & (r->nr_pages - 1));
}

int disk_connect(struct disk *d, const struct blk_rings *rings, bool resume)
{
	uint32_t entries;
	int rc = 0;

	if (!rings_sane(rings) || d->state != DISK_OFF)
		return -EINVAL;
	entries = BLKIF_RING_ENTRIES(rings->nr_pages * MICA_IO_PAGE_BYTES);
	if (resume && !journal_fits(d->journal, rings, entries))
		return -ESTALE;
	if (!resume)
		journal_begin(d->journal, rings, entries);
	d->rings = *rings;
	d->told = 0;
	d->dead = false;
	d->in_flight = 0;
	d->bounce_bytes = 0;
	d->journal->stats.in_flight = 0;
	pages_init(&d->pages, d->io, d->domid);
	memset(d->queue, 0, sizeof(d->queue));
	for (unsigned i = 0; i < rings->nr_queues && !rc; i++) {
		d->queue[i].disk = d;
		d->queue[i].nr = i;
		d->queue[i].log = &d->journal->queue[i];
		rc = queue_connect(&d->queue[i], resume);
	}
	if (rc) {
		drop_all(d);
		return rc;
	}
	d->state = DISK_ON;
	return 0;
}

static void drained(struct disk *d)
{
	if (d->state != DISK_DRAINING || d->in_flight)
		return;
	/* What is done is answered, for a guest that takes its disk away in good order. */
	for (unsigned i = 0; i < d->rings.nr_queues && !d->dead; i++)
		queue_push(&d->queue[i]);
	drop_all(d);
	journal_end(d->journal);
	d->drained(d);
}

void disk_disconnect(struct disk *d)
{
	if (d->state == DISK_OFF) {
		d->drained(d);
		return;
	}
	d->state = DISK_DRAINING;
	drained(d);
}

void disk_limits(struct disk *d, uint64_t ops, uint64_t bytes)
{
	uint64_t now = d->io->ops->now_ns(d->io);

	limit_set(&d->ops, ops, now);
	limit_set(&d->bytes, bytes, now);
	disk_run(d);
}

static void tick(struct disk *d)
{
	d->now_ns = d->io->ops->now_ns(d->io);
}

void disk_wake_at(struct disk *d, uint64_t at_ns)
{
	if (!d->timer_ns || at_ns < d->timer_ns) {
		d->timer_ns = at_ns;
		d->io->ops->timer_set(d->io, at_ns);
	}
}

/* Those that could not start; false: there are none. */
static bool run_held(struct disk *d)
{
	bool some = false;

	for (unsigned i = 0; i < d->rings.nr_queues && d->state == DISK_ON && !d->dead; i++)
		if (d->queue[i].held || d->queue[i].replay)
			some |= queue_run(&d->queue[i]);
	return some;
}

/* What was taken begins; what is done already is answered by the same push.  The engine tells of
 * nothing that was reaped here, so what waited for its end is seen to here. */
static void begin(struct disk *d)
{
	unsigned under_way;

	do {
		d->engine->ops->kick(d->engine);
		under_way = d->in_flight;
		if (d->engine->ops->prompt && d->in_flight) {
			tick(d);
			d->engine->ops->reap(d->engine);
		}
	} while (d->in_flight < under_way && run_held(d));
	if (d->state == DISK_ON)
		for (unsigned i = 0; i < d->rings.nr_queues && !d->dead; i++)
			queue_push(&d->queue[i]);
	drained(d);
}

void disk_run(struct disk *d)
{
	tick(d);
	if (d->state == DISK_ON)
		for (unsigned i = 0; i < d->rings.nr_queues && !d->dead; i++)
			queue_run(&d->queue[i]);
	begin(d);
}

/* Nothing came with this event. */
static void idle_event(struct disk *d)
{
	struct timespec pause = { .tv_nsec = STORM_SLEEP_NS };

	d->journal->stats.spurious++;
	if (++d->idle_events < IDLE_EVENTS)
		return;
	disk_tell(d, TOLD_STORM, "%u events in a row brought no request; they are slowed down",
		  IDLE_EVENTS);
	nanosleep(&pause, NULL);
}

void disk_event(struct disk *d, uint32_t port)
{
	d->journal->stats.events++;
	if (d->state != DISK_ON || d->dead)
		return;
	tick(d);
	for (unsigned i = 0; i < d->rings.nr_queues; i++) {
		struct queue *q = &d->queue[i];

		if (q->port != port)
			continue;
		if (!queue_run(q))
			idle_event(d);
	}
	begin(d);
}

void disk_engine(struct disk *d)
{
	tick(d);
	d->engine->ops->reap(d->engine);
	disk_run(d);
}

void disk_timer(struct disk *d)
{
	d->timer_ns = 0;
	tick(d);
	if (d->state == DISK_ON)
		for (unsigned i = 0; i < d->rings.nr_queues && !d->dead; i++)
			queue_timer(&d->queue[i]);
	begin(d);
}
