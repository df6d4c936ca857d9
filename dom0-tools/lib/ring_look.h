/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A look at the rings of devices from dom0, without a part in them: which there are (ring_find.c,
 * from the store), what stands in them (ring_take.c, pages mapped for reading only through the
 * grants the back end uses, copied once and unmapped), what a message means (ring_say.c), whether
 * anybody sleeps with work left (ring_judge.c, a pure function of two samples), and what passed
 * between many samples (ring_capture.c).
 *
 * A guest can put anything into its rings and its half of the store: every index is taken as a
 * claim, every count is bounded here, and nothing is looked at twice.
 */
#ifndef MICA_LIB_RING_LOOK_H
#define MICA_LIB_RING_LOOK_H

#include <mica/bus.h>

#include "lib/mica.h"
#include "lib/ring_eyes.h"
#include "lib/store.h"

#define RING_QUEUES_MAX		32u
#define RING_RINGS_MAX		(2 * RING_QUEUES_MAX + 1)
#define RING_BYTES_MAX		(RING_PAGES_MAX * MICA_PAGE_BYTES)
#define RING_WORDS		400

enum ring_layout {
	RING_GENERIC,		/* a request/response ring whose messages we do not know */
	RING_BLK, RING_NET_TX, RING_NET_RX, RING_NET_CTRL,
};

/* One ring as the front end published it. */
struct ring_place {
	enum ring_layout layout;
	unsigned queue;
	char name[16];			/* "0", "0/tx", "ctrl" */
	unsigned pages;			/* 0: see why */
	uint32_t refs[RING_PAGES_MAX];
	uint32_t slot_bytes;		/* 0: not known */
	uint32_t front_port;		/* the front end's own number of it; 0: none */
	char why[96];			/* what is wrong with its keys, "" */
};

struct ring_device {
	domid_t domain;
	char kind[32], number[12];	/* of backend/KIND/DOMAIN/NUMBER */
	char name[48];			/* "xvda", "eth0", "echo0" */
	char back[128], front[128];
	unsigned back_state, front_state;	/* XenbusState*, or MICA_BUS_NONSENSE */
	enum mica_bus_will will;
	bool limited;			/* the operator has set a rate, so waiting is no fault */
	unsigned nr_queues;
	unsigned nr_rings;
	struct ring_place ring[RING_RINGS_MAX];
};

/* ring_find.c.  All devices served by dom0, of domain @only or (-1) of all: free *list.  How many,
 * or -errno. */
int ring_find(struct mica_store *s, int only, struct ring_device **list);
/* Read both states again. */
void ring_find_states(struct mica_store *s, struct ring_device *d);
/* Is @word a name of it: "xvda", "51712", "eth0", "echo0"? */
bool ring_device_is(const struct ring_device *d, const char *word);
/* Does @word ("0", "tx", "0/tx") choose this ring?  NULL chooses all. */
bool ring_place_is(const struct ring_place *p, const char *word);
const char *ring_layout_name(enum ring_layout layout);

/* --- what is seen --- */

enum ring_bit { RING_BIT_UNKNOWN, RING_BIT_NO, RING_BIT_YES };

struct ring_port {
	bool known;			/* false: the hypervisor does not tell */
	uint32_t port, status;		/* EVTCHNSTAT_* */
	uint32_t vcpu;
	domid_t peer;			/* of an interdomain port */
	uint32_t peer_port;
	enum ring_bit pending, masked;
};

struct ring_sample {
	int error;			/* 0, or -errno of the mapping */
	bool torn;			/* both ends were too quick: the four do not belong together */
	uint32_t req_prod, rsp_prod, req_event, rsp_event;
	uint32_t req_after, rsp_after;	/* both producers once more, after the contents were copied */
};

/* ring_take.c.  @copy, when not NULL, has room for all pages and gets what lies in them. */
void ring_take(const struct ring_eyes *eyes, domid_t domain, const struct ring_place *p,
	       struct ring_sample *out, void *copy);
/* The same of a ring in our own address space. */
void ring_read(const void *shared, size_t bytes, struct ring_sample *out, void *copy);
/* ring_port.c */
void ring_port_look(struct mica *m, domid_t domain, uint32_t port, struct ring_port *out);
/* As its other end would: 0, -EINVAL nobody is there, -ENOSYS the hypervisor is not Mica. */
int ring_port_raise(struct mica *m, domid_t domain, uint32_t port);

/* --- what it means --- */

enum ring_finding {
	RING_HEALTHY,			/* it moves */
	RING_IDLE,			/* nothing to do, and both would be woken */
	RING_WAITING,			/* the back end has requests and takes its time */
	RING_CONNECTING,		/* the handshake moves */
	RING_CLOSED,			/* not in use, and nobody waits */
	RING_STALLED,			/* somebody sleeps with work left */
	RING_IMPOSSIBLE,		/* indices no driver writes */
	RING_STUCK,			/* the handshake stands still */
	RING_UNREADABLE,		/* connected, but its pages are gone or its keys nonsense */
};

enum ring_side { RING_NOBODY, RING_BACK, RING_FRONT };

struct ring_case {
	enum ring_layout layout;
	uint32_t bytes, slot_bytes;	/* slot_bytes 0: not known */
	unsigned back_state[2], front_state[2];
	enum mica_bus_will will;
	bool limited, guest_stopped;
	const char *keys_wrong;		/* NULL or "": fine */
	struct ring_sample sample[2];
	struct ring_port back, front;	/* after the second sample */
	uint64_t apart_ms;
};

struct ring_verdict {
	enum ring_finding finding;
	enum ring_side sleeper;		/* of RING_STALLED */
	char words[RING_WORDS];
	char next[160];			/* what to do, "" */
};

/* ring_judge.c */
void ring_judge(const struct ring_case *c, struct ring_verdict *v);
const char *ring_finding_name(enum ring_finding finding);
/* Should a script be told (exit status 9)? */
bool ring_finding_bad(enum ring_finding finding);
/* Slots of a ring, 0: not known; at most so many requests can be out. */
uint32_t ring_slots(uint32_t bytes, uint32_t slot_bytes);
uint32_t ring_most(uint32_t bytes, uint32_t slot_bytes);

/* ring_say.c.  Message @index of a copied ring in words; messages are to be said in order, since
 * one may announce that the next is of another form: *extra is false before the first. */
void ring_say(enum ring_layout layout, const void *copy, uint32_t bytes, uint32_t slot_bytes,
	      uint32_t index, bool *extra, char *text, size_t room);
/* The same of a response. */
void ring_say_response(enum ring_layout layout, const void *copy, uint32_t bytes,
		       uint32_t slot_bytes, uint32_t index, char *text, size_t room);
/* What is left of a request when a response was written over it; false: nothing. */
bool ring_say_rest(enum ring_layout layout, const void *copy, uint32_t bytes, uint32_t slot_bytes,
		   uint32_t index, bool *extra, char *text, size_t room);
void ring_port_say(const struct ring_port *p, char *text, size_t room);

/* --- what passes --- */

struct ring_passed {
	bool response;
	bool partly;			/* a request under a response: its first bytes are the response's */
	uint32_t index;
	const char *words;		/* "": nothing is known of such messages */
	const uint8_t *raw;		/* the slot, @raw_bytes of it; 0: not known */
	uint32_t raw_bytes;
};

/* Between the steps of a capture; zeroed before the first. */
struct ring_capture {
	bool started, extra;
	uint32_t req, rsp;		/* up to which both have been told */
	uint64_t requests, responses;	/* told */
	uint64_t lost;			/* overwritten before they were seen */
};

/* ring_capture.c.  Gives @tell what was published since the last step, requests before responses.
 * False: @tell said stop, or no driver writes such indices (*@impossible). */
bool ring_capture_step(struct ring_capture *c, const struct ring_place *p,
		       const struct ring_sample *s, const void *copy, bool *impossible,
		       bool (*tell)(void *ctx, const struct ring_passed *m), void *ctx);

#endif
