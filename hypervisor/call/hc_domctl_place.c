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

static long get_vcpu_info(struct domain *d, struct xen_domctl_getvcpuinfo *info)
{
	struct vcpu *v = toolstack_vcpu(d, info->vcpu);
	struct vcpu_runstate_info rs;

	if (!v)
		return refuse(info->vcpu < d->max_vcpus ? -ESRCH : -EINVAL, "d%u has no vCPU %u", d->id,
			      info->vcpu);
	sched_get_runstate(v, &rs);
	info->online = !v->offline;
	info->blocked = v->blocked;
	info->running = v->running;
	info->cpu_time = rs.time[RUNSTATE_running];
	info->cpu = v->cpu;
	return 0;
}

static long set_affinity(struct domain *d, struct xen_domctl_vcpuaffinity *a)
{
	struct vcpu *v = toolstack_vcpu(d, a->vcpu);
	cpumask_t hard, soft;
	int rc = 0;

	if (!v)
		return refuse(a->vcpu < d->max_vcpus ? -ESRCH : -EINVAL, "d%u has no vCPU %u", d->id, a->vcpu);
	if (!(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)) || a->flags >> 3)
		return refuse(-EINVAL, "setvcpuaffinity: flags %x", a->flags);
	hard = v->hard_affinity;
	soft = v->soft_affinity;
	if (a->flags & XEN_VCPUAFFINITY_HARD)
		rc = toolstack_get_cpumask(&a->cpumap_hard, &hard);
	if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
		rc = toolstack_get_cpumask(&a->cpumap_soft, &soft);
	if (rc)
		return rc;
	if (v->pinned_by >= 0 && !(a->flags & XEN_VCPUAFFINITY_FORCE))
		return refuse(-EBUSY, "d%uv%u has pinned itself", d->id, v->id);
	rc = sched_set_affinity(v, hard, soft);
	if (!rc && (a->flags & XEN_VCPUAFFINITY_FORCE))
		v->pinned_by = -1;
	if (!rc && (a->flags & XEN_VCPUAFFINITY_HARD))
		rc = toolstack_put_cpumask(&a->cpumap_hard, v->hard_affinity & cpus_online);
	if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
		rc = toolstack_put_cpumask(&a->cpumap_soft, v->soft_affinity & v->hard_affinity & cpus_online);
	return rc;
}

static long get_affinity(struct domain *d, struct xen_domctl_vcpuaffinity *a)
{
	struct vcpu *v = toolstack_vcpu(d, a->vcpu);
	int rc = 0;

	if (!v)
		return refuse(a->vcpu < d->max_vcpus ? -ESRCH : -EINVAL, "d%u has no vCPU %u", d->id, a->vcpu);
	if (!(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
		return refuse(-EINVAL, "getvcpuaffinity: flags %x", a->flags);
	if (a->flags & XEN_VCPUAFFINITY_HARD)
		rc = toolstack_put_cpumask(&a->cpumap_hard, v->hard_affinity);
	if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
		rc = toolstack_put_cpumask(&a->cpumap_soft, v->soft_affinity);
	return rc;
}

static long node_affinity(struct domain *d, struct xen_domctl *op)
{
	const struct xenctl_bitmap *map = &op->u.nodeaffinity.nodemap;
	cpumask_t nodes;

	if (op->cmd == XEN_DOMCTL_getnodeaffinity)
		return toolstack_put_cpumask(map, 1);
	if (toolstack_get_cpumask(map, &nodes))
		return -EFAULT;
	return nodes & 1 ? 0 : refuse(-EINVAL, "setnodeaffinity: %lx has no node of this host", nodes);
}

/* Weight and cap belong to the domain: reading a vCPU's gives the domain's, setting it is refused. */
static long vcpu_params(struct domain *d, struct xen_domctl_scheduler_op *op)
{
	struct xen_domctl_schedparam_vcpu p;
	uint32_t i;

	if (op->cmd == XEN_DOMCTL_SCHEDOP_putvcpuinfo)
		return refuse(-EINVAL, "scheduler_op: vCPUs share their domain's weight");
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

static long scheduler_op(struct domain *d, struct xen_domctl_scheduler_op *op)
{
	const struct xen_domctl_sched_credit2 *p = &op->u.credit2;

	if (op->sched_id != SCHEDULER_ID)
		return refuse(-EINVAL, "scheduler %u is not ours", op->sched_id);
	switch (op->cmd) {
	case XEN_DOMCTL_SCHEDOP_putinfo:
		/* 0 keeps the weight; a cap of all ones keeps the cap */
		sched_set_params(d, p->weight, p->cap == 0xffff ? d->cap : p->cap);
		return 0;
	case XEN_DOMCTL_SCHEDOP_getinfo:
		op->u.credit2.weight = d->weight;
		op->u.credit2.cap = d->cap;
		return 0;
	case XEN_DOMCTL_SCHEDOP_putvcpuinfo:
	case XEN_DOMCTL_SCHEDOP_getvcpuinfo:
		return vcpu_params(d, op);
	default:
		return refuse(-EINVAL, "scheduler_op: command %u", op->cmd);
	}
}

long domctl_placement(struct vcpu *self, struct domain *d, struct xen_domctl *op)
{
	switch (op->cmd) {
	case XEN_DOMCTL_getvcpuinfo:
		return get_vcpu_info(d, &op->u.getvcpuinfo);
	case XEN_DOMCTL_setvcpuaffinity:
		return set_affinity(d, &op->u.vcpuaffinity);
	case XEN_DOMCTL_getvcpuaffinity:
		return get_affinity(d, &op->u.vcpuaffinity);
	case XEN_DOMCTL_setnodeaffinity:
	case XEN_DOMCTL_getnodeaffinity:
		return node_affinity(d, op);
	case XEN_DOMCTL_scheduler_op:
		return scheduler_op(d, &op->u.scheduler_op);
	default:
		return -ENOSYS;
	}
}
