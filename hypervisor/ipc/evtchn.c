/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event channels: making, binding and closing ports; a domain's set of them from birth to death.
 *
 * ipc/evtchn_priv.h draws the states of a port and says who may change what.  In short: everything
 * here runs under the domain's channel lock, interdomain operations under both (lock_pair), and
 * each change of a binding under the port's busy bit too, so that senders need no lock.  Events
 * themselves are in ipc/evtchn_send.c, the FIFO form in ipc/fifo.c, interrupts in ipc/pirq.c (asked
 * without our lock, because its lock comes first).
 */
#include "cpu/keys.h"
#include "cpu/softirq.h"
#include "dom/event.h"
#include "ipc/evtchn_priv.h"
#include "ipc/pirq.h"
#include "mm/heap.h"
#include "mm/pt.h"

/* ---- ports ---- */

/* Memory for the bucket that follows the last one.  -ENOMEM. */
static int ports_grow(struct evtchn_state *st)
{
	uint32_t nr = st->nr_ports;
	struct port ***group = &st->group[nr / GROUP_PORTS];
	struct port *bucket;

	if (!*group)
		*group = kmalloc(GROUP_BUCKETS * sizeof(**group));
	bucket = kmalloc(BUCKET_PORTS * sizeof(*bucket));
	if (!*group || !bucket) {
		kfree(bucket);
		return -ENOMEM;
	}
	(*group)[nr / BUCKET_PORTS % GROUP_BUCKETS] = bucket;
	atomic_release(&st->nr_ports, nr + BUCKET_PORTS);
	return 0;
}

/*
 * The lowest free port; the caller gives it a state before it drops the channel lock.
 * -ENOSPC none left, -ENOMEM, -ESRCH the domain is dying.
 */
static int port_alloc(struct domain *d, uint32_t *out) NEEDS(d->evtchn->lock)
{
	struct evtchn_state *st = d->evtchn;
	uint32_t end = st->fifo ? EVTCHN_FIFO_NR_CHANNELS : EVTCHN_2L_NR_CHANNELS;
	uint32_t nr = st->hint;

	if (st->dying)
		return refuse(-ESRCH, "d%u is dying: no more ports", d->id);
	end = MIN(end, st->max_port + 1);
	for (; nr < end; nr++) {
		if (nr >= st->nr_ports && ports_grow(st))
			return -ENOMEM;
		if (port_find(d, nr)->state != PORT_FREE) {
			if (nr == st->hint)
				st->hint++;
			continue;
		}
		if (!st->fifo || !fifo_linked(st->fifo, nr)) {
			*out = nr;
			return 0;
		}
	}
	return refuse(-ENOSPC, "d%u has no free port below %u", d->id, end);
}

/* Every change of a binding goes through here; the busy bit keeps senders out. */
static void port_set(struct port *p, enum port_state state, uint32_t what, struct domain *peer)
{
	port_take(p);
	p->state = (uint8_t)state;
	p->what = what;
	p->peer = peer;
	port_drop(p);
}

/* A FREE port gets its first state. */
static void port_use(struct domain *d, uint32_t nr, enum port_state state, uint32_t what,
		     unsigned vcpu)
{
	struct port *p = port_find(d, nr);

	p->vcpu = (uint16_t)vcpu;
	p->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
	p->early = 0;
	port_set(p, state, what, NULL);
	d->evtchn->nr_used++;
}

static void port_free(struct domain *d, uint32_t nr)
{
	struct port *p = port_find(d, nr);

	port_take(p);
	p->state = PORT_FREE;
	p->what = 0;
	p->peer = NULL;
	p->early = 0;
	port_clear_pending(d, nr, p);
	port_drop(p);
	d->evtchn->nr_used--;
	d->evtchn->hint = MIN(d->evtchn->hint, nr);
}

/* ---- binding ---- */

/* Allocates a port in a given state.  0, -ENOSPC, -ENOMEM, -ESRCH. */
static int port_make(struct domain *d, enum port_state state, uint32_t what, unsigned vcpu,
		     uint32_t *port)
{
	int rc;

	lock_take(&d->evtchn->lock);
	rc = port_alloc(d, port);
	if (!rc)
		port_use(d, *port, state, what, vcpu);
	lock_drop(&d->evtchn->lock);
	return rc;
}

/* A port of @d that domain @remote (a real number, which need not exist yet) may bind to. */
int evtchn_alloc_unbound(struct domain *d, domid_t remote, uint32_t *port)
{
	return port_make(d, PORT_UNBOUND, remote, 0, port);
}

/* A port of @d for signals to its own vCPU @vcpu.  -ENOENT no such vCPU. */
int evtchn_bind_ipi(struct domain *d, unsigned vcpu, uint32_t *port)
{
	if (!evtchn_vcpu(d, vcpu))
		return refuse(-ENOENT, "bind_ipi: d%u has no vcpu %u", d->id, vcpu);
	return port_make(d, PORT_IPI, 0, vcpu, port);
}

/* Both channel locks are held. */
LOCKS_UNCHECKED static int join_ports(struct domain *d, struct domain *rd, uint32_t remote_port, uint32_t *port)
{
	struct port *p, *rp = port_find(rd, remote_port);
	int rc;

	if (!rp || rp->state != PORT_UNBOUND || rp->what != d->id)
		return refuse(-EINVAL, "bind_interdomain: d%u port %u is not for d%u", rd->id,
			      remote_port, d->id);
	rc = port_alloc(d, port);
	if (rc)
		return rc;
	port_use(d, *port, PORT_RESERVED, 0, 0);
	p = port_find(d, *port);
	port_take(p);
	port_take(rp);
	p->peer = rd;
	p->what = remote_port;
	rp->peer = d;
	rp->what = *port;
	p->state = rp->state = PORT_INTERDOMAIN;
	port_drop(rp);
	port_drop(p);
	return 0;
}

/*
 * Connects a new port of @d to the unbound @remote_port of domain @remote.  The new port starts
 * pending, so that nothing sent before is missed.  -ESRCH, -EINVAL not made for us, -ENOSPC,
 * -ENOMEM.
 */
int evtchn_bind_interdomain(struct domain *d, domid_t remote, uint32_t remote_port, uint32_t *port)
{
	struct domain *rd = domain_get(remote);
	struct port *p;
	int rc;

	if (!rd)
		return refuse(-ESRCH, "bind_interdomain: no domain %u", remote);
	lock_pair(&d->evtchn->lock, &rd->evtchn->lock);
	rc = join_ports(d, rd, remote_port, port);
	lock_pair_drop(&d->evtchn->lock, &rd->evtchn->lock);
	if (!rc) {
		p = port_find(d, *port);
		port_take(p);
		if (p->state == PORT_INTERDOMAIN)
			port_deliver(d, *port, p);
		port_drop(p);
	}
	domain_put(rd);
	return rc;
}

static bool virq_per_vcpu(unsigned virq)
{
	return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF ||
	       virq == VIRQ_XENPMU;
}

/* -EINVAL no such VIRQ, or a global one not on vCPU 0; -ENOENT no such vCPU; -EEXIST bound. */
int evtchn_bind_virq(struct domain *d, unsigned virq, unsigned vcpu, uint32_t *port)
{
	struct vcpu *v = evtchn_vcpu(d, vcpu);
	int rc;

	if (virq >= NR_VIRQS || (vcpu && !virq_per_vcpu(virq)))
		return refuse(-EINVAL, "bind_virq: virq %u on vcpu %u", virq, vcpu);
	if (!v)
		return refuse(-ENOENT, "bind_virq: d%u has no vcpu %u", d->id, vcpu);
	lock_take(&d->evtchn->lock);
	if (v->virq_port[virq])
		rc = refuse(-EEXIST, "bind_virq: virq %u of d%uv%u", virq, d->id, vcpu);
	else
		rc = port_alloc(d, port);
	if (!rc) {
		port_use(d, *port, PORT_VIRQ, virq, vcpu);
		write_once(v->virq_port[virq], *port);
	}
	lock_drop(&d->evtchn->lock);
	return rc;
}

/*
 * @pirq may fire as soon as pirq.c knows the port: a RESERVED port keeps that in mind.  Errors of
 * pirq_bind.
 */
int evtchn_bind_pirq(struct domain *d, unsigned pirq, uint32_t flags, uint32_t *port)
{
	struct evtchn_state *st = d->evtchn;
	struct port *p;
	int rc = port_make(d, PORT_RESERVED, pirq, 0, port);

	if (rc)
		return rc;
	rc = pirq_bind(d, pirq, flags, *port);
	lock_take(&st->lock);
	p = port_find(d, *port);
	if (rc)
		port_free(d, *port);
	else
		port_set(p, PORT_PIRQ, pirq, NULL);
	lock_drop(&st->lock);
	if (rc || !atomic_read(&p->early))
		return rc;
	port_take(p);
	if (p->state == PORT_PIRQ && atomic_xchg(&p->early, 0))
		port_deliver(d, *port, p);
	port_drop(p);
	return 0;
}

/* Who is notified of @port from now on.  -ENOENT no such vCPU; -EINVAL no such port or bound to one
 * vCPU by nature. */
int evtchn_bind_vcpu(struct domain *d, uint32_t port, unsigned vcpu)
{
	struct evtchn_state *st = d->evtchn;
	struct port *p = port_find(d, port);
	int rc = 0;

	if (!evtchn_vcpu(d, vcpu))
		return refuse(-ENOENT, "bind_vcpu: d%u has no vcpu %u", d->id, vcpu);
	if (!p)
		return refuse(-EINVAL, "bind_vcpu: d%u has no port %u", d->id, port);
	lock_take(&st->lock);
	if (p->state <= PORT_RESERVED || p->state == PORT_IPI ||
	    (p->state == PORT_VIRQ && virq_per_vcpu(p->what)))
		rc = refuse(-EINVAL, "bind_vcpu: d%u port %u cannot move", d->id, port);
	else
		write_once(p->vcpu, (uint16_t)vcpu);
	lock_drop(&st->lock);
	return rc;
}

/* ---- closing ---- */

/* Both channel locks are held: the other end becomes unbound and may be bound by @d again. */
static void part_ports(struct domain *d, uint32_t nr)
{
	struct port *p = port_find(d, nr), *rp = port_find(p->peer, p->what);

	port_take(p);
	port_take(rp);
	rp->state = PORT_UNBOUND;
	rp->what = d->id;
	rp->peer = NULL;
	p->state = PORT_UNBOUND;		/* until port_free, which is next */
	p->peer = NULL;
	port_drop(rp);
	port_drop(p);
	port_free(d, nr);
}

/*
 * The peer @id was seen under our lock, which must be dropped to look the domain up and to take
 * both in order; true when the port was still bound to it then.
 */
static bool close_interdomain(struct domain *d, uint32_t nr, domid_t id)
{
	struct domain *rd = domain_get(id);
	struct port *p = port_find(d, nr);
	bool done;

	if (!rd)
		return false;
	lock_pair(&d->evtchn->lock, &rd->evtchn->lock);
	done = p->state == PORT_INTERDOMAIN && p->peer == rd;
	if (done)
		part_ports(d, nr);
	lock_pair_drop(&d->evtchn->lock, &rd->evtchn->lock);
	domain_put(rd);
	return done;
}

/* The channel lock is held and stays so, except while pirq.c is told. */
LOCKS_UNCHECKED static void close_pirq(struct domain *d, uint32_t nr, struct port *p)
{
	uint32_t pirq = p->what;

	port_set(p, PORT_RESERVED, pirq, NULL);
	lock_drop(&d->evtchn->lock);
	pirq_unbind(d, pirq, nr);
	lock_take(&d->evtchn->lock);
	port_free(d, nr);
}

static void close_virq(struct domain *d, uint32_t nr, struct port *p)
{
	/* a global one may notify another vCPU by now, but is bound on vCPU 0 */
	struct vcpu *v = evtchn_vcpu(d, virq_per_vcpu(p->what) ? p->vcpu : 0);

	if (v)
		write_once(v->virq_port[p->what], 0);
	port_free(d, nr);
}

/* Any port back to FREE.  -EINVAL: it is, or has never been. */
int evtchn_close(struct domain *d, uint32_t port)
{
	struct evtchn_state *st = d->evtchn;
	struct port *p = port_find(d, port);
	domid_t peer;

	if (!p)
		return refuse(-EINVAL, "close: d%u has no port %u", d->id, port);
again:
	lock_take(&st->lock);
	switch (p->state) {
	case PORT_FREE:
	case PORT_RESERVED:
		lock_drop(&st->lock);
		return refuse(-EINVAL, "close: d%u port %u is closed", d->id, port);
	case PORT_INTERDOMAIN:
		peer = p->peer->id;
		lock_drop(&st->lock);
		if (close_interdomain(d, port, peer))
			return 0;
		cpu_relax_poll();
		goto again;
	case PORT_PIRQ:
		close_pirq(d, port, p);
		break;
	case PORT_VIRQ:
		close_virq(d, port, p);
		break;
	default:
		port_free(d, port);
	}
	lock_drop(&st->lock);
	return 0;
}

/* Closes every port, going on where an interrupted call stopped.  Two vCPUs may be at it at once, so
 * the cursor only says where to begin.  0 or RESTART. */
static int close_all(struct domain *d)
{
	struct evtchn_state *st = d->evtchn;
	uint32_t nr = MAX(read_once(st->cursor), 1u);

	while (nr < atomic_read(&st->nr_ports)) {
		if (port_find(d, nr)->state > PORT_RESERVED)
			evtchn_close(d, nr);
		if (++nr % BUCKET_PORTS == 0 && preempt_due()) {
			write_once(st->cursor, nr);
			return RESTART;
		}
	}
	write_once(st->cursor, 0);
	return 0;
}

/* All ports closed, two-level again.  RESTART: call again. */
int evtchn_reset(struct domain *d)
{
	if (close_all(d))
		return RESTART;
	return fifo_leave(d) ? 0 : RESTART;	/* another vCPU is binding meanwhile */
}

/* What st->port of @d is, as EVTCHNOP_status reports it.  -EINVAL: beyond all ports. */
int evtchn_status(struct domain *d, struct evtchn_status *out)
{
	static const uint8_t to_abi[] = {
		[PORT_FREE] = EVTCHNSTAT_closed,     [PORT_RESERVED] = EVTCHNSTAT_closed,
		[PORT_UNBOUND] = EVTCHNSTAT_unbound, [PORT_INTERDOMAIN] = EVTCHNSTAT_interdomain,
		[PORT_PIRQ] = EVTCHNSTAT_pirq,	     [PORT_VIRQ] = EVTCHNSTAT_virq,
		[PORT_IPI] = EVTCHNSTAT_ipi,
	};
	struct port *p = port_find(d, out->port);

	if (!p) {
		out->status = EVTCHNSTAT_closed;
		out->vcpu = 0;
		/* port 0 is there, but never open: who lists ports begins with it */
		return out->port ? refuse(-EINVAL, "status: d%u has no port %u", d->id, out->port)
				 : 0;
	}
	lock_take(&d->evtchn->lock);
	out->status = to_abi[p->state];
	out->vcpu = p->vcpu;
	if (p->state == PORT_UNBOUND) {
		out->u.unbound.dom = (domid_t)p->what;
	} else if (p->state == PORT_INTERDOMAIN) {
		out->u.interdomain.dom = p->peer->id;
		out->u.interdomain.port = p->what;
	} else {
		out->u.virq = p->what;		/* or pirq: the same place */
	}
	lock_drop(&d->evtchn->lock);
	return 0;
}

/* ---- a domain's life, debugging ---- */

static void dump_domain(struct domain *d)
{
	static const char *const name[] = { "free", "reserved", "unbound", "interdomain",
					    "pirq", "virq",	"ipi" };
	struct evtchn_state *st = d->evtchn;
	struct port *p;

	log_info("d%u: %u ports, %s", d->id, st->nr_used, st->fifo ? "fifo" : "two-level");
	for_each_port(d, nr, p) {
		lock_take(&st->lock);
		if (p->state == PORT_INTERDOMAIN)
			log_info("  %4u v%u with d%u port %u", nr, p->vcpu, p->peer->id, p->what);
		else
			log_info("  %4u v%u %s %u", nr, p->vcpu, name[p->state], p->what);
		lock_drop(&st->lock);
	}
}

static void dump(void)
{
	struct domain *d;

	for_each_domain(d)
		dump_domain(d);
}

static void audit_evtchn(struct audit *a)
{
	struct domain *d;

	for_each_domain(d)
		fifo_audit(d, a);
}

static int evtchn_create(struct domain *d, const struct domain_config *cfg)
{
	struct evtchn_state *st = kmalloc(sizeof(*st));
	uint32_t top = EVTCHN_FIFO_NR_CHANNELS - 1;

	if (!st)
		return -ENOMEM;
	if (!virq_raise) {			/* for the first domain */
		virq_raise = virq_raise_vcpu;
		virq_raise_global = virq_raise_dom0;
		audit_register(audit_evtchn);
		keys_register('e', "event channels", dump);
	}
	lock_init(&st->lock, RANK_EVTCHN);
	st->max_port = cfg->max_evtchn_port ? MIN(cfg->max_evtchn_port, top) : top;
	st->hint = 1;
	d->evtchn = st;
	return 0;
}

/* No vCPU of @d runs any more; others may still be sending to it. */
static int evtchn_teardown(struct domain *d)
{
	struct evtchn_state *st = d->evtchn;

	lock_take(&st->lock);
	if (!st->dying)
		st->cursor = 0;			/* of a reset that never ended */
	st->dying = true;
	lock_drop(&st->lock);
	return evtchn_reset(d);
}

static void evtchn_destroy(struct domain *d)
{
	struct evtchn_state *st = d->evtchn;

	for (unsigned g = 0; g < NR_GROUPS && st->group[g]; g++) {
		for (unsigned b = 0; b < GROUP_BUCKETS; b++)
			kfree(st->group[g][b]);
		kfree(st->group[g]);
	}
	kfree(st);
	d->evtchn = NULL;
}

DOM_SERVICE(evtchn_service) = {
	.name = "event channels",
	.create = evtchn_create,
	.teardown = evtchn_teardown,
	.destroy = evtchn_destroy,
};
