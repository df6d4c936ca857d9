/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domctl: what the toolstack asks about and does to domains (abi-inventory 4.9).  Here: the way in, the
 * life of a domain, and what a look at one shows; the rest is in hc_domctl_*.c (toolstack.h).
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
	if (d->xs_domain)
		flags |= XEN_DOMINF_xs_domain;
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
	info->arch_config.misc_flags = d->msr_relaxed ? XEN_X86_MSR_RELAXED : 0;
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

static long set_max_mem(struct domain *d, uint64_t kib)
{
	lock_take(&d->mem.lock);
	d->mem.max_frames = kib >> (PAGE_SHIFT - 10);
	lock_drop(&d->mem.lock);
	return 0;
}

static long resume(struct vcpu *self, struct domain *d)
{
	if (d == self->dom)
		return refuse(-EINVAL, "resumedomain: of itself");
	domain_resume(d);
	return 0;
}

/* What concerns the life of a domain. */
static long domctl_life(struct vcpu *self, struct domain *d, struct xen_domctl *op)
{
	switch (op->cmd) {
	case XEN_DOMCTL_pausedomain:
		if (d == self->dom)
			return refuse(-EINVAL, "pausedomain: of itself");
		domain_pause(d);
		return 0;
	case XEN_DOMCTL_unpausedomain:
		if (d == self->dom)
			return refuse(-EINVAL, "unpausedomain: of itself");
		return domain_unpause(d);
	case XEN_DOMCTL_destroydomain:
		return domain_destroy(d);
	case XEN_DOMCTL_resumedomain:
		return resume(self, d);
	case XEN_DOMCTL_max_mem:
		return set_max_mem(d, op->u.max_mem.max_memkb);
	case XEN_DOMCTL_max_vcpus:
		return domctl_max_vcpus(self, d, op->u.max_vcpus.max);
	default:
		toolstack_domain_info(d, &op->u.getdomaininfo);
		op->domain = d->id;
		return 0;
	}
}

/* Numbers that toolstacks try, with the answer by which they learn that it is not to be had here. */
static long domctl_absent(uint32_t cmd)
{
	switch (cmd) {
	case XEN_DOMCTL_gethvmcontext:
	case XEN_DOMCTL_sethvmcontext:
	case XEN_DOMCTL_setvnumainfo:
	case XEN_DOMCTL_soft_reset:
		return refuse(-EINVAL, "domctl %u: not for PV guests", cmd);
	case XEN_DOMCTL_assign_device:
	case XEN_DOMCTL_test_assign_device:
	case XEN_DOMCTL_deassign_device:
	case XEN_DOMCTL_psr_cmt_op:
		return refuse(-ENODEV, "domctl %u: no such hardware", cmd);
	case XEN_DOMCTL_memory_mapping:
	case XEN_DOMCTL_ioport_mapping:
	case XEN_DOMCTL_set_target:
	case XEN_DOMCTL_vm_event_op:
	case XEN_DOMCTL_mem_sharing_op:
	case XEN_DOMCTL_psr_alloc:
	case XEN_DOMCTL_get_paging_mempool_size:
	case XEN_DOMCTL_set_paging_mempool_size:
		return refuse(-EOPNOTSUPP, "domctl %u", cmd);
	default:
		return refuse(-ENOSYS, "domctl %u", cmd);
	}
}

static long domctl(struct vcpu *self, struct domain *d, struct xen_domctl *op)
{
	switch (op->cmd) {
	case XEN_DOMCTL_getdomaininfo:
	case XEN_DOMCTL_pausedomain:
	case XEN_DOMCTL_unpausedomain:
	case XEN_DOMCTL_destroydomain:
	case XEN_DOMCTL_resumedomain:
	case XEN_DOMCTL_max_mem:
	case XEN_DOMCTL_max_vcpus:
		return domctl_life(self, d, op);
	case XEN_DOMCTL_setdomainhandle:
	case XEN_DOMCTL_setdebugging:
	case XEN_DOMCTL_hypercall_init:
	case XEN_DOMCTL_settimeoffset:
	case XEN_DOMCTL_set_address_size:
	case XEN_DOMCTL_get_address_size:
	case XEN_DOMCTL_settscinfo:
	case XEN_DOMCTL_gettscinfo:
	case XEN_DOMCTL_getpageframeinfo3:
	case XEN_DOMCTL_irq_permission:
	case XEN_DOMCTL_iomem_permission:
	case XEN_DOMCTL_ioport_permission:
	case XEN_DOMCTL_shadow_op:
	case XEN_DOMCTL_subscribe:
	case XEN_DOMCTL_get_cpu_policy:
	case XEN_DOMCTL_set_cpu_policy:
		return domctl_property(self, d, op);
	case XEN_DOMCTL_setvcpucontext:
	case XEN_DOMCTL_getvcpucontext:
	case XEN_DOMCTL_set_ext_vcpucontext:
	case XEN_DOMCTL_get_ext_vcpucontext:
	case XEN_DOMCTL_setvcpuextstate:
	case XEN_DOMCTL_getvcpuextstate:
	case XEN_DOMCTL_set_vcpu_msrs:
	case XEN_DOMCTL_get_vcpu_msrs:
	case XEN_DOMCTL_sendtrigger:
		return domctl_vcpu_state(self, d, op);
	case XEN_DOMCTL_getvcpuinfo:
	case XEN_DOMCTL_setvcpuaffinity:
	case XEN_DOMCTL_getvcpuaffinity:
	case XEN_DOMCTL_setnodeaffinity:
	case XEN_DOMCTL_getnodeaffinity:
	case XEN_DOMCTL_scheduler_op:
		return domctl_placement(self, d, op);
	default:
		return domctl_absent(op->cmd);
	}
}

/* Does this failure say something in the structure, too? */
static bool answers(uint32_t cmd, long rc)
{
	return rc == -ENOBUFS || (rc == -EINVAL && (cmd == XEN_DOMCTL_set_cpu_policy ||
						    cmd == XEN_DOMCTL_set_vcpu_msrs));
}

long hc_domctl(struct vcpu *self, gva_t arg)
{
	struct domain *d = NULL;
	struct xen_domctl op;
	long rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
		return refuse(-EACCES, "domctl: interface version %x", op.interface_version);
	require_privilege(self, "domctl");
	if (op.cmd == XEN_DOMCTL_createdomain || op.cmd == XEN_DOMCTL_test_assign_device) {
		rc = op.cmd == XEN_DOMCTL_createdomain ? domctl_create(&op) : domctl_absent(op.cmd);
	} else {
		if (op.cmd == XEN_DOMCTL_getdomaininfo)
			d = domain_next(op.domain);
		else if (op.domain < DOMID_FIRST_RESERVED)
			d = domain_get(op.domain);
		if (!d)
			return -ESRCH;		/* how lists end: not worth a line in the log */
		rc = domctl(self, d, &op);
		domain_put(d);
	}
	if (rc == RESTART)
		return hypercall_again(self, 1, arg.a);
	if ((!rc || answers(op.cmd, rc)) && copy_to_guest(arg, &op, sizeof(op)))
		rc = -EFAULT;
	return rc;
}
