/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domctl: what the toolstack asks about and does to domains (abi-inventory 4.9): look at them,
 * pause, destroy, limit their memory, place and weigh their vCPUs.
 *
 * hc_domctl() copies the argument in, checks version and privilege, finds the domain and holds a
 * reference for the command; a command that has an answer returns 0 with it in the structure, which
 * then goes back whole.
 */
#include "call/handlers.h"
#include "call/toolstack.h"
#include "dom/sched.h"
#include "lib/string.h"
#include "mm/hvmap.h"

static uint32_t domain_flags(struct domain *d, uint64_t *cpu_time, uint32_t *online)
{
	uint32_t flags = XEN_DOMINF_blocked;
	struct vcpu_runstate_info rs;
	struct vcpu *v;

	*cpu_time = *online = 0;
	for_each_vcpu(d, v) {
		sched_get_runstate(v, &rs);
		*cpu_time += rs.time[RUNSTATE_running];
		if (v->offline)
			continue;
		++*online;
		if (!v->blocked)
			flags &= ~XEN_DOMINF_blocked;
		if (v->running)
			flags |= XEN_DOMINF_running;
	}
	if (d->life >= DOM_DYING)
		flags |= XEN_DOMINF_dying;
	if (d->shut_down)
		flags |= XEN_DOMINF_shutdown;
	if (d->pause_count)
		flags |= XEN_DOMINF_paused;
	return flags | (uint32_t)d->shutdown_code << XEN_DOMINF_shutdownshift;
}

void toolstack_domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
	memset(info, 0, sizeof(*info));
	info->domain = d->id;
	info->flags = domain_flags(d, &info->cpu_time, &info->nr_online_vcpus);
	info->tot_pages = d->mem.tot_frames;
	info->max_pages = d->mem.max_frames;
	info->outstanding_pages = d->mem.claimed;
	info->shared_info_frame = virt_to_mfn(d->shared).n;
	info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
	for (unsigned i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i])
			info->max_vcpu_id = i;
	memcpy(info->handle, d->handle, sizeof(info->handle));
	info->gpaddr_bits = PAGE_SHIFT + 64 - __builtin_clzl(max_mfn | 1);
}

int toolstack_get_cpumask(const struct xenctl_bitmap *map, cpumask_t *mask)
{
	unsigned bytes = MIN(DIV_UP((uint64_t)map->nr_bits, 8), sizeof(*mask));

	*mask = 0;
	if (copy_from_guest(mask, gva(map->bitmap), bytes))
		return -EFAULT;
	if (map->nr_bits < 8 * sizeof(*mask))
		*mask &= MASK(map->nr_bits);
	return 0;
}

int toolstack_put_cpumask(const struct xenctl_bitmap *map, cpumask_t mask)
{
	uint64_t bytes = DIV_UP((uint64_t)map->nr_bits, 8), n = MIN(bytes, sizeof(mask));

	if (map->nr_bits < 8 * sizeof(mask))
		mask &= MASK(map->nr_bits);
	if (copy_to_guest(gva(map->bitmap), &mask, n))
		return -EFAULT;
	return bytes > n ? clear_guest(gva(map->bitmap + n), MIN(bytes - n, PAGE_SIZE)) : 0;
}

static struct vcpu *vcpu_of(struct domain *d, uint32_t id)
{
	return id < d->max_vcpus ? d->vcpu[id] : NULL;
}

static long get_vcpu_info(struct domain *d, struct xen_domctl_getvcpuinfo *info)
{
	struct vcpu *v = vcpu_of(d, info->vcpu);
	struct vcpu_runstate_info rs;

	if (!v)
		return refuse(-ESRCH, "d%u has no vCPU %u", d->id, info->vcpu);
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
	struct vcpu *v = vcpu_of(d, a->vcpu);
	cpumask_t hard, soft;
	int rc = 0;

	if (!v)
		return refuse(-ESRCH, "d%u has no vCPU %u", d->id, a->vcpu);
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
	if (!rc && (a->flags & XEN_VCPUAFFINITY_HARD))
		rc = toolstack_put_cpumask(&a->cpumap_hard, v->hard_affinity & cpus_online);
	if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
		rc = toolstack_put_cpumask(&a->cpumap_soft, v->soft_affinity & cpus_online);
	return rc;
}

static long get_affinity(struct domain *d, struct xen_domctl_vcpuaffinity *a)
{
	struct vcpu *v = vcpu_of(d, a->vcpu);
	int rc = 0;

	if (!v)
		return refuse(-ESRCH, "d%u has no vCPU %u", d->id, a->vcpu);
	if (a->flags & XEN_VCPUAFFINITY_HARD)
		rc = toolstack_put_cpumask(&a->cpumap_hard, v->hard_affinity);
	if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
		rc = toolstack_put_cpumask(&a->cpumap_soft, v->soft_affinity);
	return rc;
}

static long scheduler_op(struct domain *d, struct xen_domctl_scheduler_op *op)
{
	if (op->sched_id != SCHEDULER_ID)
		return refuse(-EINVAL, "scheduler %u is not ours", op->sched_id);
	switch (op->cmd) {
	case XEN_DOMCTL_SCHEDOP_putinfo:
		sched_set_params(d, op->u.credit2.weight ? op->u.credit2.weight : d->weight,
				 op->u.credit2.cap);
		return 0;
	case XEN_DOMCTL_SCHEDOP_getinfo:
		op->u.credit2.weight = d->weight;
		op->u.credit2.cap = d->cap;
		return 0;
	default:
		return refuse(-EINVAL, "scheduler_op: command %u", op->cmd);
	}
}

static long set_max_mem(struct domain *d, uint64_t kib)
{
	lock_take(&d->mem.lock);
	d->mem.max_frames = kib >> (PAGE_SHIFT - 10);
	lock_drop(&d->mem.lock);
	return 0;
}

static long domctl(struct vcpu *self, struct domain *d, struct xen_domctl *op)
{
	bool pauses = op->cmd == XEN_DOMCTL_pausedomain || op->cmd == XEN_DOMCTL_unpausedomain;

	if (pauses && d == self->dom)
		return refuse(-EINVAL, "domctl: a domain cannot pause itself");
	switch (op->cmd) {
	case XEN_DOMCTL_getdomaininfo:
		toolstack_domain_info(d, &op->u.getdomaininfo);
		op->domain = d->id;
		return 0;
	case XEN_DOMCTL_pausedomain:
		domain_pause(d);
		return 0;
	case XEN_DOMCTL_unpausedomain:
		return domain_unpause(d);
	case XEN_DOMCTL_destroydomain:
		return domain_destroy(d);
	case XEN_DOMCTL_max_mem:
		return set_max_mem(d, op->u.max_mem.max_memkb);
	case XEN_DOMCTL_getvcpuinfo:
		return get_vcpu_info(d, &op->u.getvcpuinfo);
	case XEN_DOMCTL_setvcpuaffinity:
		return set_affinity(d, &op->u.vcpuaffinity);
	case XEN_DOMCTL_getvcpuaffinity:
		return get_affinity(d, &op->u.vcpuaffinity);
	case XEN_DOMCTL_scheduler_op:
		return scheduler_op(d, &op->u.scheduler_op);
	case XEN_DOMCTL_setdomainhandle:
		memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
		return 0;
	default:
		return refuse(-ENOSYS, "domctl %u", op->cmd);
	}
}

long hc_domctl(struct vcpu *self, gva_t arg)
{
	struct xen_domctl op;
	struct domain *d;
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
		return refuse(-EACCES, "domctl: interface version %x", op.interface_version);
	require_privilege(self, "domctl");
	d = op.cmd == XEN_DOMCTL_getdomaininfo ? domain_next(op.domain) : domain_get(op.domain);
	if (!d)
		return -ESRCH;			/* how lists end: not worth a line in the log */
	rc = domctl(self, d, &op);
	domain_put(d);
	if (rc == RESTART)
		return hypercall_again(self, 1, arg.a);
	if (!rc && copy_to_guest(arg, &op, sizeof(op)))
		rc = -EFAULT;
	return rc;
}
