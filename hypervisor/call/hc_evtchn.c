/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * event_channel_op(cmd, arg): copies the argument in once, decides on whose behalf, delegates to
 * ipc/evtchn.c, copies the answer out.  A port that the guest could not be told of is closed again.
 * No state of its own.
 */
#include <mica/evtchn.h>
#include "call/handlers.h"
#include "ipc/evtchn.h"

/* @id as the caller means it. */
static domid_t real_domid(struct vcpu *self, domid_t id)
{
	return id == DOMID_SELF ? self->dom->id : id;
}

/* A new port's structure goes back to the guest; else the port goes. */
static long answer(struct domain *d, gva_t arg, const void *op, size_t bytes, uint32_t port)
{
	if (!copy_to_guest(arg, op, bytes))
		return 0;
	evtchn_close(d, port);
	return refuse(-EFAULT, "event channel answer at %lx", arg.a);
}

static long alloc_unbound(struct vcpu *self, gva_t arg)
{
	struct evtchn_alloc_unbound op;
	struct domain *d;
	long ret;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	d = domain_get_target(self, op.dom, &rc);
	if (!d)
		return rc;
	ret = evtchn_alloc_unbound(d, real_domid(self, op.remote_dom), &op.port);
	if (!ret)
		ret = answer(d, arg, &op, sizeof(op), op.port);
	domain_put(d);
	return ret;
}

static long bind_interdomain(struct vcpu *self, gva_t arg)
{
	struct evtchn_bind_interdomain op;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = evtchn_bind_interdomain(self->dom, real_domid(self, op.remote_dom), op.remote_port,
				     &op.local_port);
	return rc ? rc : answer(self->dom, arg, &op, sizeof(op), op.local_port);
}

static long bind_virq(struct vcpu *self, gva_t arg)
{
	struct evtchn_bind_virq op;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = evtchn_bind_virq(self->dom, op.virq, op.vcpu, &op.port);
	return rc ? rc : answer(self->dom, arg, &op, sizeof(op), op.port);
}

static long bind_ipi(struct vcpu *self, gva_t arg)
{
	struct evtchn_bind_ipi op;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = evtchn_bind_ipi(self->dom, op.vcpu, &op.port);
	return rc ? rc : answer(self->dom, arg, &op, sizeof(op), op.port);
}

static long bind_pirq(struct vcpu *self, gva_t arg)
{
	struct evtchn_bind_pirq op;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = evtchn_bind_pirq(self->dom, op.pirq, op.flags, &op.port);
	return rc ? rc : answer(self->dom, arg, &op, sizeof(op), op.port);
}

static long status(struct vcpu *self, gva_t arg)
{
	struct evtchn_status op;
	struct domain *d;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	d = domain_get_target(self, op.dom, &rc);
	if (!d)
		return rc;
	rc = evtchn_status(d, &op);
	domain_put(d);
	return rc ? rc : copy_to_guest(arg, &op, sizeof(op));
}

static long bind_vcpu(struct vcpu *self, gva_t arg)
{
	struct evtchn_bind_vcpu op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	return evtchn_bind_vcpu(self->dom, op.port, op.vcpu);
}

/* Oneself, or a domain that the control domain has paused. */
static long reset(struct vcpu *self, gva_t arg)
{
	struct evtchn_reset op;
	struct domain *d;
	long rc = 0;
	int err;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	d = domain_get_target(self, op.dom, &err);
	if (!d)
		return err;
	if (d != self->dom && !read_once(d->pause_count))
		rc = refuse(-EINVAL, "reset: d%u is not paused", d->id);
	else if (!d->evtchn)
		rc = refuse(-ESRCH, "reset: d%u is not ready", d->id);
	else
		rc = evtchn_reset(d);
	domain_put(d);
	return rc == RESTART ? hypercall_again(self, 0) : rc;
}

/* The vCPU named must be the caller's domain's; link_bits goes back. */
static long init_control(struct vcpu *self, gva_t arg)
{
	struct evtchn_init_control op;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = evtchn_init_control(self, &op);
	if (rc == RESTART)
		return hypercall_again(self, 0);
	return rc ? rc : copy_to_guest(arg, &op, sizeof(op));
}

static long expand_array(struct vcpu *self, gva_t arg)
{
	struct evtchn_expand_array op;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = evtchn_expand_array(self, op.array_gfn);
	return rc == RESTART ? hypercall_again(self, 0) : rc;
}

static long set_priority(struct vcpu *self, gva_t arg)
{
	struct evtchn_set_priority op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	return evtchn_set_priority(self->dom, op.port, op.priority);
}

/* close, send and unmask: the argument is the port. */
static long with_port(struct vcpu *self, gva_t arg, int (*fn)(struct domain *d, uint32_t port))
{
	uint32_t port;

	if (copy_from_guest(&port, arg, sizeof(port)))
		return -EFAULT;
	return fn(self->dom, port);
}

/* One switch, one line per sub-operation: each decodes its own argument.  tour:hypercall/3 */
long hc_event_channel_op(struct vcpu *self, uint64_t cmd, gva_t arg)
{
	switch (cmd) {
	case EVTCHNOP_send:
		return with_port(self, arg, evtchn_send);
	case EVTCHNOP_unmask:
		return with_port(self, arg, evtchn_unmask);
	case EVTCHNOP_close:
		return with_port(self, arg, evtchn_close);
	case EVTCHNOP_bind_interdomain:
		return bind_interdomain(self, arg);
	case EVTCHNOP_bind_virq:
		return bind_virq(self, arg);
	case EVTCHNOP_bind_pirq:
		return bind_pirq(self, arg);
	case EVTCHNOP_status:
		return status(self, arg);
	case EVTCHNOP_alloc_unbound:
		return alloc_unbound(self, arg);
	case EVTCHNOP_bind_ipi:
		return bind_ipi(self, arg);
	case EVTCHNOP_bind_vcpu:
		return bind_vcpu(self, arg);
	case EVTCHNOP_reset:
		return reset(self, arg);
	case EVTCHNOP_init_control:
		return init_control(self, arg);
	case EVTCHNOP_expand_array:
		return expand_array(self, arg);
	case EVTCHNOP_set_priority:
		return set_priority(self, arg);
	default:
		return refuse(-ENOSYS, "event_channel_op %lu", cmd);
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
