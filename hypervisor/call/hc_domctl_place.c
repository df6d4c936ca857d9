/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domctl: where a domain's vCPUs run and how much: affinity, weight and cap, and what came of it
 * (getvcpuinfo).  The scheduler is dom/sched.c; its parameters are given in the form of
 * "credit2" (SCHEDULER_ID).  There is one NUMA node, number 0.
 */
#include "call/toolstack.h"
#include "dom/sched.h"
#include "lib/string.h"

#define VCPUS_AT_ONCE	256			/* scheduler_op on a list: more is a second call */

long domctl_vcpu_info(struct vcpu *self, struct vcpu *v, struct xen_domctl *op)
{
	struct xen_domctl_getvcpuinfo *info = &op->u.getvcpuinfo;
	struct vcpu_runstate_info rs;

	sched_get_runstate(v, &rs);
	info->online = !v->offline;
	info->blocked = v->blocked;
	info->running = v->running;
	info->cpu_time = rs.time[RUNSTATE_running];
	info->cpu = v->cpu;
	return 0;
}

/* The masks that @a asks for go back. */
static long put_masks(const struct xen_domctl_vcpuaffinity *a, cpumask_t hard, cpumask_t soft)
{
	long rc = 0;

	if (a->flags & XEN_VCPUAFFINITY_HARD)
		rc = toolstack_put_cpumask(&a->cpumap_hard, hard);
	if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
		rc = toolstack_put_cpumask(&a->cpumap_soft, soft);
	return rc;
}

long domctl_set_affinity(struct vcpu *self, struct vcpu *v, struct xen_domctl *op)
{
	const struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
	cpumask_t hard = v->hard_affinity, soft = v->soft_affinity;
	int rc = 0;

	if (!(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)) || a->flags >> 3)
		return refuse(-EINVAL, "setvcpuaffinity: flags %x", a->flags);
	if (a->flags & XEN_VCPUAFFINITY_HARD)
		rc = toolstack_get_cpumask(&a->cpumap_hard, &hard);
	if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
		rc = toolstack_get_cpumask(&a->cpumap_soft, &soft);
	if (rc)
		return rc;
	if (v->pinned_by >= 0 && !(a->flags & XEN_VCPUAFFINITY_FORCE))
		return refuse(-EBUSY, "d%uv%u has pinned itself", v->dom->id, v->id);
	rc = sched_set_affinity(v, hard, soft);
	if (rc)
		return rc;
	if (a->flags & XEN_VCPUAFFINITY_FORCE)
		v->pinned_by = -1;
	return put_masks(a, v->hard_affinity & cpus_online,
			 v->soft_affinity & v->hard_affinity & cpus_online);
}

long domctl_get_affinity(struct vcpu *self, struct vcpu *v, struct xen_domctl *op)
{
	const struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;

	if (!(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
		return refuse(-EINVAL, "getvcpuaffinity: flags %x", a->flags);
	return put_masks(a, v->hard_affinity, v->soft_affinity);
}

long domctl_set_nodes(struct vcpu *self, struct domain *d, struct xen_domctl *op)
{
	cpumask_t nodes;

	if (toolstack_get_cpumask(&op->u.nodeaffinity.nodemap, &nodes))
		return -EFAULT;
	return nodes & 1 ? 0 : refuse(-EINVAL, "setnodeaffinity: %lx has no node of this host", nodes);
}

/* Weight and cap belong to the domain: a vCPU's are its domain's. */
static long vcpu_params(struct domain *d, struct xen_domctl_scheduler_op *op)
{
	struct xen_domctl_schedparam_vcpu p;
	uint32_t i;

	for (i = 0; i < op->u.v.nr_vcpus && i < VCPUS_AT_ONCE; i++) {
		gva_t at = gva_nth(gva(op->u.v.vcpus), i, sizeof(p));

		if (copy_from_guest(&p, at, sizeof(p)))
			return -EFAULT;
		if (!toolstack_vcpu(d, p.vcpuid))
			return refuse(-EINVAL, "scheduler_op: d%u has no vCPU %u", d->id, p.vcpuid);
		p.u.credit2.weight = d->weight;
		p.u.credit2.cap = d->cap;
		if (copy_to_guest(at, &p, sizeof(p)))
			return -EFAULT;
	}
	op->u.v.nr_vcpus = i;
	return 0;
}

long domctl_scheduler_op(struct vcpu *self, struct domain *d, struct xen_domctl *domctl)
{
	struct xen_domctl_scheduler_op *op = &domctl->u.scheduler_op;
	struct xen_domctl_sched_credit2 *p = &op->u.credit2;

	if (op->sched_id != SCHEDULER_ID)
		return refuse(-EINVAL, "scheduler %u is not ours", op->sched_id);
	switch (op->cmd) {
	case XEN_DOMCTL_SCHEDOP_putinfo:
		/* 0 keeps the weight; a cap of all ones keeps the cap */
		sched_set_params(d, p->weight, p->cap == 0xffff ? d->cap : p->cap);
		return 0;
	case XEN_DOMCTL_SCHEDOP_getinfo:
		p->weight = d->weight;
		p->cap = d->cap;
		return 0;
	case XEN_DOMCTL_SCHEDOP_putvcpuinfo:
		return refuse(-EINVAL, "scheduler_op: vCPUs share their domain's weight");
	case XEN_DOMCTL_SCHEDOP_getvcpuinfo: return vcpu_params(d, op);
	default: return refuse(-EINVAL, "scheduler_op: command %u", op->cmd);
	}
}
