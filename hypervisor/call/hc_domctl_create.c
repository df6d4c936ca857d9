/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domctl: a domain's making (createdomain, max_vcpus) and the properties that the toolstack fixes before
 * it runs, or asks for: clock, devices, kinds of frames.  What takes a line is in hc_domctl.c.
 *
 * A new domain is empty and paused, with room for no memory, until max_mem says otherwise.  Everything
 * that createdomain cannot give is refused, never ignored: the toolstack must know what it got.
 */
#include "call/toolstack.h"
#include "cpu/time.h"
#include "dom/vtime.h"
#include "lib/string.h"
#include "mm/hvmap.h"
#include "mm/kind.h"

#define MAX_VCPUS		8192
#define MAX_GRANT_FRAMES	4096
#define MAX_MAPTRACK_FRAMES	8192
#define PAGEINFO_MAX		1024
#define NR_PORTS		65536u		/* of the I/O space */
#define TSC_TOLERANCE_PPM	250		/* calibrations of one machine differ by that much */

static int check_config(const struct xen_domctl_createdomain *c)
{
	const uint32_t useless = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap | XEN_DOMCTL_CDF_iommu |
				 XEN_DOMCTL_CDF_nested_virt | XEN_DOMCTL_CDF_vpmu;
	unsigned version = XEN_DOMCTL_GRANT_version(c->grant_opts);

	if (c->flags & (useless | ~(2 * XEN_DOMCTL_CDF_MAX - 1)))
		return refuse(-EINVAL, "createdomain: flags %x; guests are PV, without IOMMU and vPMU",
			      c->flags);
	if (c->iommu_opts || c->vmtrace_size)
		return refuse(-EINVAL, "createdomain: iommu_opts %x, vmtrace_size %u", c->iommu_opts,
			      c->vmtrace_size);
	if (!c->max_vcpus || c->max_vcpus > MAX_VCPUS)
		return refuse(-EINVAL, "createdomain: %u vCPUs", c->max_vcpus);
	if (!version || version > 2 || (c->grant_opts & ~XEN_DOMCTL_GRANT_version_mask))
		return refuse(-EINVAL, "createdomain: grant_opts %x", c->grant_opts);
	if (!c->max_grant_frames || c->max_grant_frames > MAX_GRANT_FRAMES || c->max_grant_frames < -1 ||
	    c->max_maptrack_frames > MAX_MAPTRACK_FRAMES || c->max_maptrack_frames < -1)
		return refuse(-EINVAL, "createdomain: %d grant frames, %d maptrack frames",
			      c->max_grant_frames, c->max_maptrack_frames);
	if ((c->arch.emulation_flags & ~XEN_X86_EMU_PIT) || (c->arch.misc_flags & ~XEN_X86_MISC_FLAGS_MAX))
		return refuse(-EINVAL, "createdomain: emulation %x, misc %x", c->arch.emulation_flags,
			      c->arch.misc_flags);
	return c->cpupool_id ? refuse(-ENOENT, "createdomain: CPU pool %u", c->cpupool_id) : 0;
}

long domctl_create(struct vcpu *self, struct domain *none, struct xen_domctl *op)
{
	const struct xen_domctl_createdomain *c = &op->u.createdomain;
	struct domain_config cfg = {
		.max_vcpus = c->max_vcpus,
		.xs_domain = c->flags & XEN_DOMCTL_CDF_xs_domain,
		.msr_relaxed = c->arch.misc_flags & XEN_X86_MSR_RELAXED,
		.max_evtchn_port = c->max_evtchn_port,
		.max_grant_frames = c->max_grant_frames < 0 ? 0 : (unsigned)c->max_grant_frames,
		.max_maptrack = c->max_maptrack_frames < 0 ? 0 : (unsigned)c->max_maptrack_frames,
		.grant_version = XEN_DOMCTL_GRANT_version(c->grant_opts),
	};
	bool any = !op->domain || op->domain >= DOMID_FIRST_RESERVED;
	struct domain *d;
	int rc = check_config(c);

	if (rc)
		return rc;
	memcpy(cfg.handle, c->handle, sizeof(cfg.handle));
	rc = domain_create(any ? DOMID_INVALID : op->domain, &cfg, &d);
	if (rc)
		return refuse(rc, "createdomain: domain %u with %u vCPUs", op->domain, c->max_vcpus);
	op->domain = d->id;
	domain_put(d);
	return 0;
}

long domctl_max_vcpus(struct vcpu *self, struct domain *d, struct xen_domctl *op)
{
	uint32_t max = op->u.max_vcpus.max;
	struct vcpu *v;
	int rc = 0;

	if (max != d->max_vcpus)
		return refuse(-EINVAL, "max_vcpus: %u for d%u, made for %u", max, d->id, d->max_vcpus);
	lock_take(&d->life_lock);
	if (d->life >= DOM_DYING)
		rc = -EINVAL;
	for (unsigned i = 0; i < max && !rc; i++)
		if (!d->vcpu[i])
			rc = vcpu_create(d, i, &v);
	lock_drop(&d->life_lock);
	return rc;
}

static uint64_t frame_kind_bits(const struct domain *d, uint64_t n)
{
	union frame_word w;

	if (!frame_valid(mfn(n)) || !frame_get(frame_of(mfn(n)), &d->mem))
		return XEN_DOMCTL_PFINFO_XTAB;
	w = frame_word(frame_of(mfn(n)));
	frame_put(frame_of(mfn(n)));
	if (w.kind == KIND_SHARED)
		return XEN_DOMCTL_PFINFO_XTAB;
	if (!w.users || !kind_is_table(w.kind))
		return XEN_DOMCTL_PFINFO_NOTAB;
	return (uint64_t)kind_level(w.kind) << XEN_DOMCTL_PFINFO_LTAB_SHIFT |
	       (w.pinned ? XEN_DOMCTL_PFINFO_LPINTAB : 0);
}

long domctl_page_frame_info(struct vcpu *self, struct domain *d, struct xen_domctl *op)
{
	const struct xen_domctl_getpageframeinfo3 *i = &op->u.getpageframeinfo3;
	uint64_t frame;

	if (i->num > PAGEINFO_MAX)
		return refuse(-E2BIG, "getpageframeinfo3: %lu frames", i->num);
	for (uint64_t n = 0; n < i->num; n++) {
		gva_t at = gva_nth(gva(i->array), n, sizeof(frame));

		if (get_guest_u64(&frame, at) || put_guest_u64(at, frame_kind_bits(d, frame)))
			return -EFAULT;
	}
	return 0;
}

long domctl_set_tsc(struct vcpu *self, struct domain *d, struct xen_domctl *op)
{
	const struct xen_domctl_tsc_info *t = &op->u.tsc_info;
	uint64_t off = t->gtsc_khz > tsc_khz ? t->gtsc_khz - tsc_khz : tsc_khz - t->gtsc_khz;

	if (d->hardware)
		return 0;				/* always native */
	if (t->tsc_mode > TSC_MODE_NEVER_EMULATE)
		return refuse(-EINVAL, "settscinfo: mode %u", t->tsc_mode);
	if (t->tsc_mode == TSC_MODE_ALWAYS_EMULATE ||
	    (t->tsc_mode == TSC_MODE_DEFAULT && t->gtsc_khz &&
	     off * 1000000 > (uint64_t)tsc_khz * TSC_TOLERANCE_PPM))
		return refuse(-EOPNOTSUPP, "settscinfo: mode %u at %u kHz; guests see this machine's TSC",
			      t->tsc_mode, t->gtsc_khz);
	d->tsc_mode = t->tsc_mode;
	d->tsc_incarnation = t->incarnation;
	return 0;
}

long domctl_get_tsc(struct vcpu *self, struct domain *d, struct xen_domctl *op)
{
	op->u.tsc_info = (struct xen_domctl_tsc_info){
		.tsc_mode = d->tsc_mode, .gtsc_khz = tsc_khz, .incarnation = d->tsc_incarnation,
		.elapsed_nsec = time_from_tsc(rdtsc()),
	};
	return 0;
}

/* Devices are dom0's: what it has it may keep, and nobody else gets any. */
long domctl_permission(struct vcpu *self, struct domain *d, struct xen_domctl *op)
{
	const struct xen_domctl_iomem_permission *m = &op->u.iomem_permission;
	const struct xen_domctl_ioport_permission *p = &op->u.ioport_permission;
	bool allow = op->u.irq_permission.allow_access;

	if (op->cmd == XEN_DOMCTL_iomem_permission) {
		uint64_t last = m->first_mfn + m->nr_mfns - 1;

		if (!m->nr_mfns || last < m->first_mfn || last >> (52 - PAGE_SHIFT))
			return refuse(-EINVAL, "iomem_permission: %lx+%lx", m->first_mfn, m->nr_mfns);
		allow = m->allow_access;
	} else if (op->cmd == XEN_DOMCTL_ioport_permission) {
		if (p->first_port >= NR_PORTS || p->nr_ports > NR_PORTS - p->first_port)
			return refuse(-EINVAL, "ioport_permission: %x+%x", p->first_port, p->nr_ports);
		allow = p->allow_access;
	}
	if (allow == d->hardware)
		return 0;
	return allow ? refuse(-EPERM, "d%u: devices cannot be handed to guests", d->id) :
		       refuse(-EPERM, "dom0 keeps its devices");
}
