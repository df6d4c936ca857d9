/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event_channel_op(cmd, arg): a table of commands (command.c copies the argument in once and finds
 * the domain), each of which delegates to ipc/evtchn.c.  A port that the guest could not be told of
 * is closed again.  No state of its own.
 */
#include <mica/evtchn.h>
#include "call/handlers.h"
#include "ipc/evtchn.h"

/* @id as the caller means it. */
static domid_t real_domid(struct vcpu *self, domid_t id)
{
	return id == DOMID_SELF ? self->dom->id : id;
}

/* What is one call of ipc/evtchn.c.  The vCPU that init_control names is of the caller's domain. */
static long plain(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	__typeof__(((struct evtchn_op *)NULL)->u) *u = arg;
	const struct evtchn_set_priority *priority = arg;
	const struct evtchn_expand_array *expand = arg;

	switch (cmd) {
	case EVTCHNOP_alloc_unbound:
		return evtchn_alloc_unbound(d, real_domid(self, u->alloc_unbound.remote_dom),
					    &u->alloc_unbound.port);
	case EVTCHNOP_bind_interdomain:
		return evtchn_bind_interdomain(d, real_domid(self, u->bind_interdomain.remote_dom),
					       u->bind_interdomain.remote_port,
					       &u->bind_interdomain.local_port);
	case EVTCHNOP_bind_virq:
		return evtchn_bind_virq(d, u->bind_virq.virq, u->bind_virq.vcpu, &u->bind_virq.port);
	case EVTCHNOP_bind_pirq:
		return evtchn_bind_pirq(d, u->bind_pirq.pirq, u->bind_pirq.flags, &u->bind_pirq.port);
	case EVTCHNOP_bind_ipi: return evtchn_bind_ipi(d, u->bind_ipi.vcpu, &u->bind_ipi.port);
	case EVTCHNOP_bind_vcpu: return evtchn_bind_vcpu(d, u->bind_vcpu.port, u->bind_vcpu.vcpu);
	case EVTCHNOP_status: return evtchn_status(d, arg);
	case EVTCHNOP_init_control: return evtchn_init_control(self, arg);
	case EVTCHNOP_expand_array: return evtchn_expand_array(self, expand->array_gfn);
	default: return evtchn_set_priority(d, priority->port, priority->priority);
	}
}

/* Oneself, or a domain that the control domain has paused. */
static long reset(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	if (d != self->dom && !read_once(d->pause_count))
		return refuse(-EINVAL, "reset: d%u is not paused", d->id);
	return d->evtchn ? evtchn_reset(d) : refuse(-ESRCH, "reset: d%u is not ready", d->id);
}

/* The port comes last in the structure. */
#define MAKES_PORT(nr, fn, type, domid_end) \
	[nr] = { fn, CMD_SIZE(type), CMD_ANSWERS, domid_end, evtchn_close }
static const struct command commands[] = {
	MAKES_PORT(EVTCHNOP_bind_interdomain, plain, struct evtchn_bind_interdomain, 0),
	MAKES_PORT(EVTCHNOP_bind_virq, plain, struct evtchn_bind_virq, 0),
	MAKES_PORT(EVTCHNOP_bind_pirq, plain, struct evtchn_bind_pirq, 0),
	MAKES_PORT(EVTCHNOP_bind_ipi, plain, struct evtchn_bind_ipi, 0),
	MAKES_PORT(EVTCHNOP_alloc_unbound, plain, struct evtchn_alloc_unbound,
		   offsetof(struct evtchn_alloc_unbound, dom) + sizeof(domid_t)),
	COMMAND_OF(EVTCHNOP_status, plain, struct evtchn_status, dom, CMD_ANSWERS),
	COMMAND(EVTCHNOP_bind_vcpu, plain, struct evtchn_bind_vcpu, 0),
	COMMAND_OF(EVTCHNOP_reset, reset, struct evtchn_reset, dom, 0),
	COMMAND(EVTCHNOP_init_control, plain, struct evtchn_init_control, CMD_ANSWERS),
	COMMAND(EVTCHNOP_expand_array, plain, struct evtchn_expand_array, 0),
	COMMAND(EVTCHNOP_set_priority, plain, struct evtchn_set_priority, 0),
};

/* close, send and unmask: the argument is the port. */
static long with_port(struct vcpu *self, gva_t arg, int (*fn)(struct domain *d, uint32_t port))
{
	uint32_t port;

	if (copy_from_guest(&port, arg, sizeof(port)))
		return -EFAULT;
	return fn(self->dom, port);
}

/* What guests do all the time goes past the table.  tour:hypercall/3 */
long hc_event_channel_op(struct vcpu *self, uint64_t cmd, gva_t arg)
{
	switch (cmd) {
	case EVTCHNOP_send: return with_port(self, arg, evtchn_send);
	case EVTCHNOP_unmask: return with_port(self, arg, evtchn_unmask);
	case EVTCHNOP_close: return with_port(self, arg, evtchn_close);
	default:
		return command_run(commands, ARRAY_SIZE(commands), "event_channel_op", self, cmd, arg);
	}
}

/* The old form, {cmd, structure} in guest memory: knows the operations up to unmask. */
long hc_event_channel_op_compat(struct vcpu *self, gva_t op)
{
	uint32_t cmd;

	if (copy_from_guest(&cmd, op, sizeof(cmd)))
		return -EFAULT;
	if (cmd > EVTCHNOP_unmask)
		return refuse(-ENOSYS, "event_channel_op_compat %u", cmd);
	return hc_event_channel_op(self, cmd, gva_add(op, offsetof(struct evtchn_op, u)));
}
