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

static long alloc_unbound(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct evtchn_alloc_unbound *op = arg;

	return evtchn_alloc_unbound(d, real_domid(self, op->remote_dom), &op->port);
}

static long bind_interdomain(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct evtchn_bind_interdomain *op = arg;
	domid_t remote = real_domid(self, op->remote_dom);

	return evtchn_bind_interdomain(d, remote, op->remote_port, &op->local_port);
}

static long bind_virq(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct evtchn_bind_virq *op = arg;

	return evtchn_bind_virq(d, op->virq, op->vcpu, &op->port);
}

static long bind_ipi(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct evtchn_bind_ipi *op = arg;

	return evtchn_bind_ipi(d, op->vcpu, &op->port);
}

static long bind_pirq(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct evtchn_bind_pirq *op = arg;

	return evtchn_bind_pirq(d, op->pirq, op->flags, &op->port);
}

static long status(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	return evtchn_status(d, arg);
}

static long bind_vcpu(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct evtchn_bind_vcpu *op = arg;

	return evtchn_bind_vcpu(d, op->port, op->vcpu);
}

/* Oneself, or a domain that the control domain has paused. */
static long reset(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	if (d != self->dom && !read_once(d->pause_count))
		return refuse(-EINVAL, "reset: d%u is not paused", d->id);
	return d->evtchn ? evtchn_reset(d) : refuse(-ESRCH, "reset: d%u is not ready", d->id);
}

/* The vCPU named must be the caller's domain's; link_bits goes back. */
static long init_control(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	return evtchn_init_control(self, arg);
}

static long expand_array(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	return evtchn_expand_array(self, ((struct evtchn_expand_array *)arg)->array_gfn);
}

static long set_priority(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct evtchn_set_priority *op = arg;

	return evtchn_set_priority(d, op->port, op->priority);
}

/* The port comes last in the structure. */
#define MAKES_PORT(nr, fn, type, domid_end) \
	[nr] = { fn, CMD_SIZE(type), CMD_ANSWERS, domid_end, evtchn_close }
static const struct command commands[] = {
	MAKES_PORT(EVTCHNOP_bind_interdomain, bind_interdomain, struct evtchn_bind_interdomain, 0),
	MAKES_PORT(EVTCHNOP_bind_virq, bind_virq, struct evtchn_bind_virq, 0),
	MAKES_PORT(EVTCHNOP_bind_pirq, bind_pirq, struct evtchn_bind_pirq, 0),
	MAKES_PORT(EVTCHNOP_bind_ipi, bind_ipi, struct evtchn_bind_ipi, 0),
	MAKES_PORT(EVTCHNOP_alloc_unbound, alloc_unbound, struct evtchn_alloc_unbound,
		   offsetof(struct evtchn_alloc_unbound, dom) + sizeof(domid_t)),
	COMMAND_OF(EVTCHNOP_status, status, struct evtchn_status, dom, CMD_ANSWERS),
	COMMAND(EVTCHNOP_bind_vcpu, bind_vcpu, struct evtchn_bind_vcpu, 0),
	COMMAND_OF(EVTCHNOP_reset, reset, struct evtchn_reset, dom, 0),
	COMMAND(EVTCHNOP_init_control, init_control, struct evtchn_init_control, CMD_ANSWERS),
	COMMAND(EVTCHNOP_expand_array, expand_array, struct evtchn_expand_array, 0),
	COMMAND(EVTCHNOP_set_priority, set_priority, struct evtchn_set_priority, 0),
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
