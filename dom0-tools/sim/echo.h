/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The echo device: the smallest split driver that does everything a real one must.  Both ends
 * over struct mica_io, <mica/ring.h> and <mica/bus.h> only, so the simulator runs them, and so
 * does anything else that has the table.
 *
 * A request asks for a number plus one, or for bytes in a page of the front end's to be turned
 * over (by grant copy) into the bytes after them: doing it twice does no harm, as it must not where
 * a back end that was killed does again what it cannot know to be done.
 *
 * The ends poll their watches' and bells' work with a timer, so that a lost event or watch costs
 * time and nothing else; what cannot be mended cuts the device off with one reason, in words, and
 * leaves nothing behind.
 *
 *	echo_end.c	the handshake by the table: common to both	echo_front.c, echo_back.c
 */
#ifndef MICA_SIM_ECHO_H
#define MICA_SIM_ECHO_H

#include <mica/bus.h>
#include <mica/ring.h>
#include "io/io.h"

#define ECHO_ADD	1
#define ECHO_TURN	2
#define ECHO_MAX_BYTES	512

struct echo_request {
	uint64_t id, value;
	uint32_t gref;
	uint16_t offset, bytes;
	uint8_t op, _pad[7];
};

struct echo_response {
	uint64_t id, value;
	int32_t status;			/* 0 or -errno */
	uint32_t _pad;
};

MICA_RING(echo, struct echo_request, struct echo_response)

#define ECHO_SLOTS	64u

/* --- what both ends are --- */

struct echo_end {
	struct mica_io *io;
	enum mica_bus_role role;
	enum mica_bus_will will;
	char own[128], peer[128];		/* directories */
	domid_t peer_id;
	const struct mica_bus_rule *rule;	/* where it waits, and since when */
	uint64_t since_ns;
	bool told;				/* of this wait */
	bool found, removed;
	bool resources;				/* rings published or mapped */
	bool cut;				/* the peer broke the protocol: no second chance */
	uint8_t last_own, last_peer;		/* states as last seen */
	unsigned store_errors;			/* in a row */
	char reason[160];			/* why it was cut off; empty: it was not */
	unsigned reasons;
	/* the end's own part; each may be called when there is nothing to do */
	int (*act)(struct echo_end *e, enum mica_bus_action action);
	void (*idle)(struct echo_end *e);	/* settled: timers, retries */
};

/* Follow the table until there is nothing to do now, then arm the timer. */
void echo_settle(struct echo_end *e);
/* The device cannot go on: remember why, the first time, and close.  It may come back when the
 * peer starts over, or the toolstack makes the device anew. */
void echo_broken(struct echo_end *e, const char *why);
/* The same, for a peer that broke the protocol: only a device made anew comes back. */
void echo_cut(struct echo_end *e, const char *why);
int echo_read(struct echo_end *e, const char *dir, const char *key, char *value, size_t room);
int echo_read_number(struct echo_end *e, const char *dir, const char *key, uint32_t *number);
int echo_write(struct echo_end *e, const char *key, const char *value);
/* @fn inside a transaction, again while somebody else changes what it read; -EBUSY: no end. */
int echo_transaction(struct echo_end *e, int (*fn)(struct echo_end *e, void *ctx), void *ctx);

/* --- front --- */

#define ECHO_WINDOW	16

struct echo_open {
	struct echo_request request;
	uint64_t since_ns;
	unsigned tries;
};

struct echo_front_dev {
	struct echo_end end;
	struct echo_front ring;
	struct mica_bell bell;
	void *ring_page, *data;
	uint32_t ring_ref, data_ref, port;
	struct { void *where; unsigned n; } left[16];	/* lent, and still mapped over there */
	struct mica_ids ids;
	struct mica_id_slot slots[ECHO_WINDOW];
	struct echo_open open[ECHO_WINDOW];
	uint64_t total, sent, good;
	uint64_t kicked_ns;
	unsigned kicks, connects, retries;
	bool running, finished;
};

/* Ask @total questions and close.  @f is zeroed memory that stays. */
void echo_front_start(struct echo_front_dev *f, struct mica_io *io, unsigned number,
		      uint64_t total);
void echo_front_resumed(void *ctx);

/* --- back --- */

/* What must outlive the process: kept by its supervisor. */
struct echo_journal {
	uint32_t req_cons;
	bool valid;
	struct {
		bool used;		/* written after all the rest of the entry */
		bool answered;		/* into the slot of index answered_at */
		uint32_t taken_at, answered_at;
		struct echo_request request;
	} open[ECHO_SLOTS];
};

struct echo_back_dev {
	struct echo_end end;
	struct echo_back ring;
	struct mica_bell bell;
	void *ring_page;
	uint32_t port;
	struct echo_journal *journal;
	uint64_t served, errors, events;
	unsigned connects, resumes;
};

void echo_back_start(struct echo_back_dev *b, struct mica_io *io, domid_t front, unsigned number,
		     struct echo_journal *journal);

#endif
