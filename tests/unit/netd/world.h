/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world for netd's data path: guests with pages and rings in this process, a clock that stands
 * still, grants that can be taken back, and libmicaback's face over a table of keys.
 */
#ifndef UNIT_NETD_WORLD_H
#define UNIT_NETD_WORLD_H

#include "host.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "netd/net.h"

#define GUESTS		6u
#define REFS		1024u		/* of a guest */
#define RING_REFS	16u		/* the first are rings */
#define FRAMES		512u		/* kept of each guest */
#define KEYS		64u
#define VALUE		1024u
#define CONTROL_REF	12u		/* of the control ring, */
#define LIST_REF	13u		/* of what its requests point to */

struct back {
	struct net *net;
};

struct got {				/* a frame a guest received */
	unsigned length;
	uint16_t flags;
	struct netif_extra_info gso, hash;
	uint8_t *bytes;
	unsigned queue;
};

struct guest_queue {
	struct nettx_front tx;
	struct netrx_front rx;
	uint16_t rx_at;			/* id expected next */
	uint32_t tx_refs[NET_SLOTS];	/* by id */
	bool tx_busy[NET_SLOTS];
	unsigned tx_at;
};

struct guest {
	struct back_device dev;
	struct { char key[40], value[VALUE]; } keys[KEYS];
	unsigned n_keys;
	uint8_t (*pages)[4096];
	bool granted[REFS], readonly[REFS];
	unsigned queues;
	struct guest_queue queue[2];
	struct netctl_front control;
	bool deaf;			/* lends no pages */
	int lends;			/* or only on this queue, less 1 */
	unsigned n_got;
	struct got got[FRAMES];
	unsigned errors, okays;		/* answers to what it sent */
	unsigned bad;			/* rx responses with an error */
	unsigned cut_off;
	unsigned bells;
	unsigned notes;			/* lines for the operator */
	char why[200];
};

extern struct guest guests[GUESTS];
extern struct back world_back;
extern struct net *net;
extern uint64_t world_ns;
extern int world_maps;			/* pages of guests that are mapped */
extern unsigned world_watches;
extern unsigned world_pieces;		/* copied by the hypervisor */
extern unsigned world_reads;		/* of the store, then it is gone; 0: it stays */
extern bool world_whole;		/* frames that fit a page are sent in one piece */
extern void (*world_meddle)(void);	/* called before each copy call */
extern void (*world_writes)(void);	/* before the daemon writes a key of its own */

struct guest *world_guest(domid_t domid);
void world_begin(void);
void world_end(void);
/* Give guest @g a device with these front end features and connect it.  @keys: "name=value"... */
void guest_connect(unsigned g, unsigned queues, const char *const *keys);
/* What the store has; "" when nothing. */
const char *guest_key(unsigned g, const char *key);
void guest_set(struct guest *g, const char *key, const char *value);
/* Send in random pieces on queue @q; false: no room. */
bool guest_send(unsigned g, unsigned q, const uint8_t *bytes, unsigned length, uint16_t flags,
		const struct netif_extra_info *gso);
/* Put a raw slot on the ring. */
void guest_raw(unsigned g, const union nettx_request *r);
/* Take answers, keep what came, lend pages again. */
void guest_run(unsigned g);
/* Rounds and guests until nothing moves. */
void world_run(void);
/* The daemon is killed and started again. */
void world_restart(void);
/* Frames of guest @g forgotten. */
void guest_forget(unsigned g);

#endif
