/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of records that outlives the process.  It is mapped into memory and lies on a tmpfs:
 * what was stored there is safe from everything but a crash of dom0, which ends all domains
 * anyway.  Appending is a memcpy; committing is one eight-byte store of how far the file is
 * valid, so a batch of records becomes true as a whole.
 *
 * Beside it lies `rings`: one slot per domain with the bytes of a request that has not been
 * received in full and how far the ring has been consumed and filled (ring.c).
 */
#ifndef STORED_JOURNAL_H
#define STORED_JOURNAL_H

#include <mica/io/xenstore.h>

#include "util.h"

struct record {
	uint32_t bytes;			/* of this header and the payload, padded to 8 */
	uint16_t domid;
	uint8_t type;
	uint8_t pad;			/* bytes of padding at the end */
};

/* The numbers that must never be used twice live in the file's header. */
struct journal_head {
	char magic[8];
	uint64_t used;			/* the commit: bytes of the file that count */
	uint64_t gen;			/* tree.gen */
	uint64_t last_tx;
};

struct slot {
	uint64_t word;			/* low: rsp_prod, high: where the request being received starts */
	uint32_t cons;			/* req_cons */
	uint32_t pad;
	char in[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX + 8];
};

struct journal {
	int dir;			/* directory of the files */
	int fd;
	struct journal_head *head;	/* the mapping */
	size_t mapped;
	size_t tail;			/* where the next record goes; beyond head->used */
	size_t begun;			/* of a record being written, or 0 */
	size_t compact_at;
	int slots_fd;
	struct slot *slots;
	bool fresh;			/* there was no journal */
};

/* Open or make the files in directory @dir, which other daemons may not use at the same time.
 * Dies with a message. */
void journal_open(struct journal *j, int dir);
void journal_close(struct journal *j);
/* An empty journal under another name, in *new; journal_replace() puts it in place of *j. */
int journal_begin_new(struct journal *j, struct journal *new);
void journal_replace(struct journal *j, struct journal *new);

void journal_begin(struct journal *j, uint8_t type, unsigned domid);
void journal_put(struct journal *j, const void *p, size_t n);
void journal_end(struct journal *j);
static inline bool journal_clean(const struct journal *j) { return j->tail == j->head->used; }
void journal_commit(struct journal *j);

/* The record at offset *at, which moves on; NULL at the end, or if it is damaged: then *at is
 * not head->used.  The payload follows the header. */
const struct record *journal_next(const struct journal *j, size_t *at);
static inline size_t record_payload(const struct record *r) { return r->bytes - sizeof(*r) - r->pad; }

/* The slot of a domain, with memory behind it; NULL if there is no room. */
struct slot *journal_slot(struct journal *j, unsigned domid);

#endif
