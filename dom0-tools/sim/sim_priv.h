/* SPDX-License-Identifier: BSD-2-Clause */
/* What the simulator's own files share; drivers and tests see sim.h only. */
#ifndef MICA_SIM_PRIV_H
#define MICA_SIM_PRIV_H

#include <errno.h>
#include <mica/ring_mem.h>
#include "sim/fiber.h"
#include "sim/sim.h"

#define SIM_DOMS	4
#define SIM_PORTS	32
#define SIM_GRANTS	256
#define SIM_FIRST_REF	8u
#define SIM_PAGES	512u
#define SIM_MAPS	64
#define SIM_WATCHES	32
#define SIM_STACK	(256u * 1024)
#define SIM_POINT_NS	100u
#define SIM_PATH	256u

/* --- plan.c --- */

#define SIM_FAULTS(_)								\
	_(EVENT_DROP, "event.drop") _(EVENT_DOUBLE, "event.double")		\
	_(EVENT_LATE, "event.late") _(EVENT_SPURIOUS, "event.spurious")		\
	_(EVENT_STORM, "event.storm") _(EVENT_BEFORE_BIND, "event.before-bind")	\
	_(EVENT_AFTER_CLOSE, "event.after-close")				\
	_(RING_JUMP, "ring.jump") _(RING_STUCK, "ring.never-respond")		\
	_(RING_STALE, "ring.stale-id") _(RING_DOUBLE, "ring.double")		\
	_(RING_REORDER, "ring.reorder") _(RING_PARTIAL, "ring.partial")		\
	_(RING_MUTATE, "ring.mutate") _(RING_SCRIBBLE, "ring.scribble")		\
	_(GRANT_BAD, "grant.bad") _(GRANT_REFUSED, "grant.refused")		\
	_(GRANT_REVOKED, "grant.revoked") _(GRANT_READONLY, "grant.read-only")	\
	_(GRANT_LEND, "grant.lend") _(COPY_FAIL, "copy.fail")			\
	_(BIND_FAIL, "event.bind-fail") _(OFFER_FAIL, "event.offer-fail")	\
	_(STORE_CONFLICT, "store.conflict") _(STORE_DENIED, "store.denied")	\
	_(STORE_QUOTA, "store.quota") _(STORE_VANISH, "store.vanish")		\
	_(STORE_SLOW, "store.slow") _(STORE_GARBAGE, "store.garbage")		\
	_(WATCH_DROP, "watch.drop") _(WATCH_DOUBLE, "watch.double")		\
	_(WATCH_LATE, "watch.late") _(LIFE_DIE, "life.die")			\
	_(LIFE_SUSPEND, "life.suspend") _(LIFE_KILL, "life.kill")		\
	_(LIFE_MOVE, "life.suspend-now")

enum sim_fault_kind {
#define SIM_FAULT_ENUM(name, text) SIM_##name,
	SIM_FAULTS(SIM_FAULT_ENUM)
#undef SIM_FAULT_ENUM
	SIM_FAULT_KINDS
};

struct sim_fault {
	enum sim_fault_kind what;
	int domain;			/* whose act it is; -1: anybody's */
	unsigned nth, times;		/* from the nth chance on, so often; times 0: always */
	unsigned chance;		/* of 1000, at each chance */
	uint64_t delay_ns;
	unsigned piece, state;
	int error;			/* negative */
	int64_t by;
	char path[64];			/* store: paths that end so */
	char value[64];
	unsigned seen, done;
};

struct sim_plan {
	char name[64], expects[16];
	struct sim_fault *fault;
	unsigned faults;
	uint64_t kinds;			/* bit for each kind there is */
};

/* --- hub.c --- */

enum sim_port_state { SIM_PORT_FREE, SIM_PORT_OFFERED, SIM_PORT_BOUND };

struct sim_port {
	uint8_t state;
	bool pending;
	domid_t peer;
	uint32_t remote;
};

struct sim_grant {
	bool used, writable, revoked;
	domid_t peer;
	uint16_t page;
	uint16_t mapped;
};

struct sim_map {
	uint8_t *where;
	unsigned pages;
	domid_t owner;			/* of the memory */
	uint32_t refs[16];
	uint16_t page[16];
};

/* --- store.c --- */

struct sim_node {
	struct sim_node *parent, *child, *next;
	char *name, *value;
	uint64_t changed, children_changed;
};

struct sim_watch {
	bool used;
	char path[SIM_PATH], token[64];
};

struct sim_txn_item {
	struct sim_txn_item *next;
	uint64_t seen;			/* a read: generation then */
	char *value;			/* a write; null and !read: removal */
	bool read, children;
	char path[];
};

struct sim_message {			/* a watch event, or sim_call() */
	struct sim_message *next;
	uint64_t due;
	void (*call)(void *ctx);
	void *ctx;
	char path[SIM_PATH], token[64];
};

/* --- world.c --- */

struct sim_dom {
	struct mica_io io;		/* first: a driver's handle is this */
	struct sim *world;
	domid_t id;
	bool alive, inside, resumed, in_txn;
	bool freeze;			/* suspend it when its callback returns */
	struct fiber fiber;
	uint64_t timer;
	struct sim_message *messages;
	struct sim_port port[SIM_PORTS];
	struct sim_grant grant[SIM_GRANTS];
	struct sim_map map[SIM_MAPS];
	struct sim_watch watch[SIM_WATCHES];
	struct sim_txn_item *txn;
	unsigned late_port;		/* after-close: callback for a port that is gone */
	void (*on_kill)(void *ctx);
	void *kill_ctx;
};

struct sim_later {			/* an event on its way */
	struct sim_later *next;
	uint64_t due;
	domid_t dom;
	uint32_t port;
};

struct sim {
	struct sim_options options;
	uint64_t dice, now, steps, max_steps, until, hash;
	unsigned faults_done;
	struct sim_dom *dom[SIM_DOMS];
	unsigned doms;
	struct sim_dom *current;	/* null: the scheduler or the test itself */
	struct fiber scheduler;
	bool stop, quiet;
	struct sim_later *later;
	struct sim_node *root;
	uint64_t generation;
	int memory_fd;
	uint8_t *memory;
	uint8_t page_users[SIM_PAGES];	/* lent once, plus once a mapping */
	struct sim_tap *tap;
	void (*on_death)(void *ctx, domid_t who);
	void *death_ctx;
	uint64_t death_after, death_due;
	domid_t dead;
};

static inline struct sim_dom *sim_of(struct mica_io *io)
{
	return (struct sim_dom *)io;
}

uint64_t sim_dice(struct sim *w, uint64_t below);
void sim_trace(struct sim *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* An interleaving point of @d; returns when it is its turn again. */
void sim_point(struct sim_dom *d);
struct sim_dom *sim_find(struct sim *w, domid_t id);
void sim_leave_for_good(struct sim_dom *d) __attribute__((noreturn));
void sim_queue(struct sim_dom *d, struct sim_message *m);
void sim_drop_messages(struct sim_dom *d);
/* Raise what is due by now; when the next thing is, or UINT64_MAX. */
void sim_deliver_due(struct sim *w);
uint64_t sim_next_due(struct sim *w);

/* The fault to do now, or null.  @path: of the store, or null. */
struct sim_fault *sim_fault(struct sim *w, struct sim_dom *d, enum sim_fault_kind what,
			    const char *path);

/* hub.c: no faults, no points */
int hub_offer(struct sim_dom *d, domid_t peer, uint32_t *port);
int hub_bind(struct sim_dom *d, domid_t peer, uint32_t remote, uint32_t *port);
void hub_close(struct sim_dom *d, uint32_t port);
/* Where a notification of @port goes; false: nowhere. */
bool hub_target(struct sim_dom *d, uint32_t port, struct sim_dom **to, uint32_t *to_port);
void hub_raise(struct sim_dom *d, uint32_t port);
int hub_lend(struct sim_dom *d, domid_t peer, unsigned n, bool writable, uint32_t *refs,
	     void **where);
int hub_reclaim(struct sim_dom *d, void *where, unsigned n, bool force);
int hub_check(struct sim_dom *d, domid_t owner, uint32_t ref, bool writable,
	      struct sim_grant **grant);
int hub_map(struct sim_dom *d, domid_t peer, const uint32_t *refs, unsigned n, bool writable,
	    void **where);
int hub_unmap(struct sim_dom *d, void *where, unsigned n);
int hub_copy_one(struct sim_dom *d, struct mica_io_copy *c);
void hub_drop_all(struct sim_dom *d, bool grants_too);
/* Which page of the shared memory an address of @d's is in; false: none. */
bool hub_locate(struct sim_dom *d, const void *address, unsigned *page, unsigned *offset);

/* store.c */
struct sim_node *store_root(void);
void store_free(struct sim_node *root);
int store_read(struct sim_dom *d, const char *path, char *value, size_t room);
int store_write(struct sim_dom *d, const char *path, const char *value);
int store_remove(struct sim_dom *d, const char *path);
int store_list(struct sim_dom *d, const char *path, char *names, size_t room);
int store_watch(struct sim_dom *d, const char *path, const char *token);
int store_unwatch(struct sim_dom *d, const char *path, const char *token);
int store_begin(struct sim_dom *d);
int store_end(struct sim_dom *d, bool commit);
void store_drop(struct sim_dom *d);
/* As the toolstack: outside any transaction, no faults. */
void store_set(struct sim *w, const char *path, const char *value);
const char *store_get(struct sim *w, const char *path);
/* ops.c: a watch of @d fires; faults and delays are decided there. */
void watch_fires(struct sim_dom *d, const char *path, const char *token);
/* life.c: @d has written @value to @path; a fault may be waiting for that state. */
void life_wrote(struct sim_dom *d, const char *path, const char *value);
void life_due(struct sim *w);
/* A point of @d's: faults that strike anywhere. */
void life_point(struct sim_dom *d);

extern const struct mica_io_ops sim_ops;

/* tap.c */
void tap_open(struct sim *w);
void tap_close(struct sim *w);

#endif
