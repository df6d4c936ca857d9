/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One request from its start to its answer.
 *
 *	parse --wrong--> answered
 *	  |  may pass: barrier, limits, memory          (false: held by the queue, tried again)
 *	  |  a buffer of ours                           (a write is copied out of the guest here)
 *	  v
 *	engine --done--> (a read is copied into the guest) --> answered
 *
 *	a barrier:  flush --> write --> flush --> answered, with nothing else under way
 *
 * Input and output never go to the guest's pages themselves, though they may be mapped.  A page the
 * disk's driver still holds when its process is killed cannot be unmapped: Linux then tears the
 * mapping down behind gntdev's back ("Bad page map"), and the grant stays in use for ever.  Nor may
 * a read that outlives its process land in memory the guest has put to other use.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "blkd/disk.h"

enum { BARRIER_BEFORE, BARRIER_WRITE, BARRIER_AFTER };

static struct blk_stats *stats(struct job *job)
{
	return &job->queue->disk->journal->stats;
}

/* --- the descriptions of an indirect request --- */

static int read_indirect(struct job *job)
{
	struct disk *d = job->queue->disk;
	struct blkif_request_segment seg[BLK_SEGMENTS];
	struct blk_request *req = &job->req;
	struct mica_io_copy copy = {
		.from = { .by_ref = true, .domid = d->domid, .ref = req->indirect[0] },
		.to.mem = seg,
		.bytes = (uint32_t)(req->nr_pieces * sizeof(seg[0])),
	};
	void *page = NULL;

	_Static_assert(BLK_SEGMENTS <= BLK_PAGE_SEGMENTS, "one page has all descriptions");
	if (d->rings.persistent && !pages_map(&d->pages, req->indirect, 1))
		page = pages_find(&d->pages, req->indirect[0]);
	if (page)
		mica_shared_get(seg, page, copy.bytes);
	else if (d->io->ops->copy(d->io, &copy, 1)) {
		req->wrong = "an indirect page that cannot be read";
		return BLKIF_RSP_ERROR;
	}
	return request_pieces(seg, req->nr_pieces, &d->shape, req, job->piece);
}

static int parse(struct job *job)
{
	struct disk *d = job->queue->disk;
	int status = request_parse(&job->slot->request, &d->shape, &job->req, job->piece);

	if (!status && job->req.nr_indirect)
		status = read_indirect(job);
	job->parsed = true;
	if (status) {
		d->journal->stats.refused++;
		disk_tell(d, TOLD_REFUSED, "the guest's request was refused: %s", job->req.wrong);
		queue_answer(job, status);
	}
	return status;
}

/* --- pages --- */

/* Have the guest's pages mapped, to stay; false: they have to be copied by the hypervisor. */
static bool use_mapped(struct job *job)
{
	struct disk *d = job->queue->disk;
	uint32_t refs[BLK_SEGMENTS];
	unsigned n = job->req.nr_pieces;

	if (!n || !d->rings.persistent)
		return false;
	for (unsigned i = 0; i < n; i++)
		refs[i] = job->piece[i].ref;
	return !pages_map(&d->pages, refs, n);
}

/* No hypercall: the pages are mapped. */
static void copy_mapped(struct job *job, bool to_guest)
{
	struct disk *d = job->queue->disk;
	char *ours = job->bounce;

	for (unsigned i = 0; i < job->req.nr_pieces; i++) {
		const struct blk_piece *p = &job->piece[i];
		char *theirs = (char *)pages_find(&d->pages, p->ref) + p->offset;

		memcpy(to_guest ? theirs : ours, to_guest ? ours : theirs, p->bytes);
		ours += p->bytes;
	}
	d->journal->stats.mapped_pages += job->req.nr_pieces;
}

/* By grant copy.  0 or the first -errno. */
static int copy_granted(struct job *job, bool to_guest)
{
	struct disk *d = job->queue->disk;
	struct mica_io_copy copies[64];
	char *at = job->bounce;
	unsigned n = 0, i;
	int rc = 0;

	for (i = 0; i < job->req.nr_pieces && !rc; i++) {
		struct blk_piece *p = &job->piece[i];
		struct mica_io_side guest = { .by_ref = true, .domid = d->domid, .ref = p->ref,
					      .offset = p->offset };
		struct mica_io_side ours = { .mem = at };

		copies[n] = (struct mica_io_copy){
			.from = to_guest ? ours : guest, .to = to_guest ? guest : ours,
			.bytes = p->bytes,
		};
		at += p->bytes;
		if (++n == 64 || i + 1 == job->req.nr_pieces) {
			rc = d->io->ops->copy(d->io, copies, n);
			n = 0;
		}
	}
	d->journal->stats.copied_pages += i;
	return rc;
}

/* Between the bounce buffer and the guest's pages. */
static int copy_guest(struct job *job, bool to_guest)
{
	if (!job->mapped)
		return copy_granted(job, to_guest);
	copy_mapped(job, to_guest);
	return 0;
}

static void bounce_free(struct job *job)
{
	if (!job->bounce)
		return;
	job->queue->disk->bounce_bytes -= job->req.bytes;
	bounce_give(&job->queue->disk->bounce, job->bounce);
	job->bounce = NULL;
}

void job_forget(struct job *job)
{
	bounce_free(job);
	queue_drop(job);
}

/* Refused pages are the guest's fault; it gets an error, and data stays where it is. */
static void pages_refused(struct job *job, int rc)
{
	struct disk *d = job->queue->disk;

	d->journal->stats.refused++;
	disk_tell(d, TOLD_PAGES, "a page the guest granted cannot be used: %s", strerror(-rc));
	bounce_free(job);
	queue_answer(job, BLKIF_RSP_ERROR);
}

/* 0, 1: answered with an error, -EAGAIN: no memory now. */
static int buffers(struct job *job)
{
	struct disk *d = job->queue->disk;
	int rc;

	job->xfer.iov = &job->iov;
	if (d->bounce_bytes + job->req.bytes > BOUNCE_MOST && d->bounce_bytes)
		return -EAGAIN;
	job->bounce = bounce_take(&d->bounce, job->req.bytes);
	if (!job->bounce) {
		if (d->in_flight)
			return -EAGAIN;
		pages_refused(job, -ENOMEM);
		return 1;
	}
	d->bounce_bytes += job->req.bytes;
	job->mapped = use_mapped(job);
	job->iov = (struct iovec){ job->bounce, job->req.bytes };
	job->xfer.nr_iov = 1;
	rc = job->req.action == BLK_READ ? 0 : copy_guest(job, false);
	if (!rc)
		return 0;
	pages_refused(job, rc);
	return 1;
}

/* --- the end --- */

static void count(struct job *job, int rc)
{
	struct blk_stats *s = stats(job);
	struct disk *d = job->queue->disk;
	uint64_t took = d->now_ns - job->since_ns;

	if (rc)
		s->errors++;
	switch (job->req.action) {
	case BLK_READ:
		s->reads++;
		s->read_bytes += job->req.bytes;
		s->read_ns += took;
		break;
	case BLK_WRITE:
	case BLK_BARRIER:
		s->writes++;
		s->write_bytes += job->req.bytes;
		s->write_ns += took;
		break;
	case BLK_FLUSH:
		s->flushes++;
		s->flush_ns += took;
		break;
	case BLK_DISCARD:
		s->discards++;
		s->discard_bytes += job->req.bytes;
		break;
	}
}

static const char *const action_names[] = { "read", "write", "flush", "barrier", "discard" };

static void answer(struct job *job, int rc)
{
	struct disk *d = job->queue->disk;
	int status = !rc ? BLKIF_RSP_OKAY : rc == -EOPNOTSUPP ? BLKIF_RSP_EOPNOTSUPP :
		BLKIF_RSP_ERROR;

	if (d->barrier == job)
		d->barrier = NULL;
	if (rc)
		disk_tell(d, TOLD_ERROR, "a %s of %llu bytes at %llu failed: %s; the guest got an"
			  " error", action_names[job->req.action],
			  (unsigned long long)job->req.bytes, (unsigned long long)job->req.offset,
			  strerror(-rc));
	count(job, rc);
	bounce_free(job);
	queue_answer(job, status);
}

static void job_done(struct xfer *x, int rc);

/* Begin what the job needs next; -EBUSY: the engine has no room. */
static int submit(struct job *job, enum xfer_op op)
{
	struct disk *d = job->queue->disk;
	int rc;

	job->xfer.op = op;
	job->xfer.durable = d->durable;
	job->xfer.offset = job->req.offset;
	job->xfer.bytes = job->req.bytes;
	job->xfer.done = job_done;
	rc = d->engine->ops->submit(d->engine, &job->xfer);
	if (!rc)
		d->in_flight++;
	return rc;
}

/* The kernel tells of a failed write-back once, to one flush: what any later one would promise
 * is not true, so none succeeds until the guest has connected anew. */
static int flush_result(struct job *job, int rc)
{
	struct disk *d = job->queue->disk;

	if (rc && rc != -EOPNOTSUPP && !d->journal->flush_lost) {
		d->journal->flush_lost = 1;
		disk_tell(d, TOLD_FLUSH, "a flush failed (%s): written data may be lost, and every"
			  " flush fails until the guest connects anew", strerror(-rc));
	}
	return d->journal->flush_lost && !rc ? -EIO : rc;
}

/* The next part of a barrier, or its end.  Nothing else is under way, so the engine has room. */
static void barrier_next(struct job *job, int rc)
{
	if (job->stage != BARRIER_WRITE)
		rc = flush_result(job, rc);
	job->stage++;
	if (!rc && job->stage == BARRIER_WRITE && !job->req.bytes)
		job->stage++;
	if (!rc && job->stage == BARRIER_WRITE)
		rc = submit(job, XFER_WRITE);
	else if (!rc && job->stage == BARRIER_AFTER)
		rc = submit(job, XFER_FLUSH);
	else
		job->stage = BARRIER_AFTER + 1;
	if (rc || job->stage > BARRIER_AFTER)
		answer(job, rc);
}

static void job_done(struct xfer *x, int rc)
{
	struct job *job = (struct job *)((char *)x - offsetof(struct job, xfer));
	struct disk *d = job->queue->disk;

	d->in_flight--;
	if (job->req.action == BLK_BARRIER) {
		barrier_next(job, rc);
		return;
	}
	if (job->req.action == BLK_FLUSH)
		rc = flush_result(job, rc);
	if (!rc && job->req.action == BLK_READ) {
		rc = copy_guest(job, true);
		if (rc) {
			pages_refused(job, rc);
			return;
		}
	}
	answer(job, rc);
}

/* --- the start --- */

static bool within_limits(struct job *job)
{
	struct disk *d = job->queue->disk;
	uint64_t now, wait, more;

	if (job->paid || (!d->ops.per_second && !d->bytes.per_second))
		return true;
	now = d->io->ops->now_ns(d->io);
	wait = limit_wait_ns(&d->ops, now);
	more = limit_wait_ns(&d->bytes, now);
	if (more > wait)
		wait = more;
	if (wait) {
		d->journal->stats.throttled++;
		disk_wake_at(d, now + wait);
		return false;
	}
	limit_pay(&d->ops, 1);
	limit_pay(&d->bytes, job->req.action == BLK_DISCARD ? 0 : job->req.bytes);
	job->paid = true;
	return true;
}

/* A barrier that waits lets nothing pass, on any queue. */
static bool may_pass(struct job *job)
{
	struct disk *d = job->queue->disk;

	if (d->barrier && d->barrier != job)
		return false;
	if (job->req.action != BLK_BARRIER)
		return true;
	d->barrier = job;
	return !d->in_flight;
}

bool job_start(struct job *job)
{
	static const enum xfer_op op[] = {
		[BLK_READ] = XFER_READ, [BLK_WRITE] = XFER_WRITE, [BLK_FLUSH] = XFER_FLUSH,
		[BLK_BARRIER] = XFER_FLUSH, [BLK_DISCARD] = XFER_DISCARD,
	};
	enum blk_action action;
	int rc = 0;

	if (!job->parsed && parse(job))
		return true;
	action = job->req.action;
	if (!may_pass(job) || !within_limits(job))
		return false;
	if (job->req.nr_pieces && !job->bounce)
		rc = buffers(job);
	if (rc == 1 && job->queue->disk->barrier == job)
		job->queue->disk->barrier = NULL;
	if (rc)
		return rc == 1;
	rc = submit(job, op[action]);
	if (rc == -EBUSY)
		return false;
	if (rc)
		answer(job, rc);
	return true;
}
