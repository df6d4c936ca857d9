/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysctl: what the toolstack asks about the host (abi-inventory 4.10): its log, size and CPUs, the
 * list of domains, debug keys, the one CPU pool there is, and what guests are told of the CPU
 * (hc_policy.c).
 *
 * The frame is control_op's: version and privilege are checked before, and the structure goes back.
 */
#include <mica/sysctl.h>
#include "call/handlers.h"
#include "call/toolstack.h"
#include "cpu/features.h"
#include "cpu/keys.h"
#include "cpu/pci.h"
#include "cpu/time.h"
#include "dom/sched.h"
#include "lib/string.h"
#include "mm/heap.h"

#define PCI_AT_ONCE	64

static long readconsole(struct xen_sysctl_readconsole *rc)
{
	char piece[256];
	uint32_t room = rc->count;
	bool incremental = rc->incremental;

	rc->count = 0;
	while (rc->count < room) {
		size_t n = log_read(piece, MIN((size_t)(room - rc->count), sizeof(piece)),
				    &rc->index, incremental, false);

		if (!n)
			break;
		incremental = true;		/* go on from where it stopped */
		if (copy_to_guest(gva(rc->buffer + rc->count), piece, n))
			return -EFAULT;
		rc->count += n;
	}
	if (rc->clear)
		log_read(piece, 0, &rc->index, true, true);
	return 0;
}

static long physinfo(struct xen_sysctl_physinfo *p)
{
	*p = (struct xen_sysctl_physinfo){
		.threads_per_core = 1, .cores_per_socket = nr_cpus, .nr_cpus = nr_cpus,
		.max_cpu_id = nr_cpus - 1, .nr_nodes = 1, .cpu_khz = tsc_khz, .max_mfn = max_mfn,
		.capabilities = XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1 |
				XEN_SYSCTL_PHYSCAP_gnttab_v2,
		.total_pages = heap_total_frames(), .free_pages = heap_free_frames(),
		.outstanding_pages = space_claimed_total(),
	};
	features_words(1, p->hw_cap, ARRAY_SIZE(p->hw_cap));
	return 0;
}

static long domain_list(struct xen_sysctl_getdomaininfolist *l)
{
	struct xen_domctl_getdomaininfo info;
	struct domain *d;
	uint32_t n = 0;

	for (unsigned id = l->first_domain; n < l->max_domains && (d = domain_next(id)); n++) {
		toolstack_domain_info(d, &info);
		id = d->id + 1u;
		domain_put(d);
		if (copy_to_guest(gva_nth(gva(l->buffer), n, sizeof(info)), &info, sizeof(info)))
			return -EFAULT;
	}
	l->num_domains = n;
	return 0;
}

static long debug_keys(const struct xen_sysctl_debug_keys *k)
{
	uint8_t c;

	for (uint32_t i = 0; i < k->nr_keys && i < 256; i++) {
		if (copy_from_guest(&c, gva(k->keys + i), 1))
			return -EFAULT;
		keys_run(c);
	}
	return 0;
}

static long cpu_topology(struct xen_sysctl_cputopoinfo *t)
{
	struct xen_sysctl_cputopo topo = { .core = 0 };

	t->num_cpus = t->cputopo ? MIN(t->num_cpus, nr_cpus) : nr_cpus;
	for (; t->cputopo && topo.core < t->num_cpus; topo.core++)
		if (copy_to_guest(gva_nth(gva(t->cputopo), topo.core, sizeof(topo)), &topo, sizeof(topo)))
			return -EFAULT;
	return 0;
}

/* There is one pool, number 0, with all CPUs and all domains. */
static long cpupool(struct xen_sysctl_cpupool_op *op)
{
	struct domain *d;

	switch (op->op) {
	case XEN_SYSCTL_CPUPOOL_OP_INFO:
		if (op->cpupool_id != XEN_SYSCTL_CPUPOOL_PAR_ANY && op->cpupool_id)
			return -ENOENT;
		op->cpupool_id = 0;
		op->sched_id = SCHEDULER_ID;
		op->n_dom = 0;
		for (unsigned id = 0; (d = domain_next(id)) != NULL; id = d->id + 1u, domain_put(d))
			op->n_dom++;
		return toolstack_put_cpumask(&op->cpumap, cpus_online);
	case XEN_SYSCTL_CPUPOOL_OP_FREEINFO: return toolstack_put_cpumask(&op->cpumap, 0);
	default: return refuse(-ENOSYS, "CPU pools cannot be changed");
	}
}

/* Time each CPU has spent with nothing to do. */
static long cpu_info(struct xen_sysctl_getcpuinfo *c)
{
	struct vcpu_runstate_info rs;

	c->nr_cpus = MIN(c->max_cpus, nr_cpus);
	for (uint32_t i = 0; i < c->nr_cpus; i++) {
		sched_get_runstate(percpu_of(i)->idle, &rs);
		if (put_guest_u64(gva_nth(gva(c->info), i, sizeof(struct xen_sysctl_cpuinfo)),
				  rs.time[RUNSTATE_running]))
			return -EFAULT;
	}
	return 0;
}

/* Free memory; below a limit of address bits we do not keep count. */
static long avail_heap(struct xen_sysctl_availheap *h)
{
	if (h->node > 0 || h->node < -1)
		return refuse(-EINVAL, "availheap: node %d", h->node);
	if (h->min_bitwidth || (h->max_bitwidth && max_mfn >> (h->max_bitwidth - PAGE_SHIFT)))
		return refuse(-EOPNOTSUPP, "availheap: by address width");
	h->avail_bytes = heap_free_frames() * PAGE_SIZE;
	return 0;
}

/* One node with everything. */
static long numa_info(struct xen_sysctl_numainfo *n)
{
	const struct xen_sysctl_meminfo mem = {
		.memsize = heap_total_frames() * PAGE_SIZE, .memfree = heap_free_frames() * PAGE_SIZE,
	};
	const uint32_t distance = 10;
	bool lists = n->meminfo || n->distance;

	if (n->num_nodes &&
	    ((n->meminfo && copy_to_guest(gva(n->meminfo), &mem, sizeof(mem))) ||
	     (n->distance && copy_to_guest(gva(n->distance), &distance, sizeof(distance)))))
		return -EFAULT;
	n->num_nodes = lists ? MIN(n->num_nodes, 1u) : 1;
	return 0;
}

/* A piece of the list at a time; the caller goes on where num_devs says. */
static long pci_topology(struct xen_sysctl_pcitopoinfo *t)
{
	struct physdev_pci_device dev;
	uint32_t i;

	for (i = 0; i < t->num_devs && i < PCI_AT_ONCE; i++) {
		uint32_t node = XEN_INVALID_NODE_ID;

		if (copy_from_guest(&dev, gva_nth(gva(t->devs), i, sizeof(dev)), sizeof(dev)))
			return -EFAULT;
		if (dev.seg || !pci_present((uint16_t)(dev.bus << 8 | dev.devfn)))
			node = XEN_INVALID_DEV;
		if (copy_to_guest(gva_nth(gva(t->nodes), i, sizeof(node)), &node, sizeof(node)))
			return -EFAULT;
	}
	t->num_devs = i;
	return 0;
}

static long scheduler(struct xen_sysctl_scheduler_op *op)
{
	uint32_t us = op->u.sched_credit2.ratelimit_us;

	if (op->cpupool_id)
		return refuse(-ESRCH, "scheduler_op: CPU pool %u", op->cpupool_id);
	if (op->sched_id != SCHEDULER_ID)
		return refuse(-EINVAL, "scheduler_op: scheduler %u is not ours", op->sched_id);
	switch (op->cmd) {
	case XEN_SYSCTL_SCHEDOP_putinfo:
		if (us && (us < XEN_SYSCTL_SCHED_RATELIMIT_MIN || us > XEN_SYSCTL_SCHED_RATELIMIT_MAX))
			return refuse(-EINVAL, "scheduler_op: ratelimit of %u us", us);
		sched_ratelimit_us = us;
		return 0;
	case XEN_SYSCTL_SCHEDOP_getinfo:
		op->u.sched_credit2.ratelimit_us = sched_ratelimit_us;
		return 0;
	default: return refuse(-EINVAL, "scheduler_op: command %u", op->cmd);
	}
}

/* Numbers that toolstacks try, with the answer by which they learn that it is not to be had here. */
static long sysctl_absent(uint32_t cmd)
{
	switch (cmd) {
	case XEN_SYSCTL_get_pmstat: case XEN_SYSCTL_psr_cmt_op:
		return refuse(-ENODEV, "sysctl %u: no such hardware", cmd);
	case XEN_SYSCTL_pm_op:
		return refuse(-EINVAL, "sysctl %u: frequencies are the firmware's", cmd);
	case XEN_SYSCTL_coverage_op: case XEN_SYSCTL_psr_alloc: case XEN_SYSCTL_livepatch_op:
		return refuse(-EOPNOTSUPP, "sysctl %u", cmd);
	default: return refuse(-ENOSYS, "sysctl %u", cmd);
	}
}

static long run(struct vcpu *self, void *arg)
{
	struct xen_sysctl *op = arg;

	switch (op->cmd) {
	case XEN_SYSCTL_readconsole: return readconsole(&op->u.readconsole);
	case XEN_SYSCTL_physinfo: return physinfo(&op->u.physinfo);
	case XEN_SYSCTL_sched_id:
		op->u.sched_id.sched_id = SCHEDULER_ID;
		return 0;
	case XEN_SYSCTL_getdomaininfolist: return domain_list(&op->u.getdomaininfolist);
	case XEN_SYSCTL_debug_keys: return debug_keys(&op->u.debug_keys);
	case XEN_SYSCTL_cputopoinfo: return cpu_topology(&op->u.cputopoinfo);
	case XEN_SYSCTL_cpupool_op: return cpupool(&op->u.cpupool_op);
	case XEN_SYSCTL_getcpuinfo: return cpu_info(&op->u.getcpuinfo);
	case XEN_SYSCTL_availheap: return avail_heap(&op->u.availheap);
	case XEN_SYSCTL_numainfo: return numa_info(&op->u.numainfo);
	case XEN_SYSCTL_pcitopoinfo: return pci_topology(&op->u.pcitopoinfo);
	case XEN_SYSCTL_scheduler_op: return scheduler(&op->u.scheduler_op);
	case XEN_SYSCTL_get_cpu_levelling_caps:
		op->u.cpu_levelling_caps.caps = 0;	/* bare CPUID shows the machine's */
		return 0;
	case XEN_SYSCTL_get_cpu_featureset: return sysctl_cpu_featureset(&op->u.cpu_featureset);
	case XEN_SYSCTL_get_cpu_policy: return sysctl_cpu_policy(&op->u.cpu_policy);
	default: return sysctl_absent(op->cmd);
	}
}

long hc_sysctl(struct vcpu *self, gva_t arg)
{
	static const struct control control = {
		"sysctl", XEN_SYSCTL_INTERFACE_VERSION, CONTROL_SIZE(struct xen_sysctl), run,
	};

	return control_op(&control, self, arg);
}
