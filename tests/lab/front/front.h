/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lab's own front ends: a device's life in the store, a disk and a network card over the
 * ring kit of abi/mica, in a PV kernel with nothing below them.
 *
 *	main.c     lines typed on the console are commands; the loop everything waits in
 *	device.c   the handshake of <mica/bus.h>, grants, ports
 *	disk.c     blkif over <mica/ring.h>, patterns, the honest checks
 *	card.c     netif, the same
 *	control.c  a card's control ring: hashing and queues, staging grants, multicast groups
 *	attack*.c  what a front end must not do
 *
 * One vCPU does it all; a second one is used only to write where it should not.
 */
#ifndef LAB_FRONT_H
#define LAB_FRONT_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <mica/bus.h>
#include <mica/grant.h>
#include <mica/ids.h>
#include <mica/ring.h>
#include <mica/io/blkif.h>
#include <mica/io/netif.h>

#define PAGE_BYTES	4096u
#define SECOND		1000000000ull
#define LONG_S		250u		/* nothing honest takes that long */

/* --- main.c --- */

/*
 * Sleep until @done(@ctx), at most @seconds; meanwhile devices follow their back ends and answers
 * are taken.  False: it did not happen.
 */
bool wait_until(bool (*done)(void *ctx), void *ctx, unsigned seconds);
/* Let everything run on for so long. */
void wait_ms(unsigned ms);
/* A check that failed: printed, and the command ends badly.  Returns false. */
bool bad(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Something to know about a command that went well. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* --- device.c --- */

struct dev;

struct dev_kind {
	const char *class;		/* "vbd", "vif" */
	bool eager;			/* goes on to Connected: netback waits for that */
	/* -EAGAIN: the back end still has something of the last time. */
	int (*publish)(struct dev *d);
	int (*connect)(struct dev *d);
	void (*disconnect)(struct dev *d);
	void (*pump)(struct dev *d);	/* take answers */
};

struct dev {
	const struct dev_kind *kind;
	char dir[40], back[80];
	unsigned handle;
	enum mica_bus_will will;
	unsigned state, peer;		/* as last read */
	bool published, connected;
	bool by_hand;			/* the handshake is an attack's */
	bool raw;			/* so are the rings */
	const char *words;
	unsigned lives;			/* times it was connected */
};

#define DEVICES_MAX	8
extern struct dev *devices[DEVICES_MAX];
extern unsigned nr_devices;

/* The device "device/CLASS/HANDLE"; false when there is none. */
bool dev_open(struct dev *d, const struct dev_kind *kind, unsigned handle);
void dev_step(struct dev *d);
/* Connected; false and a complaint after LONG_S. */
bool dev_up(struct dev *d);
/* Both ends Closed. */
bool dev_down(struct dev *d);
/* The back end's state becomes @state. */
bool dev_await_peer(struct dev *d, unsigned state);

/* Pages lent: refs are handed out once and belong to their user for good. */
uint32_t ref_new(void);
void ref_give(uint32_t ref, const void *page, unsigned flags);
/* False: the back end uses it. */
bool ref_take(uint32_t ref);
long port_new(void);
void port_ring(void *ctx, uint32_t port);

/* --- disk.c --- */

#define DISK_PAGES	96u		/* of data, per disk */
#define DISK_RING_PAGES	16u
#define DISK_CALLS	128u
#define CALL_PAGES	32u

MICA_RING(blk, struct blkif_request, struct blkif_response)

struct call {
	uint8_t op;
	uint64_t sector;
	unsigned pages;			/* from @first on; 0: none */
	unsigned first;
	uint8_t first_sect, last_sect;	/* of the first and of the last page; others whole */
	uint64_t sectors;		/* of a discard */
	bool done;
	int status;
};

struct disk {
	struct dev dev;
	unsigned ring_order;		/* wished for */
	bool wants_persistent, persistent;	/* pages are lent for as long as it is connected */
	unsigned ring_pages;
	char *ring_page;
	uint32_t ring_ref[DISK_RING_PAGES];
	char *page[DISK_PAGES];
	uint32_t ref[DISK_PAGES];
	char *list;			/* of an indirect request */
	uint32_t list_ref;
	long port;
	struct blk_front ring;
	struct mica_ids ids;
	struct mica_id_slot id_slot[DISK_CALLS];
	struct call *call[DISK_CALLS];
	uint64_t sectors;
	unsigned indirect, sector_bytes;
	bool flush, barrier, discard, readonly;
	unsigned kept;			/* pages in use when their request was answered */
	unsigned strange;		/* answers to nothing */
	uint64_t seed, generation;
};

extern struct disk disks[2];
extern unsigned nr_disks;

/* @seed: of its patterns, so that no other disk has them. */
bool disk_open(unsigned handle, uint32_t seed);
/* Send it; false: no room. */
bool disk_send(struct disk *d, struct call *c);
/* ... and wait for the answer; its status, or 1 for none. */
int disk_do(struct disk *d, struct call *c);
/* The pattern of a block: 512 bytes that say which one and when they were written. */
void block_fill(void *to, uint64_t seed, uint64_t sector, uint64_t generation);
bool block_is(const void *at, uint64_t seed, uint64_t sector, uint64_t generation);
/* Write and read back @pages pages at @sector. */
bool disk_verify(struct disk *d, uint64_t sector, unsigned pages);
/* These hold what was written last of all. */
bool disk_holds(struct disk *d, uint64_t sector, unsigned pages);
/* Nothing was answered that must not be. */
bool disk_clean(const struct disk *d);
/* Everything a disk can do. */
bool disk_check(struct disk *d);
/* Rings of every size the back end offers, each with more requests at once than the one before. */
bool disk_orders(struct disk *d);

/* --- card.c --- */

#define CARD_TX		32u
#define CARD_RX		64u
#define CARD_QUEUES	2u		/* the second one only receives */
#define CARD_RX_SECOND	16u		/* pages of it */
#define KEY_BYTES	40u
#define CARD_TYPE	0x88b5u		/* the ether type of ours */

union tx_request {
	struct netif_tx_request req;
	struct netif_extra_info extra;
};

MICA_RING(tx, union tx_request, struct netif_tx_response)
MICA_RING(rx, struct netif_rx_request, struct netif_rx_response)
MICA_RING(ctl, struct xen_netif_ctrl_request, struct xen_netif_ctrl_response)

/* What comes on one queue. */
struct card_in {
	char *page;
	uint32_t ref;
	struct rx_front ring;
	unsigned pages;			/* lent */
	char *data[CARD_RX];
	uint32_t grant[CARD_RX];
	unsigned next;			/* page of the next answer */
	char frame[4 * PAGE_BYTES];	/* on its way in */
	unsigned frame_bytes;
	bool want_extra, want_more;
	bool hashed;			/* the frame has a hash, of this type and value */
	uint8_t hash_type;
	uint32_t hash;
};

struct card {
	struct dev dev;
	uint8_t mac[6];
	uint32_t self, network;		/* in every frame: who sends, and where it belongs */
	uint8_t victim[6];		/* the scenario's other guest's, for attacks */
	bool sg;
	unsigned queues;
	char *tx_page, *tx_second;	/* on the other queue nothing is sent */
	uint32_t tx_ref, tx_second_ref;
	long port, second_port;		/* of each queue: 0 for none */
	struct tx_front tx;
	struct card_in in[CARD_QUEUES];
	char *tx_data[CARD_TX];
	uint32_t tx_grant[CARD_TX];
	bool tx_used[CARD_TX];
	bool met;			/* frames have gone both ways since it was connected */
	bool staged;			/* its pages stay granted, and are mapped over there */
	char *ctl_page, *list_page;	/* of the control ring; of what its requests point to */
	uint32_t ctl_ref, list_ref;
	long ctl_port;			/* 0: the back end has no control ring */
	struct ctl_front ctl;
	uint16_t ctl_id;
	/* pages in use when answered, answers to nothing, frames that were not taken, nor brought */
	unsigned kept, strange, failed, refused;
	/* of ours; not as they were sent; of another network; not ours */
	uint64_t frames, wrong, foreign, others;
	uint64_t last;			/* number of the newest frame */
	unsigned last_bytes;
	/* of the newest TCP frame: its source port, hash, and the queue it came on */
	unsigned tcp_port;
	bool tcp_hashed;
	uint8_t tcp_type;
	uint32_t tcp_hash;
	unsigned tcp_queue;
};

extern struct card cards[2];
extern unsigned nr_cards;

extern unsigned card_queues;		/* wished for from the next time on */

bool card_open(unsigned handle, uint32_t network);
/* Put a numbered frame into the ring; false: no room. */
bool card_send(struct card *c, const uint8_t *to, uint64_t number, unsigned bytes);
/* Frames go both ways between them: before the first checks after a connection. */
bool card_meet(struct card *a, struct card *b);
/* One frame, seen whole at the other end; a back end that was killed may bring one twice. */
bool card_reaches(struct card *from, struct card *to, unsigned bytes);
/* Send what is in a page of its own, @bytes long, as it is. */
bool card_send_raw(struct card *c, const void *frame, unsigned bytes);
/* All its grants are free; they are not given then. */
bool card_returned(struct card *c);
bool card_answered(void *card);
/* Nothing came that must not. */
bool card_clean(const struct card *c);
bool card_check(struct card *a, struct card *b);

/* --- control.c --- */

/* Attach the ring to fresh pages and tell of it; 0, or -EAGAIN while they are in use. */
int control_publish(struct card *c);
void control_disconnect(struct card *c);
/* One request, answered: its status, ~0u for no answer. */
uint32_t control_ask(struct card *c, unsigned type, uint32_t a, uint32_t b, uint32_t d,
		     uint32_t *data);
#define CONTROL_ASK(c, type, a, b, d) \
	control_ask(c, XEN_NETIF_CTRL_TYPE_##type, a, b, d, NULL)
/* Set hashing on @to's ring and see its hashes and queues on frames of @from. */
bool control_hash(struct card *from, struct card *to);
/* The same, set already. */
bool control_hashes(struct card *from, struct card *to);
/* All pages of the first queue, from now on; also true where the back end has no such thing. */
bool control_stage(struct card *c);
/* No more; the back end had so many mapped. */
bool control_unstage(struct card *c, unsigned mapped);
bool control_groups(struct card *from, struct card *to);

/* --- attack.c --- */

/* Do it, wait for what the back end makes of it, be honest again. */
bool attack(const char *name);
/* Come up with that in one of our keys: it must be refused, and the next try served. */
bool attack_key(struct dev *d, const char *key, const char *value);
bool set_key(struct dev *d, const char *key, const char *value);

#endif
