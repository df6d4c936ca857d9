/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_op: reservations, and what the machine's memory looks like (abi-inventory 4.1).
 *
 * The three reservation calls return how many extents they did, whatever went wrong.  They stop
 * between extents when preemption is due; the extent to go on from travels in the upper bits of the
 * command.  Exchange is in hc_exchange.c.
 *
 * The translated-guest operations (add_to_physmap and the like) are refused: every guest here is
 * PV.
 */
#include <mica/memory.h>
#include <mica/mmu.h>
#include "call/handlers.h"
#include "call/memory.h"
#include "cpu/acpi_info.h"
#include "cpu/apic.h"
#include "cpu/panic.h"
#include "ipc/grant.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/hvmap.h"

#define MSI_WINDOW	0xfee00000ul
#define MSI_WINDOW_SIZE	0x100000ul
#define E820_MAX	1024			/* entries a toolstack may set */
#define PIECE_ORDER	6			/* populate: extents done together */
#define PIECE		(1u << PIECE_ORDER)
#define PAGES_PER_CHUNK	512			/* machphys_mfn_list: 2 MiB of M2P */

bool memory_dom0_unproven;

/* Blocks are cleared and accounted in one go, so their size is bounded: 2 MiB, 16 MiB for dom0. */
unsigned memory_max_order(const struct vcpu *self)
{
	return self->dom->privileged ? 12 : 9;
}

int memory_release_frame(struct domain *d, mfn_t m)
{
	struct frame *f;
	int rc;

	if (!frame_valid(m))
		return refuse(-EINVAL, "frame %lx is not RAM", m.n);
	f = frame_of(m);
	if (!frame_get(f, &d->mem))
		return refuse(-EINVAL, "frame %lx is not d%u's", m.n, d->id);
	rc = frame_release_allocation(f);
	if (!rc)
		m2p_set(m, M2P_INVALID);
	frame_put(f);
	return rc;
}

static bool decrease_extent(struct domain *d, uint64_t first, unsigned order)
{
	for (uint64_t i = 0; i < BIT(order); i++)
		if (memory_release_frame(d, mfn(first + i)))
			return false;
	return true;
}

/* One extent for populate (M2P gets @pfn on) or increase (@pfn = M2P_INVALID). */
static bool add_extent(struct domain *d, const struct xen_memory_reservation *r, uint64_t pfn,
		       gva_t out)
{
	unsigned bits = XENMEMF_get_address_bits(r->mem_flags);
	struct frame *f;
	uint64_t first;

	if (bits && bits < PAGE_SHIFT + r->extent_order)
		return false;
	f = space_alloc(&d->mem, r->extent_order, SPACE_ADDR_BITS(bits));
	if (!f)
		return false;
	first = frame_mfn(f).n;
	for (uint64_t i = 0; pfn != M2P_INVALID && i < BIT(r->extent_order); i++)
		m2p_set(mfn(first + i), pfn + i);
	if (gva_is_null(out) || !copy_to_guest(out, &first, sizeof(first)))
		return true;
	decrease_extent(d, first, r->extent_order);
	return false;
}

/*
 * populate of single frames, the toolstack's bread: as many extents in one go as come in one block of
 * frames, PIECE at most.  Returns how many were done; 0 means "one by one".
 */
static unsigned populate_piece(struct domain *d, const struct xen_memory_reservation *r, uint64_t at)
{
	gva_t list = gva_nth(gva(r->extent_start), at, sizeof(uint64_t));
	unsigned order = PIECE_ORDER, n;
	struct frame *f = NULL;
	uint64_t pfn[PIECE];

	while (order && r->nr_extents - at < BIT(order))
		order--;
	n = 1u << order;
	if (!order || copy_from_guest(pfn, list, n * sizeof(pfn[0])) ||
	    copy_to_guest(list, pfn, n * sizeof(pfn[0])))	/* can the answer be written? */
		return 0;
	f = space_alloc(&d->mem, order, SPACE_ADDR_BITS(XENMEMF_get_address_bits(r->mem_flags)));
	if (!f)
		return 0;
	for (unsigned i = 0; i < n; i++) {
		mfn_t m = frame_mfn(f + i);

		m2p_set(m, pfn[i]);
		pfn[i] = m.n;
	}
	if (!copy_to_guest(list, pfn, n * sizeof(pfn[0])))
		return n;
	decrease_extent(d, frame_mfn(f).n, order);
	return 0;
}

static bool reserve_extent(struct domain *d, unsigned op, const struct xen_memory_reservation *r,
			   uint64_t i)
{
	gva_t at = gva_nth(gva(r->extent_start), i, sizeof(uint64_t));
	uint64_t number = 0;

	if (op == XENMEM_increase_reservation)
		return add_extent(d, r, M2P_INVALID, r->extent_start ? at : gva(0));
	if (copy_from_guest(&number, at, sizeof(number)))
		return false;
	if (op == XENMEM_populate_physmap)
		return add_extent(d, r, number, at);
	return decrease_extent(d, number, r->extent_order);
}

static long reservation(struct vcpu *self, unsigned op, uint64_t start, gva_t arg)
{
	struct xen_memory_reservation r;
	struct domain *d;
	unsigned piece;
	uint64_t i;
	bool batch;
	int rc;

	if (copy_from_guest(&r, arg, sizeof(r)) || r.nr_extents < start ||
	    r.nr_extents > ~0ul >> MEMOP_EXTENT_SHIFT || r.extent_order > memory_max_order(self))
		return start;
	d = domain_get_target(self, r.domid, &rc);
	if (!d)
		return start;
	batch = op == XENMEM_populate_physmap && !r.extent_order;
	for (i = start; i < r.nr_extents; i += piece) {
		if (i > start && preempt_due()) {
			domain_put(d);
			return hypercall_again(self, 1, (uint64_t)op | i << MEMOP_EXTENT_SHIFT);
		}
		piece = batch ? populate_piece(d, &r, i) : 0;
		if (piece)
			continue;
		if (!reserve_extent(d, op, &r, i))
			break;
		piece = 1;
	}
	domain_put(d);
	return i;
}

/* Numbers about one domain. */
static long domain_number(struct vcpu *self, unsigned op, gva_t arg)
{
	struct xen_memory_domain md;
	struct domain *d;
	long n;
	int rc;

	if (copy_from_guest(&md, arg, sizeof(md)))
		return -EFAULT;
	d = domain_get_target(self, md.domid, &rc);
	if (!d)
		return rc;
	n = op == XENMEM_current_reservation   ? d->mem.tot_frames
	    : op == XENMEM_maximum_reservation ? d->mem.max_frames
					       : read_once(d->shared->arch.max_pfn) - 1;
	domain_put(d);
	return n;
}

static long machphys_mapping(gva_t arg)
{
	struct xen_machphys_mapping m = {
		.v_start = MACH2PHYS_VIRT_START,
		.v_end = MACH2PHYS_VIRT_END,
		.max_mfn = max_mfn - 1,
	};

	return copy_to_guest(arg, &m, sizeof(m));
}

static long machphys_mfn_list(struct vcpu *self, gva_t arg)
{
	uint64_t chunks = DIV_UP(DIV_UP(max_mfn * sizeof(uint64_t), PAGE_SIZE), PAGES_PER_CHUNK);
	struct xen_machphys_mfn_list list;
	uint64_t last = 0, i;

	require_privilege(self, "machphys_mfn_list");
	if (copy_from_guest(&list, arg, sizeof(list)))
		return -EFAULT;
	for (i = 0; i < list.max_extents && i < chunks; i++) {
		mfn_t m = m2p_backing(i * PAGES_PER_CHUNK);

		if (!mfn_is_none(m))
			last = m.n;
		if (copy_to_guest(gva_nth(gva(list.extent_start), i, sizeof(last)), &last,
				  sizeof(last)))
			return -EFAULT;
	}
	list.nr_extents = i;
	return copy_to_guest(arg, &list, sizeof(list));
}

/* The map the toolstack set; life_lock guards it. */
static long memory_map(struct vcpu *self, gva_t arg)
{
	struct domain *d = self->dom;
	struct xen_memory_map map;
	int rc = 0;

	if (d->hardware && memory_dom0_unproven)
		boot_fail("dom0's kernel was built without support for running as dom0 "
			  "(Debian's cloud kernels are): use a standard kernel");
	if (!read_once(d->e820))
		return -ENOSYS;
	if (copy_from_guest(&map, arg, sizeof(map)))
		return -EFAULT;
	lock_take(&d->life_lock);
	map.nr_entries = map.buffer ? MIN(d->e820_nr, map.nr_entries) : d->e820_nr;
	if (map.buffer)
		rc = copy_to_guest(gva(map.buffer), d->e820, map.nr_entries * sizeof(*d->e820));
	lock_drop(&d->life_lock);
	return rc ? rc : copy_to_guest(arg, &map, sizeof(map));
}

static long set_memory_map(struct vcpu *self, gva_t arg)
{
	struct xen_foreign_memory_map fm;
	struct e820entry *list, *old;
	struct domain *d;
	size_t bytes;
	int rc;

	require_privilege(self, "set_memory_map");
	if (copy_from_guest(&fm, arg, sizeof(fm)))
		return -EFAULT;
	if (!fm.map.nr_entries || fm.map.nr_entries > E820_MAX)
		return refuse(-EINVAL, "set_memory_map: %u entries", fm.map.nr_entries);
	d = domain_get_target(self, fm.domid, &rc);
	if (!d)
		return rc;
	bytes = fm.map.nr_entries * sizeof(*list);
	list = kmalloc(bytes);
	rc = -ENOMEM;
	if (!list)
		goto put_domain;
	rc = copy_from_guest(list, gva(fm.map.buffer), bytes);
	if (rc) {
		kfree(list);
		goto put_domain;
	}
	lock_take(&d->life_lock);
	old = d->e820;
	d->e820 = list;
	d->e820_nr = fm.map.nr_entries;
	lock_drop(&d->life_lock);
	kfree(old);
put_domain:
	domain_put(d);
	return rc;
}

/* The machine's map while it is put together: sorted; what overlaps an earlier entry is left out. */
struct map_build {
	struct e820entry *e;
	unsigned nr, max;
};

static void map_insert(struct map_build *b, uint64_t start, uint64_t end, uint32_t type)
{
	unsigned at = 0;

	while (at < b->nr && b->e[at].addr + b->e[at].size <= start)
		at++;
	if (b->nr == b->max || (at < b->nr && b->e[at].addr < end))
		return;
	memmove(&b->e[at + 1], &b->e[at], (b->nr - at) * sizeof(*b->e));
	b->e[at] = (struct e820entry){ start, end - start, type };
	b->nr++;
}

static long machine_memory_map(struct vcpu *self, gva_t arg)
{
	struct map_build b = { .max = host_map_nr + acpi.nr_ioapics + 2 };
	struct xen_memory_map map;
	long rc = 0;

	require_privilege(self, "machine_memory_map");
	memory_dom0_unproven = false;
	if (copy_from_guest(&map, arg, sizeof(map)))
		return -EFAULT;
	b.e = kmalloc(b.max * sizeof(*b.e));
	if (!b.e)
		return -ENOMEM;
	for (unsigned i = 0; i < host_map_nr; i++)
		map_insert(&b, host_map[i].start, host_map[i].end, host_map[i].type);
	/* What firmware may have left out and no guest may map. */
	map_insert(&b, MSI_WINDOW, MSI_WINDOW + MSI_WINDOW_SIZE, E820_RESERVED);
	map_insert(&b, apic_phys & PAGE_MASK, (apic_phys & PAGE_MASK) + PAGE_SIZE, E820_RESERVED);
	for (unsigned i = 0; i < acpi.nr_ioapics; i++) {
		uint64_t page = acpi.ioapic[i].phys & PAGE_MASK;

		map_insert(&b, page, page + PAGE_SIZE, E820_RESERVED);
	}
	if (map.buffer && map.nr_entries < b.nr)
		rc = refuse(-EINVAL, "machine_memory_map: room for %u of %u", map.nr_entries, b.nr);
	else if (map.buffer)
		rc = copy_to_guest(gva(map.buffer), b.e, b.nr * sizeof(*b.e));
	map.nr_entries = b.nr;
	kfree(b.e);
	return rc ? rc : copy_to_guest(arg, &map, sizeof(map));
}

static long claim_pages(struct vcpu *self, gva_t arg)
{
	struct xen_memory_reservation r;
	struct domain *d;
	uint64_t owned;
	int rc;

	require_privilege(self, "claim_pages");
	if (copy_from_guest(&r, arg, sizeof(r)))
		return -EFAULT;
	if (r.extent_start || r.extent_order || r.mem_flags)
		return refuse(-EINVAL, "claim_pages: list, order and flags must be 0");
	d = domain_get_target(self, r.domid, &rc);
	if (!d)
		return rc;
	owned = read_once(d->mem.tot_frames);
	if (r.nr_extents && (r.nr_extents < owned || r.nr_extents > d->mem.max_frames))
		rc = refuse(-EINVAL, "claim_pages: %lu of %lu", r.nr_extents, d->mem.max_frames);
	else
		rc = space_claim(&d->mem, r.nr_extents ? r.nr_extents - owned : 0);
	domain_put(d);
	return rc;
}

/* How many frames a resource has at most; 0 = there is no such thing. */
static unsigned resource_size(struct domain *d, const struct xen_mem_acquire_resource *a)
{
	if (a->id == XENMEM_resource_grant_table_id_shared)
		return grant_max_frames(d);
	if (a->id == XENMEM_resource_grant_table_id_status && grant_version(d) == 2)
		return grant_nr_status_frames(d);
	return 0;
}

static long list_resource(struct domain *d, const struct xen_mem_acquire_resource *a)
{
	bool status = a->id == XENMEM_resource_grant_table_id_status;

	if (!status && a->frame + a->nr_frames > grant_nr_frames(d) &&
	    grant_setup(d, a->frame + a->nr_frames))
		return -ENOMEM;
	for (unsigned i = 0; i < a->nr_frames; i++) {
		mfn_t m =
			status ? grant_status_frame(d, a->frame + i) : grant_frame(d, a->frame + i);

		if (mfn_is_none(m))
			return -EINVAL;
		if (copy_to_guest(gva_nth(gva(a->frame_list), i, sizeof(m.n)), &m.n, sizeof(m.n)))
			return -EFAULT;
	}
	return 0;
}

static long acquire_resource(struct vcpu *self, gva_t arg)
{
	struct xen_mem_acquire_resource a;
	struct domain *d;
	unsigned size;
	long rc;
	int err;

	if (copy_from_guest(&a, arg, sizeof(a)))
		return -EFAULT;
	if (a.pad)
		return refuse(-EINVAL, "acquire_resource: pad is %x", a.pad);
	if (a.domid == DOMID_SELF || a.domid == self->dom->id)
		return refuse(-EPERM, "acquire_resource: of itself");
	d = domain_get_target(self, a.domid, &err);
	if (!d)
		return err;
	if (a.type != XENMEM_resource_grant_table) {
		domain_put(d);
		return -EOPNOTSUPP;
	}
	size = resource_size(d, &a);
	if (!size || a.frame > size || a.nr_frames > size - a.frame ||
	    (!a.frame_list && a.nr_frames)) {
		rc = refuse(-EINVAL, "acquire_resource: frames %lu+%u of %u", a.frame, a.nr_frames,
			    size);
	} else if (a.frame_list) {
		rc = list_resource(d, &a);
	} else {
		a.nr_frames = size;
		rc = copy_to_guest(arg, &a, sizeof(a));
	}
	domain_put(d);
	return rc;
}

/* No domain has devices whose memory it must leave alone. */
static long reserved_device_memory(gva_t arg)
{
	struct xen_reserved_device_memory_map map;

	if (copy_from_guest(&map, arg, sizeof(map)))
		return -EFAULT;
	map.nr_entries = 0;
	return copy_to_guest(arg, &map, sizeof(map));
}

/* add_to_physmap and its relatives start with the domain they are about. */
static long physmap_refused(struct vcpu *self, gva_t arg)
{
	struct xen_add_to_physmap a = { 0 };
	struct domain *d;
	int rc;

	if (copy_from_guest(&a.domid, arg, sizeof(a.domid)))
		return -EFAULT;
	d = domain_get_target(self, a.domid, &rc);
	if (!d)
		return rc;
	domain_put(d);
	return refuse(-EACCES, "d%u is not a translated guest", a.domid);
}

long hc_memory_op(struct vcpu *self, uint64_t cmd, gva_t arg)
{
	uint64_t start = cmd >> MEMOP_EXTENT_SHIFT;
	unsigned op = cmd & MEMOP_CMD_MASK;

	switch (op) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		return reservation(self, op, start, arg);
	case XENMEM_exchange:
		return memory_exchange(self, arg);
	case XENMEM_maximum_ram_page:
		return max_mfn;
	case XENMEM_current_reservation:
	case XENMEM_maximum_reservation:
	case XENMEM_maximum_gpfn:
		return domain_number(self, op, arg);
	case XENMEM_machphys_mapping:
		return machphys_mapping(arg);
	case XENMEM_machphys_mfn_list:
		return machphys_mfn_list(self, arg);
	case XENMEM_memory_map:
		return memory_map(self, arg);
	case XENMEM_machine_memory_map:
		return machine_memory_map(self, arg);
	case XENMEM_set_memory_map:
		return set_memory_map(self, arg);
	case XENMEM_claim_pages:
		return claim_pages(self, arg);
	case XENMEM_acquire_resource:
		return acquire_resource(self, arg);
	case XENMEM_get_vnumainfo:
		return -EOPNOTSUPP;
	case XENMEM_reserved_device_memory_map:
		return reserved_device_memory(arg);
	case XENMEM_get_sharing_freed_pages:
	case XENMEM_get_sharing_shared_pages:
		return 0;
	case XENMEM_add_to_physmap:
	case XENMEM_remove_from_physmap:
	case XENMEM_add_to_physmap_batch:
		return physmap_refused(self, arg);
	default:
		return refuse(-ENOSYS, "memory_op %u", op);
	}
}
