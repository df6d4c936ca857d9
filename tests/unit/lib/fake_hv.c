/* SPDX-License-Identifier: BSD-2-Clause */
/* See fake_hv.h.  Arguments are ordinary pointers, since caller and hypervisor are one program. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <mica/evtchn.h>
#include <mica/hypercall.h>
#include <mica/memory.h>

#include "fake_hv.h"

struct fake_hv *fake_hv_new(void)
{
	struct fake_hv *f = calloc(1, sizeof(*f));

	f->ram = mmap(NULL, (size_t)FAKE_FRAMES * 4096, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	f->owner[0] = UINT16_MAX;
	f->dom[0].exists = true;
	f->large_left = ~0u;
	return f;
}

void fake_hv_free(struct fake_hv *f)
{
	munmap(f->ram, (size_t)FAKE_FRAMES * 4096);
	free(f);
}

uint64_t fake_hv_free_frames(const struct fake_hv *f)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < FAKE_FRAMES; i++)
		n += !f->owner[i];
	return n;
}

static uint64_t take_frames(struct fake_hv *f, domid_t id, unsigned order)
{
	uint64_t step = 1ull << order;

	for (uint64_t i = order ? step : 1; i + step <= FAKE_FRAMES; i += step) {
		bool all = true;

		for (uint64_t j = 0; j < step && all; j++)
			all = !f->owner[i + j];
		if (!all)
			continue;
		for (uint64_t j = 0; j < step; j++) {
			f->owner[i + j] = (uint16_t)(id + 1);
			memset(f->ram[i + j], 0, 4096);	/* nobody gets another's bytes */
		}
		return i;
	}
	return 0;
}

static struct fake_domain *find(struct fake_hv *f, domid_t id)
{
	return id < FAKE_DOMAINS && f->dom[id].exists ? &f->dom[id] : NULL;
}

static long create(struct fake_hv *f, struct xen_domctl *op)
{
	const struct xen_domctl_createdomain *c = &op->u.createdomain;
	struct fake_domain *d;
	domid_t id = op->domain ? op->domain : 1;

	while (id < FAKE_DOMAINS && f->dom[id].exists)
		id++;
	if (id == FAKE_DOMAINS)
		return -ENOSPC;
	if (!c->max_vcpus || !(c->grant_opts & 15) || c->flags)
		return -EINVAL;
	d = &f->dom[id];
	memset(d, 0, sizeof(*d));
	d->exists = true;
	d->paused = 1;
	d->vcpus = c->max_vcpus;
	memcpy(d->handle, c->handle, 16);
	d->shared_info = take_frames(f, id, 0);
	d->grants = take_frames(f, id, 0);
	memset(f->ram[d->shared_info], 0, 4096);
	memset(f->ram[d->grants], 0, 4096);
	op->domain = id;
	return 0;
}

static void release(struct fake_hv *f, domid_t id)
{
	for (unsigned i = 0; i < FAKE_FRAMES; i++)
		if (f->owner[i] == id + 1)
			f->owner[i] = 0;
	memset(&f->dom[id], 0, sizeof(f->dom[id]));
}

static void info(struct fake_hv *f, domid_t id, struct xen_domctl_getdomaininfo *out)
{
	const struct fake_domain *d = &f->dom[id];

	*out = (struct xen_domctl_getdomaininfo){
		.domain = id, .tot_pages = d->pages, .max_pages = d->max_pages,
		.shared_info_frame = d->shared_info, .max_vcpu_id = d->vcpus - 1,
		.flags = (d->paused ? XEN_DOMINF_paused : 0) | (d->dying ? XEN_DOMINF_dying : 0),
	};
	memcpy(out->handle, d->handle, 16);
}

static long get_info(struct fake_hv *f, struct xen_domctl *op)
{
	for (domid_t id = op->domain; id < FAKE_DOMAINS; id++) {
		if (!f->dom[id].exists)
			continue;
		if (f->dom[id].dying && !f->stuck_ticks--) {
			f->stuck_ticks = 0;
			release(f, id);
			continue;
		}
		info(f, id, &op->u.getdomaininfo);
		op->domain = id;
		return 0;
	}
	return -ESRCH;
}

static long domctl(struct fake_hv *f, struct xen_domctl *op)
{
	struct fake_domain *d = find(f, op->domain);

	if (op->interface_version != XEN_DOMCTL_INTERFACE_VERSION)
		return -EACCES;
	if (op->cmd == XEN_DOMCTL_createdomain)
		return create(f, op);
	if (op->cmd == XEN_DOMCTL_getdomaininfo)
		return get_info(f, op);
	if (!d)
		return -ESRCH;
	switch (op->cmd) {
	case XEN_DOMCTL_destroydomain:
		d->dying = true;
		return 0;
	case XEN_DOMCTL_pausedomain:
		d->paused++;
		return 0;
	case XEN_DOMCTL_unpausedomain:
		return d->paused-- > 0 ? 0 : -EINVAL;
	case XEN_DOMCTL_max_vcpus:
		d->vcpus_made = op->u.max_vcpus.max == d->vcpus;
		return d->vcpus_made ? 0 : -EINVAL;
	case XEN_DOMCTL_max_mem:
		d->max_pages = op->u.max_mem.max_memkb / 4;
		return 0;
	case XEN_DOMCTL_hypercall_init:
		d->hypercall_page = op->u.hypercall_init.gmfn;
		return f->owner[d->hypercall_page] == op->domain + 1 ? 0 : -EACCES;
	case XEN_DOMCTL_setvcpucontext:
		if (!d->pinned_l4 || !d->vcpus_made)
			return -EINVAL;
		memcpy(&d->context, (void *)(uintptr_t)op->u.vcpucontext.ctxt, sizeof(d->context));
		d->has_context = true;
		return 0;
	default:
		return -ENOSYS;
	}
}

static long sysctl(struct fake_hv *f, struct xen_sysctl *op)
{
	struct xen_sysctl_getdomaininfolist *l = &op->u.getdomaininfolist;
	struct xen_domctl_getdomaininfo *out = (void *)(uintptr_t)l->buffer;

	switch (op->cmd) {
	case XEN_SYSCTL_physinfo:
		op->u.physinfo = (struct xen_sysctl_physinfo){
			.total_pages = FAKE_FRAMES, .free_pages = fake_hv_free_frames(f),
		};
		return 0;
	case XEN_SYSCTL_getdomaininfolist:
		l->num_domains = 0;
		for (domid_t id = l->first_domain; id < FAKE_DOMAINS; id++)
			if (f->dom[id].exists && l->num_domains < l->max_domains)
				info(f, id, &out[l->num_domains++]);
		return 0;
	default:
		return -ENOSYS;
	}
}

static long populate(struct fake_hv *f, struct fake_domain *d, struct xen_memory_reservation *r)
{
	uint64_t *list = (void *)(uintptr_t)r->extent_start, i, pages = 1ull << r->extent_order;

	for (i = 0; i < r->nr_extents; i++) {
		uint64_t pfn = list[i], mfn;

		if (d->pages + pages > d->max_pages || (r->extent_order && !f->large_left))
			break;
		mfn = take_frames(f, r->domid, r->extent_order);
		if (!mfn)
			break;
		f->large_left -= r->extent_order && f->large_left != ~0u;
		for (uint64_t j = 0; j < pages; j++)
			f->m2p[mfn + j] = pfn + j;
		d->pages += pages;
		list[i] = mfn;
	}
	return (long)i;
}

static long memory_op(struct fake_hv *f, uint64_t cmd, void *arg)
{
	struct xen_memory_reservation *r = arg;
	struct xen_foreign_memory_map *map = arg;
	struct fake_domain *d = find(f, cmd == XENMEM_set_memory_map ? map->domid : r->domid);

	if (!d)
		return -ESRCH;
	switch (cmd) {
	case XENMEM_populate_physmap:
		return populate(f, d, r);
	case XENMEM_claim_pages:
		if (r->nr_extents > fake_hv_free_frames(f))
			return -ENOMEM;
		d->claimed = r->nr_extents;
		return 0;
	case XENMEM_set_memory_map:
		d->map_bytes = ((struct e820entry *)(uintptr_t)map->map.buffer)->size;
		return 0;
	default:
		return -ENOSYS;
	}
}

static long pin(struct fake_hv *f, const struct mmuext_op *op, domid_t id)
{
	struct fake_domain *d = find(f, id);
	uint64_t mfn = op->arg1.mfn;

	if (!d || op->cmd != MMUEXT_PIN_L4_TABLE || mfn >= FAKE_FRAMES || f->owner[mfn] != id + 1)
		return -EINVAL;
	if (f->maps)
		return -EBUSY;		/* a writable mapping could be of a table */
	d->pinned_l4 = mfn;
	return 0;
}

static long fake_call(void *ctx, unsigned op, const uint64_t a[5])
{
	struct fake_hv *f = ctx;
	void *arg = (void *)(uintptr_t)a[0], *second = (void *)(uintptr_t)a[1];
	struct evtchn_alloc_unbound *port = second;

	if (++f->calls == f->fail_at)
		return f->fail_with;
	switch (op) {
	case __HYPERVISOR_domctl: return domctl(f, arg);
	case __HYPERVISOR_sysctl: return sysctl(f, arg);
	case __HYPERVISOR_memory_op: return memory_op(f, a[0], second);
	case __HYPERVISOR_mmuext_op: return pin(f, arg, (domid_t)a[3]);
	case __HYPERVISOR_event_channel_op:
		if (!find(f, port->dom) || a[0] != EVTCHNOP_alloc_unbound)
			return -EINVAL;
		port->port = ++f->dom[port->dom].ports;
		return 0;
	default: return -ENOSYS;
	}
}

static void *fake_alloc(void *ctx, size_t bytes)
{
	((struct fake_hv *)ctx)->buffers++;
	return calloc(1, bytes);
}

static void fake_free(void *ctx, void *p)
{
	((struct fake_hv *)ctx)->buffers--;
	free(p);
}

/* Frames need not be neighbours, so the mapping is a copy that unmap writes back. */
struct mapping {
	size_t n;
	uint64_t mfns[];
};

static void *fake_map(void *ctx, uint16_t dom, size_t n, const uint64_t *mfns, int *errs)
{
	struct fake_hv *f = ctx;
	size_t head = (sizeof(struct mapping) + n * 8 + 4095) & ~4095ul;
	struct mapping *m;
	uint8_t *p;

	if (++f->calls == f->fail_at) {
		errno = -f->fail_with;
		return NULL;
	}
	p = mmap(NULL, head + n * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	p += head;
	for (size_t i = 0; i < n; i++) {
		errs[i] = mfns[i] < FAKE_FRAMES && f->owner[mfns[i]] == dom + 1 ? 0 : -EINVAL;
		if (errs[i])
			continue;
		memcpy(p + i * 4096, f->ram[mfns[i]], 4096);
		f->mapped[mfns[i]]++;
	}
	/* Its list lies right below, found again by the last word. */
	m = (struct mapping *)(p - head);
	m->n = n;
	memcpy(m->mfns, mfns, n * 8);
	f->maps++;
	return p;
}

static void fake_unmap(void *ctx, void *p, size_t n)
{
	struct fake_hv *f = ctx;
	size_t head = (sizeof(struct mapping) + n * 8 + 4095) & ~4095ul;
	struct mapping *m = (struct mapping *)((uint8_t *)p - head);

	for (size_t i = 0; i < n && m->n == n; i++) {
		if (m->mfns[i] >= FAKE_FRAMES)
			continue;
		memcpy(f->ram[m->mfns[i]], (uint8_t *)p + i * 4096, 4096);
		f->mapped[m->mfns[i]]--;
	}
	f->maps--;
	munmap(m, head + n * 4096);
}

static void *fake_map_grants(void *ctx, uint16_t dom, void **cookie)
{
	struct fake_hv *f = ctx;

	if (++f->calls == f->fail_at || !find(f, dom)) {
		errno = EINVAL;
		return NULL;
	}
	f->maps++;
	*cookie = f;
	return f->ram[f->dom[dom].grants];
}

static void fake_unmap_grants(void *ctx, void *cookie)
{
	((struct fake_hv *)ctx)->maps--;
}

static void fake_close(void *ctx)
{
}

const struct mica_hv_ops fake_hv_ops = {
	.call = fake_call, .alloc = fake_alloc, .free = fake_free, .map = fake_map,
	.unmap = fake_unmap, .map_grants = fake_map_grants, .unmap_grants = fake_unmap_grants,
	.close = fake_close,
};
