/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domctl: what the toolstack asks about and does to domains (abi-inventory 4.9).  Here: the way in, the
 * life of a domain, and what a look at one shows; the rest is in hc_domctl_*.c (toolstack.h).
 *
 * Once version and privilege are checked (control_op), a row of the table says whether a command is about a
 * domain or a vCPU of it, which is found and held; a command that has an answer returns 0 with it in the
 * structure, which then goes back whole.
 */
#include "call/handlers.h"
#include "call/privileged.h"
#include "call/toolstack.h"
#include "dom/sched.h"
#include "dom/vtime.h"
#include "ipc/evtchn.h"
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

/* Commands of a line or two.  set_debugging is one of them: it needs nothing. */
static long plain(struct vcpu *self, struct domain *d, struct xen_domctl *op)
{
	int rc;

	switch (op->cmd) {
	case XEN_DOMCTL_destroydomain: return domain_destroy(d);
	case XEN_DOMCTL_unpausedomain: return domain_unpause(d);
	case XEN_DOMCTL_pausedomain: domain_pause(d); break;
	case XEN_DOMCTL_resumedomain: domain_resume(d); break;
	case XEN_DOMCTL_getdomaininfo:
		toolstack_domain_info(d, &op->u.getdomaininfo);
		op->domain = d->id;
		break;
	case XEN_DOMCTL_max_mem:
		lock_take(&d->mem.lock);
		d->mem.max_frames = op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);
		lock_drop(&d->mem.lock);
		break;
	case XEN_DOMCTL_setdomainhandle:
		memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
		break;
	case XEN_DOMCTL_settimeoffset:
		vtime_set_offset(d, op->u.settimeoffset.time_offset_seconds);
		break;
	case XEN_DOMCTL_subscribe:
		domain_signal = evtchn_send;
		lock_take(&d->life_lock);
		d->suspend_port = op->u.subscribe.port;
		lock_drop(&d->life_lock);
		break;
	case XEN_DOMCTL_set_address_size:
		return op->u.address_size.size == 64 ? 0 : refuse(-EINVAL, "guests are 64-bit");
	case XEN_DOMCTL_get_address_size: op->u.address_size.size = 64; break;
	case XEN_DOMCTL_hypercall_init:		/* what an image without hypercalls of its own jumps to */
		rc = hypercall_page_put(self, d, op->u.hypercall_init.gmfn);
		return rc && rc != RESTART ? -EACCES : rc;
	case XEN_DOMCTL_shadow_op:		/* dirty pages are not logged: off it is already */
		if (op->u.shadow_op.op == XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION)
			op->u.shadow_op.mb = 0;
		else if (op->u.shadow_op.op != XEN_DOMCTL_SHADOW_OP_OFF)
			return refuse(-EOPNOTSUPP, "shadow_op %u", op->u.shadow_op.op);
		break;
	case XEN_DOMCTL_getnodeaffinity: return toolstack_put_cpumask(&op->u.nodeaffinity.nodemap, 1);
	}
	return 0;
}

static const struct domctl {
	domctl_fn *fn;
	domctl_vcpu_fn *vcpu_fn;	/* acts on a vCPU, with whose number the structure begins */
	bool others;			/* not for the caller's own domain: -EINVAL */
	bool stops;			/* the vCPU, which is not the caller, runs nowhere meanwhile */
} commands[] = {
	[XEN_DOMCTL_destroydomain] = { .fn = plain },
	[XEN_DOMCTL_pausedomain] = { .fn = plain, .others = true },
	[XEN_DOMCTL_unpausedomain] = { .fn = plain, .others = true },
	[XEN_DOMCTL_resumedomain] = { .fn = plain, .others = true },
	[XEN_DOMCTL_getdomaininfo] = { .fn = plain },
	[XEN_DOMCTL_max_mem] = { .fn = plain },
	[XEN_DOMCTL_max_vcpus] = { .fn = domctl_max_vcpus, .others = true },
	[XEN_DOMCTL_setdomainhandle] = { .fn = plain },
	[XEN_DOMCTL_setdebugging] = { .fn = plain, .others = true },
	[XEN_DOMCTL_hypercall_init] = { .fn = plain },
	[XEN_DOMCTL_settimeoffset] = { .fn = plain },
	[XEN_DOMCTL_set_address_size] = { .fn = plain },
	[XEN_DOMCTL_get_address_size] = { .fn = plain },
	[XEN_DOMCTL_settscinfo] = { .fn = domctl_set_tsc },
	[XEN_DOMCTL_gettscinfo] = { .fn = domctl_get_tsc },
	[XEN_DOMCTL_getpageframeinfo3] = { .fn = domctl_page_frame_info },
	[XEN_DOMCTL_irq_permission] = { .fn = domctl_permission },
	[XEN_DOMCTL_iomem_permission] = { .fn = domctl_permission },
	[XEN_DOMCTL_ioport_permission] = { .fn = domctl_permission },
	[XEN_DOMCTL_shadow_op] = { .fn = plain, .others = true },
	[XEN_DOMCTL_subscribe] = { .fn = plain },
	[XEN_DOMCTL_get_cpu_policy] = { .fn = domctl_get_policy },
	[XEN_DOMCTL_set_cpu_policy] = { .fn = domctl_set_policy },
	[XEN_DOMCTL_setvcpucontext] = { .vcpu_fn = domctl_set_context, .others = true, .stops = true },
	[XEN_DOMCTL_getvcpucontext] = { .vcpu_fn = domctl_get_context, .stops = true },
	[XEN_DOMCTL_set_ext_vcpucontext] = { .vcpu_fn = domctl_set_ext, .others = true, .stops = true },
	[XEN_DOMCTL_get_ext_vcpucontext] = { .vcpu_fn = domctl_get_ext },
	[XEN_DOMCTL_setvcpuextstate] = { .vcpu_fn = domctl_set_extstate, .others = true, .stops = true },
	[XEN_DOMCTL_getvcpuextstate] = { .vcpu_fn = domctl_get_extstate, .stops = true },
	[XEN_DOMCTL_set_vcpu_msrs] = { .vcpu_fn = domctl_set_msrs, .others = true, .stops = true },
	[XEN_DOMCTL_get_vcpu_msrs] = { .vcpu_fn = domctl_get_msrs, .stops = true },
	[XEN_DOMCTL_sendtrigger] = { .fn = domctl_send_trigger },
	[XEN_DOMCTL_getvcpuinfo] = { .vcpu_fn = domctl_vcpu_info },
	[XEN_DOMCTL_setvcpuaffinity] = { .vcpu_fn = domctl_set_affinity },
	[XEN_DOMCTL_getvcpuaffinity] = { .vcpu_fn = domctl_get_affinity },
	[XEN_DOMCTL_setnodeaffinity] = { .fn = domctl_set_nodes },
	[XEN_DOMCTL_getnodeaffinity] = { .fn = plain },
	[XEN_DOMCTL_scheduler_op] = { .fn = domctl_scheduler_op },
};

/* Numbers that toolstacks try, with the answer by which they learn that it is not to be had here. */
static long domctl_absent(uint32_t cmd)
{
	switch (cmd) {
	case XEN_DOMCTL_gethvmcontext: case XEN_DOMCTL_sethvmcontext:
	case XEN_DOMCTL_setvnumainfo: case XEN_DOMCTL_soft_reset:
		return refuse(-EINVAL, "domctl %u: not for PV guests", cmd);
	case XEN_DOMCTL_assign_device: case XEN_DOMCTL_test_assign_device:
	case XEN_DOMCTL_deassign_device: case XEN_DOMCTL_psr_cmt_op:
		return refuse(-ENODEV, "domctl %u: no such hardware", cmd);
	case XEN_DOMCTL_memory_mapping: case XEN_DOMCTL_ioport_mapping: case XEN_DOMCTL_set_target:
	case XEN_DOMCTL_vm_event_op: case XEN_DOMCTL_mem_sharing_op: case XEN_DOMCTL_psr_alloc:
	case XEN_DOMCTL_get_paging_mempool_size: case XEN_DOMCTL_set_paging_mempool_size:
		return refuse(-EOPNOTSUPP, "domctl %u", cmd);
	default: return refuse(-ENOSYS, "domctl %u", cmd);
	}
}

static long on_stopped(const struct domctl *c, struct vcpu *self, struct vcpu *v, struct xen_domctl *op)
{
	long rc = RESTART;

	if (v == self)
		return refuse(-EINVAL, "domctl %u: of itself", op->cmd);
	vcpu_pause_nosync(v);
	/* Who stops us meanwhile may be @v, and wait for us as we would for it: we let go, stop, and try again. */
	if (sched_try_sleep_sync(v))
		rc = c->vcpu_fn(self, v, op);
	vcpu_unpause(v);
	return rc;
}

/* A command of the table, on the domain and the vCPU it is about. */
static long domctl(struct vcpu *self, const struct domctl *c, struct xen_domctl *op)
{
	uint32_t id = op->u.vcpucontext.vcpu;
	struct domain *d = NULL;
	struct vcpu *v;
	long rc;

	if (op->cmd == XEN_DOMCTL_getdomaininfo)
		d = domain_next(op->domain);
	else if (op->domain < DOMID_FIRST_RESERVED)
		d = domain_get(op->domain);
	if (!d)
		return -ESRCH;			/* how lists end: not worth a line in the log */
	v = c->vcpu_fn ? toolstack_vcpu(d, id) : NULL;
	if (c->others && d == self->dom)
		rc = refuse(-EINVAL, "domctl %u: of itself", op->cmd);
	else if (c->fn)
		rc = c->fn(self, d, op);
	else if (v)
		rc = c->stops ? on_stopped(c, self, v, op) : c->vcpu_fn(self, v, op);
	else
		rc = refuse(id < d->max_vcpus ? -ESRCH : -EINVAL, "d%u has no vCPU %u", d->id, id);
	domain_put(d);
	return rc;
}

static long run(struct vcpu *self, void *arg)
{
	struct xen_domctl *op = arg;
	const struct domctl *c =
		&commands[op->cmd < ARRAY_SIZE(commands) ? table_index(op->cmd, ARRAY_SIZE(commands)) : 0];
	if (op->cmd == XEN_DOMCTL_createdomain)
		return domctl_create(self, NULL, op);
	return c->fn || c->vcpu_fn ? domctl(self, c, op) : domctl_absent(op->cmd);
}

long hc_domctl(struct vcpu *self, gva_t arg)
{
	static const struct control control = {
		"domctl", XEN_DOMCTL_INTERFACE_VERSION, CONTROL_SIZE(struct xen_domctl), run,
	};

	return control_op(&control, self, arg);
}
