/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One disk of one guest, in the process that serves it: rings at one end, an engine at the other.
 *
 *	disk.c     connect, resume, disconnect
 *	queue.c    one ring: take, hold, answer, push
 *	job.c      one request: pages, input and output, its end
 *
 *	off --connect--> on --disconnect--> draining --nothing under way--> off
 *
 * One thread.  All of it runs over struct mica_io and struct engine, so tests bring their own.
 */
#ifndef MICA_BLKD_DISK_H
#define MICA_BLKD_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <mica/ring.h>

#include "blkd/bounce.h"
#include "blkd/engine.h"
#include "blkd/journal.h"
#include "blkd/limit.h"
#include "blkd/pace.h"
#include "blkd/pages.h"
#include "blkd/request.h"
#include "io/io.h"

MICA_RING(blk, struct blkif_request, struct blkif_response)

#define BOUNCE_MOST	(32u << 20)	/* of the disk, for data on its way */

struct disk;
struct queue;

/* A request under way.  Pooled by its queue. */
struct job {
	struct job *next;		/* free, or to be replayed */
	struct queue *queue;
	struct journal_slot *slot;
	struct blk_request req;
	struct xfer xfer;
	bool mapped;			/* the guest's pages are, and stay */
	bool parsed, paid;
	unsigned stage;			/* of a barrier */
	void *bounce;
	uint64_t since_ns;
	struct blk_piece piece[BLK_SEGMENTS];
	struct iovec iov;		/* the bounce buffer */
};

struct queue {
	struct disk *disk;
	unsigned nr;
	struct blk_back ring;
	struct pace pace;
	struct mica_bell bell;
	void *shared;
	uint32_t port;
	bool bound;
	struct journal_queue *log;
	struct job *held;		/* taken, cannot start yet; nothing is taken meanwhile */
	struct job *replay;		/* to start before anything is taken, oldest first */
	struct job *pool;
	struct journal_slot *answered[BLK_ENTRIES];	/* not published yet */
	unsigned nr_answered;
};

enum disk_state { DISK_OFF, DISK_ON, DISK_DRAINING };

struct disk {
	struct mica_io *io;
	struct engine *engine;
	domid_t domid;
	struct blk_shape shape;
	bool durable;			/* every write is on the medium when answered */
	struct journal *journal;
	enum disk_state state;
	struct blk_rings rings;
	struct queue queue[BLK_QUEUES];
	struct pages pages;
	struct bounce bounce;		/* empty: all from the heap */
	struct limit ops, bytes;
	unsigned in_flight;		/* jobs in the engine */
	struct job *barrier;		/* alone: starts when nothing is under way */
	size_t bounce_bytes;
	uint64_t timer_ns;		/* 0: not set */
	uint64_t now_ns;		/* when this round began */
	unsigned idle_events;		/* since a request was taken */
	uint32_t told;			/* TOLD_* since the connection began */
	bool dead;			/* fault() was called */
	/* The process: the guest broke the protocol, an event, the disconnection is complete. */
	void (*fault)(struct disk *d, const char *why);
	void (*note)(struct disk *d, const char *text);
	void (*drained)(struct disk *d);
	void *ctx;
};

#define TOLD_REFUSED	1u
#define TOLD_ERROR	2u
#define TOLD_PAGES	4u
#define TOLD_STORM	8u
#define TOLD_FLUSH	16u

/* disk.c */
void disk_init(struct disk *d, struct mica_io *io, struct engine *e, struct journal *j,
	       domid_t domid);
/* @resume: go on where the process before ended; -ESTALE when the journal is about other rings.
 * -EPROTO: the ring's indices cannot be. */
int disk_connect(struct disk *d, const struct blk_rings *rings, bool resume);
/* drained() follows, perhaps at once. */
void disk_disconnect(struct disk *d);
void disk_limits(struct disk *d, uint64_t ops, uint64_t bytes);
/* An event channel of this disk was notified. */
void disk_event(struct disk *d, uint32_t port);
/* The engine's descriptor is readable. */
void disk_engine(struct disk *d);
void disk_timer(struct disk *d);
/* Say it once for each connection. */
void disk_tell(struct disk *d, uint32_t once, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Run all queues at that time, or before. */
void disk_wake_at(struct disk *d, uint64_t at_ns);
/* Start what can start, on all queues, and publish. */
void disk_run(struct disk *d);

/* queue.c */
int queue_connect(struct queue *q, bool resume);
void queue_disconnect(struct queue *q);
/* Take and start as much as there is; false when nothing was there. */
bool queue_run(struct queue *q);
/* Something waited for that time, perhaps this queue. */
void queue_timer(struct queue *q);
void queue_answer(struct job *job, int status);
void queue_push(struct queue *q);
struct job *queue_job(struct queue *q, struct journal_slot *slot);
void queue_drop(struct job *job);

/* job.c */
/* True: under way or answered.  False: it has to wait for a limit, a barrier, memory. */
bool job_start(struct job *job);
/* One that is not under way will not be answered. */
void job_forget(struct job *job);

#endif
