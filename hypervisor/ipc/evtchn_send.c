/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events on their way: send, raise, unmask, poll; and how a pending port is shown to a two-level
 * guest.
 *
 * Two-level, all words in shared_info and vcpu_info, which both sides change atomically:
 *
 *   pending bit 0 -> 1, not masked -> selector bit of the port's vCPU 0 -> 1 -> event_pend()
 *
 * Each step only happens when the one before changed something: an event that is pending already
 * costs one locked instruction.  The sender holds its own port's busy bit and no lock at all; see
 * ipc/evtchn_priv.h for why that is enough.  Queues of FIFO guests are in ipc/fifo.c.
 */
#include "dom/event.h"
#include "ipc/evtchn_priv.h"

#define WORD(nr)		((nr) / 64)
#define WORD_BIT(nr)		BIT((nr) % 64)

static noinline void two_level_select(struct domain *d, struct port *p, uint32_t nr)
{
	struct vcpu *v = evtchn_vcpu(d, read_once(p->vcpu));

	if (!v)
		return;
	if (!(atomic_or(&v->info->evtchn_pending_sel, BIT(WORD(nr))) & BIT(WORD(nr))))
		event_pend(v);
}

static always_inline bool two_level_set(struct domain *d, uint32_t nr, struct port *p)
{
	struct shared_info *s = d->shared;
	const uint64_t bit = WORD_BIT(nr);

	if (atomic_or(&s->evtchn_pending[WORD(nr)], bit) & bit)
		return false;
	if (!(atomic_read(&s->evtchn_mask[WORD(nr)]) & bit))
		two_level_select(d, p, nr);
	return true;
}

static void two_level_unmask(struct domain *d, uint32_t nr, struct port *p)
{
	struct shared_info *s = d->shared;

	if ((atomic_and(&s->evtchn_mask[WORD(nr)], ~WORD_BIT(nr)) & WORD_BIT(nr)) &&
	    (atomic_read(&s->evtchn_pending[WORD(nr)]) & WORD_BIT(nr)))
		two_level_select(d, p, nr);
}

/* Any vCPU may poll any port, masked ones above all: whoever polls looks again. */
static noinline void wake_pollers(struct domain *d)
{
	struct vcpu *v;

	for_each_vcpu(d, v)
		if (unlikely(read_once(v->polling)))
			event_kick(v);
}

/* A guest that turns to FIFO while we set the two-level bit: set it once more, where it counts. */
static always_inline void deliver(struct domain *d, uint32_t nr, struct port *p)
{
	struct evtchn_state *st = d->evtchn;
	struct fifo *f;
	bool news;

	do {
		f = atomic_acquire(&st->fifo);
		news = f ? fifo_set(d, f, nr, p) : two_level_set(d, nr, p);
	} while (unlikely(read_once(st->fifo) != f));
	if (news)
		wake_pollers(d);
}

void port_deliver(struct domain *d, uint32_t nr, struct port *p)
{
	deliver(d, nr, p);
}

void port_clear_pending(struct domain *d, uint32_t nr, struct port *p)
{
	struct fifo *f = d->evtchn->fifo;

	if (f)
		fifo_clear(f, nr, p);
	else if (nr < EVTCHN_2L_NR_CHANNELS)
		atomic_and(&d->shared->evtchn_pending[WORD(nr)], ~WORD_BIT(nr));
}

/* Notify the other end of @port.  0, also when nobody is there yet; -EINVAL when @port has no other
 * end.  tour:hypercall/4 */
int evtchn_send(struct domain *d, uint32_t port)
{
	struct port *p = port_find(d, port);
	int rc = 0;

	if (unlikely(!p))
		return refuse(-EINVAL, "send: d%u has no port %u", d->id, port);
	port_take(p);
	if (likely(p->state == PORT_INTERDOMAIN))
		deliver(p->peer, p->what, port_find(p->peer, p->what));
	else if (p->state == PORT_IPI)
		deliver(d, port, p);
	else if (p->state != PORT_UNBOUND)
		rc = refuse(-EINVAL, "send: d%u port %u cannot send", d->id, port);
	port_drop(p);
	return rc;
}

/* Clears the mask of @port and delivers what came meanwhile.  -EINVAL: no such port. */
int evtchn_unmask(struct domain *d, uint32_t port)
{
	struct port *p = port_find(d, port);
	struct fifo *f;
	int rc = 0;

	if (!p)
		return refuse(-EINVAL, "unmask: d%u has no port %u", d->id, port);
	port_take(p);
	f = atomic_acquire(&d->evtchn->fifo);
	if (p->state == PORT_FREE)
		rc = refuse(-EINVAL, "unmask: d%u port %u is closed", d->id, port);
	else if (f)
		fifo_unmask(d, f, port, p);
	else
		two_level_unmask(d, port, p);
	port_drop(p);
	return rc;
}

static int two_level_bits(const struct shared_info *s, uint32_t nr)
{
	return (atomic_read(&s->evtchn_pending[WORD(nr)]) & WORD_BIT(nr) ? MICA_PORT_PENDING : 0) |
	       (atomic_read(&s->evtchn_mask[WORD(nr)]) & WORD_BIT(nr) ? MICA_PORT_MASKED : 0);
}

int evtchn_bits(struct domain *d, uint32_t port, bool raise)
{
	struct port *p = port_find(d, port);
	struct fifo *f;
	int rc;

	if (!p)
		return refuse(-EINVAL, "poll: d%u has no port %u", d->id, port);
	port_take(p);
	f = atomic_acquire(&d->evtchn->fifo);
	if (p->state == PORT_FREE || (raise && p->state != PORT_INTERDOMAIN)) {
		rc = refuse(-EINVAL, "poll: d%u port %u is closed, or has no other end", d->id, port);
	} else {
		rc = f ? fifo_bits(f, port, p) : two_level_bits(d->shared, port);
		if (raise)
			deliver(d, port, p);
	}
	port_drop(p);
	return rc;
}

/* pirq.c: an interrupt bound to @port came in.  While the binding is still being made it is
 * remembered. */
void evtchn_raise_port(struct domain *d, uint32_t port)
{
	struct port *p = port_find(d, port);

	if (!p)
		return;
	port_take(p);
	if (p->state == PORT_PIRQ)
		port_deliver(d, port, p);
	else if (p->state == PORT_RESERVED)
		atomic_set(&p->early, 1);
	port_drop(p);
}

/* The binding may change between reading it and taking the port, so the port is asked again. */
void virq_raise_vcpu(struct vcpu *v, unsigned virq)
{
	uint32_t nr = read_once(v->virq_port[virq]);
	struct port *p = nr ? port_find(v->dom, nr) : NULL;

	if (!p)
		return;
	port_take(p);
	if (p->state == PORT_VIRQ && p->what == virq)
		port_deliver(v->dom, nr, p);
	port_drop(p);
}

void virq_raise_dom0(unsigned virq)
{
	struct vcpu *v = dom0 ? evtchn_vcpu(dom0, 0) : NULL;

	if (v)
		virq_raise_vcpu(v, virq);
}
