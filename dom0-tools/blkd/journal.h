/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a disk process remembers beyond its own death: a file in memory that the supervisor makes
 * and each process of the disk maps.  It says which requests were taken from each ring and not
 * answered; a new process cannot find that on the ring, where responses overwrite requests.
 *
 * One slot is one request:
 *
 *	FREE --the request is in the slot--> TAKEN --its answer is in the slot--> ANSWERED --> FREE
 *
 * with the ring's steps between them, in this order:
 *
 *	1  request copied into a free slot, index = the ring's, then state = TAKEN
 *	2  queue.req_cons = index + 1               the ring will not give it again
 *	3  input and output
 *	4  status and rsp_index in the slot, then state = ANSWERED
 *	5  response written to the ring, private
 *	6  rsp_prod published to the guest          the one step that answers
 *	7  state = FREE
 *
 * Whoever dies by SIGKILL dies between two stores, and what was stored is there in order.  What
 * a new process does follows from where the old one was:
 *
 *	died in or after   slot        and                        verdict
 *	1                  TAKEN       index == queue.req_cons    forget: the ring gives it again
 *	2 3                TAKEN       index before req_cons      replay
 *	4 5                ANSWERED    rsp_index not published    answer again, nothing is repeated
 *	6                  ANSWERED    rsp_index published        forget
 *
 * So no request is lost, none is answered twice, and a write whose success the guest saw is never
 * begun again.  A replayed write may be written twice, but only while the guest waits for it.
 * rsp_prod lies in the guest's memory; the number of verdicts must agree with it and req_cons, or
 * the ring is given up (-EPROTO).
 */
#ifndef MICA_BLKD_JOURNAL_H
#define MICA_BLKD_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <mica/io/blkif.h>

#define BLK_QUEUES	8u
#define BLK_RING_PAGES	16u
#define BLK_ENTRIES	512u		/* of a ring of BLK_RING_PAGES */

enum slot_state { SLOT_FREE, SLOT_TAKEN, SLOT_ANSWERED };

struct journal_slot {
	uint32_t state;			/* enum slot_state; written last */
	uint32_t index;			/* of the request */
	uint32_t rsp_index;
	int32_t status;			/* BLKIF_RSP_* */
	struct blkif_request request;	/* as copied from the ring, once */
};

struct journal_queue {
	uint32_t req_cons;
	uint32_t entries;
	uint32_t _pad[14];
	struct journal_slot slot[BLK_ENTRIES];
};

/* Where a disk's rings are; what CONNECT carries. */
struct blk_rings {
	uint32_t nr_queues, nr_pages;
	uint32_t persistent;		/* the front end leaves its grants as they are */
	uint32_t _pad;
	uint32_t ref[BLK_QUEUES][BLK_RING_PAGES];
	uint32_t port[BLK_QUEUES];
};

/* Counters, of all processes of the disk so far.  The supervisor reads them at any time. */
struct blk_stats {
	uint64_t reads, writes, flushes, discards;
	uint64_t read_bytes, write_bytes, discard_bytes;
	uint64_t read_ns, write_ns, flush_ns;	/* sums, request taken to answer ready */
	uint64_t errors;		/* answered with an error: host's fault */
	uint64_t refused;		/* answered with an error: guest's fault */
	uint64_t replayed, events, bells, spurious, throttled;
	uint64_t mapped_pages, copied_pages;
	uint32_t in_flight, engine;	/* engine: enum engine_kind */
};

#define JOURNAL_MAGIC	0x6c6e726a6b6c626dull	/* "mblkjrnl" */
#define JOURNAL_VERSION	1u

struct journal {
	uint64_t magic;
	uint32_t version;
	uint32_t connected;		/* the rest is valid */
	uint32_t flush_lost;		/* a flush failed: none succeeds until reconnected */
	uint32_t _pad;
	struct blk_rings rings;
	struct blk_stats stats;
	struct journal_queue queue[BLK_QUEUES];
};

enum slot_verdict { VERDICT_FORGET, VERDICT_REPLAY, VERDICT_ANSWER };

/* Make an empty one of @j, which is zeroed or was used before.  Counters stay. */
void journal_begin(struct journal *j, const struct blk_rings *rings, uint32_t entries);
/* True when @j is about these rings and can be resumed. */
bool journal_fits(const struct journal *j, const struct blk_rings *rings, uint32_t entries);
/* The connection is over. */
void journal_end(struct journal *j);

/* Steps 1 and 2; the slot, or NULL when none is free, which no honest ring can cause. */
struct journal_slot *journal_take(struct journal_queue *q, uint32_t index,
				  const struct blkif_request *req);
/* Step 4. */
void journal_answer(struct journal_slot *slot, uint32_t rsp_index, int32_t status);
/* Step 7. */
void journal_free(struct journal_slot *slot);

enum slot_verdict journal_verdict(const struct journal_queue *q, const struct journal_slot *slot,
				  uint32_t rsp_prod);
/* Forget what is to be forgotten, count the rest; -EPROTO when the numbers do not agree. */
int journal_recover(struct journal_queue *q, uint32_t rsp_prod);

/* Tests put a function here that may end the process: called before each store that counts. */
extern void (*journal_step)(const char *step);

#endif
