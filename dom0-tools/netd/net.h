/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of mica-netd share.  One process is one network; one thread, no locks.
 *
 *	guest A --tx ring--> feed --packets--+                        +--> drain --rx ring--> guest B
 *	                                     +-- path: switch, copy --+
 *	TAP device ---------> feed --packets-+                        +--> TAP device
 *
 * feed.c   the requests of a tx ring become packets; answers go back in the order they came
 * drain.c  the free pages of an rx ring; packets that wait for some; drain_resume.c: what a killed process left there
 * path.c   rounds: take, one copy call for all, decide, deliver, push
 * port.c   the life of a device, as libmicaback tells it
 * control.c multicast.c  what a front end asks for while it is connected
 * staging.c pages of guests that stay mapped
 * tap.c    the uplink
 */
#ifndef MICA_NETD_NET_H
#define MICA_NETD_NET_H

#include <mica/io/netif.h>
#include <mica/ring.h>

#include "back/back.h"
#include "netd/capture.h"
#include "netd/control.h"
#include "netd/layout.h"
#include "netd/offload.h"
#include "netd/staging.h"
#include "netd/steer.h"
#include "netd/switch.h"

#define NET_QUEUES		8u	/* of one device */
#define NET_SLOTS		256u	/* of a ring of one page */
#define NET_NAME		13u	/* characters of a network's name: "m-NAME" is its TAP device */
#define PACKET_SLOTS		24u	/* a chain longer than that ends the device */
#define PACKET_EXTRAS		4u
#define RX_EXTRAS		2u	/* segments, hash */
#define PARK_SLOTS		128u	/* of a feed, waiting for receivers; more are dropped */
#define STALL_NS		500000000ull	/* a receiver that takes nothing that long is stalled */
#define SPURIOUS_MOST		50000u	/* events without work in one second end the device */
#define BUFFER_LARGE		(96u << 10)	/* a frame of 64 KiB, also when cut into segments */
#define STRIKES_MOST		64u	/* grants that were taken away under a copy */
#define HEAD_PAGES		(NET_SLOTS * FRAME_HEADER_BYTES / MICA_IO_PAGE_BYTES)
#define BELL_LATE_NS		1000000ull	/* answers to a sender may stay unannounced so long, */
#define LULL_BYTES		(96u << 10)	/* so many at a time, and guests are left alone ... */
#define LULL_NS			300000ull	/* ... so long, to gather more */
#define BELL_LATE_BYTES		2048u	/* or until frames of so many bytes are answered */

union nettx_request {
	struct netif_tx_request req;
	struct netif_extra_info extra;
};
union netrx_response {
	struct netif_rx_response rsp;
	struct netif_extra_info extra;
};
MICA_RING(nettx, union nettx_request, struct netif_tx_response)
MICA_RING(netrx, struct netif_rx_request, union netrx_response)

struct net;
struct port;
struct drain;

/* Memory of dom0 for a whole frame; two sizes. */
struct buffer {
	struct buffer *next;
	uint32_t room;
	uint8_t bytes[];
};

enum packet_state {
	PACKET_HEADER,		/* its first bytes are being copied */
	PACKET_FETCH,		/* all of it is being copied into ->buffer */
	PACKET_WAIT,		/* in ->drain's queue */
	PACKET_SEND,		/* copies to receivers are in this round's batch */
	PACKET_DONE,		/* to be answered when those before it are */
};

struct slot {			/* of a tx ring, as taken */
	uint32_t gref;
	uint16_t offset, size, id;
	bool extra;
};

struct packet {
	enum packet_state state;
	struct feed *feed;
	unsigned slots;			/* ring slots, extras too */
	unsigned first;			/* index of the first in feed->slot[] */
	unsigned extras;
	unsigned length;		/* bytes of the frame */
	unsigned head_bytes;		/* of it in ->head */
	unsigned skip;			/* bytes of the slots that ->head stands for */
	uint8_t *head;			/* the first bytes: in head_room, or in ->buffer */
	struct buffer *buffer;		/* the frame as a whole, or NULL */
	struct buffer *cut;		/* its segments, or NULL */
	struct offload offload;
	int status;			/* NETIF_RSP_* */
	struct verdict verdict;
	struct steer_hash hash;		/* for the receiver in hand */
	struct drain *drain;		/* PACKET_WAIT */
	struct packet *prev, *next;	/* in its queue */
	uint8_t tagged[16];		/* the head with its tag, for trunks */
};

/* What comes from one queue of a guest, or from the TAP device. */
struct feed {
	struct port *port;
	struct nettx_back ring;
	bool guest;			/* there is a ring */
	bool busy;			/* look at it each round; else it waits for an event */
	bool owes;			/* a notification, for answers since owes_since */
	uint64_t owes_since;
	unsigned owes_bytes;		/* of the frames answered since then */
	uint32_t oldest, newest;	/* packets: newest - oldest in hand */
	uint32_t taken;			/* slots */
	unsigned parked;		/* slots of packets in PACKET_WAIT */
	bool again;			/* a process before may have answered what is taken now, up to */
	uint32_t again_until;		/* this index of the ring */
	/* the chain being taken */
	bool open;			/* packet[newest] has begun */
	bool want_extra, want_more;
	unsigned rest;			/* bytes in its slots after the first */
	struct netif_extra_info extra[XEN_NETIF_EXTRA_TYPE_MAX];
	unsigned extra_types;		/* bit set */
	struct slot slot[NET_SLOTS];
	struct packet packet[NET_SLOTS];
	/* Room for the heads of its packets.  Lent to ourselves where that is possible: what has a
	 * reference needs not be pinned for each copy. */
	uint8_t *heads;
	bool heads_lent;
	domid_t self;			/* to whom */
	uint32_t head_ref[HEAD_PAGES];
};

/* What goes to one queue of a guest. */
struct drain {
	struct port *port;
	struct netrx_back ring;
	uint32_t taken, used;		/* pages in hand: taken - used */
	struct { uint16_t id; uint32_t gref; } page[NET_SLOTS];
	uint16_t size[NET_SLOTS];	/* laid into it */
	struct packet *wait_first, *wait_last;
	bool listening;			/* the guest tells us about new pages */
	bool stalled;
	uint64_t waits_since;
	bool dirty;			/* push in this round */
};

struct queue {
	struct port *port;
	struct feed feed;
	struct drain drain;
	uint32_t feed_port, drain_port;	/* event channels; the same when not split */
	void *feed_page, *drain_page;
	unsigned staged;		/* pages */
};

struct port {
	struct net *net;
	struct back_device *dev;	/* NULL: the uplink */
	unsigned number;		/* in the switch */
	domid_t domid;
	bool connected;
	bool sg, gso_v4, gso_v6, sum_v4, sum_v6;	/* the receiver takes these */
	unsigned queues;
	struct queue *queue[NET_QUEUES];
	struct control *control;	/* NULL: it has no control ring */
	struct steer steer;
	unsigned staged;		/* pages of all queues */
	bool watches;			/* its request for multicast control, */
	bool filter_told;		/* which is no flag: the operator knows */
	bool keeps_groups;		/* in the store */
	struct bucket rate;		/* bytes a second from the guest */
	struct capture capture;
	bool capturing;
	struct bucket spurious;
	unsigned strikes;
	const char *broken;		/* why it is to be cut off after this round */
	char key[48];			/* of the front end, last looked at while connecting */
	uint64_t published;		/* frames when the statistics were last written */
};

/* A frame on its way to one receiver in this round. */
struct delivery {
	struct packet *packet;
	struct drain *drain;
	uint32_t page;			/* drain->page[] of the first slot */
	unsigned slots, length;
	unsigned first, pieces;		/* in the batch */
	struct offload offload;
	bool gso;				/* an extra info slot goes with it, */
	struct steer_hash hash;			/* and another one if made */
};

#define BATCH_PIECES		4096u
#define BATCH_DELIVERIES	2048u

/* A packet whose head or whole is being copied to dom0. */
struct pending {
	struct packet *packet;
	unsigned first, pieces;
};

/* What one copy call does, and what is to be done when it has. */
struct batch {
	unsigned pieces, deliveries, pendings;
	struct mica_io_copy piece[BATCH_PIECES];
	struct delivery delivery[BATCH_DELIVERIES];
	struct pending pending[BATCH_DELIVERIES];
};

struct tap;

struct net {
	char name[NET_NAME + 1];
	struct mica_io *io;
	struct back *back;
	struct net_switch sw;
	struct port *port[SWITCH_PORTS];
	struct tap *tap;
	struct batch *batch;		/* being filled; the other one is being settled */
	struct batch batches[2];
	struct buffer *small, *large;	/* free */
	struct staging staging;
	unsigned controls;		/* control rings with something to do */
	unsigned turn;			/* the port that goes first in the next round */
	uint64_t now_ns;		/* of this round */
	uint64_t now_real_ns;		/* since 1970, for captures */
	uint64_t poll_ns;		/* look for work that long before sleeping */
	uint64_t idle_since;
	uint64_t moved;			/* bytes of frames done with since rings were left alone */
	uint64_t lull_ns;		/* the last round armed no ring: the next is due in so long */
	uint64_t rounds, copies, copied_pieces, bells;	/* for the statistics */
	unsigned waiting;		/* drains with a queue */
	unsigned owing;			/* feeds that owe a notification */
	unsigned captures;		/* that are under way */
	bool broken;			/* some port is to be cut off */
	bool parked;			/* a packet, since drains were last asked for pages */
};

/* --- feed.c --- */
void feed_init(struct feed *f, struct port *p);
/* For a feed with a ring: 0 or -ENOMEM. */
int feed_open(struct net *n, struct feed *f);
void feed_close(struct net *n, struct feed *f);
/* Take up to @budget slots; complete packets get their header's copies into the batch.  Returns
 * the slots taken; f->port->broken is set when the guest breaks the protocol. */
unsigned feed_take(struct net *n, struct feed *f, unsigned budget);
/* Arm the ring: false, it sleeps until an event; true, there is more. */
bool feed_sleep(struct feed *f);
/* Answer what is done, oldest first, and free it. */
void feed_answer(struct net *n, struct feed *f);
/* The guest wants to hear of its answers, but not at once. */
void feed_owe(struct net *n, struct feed *f);
/* Notify it now, if it still wants to know. */
void feed_pay(struct net *n, struct feed *f);
/* Where @bytes of @p's head are, for a copy. */
struct mica_io_side feed_head(const struct packet *p, const uint8_t *bytes);
/* The next packet of a feed without a ring, or NULL: too many in hand. */
struct packet *feed_new(struct feed *f);
static inline struct packet *feed_packet(struct feed *f, uint32_t index)
{
	return &f->packet[index % NET_SLOTS];
}

/* --- drain.c --- */
/* Pages in hand, after looking for more unless there are @enough. */
unsigned drain_pages(struct drain *d, unsigned enough);
void drain_park(struct net *n, struct drain *d, struct packet *p);
void drain_unpark(struct net *n, struct packet *p);
/* Answer the pages of one delivery; @ok: what was copied is whole. */
void drain_answer(struct drain *d, const struct delivery *v, bool ok);
/*
 * A ring in use, before any page is taken.  A process that is killed leaves answers it has not
 * published, each over the reference of its page, and that of an extra info reads as a small number:
 * the reference of another page of the guest's.  They are the oldest requests.  Frames that are
 * answered whole are there, and published as they stand; of one that is not, the pages go back.
 */
void drain_resume(struct drain *d);

/* --- deliver.c: one packet, decided --- */
/* Its copies go into the batch, or it waits, or it is dropped: its state says. */
void deliver(struct net *n, struct packet *p);
/* Again, from the front of a queue.  False: still no room. */
bool deliver_parked(struct net *n, struct packet *p);
/* The copies of the rest of the packet into its buffer went well. */
void deliver_fetched(struct net *n, struct packet *p);
/* One that nobody gets, counted on @port. */
void deliver_drop(struct net *n, struct packet *p, unsigned port, enum count why);

/* --- batch.c --- */
/* Room for what taking or delivering one packet to one port may need. */
bool batch_room(const struct net *n);
struct mica_io_copy *batch_add(struct net *n);
/* The pieces from @first on belong to @p, which goes on when they are copied. */
void batch_pending(struct net *n, struct packet *p, unsigned first);
struct buffer *buffer_get(struct net *n, unsigned bytes);
void buffer_put(struct net *n, struct buffer *b);
int batch_init(struct net *n);

/* --- path.c --- */
/* One round; true when there was something to do, so that another is worth it: at once, or
 * net.lull_ns later. */
bool path_round(struct net *n);
/* When the next round is due though no event comes: rate limits, stalled receivers; 0: never. */
uint64_t path_due(struct net *n);
/* This process ends: tell the guests what they have not been told. */
void path_end(struct net *n);
/* Forget everything that is in the port's queues or on its way to them; the rings are still there. */
void path_forget(struct net *n, struct port *p);

/* --- tap.c --- */
int tap_open(struct net *n, int fd);
/* Frames into packets of the uplink's feed; how many. */
unsigned tap_take(struct net *n, unsigned budget);
void tap_send(struct net *n, const struct iovec *parts, unsigned n_parts, unsigned length,
	      const struct offload *o);
struct feed *tap_feed(struct net *n);
int tap_fd(struct net *n);
/* Its packets wait for slow guests: do not read for now. */
bool tap_blocked(struct net *n);

/* --- port.c --- */
extern const struct back_kind net_kind;
/* A line about this port; ends it after the round.  The first reason counts. */
void port_break(struct port *p, const char *why);
void port_cut_off(struct net *n, struct port *p);
struct config_port;
/* Begin or end the port's capture, NAME.pcapng in the worker's directory. */
void port_capture(struct port *p, const struct config_port *c, const char *name);

#endif
