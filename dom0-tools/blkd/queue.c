/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One ring of a disk.
 *
 *	ring --take--> journal --start--> engine ... --answer--> journal, ring --push--> guest
 *	                  \--cannot start--> held   (nothing more is taken until it starts)
 *
 * All answers of one round are published by one push, and the guest is notified at most once for
 * them.  The order of steps around the journal is journal.h's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "blkd/disk.h"

static size_t ring_bytes(const struct queue *q)
{
	return (size_t)q->disk->rings.nr_pages * MICA_IO_PAGE_BYTES;
}

static void ring_bell(void *ctx, uint32_t port)
{
	struct queue *q = ctx;

	q->disk->journal->stats.bells++;
	q->disk->io->ops->port_notify(q->disk->io, port);
}

struct job *queue_job(struct queue *q, struct journal_slot *slot)
{
	struct job *job = q->pool;

	if (job)
		q->pool = job->next;
	else
		job = malloc(sizeof(*job));
	if (!job)
		return NULL;
	job->next = NULL;
	job->queue = q;
	job->slot = slot;
	job->mapped = job->parsed = job->paid = false;
	job->stage = 0;
	job->bounce = NULL;
	job->since_ns = q->disk->now_ns;
	q->disk->journal->stats.in_flight++;
	return job;
}

void queue_drop(struct job *job)
{
	struct queue *q = job->queue;

	q->disk->journal->stats.in_flight--;
	job->next = q->pool;
	q->pool = job;
}

/* What the response calls it: Linux takes an indirect request for the read or write it holds. */
static uint8_t operation_of(const struct blkif_request *raw)
{
	struct blkif_request_indirect in;

	memcpy(&in, raw, sizeof(in));
	return in.operation == BLKIF_OP_INDIRECT ? in.indirect_op : in.operation;
}

void queue_answer(struct job *job, int status)
{
	struct queue *q = job->queue;
	struct blkif_response rsp = {
		.id = job->slot->request.id, .operation = operation_of(&job->slot->request),
		.status = (int16_t)status,
	};

	journal_answer(job->slot, q->ring.end.prod, status);
	blk_back_answer(&q->ring, &rsp);
	q->answered[q->nr_answered++] = job->slot;
	queue_drop(job);
}

void queue_push(struct queue *q)
{
	if (!q->nr_answered && !(q->ring.end.flags & MICA_RING_OWES))
		return;
	if (journal_step)
		journal_step("push");
	blk_back_push(&q->ring);
	for (unsigned i = 0; i < q->nr_answered; i++)
		journal_free(q->answered[i]);
	q->nr_answered = 0;
}

/* Those of the process before, and the one that could not start: false when it still cannot. */
static bool start_held(struct queue *q)
{
	struct job *job;

	while (q->held || q->replay) {
		if (!q->held) {
			q->held = q->replay;
			q->replay = q->held->next;
		}
		job = q->held;
		if (!job_start(job))
			return false;
		q->held = NULL;
	}
	return true;
}

static bool take_one(struct queue *q, const struct blkif_request *raw)
{
	struct disk *d = q->disk;
	struct journal_slot *slot = journal_take(q->log, blk_back_req_cons(&q->ring) - 1, raw);
	struct job *job = slot ? queue_job(q, slot) : NULL;

	if (!slot) {
		d->dead = true;
		d->fault(d, "more requests than the ring has room for");
		return false;
	}
	if (!job)			/* no memory for 4 KiB: the supervisor starts us anew */
		abort();
	d->idle_events = 0;
	if (job_start(job))
		return true;
	q->held = job;
	return false;
}

/* Before we sleep: true when there are more already. */
static bool more(struct queue *q, uint32_t took)
{
	struct disk *d = q->disk;
	uint32_t n = pace_next(&q->pace, took, q->log->entries / 2, d->now_ns);

	if (n == 1)
		return blk_back_more(&q->ring);
	disk_wake_at(d, pace_due(&q->pace));
	return blk_back_more_after(&q->ring, n);
}

bool queue_run(struct queue *q)
{
	struct disk *d = q->disk;
	struct blkif_request raw;
	bool some = q->held || q->replay;
	uint32_t took;
	int rc = 0;

	if (!start_held(q))
		return some;
	do {
		took = 0;
		while (!d->dead && d->state == DISK_ON &&
		       (rc = blk_back_take(&q->ring, &raw)) == 1) {
			some = true;
			took++;
			if (!take_one(q, &raw))
				return true;
		}
	} while (!d->dead && d->state == DISK_ON && !rc && more(q, took));
	if (rc < 0 && !d->dead) {
		d->dead = true;
		d->fault(d, "the ring's request index is impossible");
	}
	return some;
}

void queue_timer(struct queue *q)
{
	struct disk *d = q->disk;

	/* One that only gathers requests, and has since, has more time. */
	if (!q->held && !q->replay && q->pace.n > 1 && d->now_ns < pace_due(&q->pace))
		disk_wake_at(d, pace_due(&q->pace));
	else
		queue_run(q);
}

/* --- beginning and end --- */

/* Oldest first, so that a barrier finds the order it was given. */
static void replay_add(struct queue *q, struct job *job)
{
	struct job **link = &q->replay;

	while (*link && (int32_t)((*link)->slot->index - job->slot->index) < 0)
		link = &(*link)->next;
	job->next = *link;
	*link = job;
}

static int recover(struct queue *q)
{
	uint32_t rsp_prod = mica_shared_load(&((struct ring_header *)q->shared)->rsp_prod);
	int rc = journal_recover(q->log, rsp_prod);

	if (!rc)
		rc = blk_back_resume(&q->ring, q->shared, ring_bytes(q), &q->bell,
				     q->log->req_cons);
	/* The guest can write it at any time; the verdicts hold for what was read first. */
	if (!rc && blk_back_rsp_prod(&q->ring) != rsp_prod)
		rc = -EPROTO;
	for (uint32_t i = 0; i < q->log->entries && !rc; i++) {
		struct journal_slot *slot = &q->log->slot[i];
		struct job *job;

		if (slot->state == SLOT_FREE)
			continue;
		job = queue_job(q, slot);
		if (!job)
			return -ENOMEM;
		/* All are answered again before one is published: an index in the journal means
		 * nothing once another answer has taken its place. */
		if (slot->state == SLOT_ANSWERED)
			queue_answer(job, slot->status);
		else
			replay_add(q, job);
		q->disk->journal->stats.replayed++;
	}
	return rc;
}

int queue_connect(struct queue *q, bool resume)
{
	struct disk *d = q->disk;
	int rc = d->io->ops->map(d->io, d->domid, d->rings.ref[q->nr], d->rings.nr_pages, true,
				 &q->shared);

	if (rc) {
		q->shared = NULL;
		return rc;
	}
	rc = d->io->ops->port_bind(d->io, d->domid, d->rings.port[q->nr], &q->port);
	if (rc)
		return rc;
	q->bound = true;
	q->bell = (struct mica_bell){ .ring = ring_bell, .ctx = q, .port = q->port };
	if (resume)
		return recover(q);
	blk_back_attach(&q->ring, q->shared, ring_bytes(q), &q->bell);
	return 0;
}

void queue_disconnect(struct queue *q)
{
	struct disk *d = q->disk;
	struct job *job;

	if (q->held)
		job_forget(q->held);
	q->held = NULL;
	while ((job = q->replay)) {
		q->replay = job->next;
		job_forget(job);
	}
	if (q->bound)
		d->io->ops->port_close(d->io, q->port);
	if (q->shared)
		d->io->ops->unmap(d->io, q->shared, d->rings.nr_pages);
	q->bound = false;
	q->shared = NULL;
	q->nr_answered = 0;
	while ((job = q->pool)) {
		q->pool = job->next;
		free(job);
	}
}
