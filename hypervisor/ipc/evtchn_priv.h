/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port and where it lives; private to ipc/evtchn*.c and ipc/fifo.c.
 *
 * Ports live in buckets of 32, found through two small tables, made when a port number first needs
 * them and kept until the domain is gone: looking a port up takes no lock.
 *
 * Who may change a port.  Two guards, and a writer holds both:
 *   the domain's channel lock (RANK_EVTCHN)   for allocation and all bindings
 *   the port's own busy bit (port_take)       so that a sender needs this one only
 * A sender holds the busy bit of the port it sends through while it delivers to the other end.
 * Undoing a pair takes the busy bits of both ends, so the other end, its domain and its memory
 * cannot go away meanwhile.  Nobody waits for a second busy bit or a channel lock while holding one
 * busy bit, except whoever holds the channel locks of both domains: there is no cycle.
 * Delivering takes the queue lock of a FIFO (RANK_EVTCHN too), so it never happens under a channel
 * lock.
 */
#ifndef IPC_EVTCHN_PRIV_H
#define IPC_EVTCHN_PRIV_H

#include <mica/errno.h>
#include "cpu/log.h"
#include "cpu/smp.h"
#include "ipc/evtchn.h"

#define BUCKET_PORTS		32
#define GROUP_BUCKETS		64
#define GROUP_PORTS		(BUCKET_PORTS * GROUP_BUCKETS)
#define NR_GROUPS		(EVTCHN_FIFO_NR_CHANNELS / GROUP_PORTS)

/*
 *             alloc_unbound           bind_interdomain
 *   FREE ------------------> UNBOUND <----------------> INTERDOMAIN      what = peer's port
 *    |                 what = domid   peer closes
 *    |---- bind_virq, bind_ipi -----> VIRQ, IPI                          what = virq, nothing
 *    '---- bind_pirq --> RESERVED --> PIRQ                               what = pirq
 *                close:  RESERVED <---'
 * RESERVED: whoever set it is talking to pirq.c without a lock; everybody else sees no port there.
 * close leads from every other state back to FREE.
 */
enum port_state {
	PORT_FREE, PORT_RESERVED, PORT_UNBOUND, PORT_INTERDOMAIN, PORT_PIRQ, PORT_VIRQ, PORT_IPI,
};

struct port {
	/* both guards to write, either to read */
	uint8_t state;
	uint8_t _pad;
	uint16_t vcpu;			/* whom to notify; senders read it without a guard */
	uint32_t what;
	struct domain *peer;		/* INTERDOMAIN only */

	uint8_t busy;			/* the port's own guard: port_take */
	uint8_t priority;		/* FIFO; written under busy, read without */
	uint8_t early;			/* atomic: pending, but its FIFO word is not there yet */
	uint8_t q_priority;		/* the FIFO queue it was last put in: fifo.lock */
	uint16_t q_vcpu;
};

struct fifo;

struct evtchn_state {
	struct spinlock lock;		/* RANK_EVTCHN, guards what is written below, unless said */
	uint32_t nr_ports;		/* ports that have memory; only grows; read without lock */
	uint32_t max_port;		/* highest number this domain may use */
	uint32_t hint;			/* no free port below this one */
	uint32_t nr_used;		/* ports not FREE */
	uint32_t cursor;		/* reset and teardown: next port to close */
	bool dying;			/* no new ports */
	struct fifo *fifo;		/* NULL: two-level; read without lock under a busy bit */
	struct port **group[NR_GROUPS];
};

static inline void port_take(struct port *p)
{
	while (unlikely(atomic_xchg(&p->busy, 1)))
		while (read_once(p->busy))
			cpu_relax_poll();
}

static inline void port_drop(struct port *p)
{
	atomic_release(&p->busy, 0);
}

/* NULL when @nr has no memory; it may be FREE.  Needs no lock. */
static inline struct port *port_find(const struct domain *d, uint32_t nr)
{
	struct evtchn_state *st = d->evtchn;

	if (!nr || nr >= atomic_acquire(&st->nr_ports))
		return NULL;
	return &st->group[nr / GROUP_PORTS][nr / BUCKET_PORTS % GROUP_BUCKETS][nr % BUCKET_PORTS];
}

/* Every port that was not free a moment ago; no lock needed. */
#define for_each_port(d, nr, p) \
	for (uint32_t nr = 1; nr < atomic_read(&(d)->evtchn->nr_ports); nr++) \
		if (((p) = port_find(d, nr)) && read_once((p)->state) != PORT_FREE)

static inline struct vcpu *evtchn_vcpu(const struct domain *d, unsigned id)
{
	return id < d->max_vcpus ? d->vcpu[id] : NULL;
}

/* evtchn_send.c.  Makes @nr of @d pending and notifies.  The caller holds the busy bit of @p, or of
 * the port whose peer @p is. */
void port_deliver(struct domain *d, uint32_t nr, struct port *p);
/* Takes back what was not yet noticed; @p's busy bit is held. */
void port_clear_pending(struct domain *d, uint32_t nr, struct port *p);
void virq_raise_vcpu(struct vcpu *v, unsigned virq);
void virq_raise_dom0(unsigned virq);

/* fifo.c.  @p's busy bit (or its peer's) is held in all of these. */
/* Says whether it was not pending before. */
bool fifo_set(struct domain *d, struct fifo *f, uint32_t nr, struct port *p);
void fifo_unmask(struct domain *d, struct fifo *f, uint32_t nr, struct port *p);
void fifo_clear(struct fifo *f, uint32_t nr, struct port *p);
/* MICA_PORT_PENDING, _MASKED. */
int fifo_bits(struct fifo *f, uint32_t nr, const struct port *p);
/* Still in a queue of the guest: the number cannot be used again yet. */
bool fifo_linked(struct fifo *f, uint32_t nr);
/* Back to two-level, giving the guest's pages back; false when some port is in use. */
bool fifo_leave(struct domain *d);
struct audit;
void fifo_audit(struct domain *d, struct audit *a);

#endif
