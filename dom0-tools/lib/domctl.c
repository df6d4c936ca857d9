/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One function per control operation on a domain: fill in the structure, make the call.  Lists
 * that the structure points to live in memory of mica_alloc() for the time of the call.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <mica/evtchn.h>
#include <mica/hypercall.h>
#include <mica/sched.h>

#include "lib/mica.h"

#define LIST_CHUNK	128

int mica_domain_info(struct mica *m, domid_t id, mica_dominfo *info)
{
	struct xen_domctl op = { 0 };
	int rc = mica_domctl(m, XEN_DOMCTL_getdomaininfo, id, &op);

	if (rc)
		return rc;
	if (op.domain != id)		/* the next higher one */
		return -ESRCH;
	*info = op.u.getdomaininfo;
	return 0;
}

int mica_domain_list(struct mica *m, mica_dominfo **list)
{
	mica_dominfo *chunk = mica_alloc(m, LIST_CHUNK * sizeof(*chunk)), *all = NULL, *more;
	unsigned next = 0, total = 0, got;
	int rc = chunk ? 0 : -ENOMEM;

	while (!rc) {
		struct xen_sysctl op = { 0 };

		op.u.getdomaininfolist.first_domain = (domid_t)next;
		op.u.getdomaininfolist.max_domains = LIST_CHUNK;
		op.u.getdomaininfolist.buffer = (uintptr_t)chunk;
		rc = mica_sysctl(m, XEN_SYSCTL_getdomaininfolist, &op);
		got = op.u.getdomaininfolist.num_domains;
		if (rc || !got)
			break;
		more = reallocarray(all, total + got, sizeof(*all));
		if (!more) {
			rc = -ENOMEM;
			break;
		}
		all = more;
		memcpy(all + total, chunk, got * sizeof(*all));
		total += got;
		next = all[total - 1].domain + 1u;
		if (got < LIST_CHUNK)
			break;
	}
	mica_free(m, chunk);
	if (rc) {
		free(all);
		return rc;
	}
	*list = all;
	return (int)total;
}

int mica_domain_create(struct mica *m, const struct xen_domctl_createdomain *how, domid_t *id)
{
	struct xen_domctl op = { 0 };
	int rc;

	op.u.createdomain = *how;
	rc = mica_domctl(m, XEN_DOMCTL_createdomain, *id, &op);
	if (!rc)
		*id = op.domain;
	return rc;
}

static int simple(struct mica *m, uint32_t cmd, domid_t id)
{
	struct xen_domctl op = { 0 };

	return mica_domctl(m, cmd, id, &op);
}

int mica_domain_destroy(struct mica *m, domid_t id)
{
	return simple(m, XEN_DOMCTL_destroydomain, id);
}

int mica_domain_pause(struct mica *m, domid_t id)
{
	return simple(m, XEN_DOMCTL_pausedomain, id);
}

int mica_domain_resume(struct mica *m, domid_t id)
{
	return simple(m, XEN_DOMCTL_unpausedomain, id);
}

int mica_domain_max_vcpus(struct mica *m, domid_t id, unsigned n)
{
	struct xen_domctl op = { .u.max_vcpus.max = n };

	return mica_domctl(m, XEN_DOMCTL_max_vcpus, id, &op);
}

int mica_domain_max_mem(struct mica *m, domid_t id, uint64_t kib)
{
	struct xen_domctl op = { .u.max_mem.max_memkb = kib };

	return mica_domctl(m, XEN_DOMCTL_max_mem, id, &op);
}

int mica_domain_hypercall_page(struct mica *m, domid_t id, uint64_t mfn)
{
	struct xen_domctl op = { .u.hypercall_init.gmfn = mfn };

	return mica_domctl(m, XEN_DOMCTL_hypercall_init, id, &op);
}

int mica_domain_time_offset(struct mica *m, domid_t id, int64_t seconds)
{
	struct xen_domctl op = { .u.settimeoffset.time_offset_seconds = seconds };

	return mica_domctl(m, XEN_DOMCTL_settimeoffset, id, &op);
}

int mica_domain_trigger(struct mica *m, domid_t id, unsigned trigger, unsigned vcpu)
{
	struct xen_domctl op = { .u.sendtrigger = { .trigger = trigger, .vcpu = vcpu } };

	return mica_domctl(m, XEN_DOMCTL_sendtrigger, id, &op);
}

int mica_domain_set_context(struct mica *m, domid_t id, unsigned vcpu, const void *context,
			    size_t bytes)
{
	void *copy = mica_alloc(m, bytes);
	struct xen_domctl op = { .u.vcpucontext = { .vcpu = vcpu, .ctxt = (uintptr_t)copy } };
	int rc;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, context, bytes);
	rc = mica_domctl(m, XEN_DOMCTL_setvcpucontext, id, &op);
	mica_free(m, copy);
	return rc;
}

int mica_domain_shutdown(struct mica *m, domid_t id, unsigned reason)
{
	struct sched_remote_shutdown *arg = m->scratch;
	const uint64_t args[5] = { SCHEDOP_remote_shutdown, (uintptr_t)arg, 0, 0, 0 };

	*arg = (struct sched_remote_shutdown){ .domain_id = id, .reason = reason };
	return (int)m->hv->call(m->ctx, __HYPERVISOR_sched_op, args);
}

int mica_alloc_port(struct mica *m, domid_t id, uint32_t *port)
{
	struct evtchn_alloc_unbound *arg = m->scratch;
	const uint64_t args[5] = { EVTCHNOP_alloc_unbound, (uintptr_t)arg, 0, 0, 0 };
	int rc;

	*arg = (struct evtchn_alloc_unbound){ .dom = id, .remote_dom = 0 };
	rc = (int)m->hv->call(m->ctx, __HYPERVISOR_event_channel_op, args);
	*port = arg->port;
	return rc;
}

int mica_vcpu_info(struct mica *m, domid_t id, unsigned vcpu, struct xen_domctl_getvcpuinfo *info)
{
	struct xen_domctl op = { .u.getvcpuinfo.vcpu = vcpu };
	int rc = mica_domctl(m, XEN_DOMCTL_getvcpuinfo, id, &op);

	if (!rc)
		*info = op.u.getvcpuinfo;
	return rc;
}

/* The soft map goes along because both commands may look at it. */
static int affinity(struct mica *m, uint32_t cmd, domid_t id, unsigned vcpu, uint8_t *cpus)
{
	uint8_t *maps = mica_alloc(m, 2 * MICA_CPUSET_BYTES);
	struct xen_domctl op = { .u.vcpuaffinity = {
		.vcpu = vcpu, .flags = XEN_VCPUAFFINITY_HARD,
		.cpumap_hard = { (uintptr_t)maps, MICA_MAX_CPUS, 0 },
		.cpumap_soft = { (uintptr_t)maps + MICA_CPUSET_BYTES, MICA_MAX_CPUS, 0 },
	} };
	int rc;

	if (!maps)
		return -ENOMEM;
	memcpy(maps, cpus, MICA_CPUSET_BYTES);
	rc = mica_domctl(m, cmd, id, &op);
	memcpy(cpus, maps, MICA_CPUSET_BYTES);
	mica_free(m, maps);
	return rc;
}

int mica_vcpu_set_affinity(struct mica *m, domid_t id, unsigned vcpu, const uint8_t *cpus)
{
	uint8_t copy[MICA_CPUSET_BYTES];

	memcpy(copy, cpus, sizeof(copy));
	return affinity(m, XEN_DOMCTL_setvcpuaffinity, id, vcpu, copy);
}

int mica_vcpu_get_affinity(struct mica *m, domid_t id, unsigned vcpu, uint8_t *cpus)
{
	memset(cpus, 0, MICA_CPUSET_BYTES);
	return affinity(m, XEN_DOMCTL_getvcpuaffinity, id, vcpu, cpus);
}

/* Credit and credit2 have the same two words in the same place. */
static int sched_op(struct mica *m, domid_t id, unsigned cmd, struct xen_domctl *op)
{
	int rc = mica_sched_id(m, &op->u.scheduler_op.sched_id);

	op->u.scheduler_op.cmd = cmd;
	return rc ? rc : mica_domctl(m, XEN_DOMCTL_scheduler_op, id, op);
}

int mica_sched_get(struct mica *m, domid_t id, unsigned *weight, unsigned *cap)
{
	struct xen_domctl op = { 0 };
	int rc = sched_op(m, id, XEN_DOMCTL_SCHEDOP_getinfo, &op);

	*weight = op.u.scheduler_op.u.credit2.weight;
	*cap = op.u.scheduler_op.u.credit2.cap;
	return rc;
}

int mica_sched_set(struct mica *m, domid_t id, unsigned weight, int cap)
{
	struct xen_domctl op = { 0 };
	unsigned old_weight, old_cap;
	int rc = mica_sched_get(m, id, &old_weight, &old_cap);

	if (rc)
		return rc;
	op.u.scheduler_op.u.credit2.weight = (uint16_t)(weight ? weight : old_weight);
	op.u.scheduler_op.u.credit2.cap = (uint16_t)(cap >= 0 ? (unsigned)cap : old_cap);
	return sched_op(m, id, XEN_DOMCTL_SCHEDOP_putinfo, &op);
}
