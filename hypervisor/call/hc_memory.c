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

static int release_frame(struct domain *d, mfn_t m)
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
		if (release_frame(d, mfn(first + i)))
			return false;
	return true;
}

/*
 * 2^@log extents from number @at of the list on, in one block of frames.  The list gets what they are;
 * for populate it says which pages they become.  False: nothing changed.
 */
static bool add_extents(struct domain *d, const struct xen_memory_reservation *r, uint64_t at,
			unsigned log, bool populate)
{
	unsigned bits = XENMEMF_get_address_bits(r->mem_flags), order = r->extent_order, n = 1u << log;
	gva_t list = gva_nth(gva(r->extent_start), at, sizeof(uint64_t));
	uint64_t number[PIECE], m;
	struct frame *f;

	if (bits && bits < PAGE_SHIFT + order)
		return false;
	if (populate && (copy_from_guest(number, list, n * sizeof(number[0])) ||
			 (log && copy_to_guest(list, number, n * sizeof(number[0])))))
		return false;			/* or the answer could not be written */
	f = space_alloc(&d->mem, order + log, SPACE_ADDR_BITS(bits));
	if (!f)
		return false;
	m = frame_mfn(f).n;
	for (unsigned i = 0; i < n; i++) {
		uint64_t pfn = number[i];

		number[i] = m;
		do {
			if (populate)
				m2p_set(mfn(m), pfn++);
		} while (++m & MASK(order));
	}
	if ((!populate && !r->extent_start) || !copy_to_guest(list, number, n * sizeof(number[0])))
		return true;
	decrease_extent(d, frame_mfn(f).n, order + log);
	return false;
}

/* Does some extents from number @at on; returns how many.  Single frames for populate, the toolstack's
 * bread, come many at a time as long as there are blocks for them. */
static unsigned reserve(struct domain *d, unsigned op, const struct xen_memory_reservation *r, uint64_t at)
{
	unsigned log = r->extent_order ? 0 : MIN(63 - __builtin_clzl(r->nr_extents - at), PIECE_ORDER);
	uint64_t first;

	if (op == XENMEM_decrease_reservation)
		return !get_guest_u64(&first, gva_nth(gva(r->extent_start), at, sizeof(first))) &&
		       decrease_extent(d, first, r->extent_order);
	if (op == XENMEM_populate_physmap && log && add_extents(d, r, at, log, true))
		return 1u << log;
	return add_extents(d, r, at, 0, op == XENMEM_populate_physmap);
}

static long reservation(struct vcpu *self, unsigned op, uint64_t start, gva_t arg)
{
	struct xen_memory_reservation r;
	unsigned done = 1;
	struct domain *d;
	uint64_t i;
	int rc;

	if (copy_from_guest(&r, arg, sizeof(r)) || r.nr_extents < start ||
	    r.nr_extents > ~0ul >> MEMOP_EXTENT_SHIFT || r.extent_order > memory_max_order(self))
		return start;
	d = domain_get_target(self, r.domid, &rc);
	if (!d)
		return start;
	for (i = start; done && i < r.nr_extents; i += done) {
		if (i > start && preempt_due()) {
			domain_put(d);
			return hypercall_again(self, 1, (uint64_t)op | i << MEMOP_EXTENT_SHIFT);
		}
		done = reserve(d, op, &r, i);
	}
	domain_put(d);
	return i;
}

/* What is one expression.  No domain has devices whose memory it must leave alone; add_to_physmap and its
 * relatives start with the domain they are about. */
static long plain(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	switch (cmd) {
	case XENMEM_current_reservation: return d->mem.tot_frames;
	case XENMEM_maximum_reservation: return d->mem.max_frames;
	case XENMEM_maximum_gpfn: return read_once(d->shared->arch.max_pfn) - 1;
	case XENMEM_machphys_mapping:
		*(struct xen_machphys_mapping *)arg = (struct xen_machphys_mapping){
			MACH2PHYS_VIRT_START, MACH2PHYS_VIRT_END, max_mfn - 1,
		};
		return 0;
	case XENMEM_reserved_device_memory_map:
		((struct xen_reserved_device_memory_map *)arg)->nr_entries = 0;
		return 0;
	default: return refuse(-EACCES, "d%u is not a translated guest", d->id);
	}
}

static long machphys_list(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	uint64_t chunks = DIV_UP(DIV_UP(max_mfn * sizeof(uint64_t), PAGE_SIZE), PAGES_PER_CHUNK);
	struct xen_machphys_mfn_list *list = arg;
	uint64_t last = 0, i;

	for (i = 0; i < list->max_extents && i < chunks; i++) {
		mfn_t m = m2p_backing(i * PAGES_PER_CHUNK);

		if (!mfn_is_none(m))
			last = m.n;
		if (put_guest_u64(gva_nth(gva(list->extent_start), i, sizeof(last)), last))
			return -EFAULT;
	}
	list->nr_extents = i;
	return 0;
}

/* The map the toolstack set; life_lock guards it. */
static long memory_map(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	struct xen_memory_map *map = arg;
	int rc = 0;

	if (d->hardware && memory_dom0_unproven)
		boot_fail("dom0's kernel was built without support for running as dom0 "
			  "(Debian's cloud kernels are): use a standard kernel");
	if (!read_once(d->e820))
		return -ENOSYS;
	lock_take(&d->life_lock);
	map->nr_entries = map->buffer ? MIN(d->e820_nr, map->nr_entries) : d->e820_nr;
	if (map->buffer)
		rc = copy_to_guest(gva(map->buffer), d->e820, map->nr_entries * sizeof(*d->e820));
	lock_drop(&d->life_lock);
	return rc;
}

static long set_memory_map(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	const struct xen_memory_map *map = &((struct xen_foreign_memory_map *)arg)->map;
	size_t bytes = map->nr_entries * sizeof(struct e820entry);
	struct e820entry *list, *old;

	if (!map->nr_entries || map->nr_entries > E820_MAX)
		return refuse(-EINVAL, "set_memory_map: %u entries", map->nr_entries);
	list = kmalloc(bytes);
	if (!list)
		return -ENOMEM;
	if (copy_from_guest(list, gva(map->buffer), bytes)) {
		kfree(list);
		return -EFAULT;
	}
	lock_take(&d->life_lock);
	old = d->e820;
	d->e820 = list;
	d->e820_nr = map->nr_entries;
	lock_drop(&d->life_lock);
	kfree(old);
	return 0;
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

static long machine_map(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	struct map_build b = { .max = host_map_nr + acpi.nr_ioapics + 2 };
	struct xen_memory_map *map = arg;
	long rc = 0;

	memory_dom0_unproven = false;
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
	if (map->buffer && map->nr_entries < b.nr)
		rc = refuse(-EINVAL, "machine_memory_map: room for %u of %u", map->nr_entries, b.nr);
	else if (map->buffer)
		rc = copy_to_guest(gva(map->buffer), b.e, b.nr * sizeof(*b.e));
	map->nr_entries = b.nr;
	kfree(b.e);
	return rc;
}

static long claim_pages(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	const struct xen_memory_reservation *r = arg;
	uint64_t owned = read_once(d->mem.tot_frames);

	if (r->extent_start || r->extent_order || r->mem_flags)
		return refuse(-EINVAL, "claim_pages: list, order and flags must be 0");
	if (r->nr_extents && (r->nr_extents < owned || r->nr_extents > d->mem.max_frames))
		return refuse(-EINVAL, "claim_pages: %lu of %lu", r->nr_extents, d->mem.max_frames);
	return space_claim(&d->mem, r->nr_extents ? r->nr_extents - owned : 0);
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
		mfn_t m = status ? grant_status_frame(d, a->frame + i) : grant_frame(d, a->frame + i);

		if (mfn_is_none(m))
			return -EINVAL;
		if (put_guest_u64(gva_nth(gva(a->frame_list), i, sizeof(m.n)), m.n))
			return -EFAULT;
	}
	return 0;
}

static long acquire_resource(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	struct xen_mem_acquire_resource *a = arg;
	unsigned size = resource_size(d, a);

	if (a->pad)
		return refuse(-EINVAL, "acquire_resource: pad is %x", a->pad);
	if (d == self->dom)
		return refuse(-EPERM, "acquire_resource: of itself");
	if (a->type != XENMEM_resource_grant_table)
		return -EOPNOTSUPP;
	if (!size || a->frame > size || a->nr_frames > size - a->frame ||
	    (!a->frame_list && a->nr_frames))
		return refuse(-EINVAL, "acquire_resource: frames %lu+%u of %u", a->frame, a->nr_frames,
			      size);
	if (a->frame_list)
		return list_resource(d, a);
	a->nr_frames = size;
	return 0;
}

static const struct command commands[] = {
	COMMAND_OF(XENMEM_current_reservation, plain, struct xen_memory_domain, domid, 0),
	COMMAND_OF(XENMEM_maximum_reservation, plain, struct xen_memory_domain, domid, 0),
	COMMAND(XENMEM_machphys_mfn_list, machphys_list, struct xen_machphys_mfn_list,
		CMD_CONTROL | CMD_ANSWERS),
	COMMAND_OF(XENMEM_add_to_physmap, plain, struct xen_memory_domain, domid, 0),
	COMMAND(XENMEM_memory_map, memory_map, struct xen_memory_map, CMD_ANSWERS),
	COMMAND(XENMEM_machine_memory_map, machine_map, struct xen_memory_map,
		CMD_CONTROL | CMD_ANSWERS),
	COMMAND_OF(XENMEM_exchange, memory_exchange, struct xen_memory_exchange, in.domid, 0),
	COMMAND(XENMEM_machphys_mapping, plain, struct xen_machphys_mapping, CMD_ANSWERS),
	COMMAND_OF(XENMEM_set_memory_map, set_memory_map, struct xen_foreign_memory_map, domid,
		   CMD_CONTROL),
	COMMAND_OF(XENMEM_maximum_gpfn, plain, struct xen_memory_domain, domid, 0),
	COMMAND_OF(XENMEM_remove_from_physmap, plain, struct xen_memory_domain, domid, 0),
	COMMAND_OF(XENMEM_add_to_physmap_batch, plain, struct xen_memory_domain, domid, 0),
	COMMAND_OF(XENMEM_claim_pages, claim_pages, struct xen_memory_reservation, domid, CMD_CONTROL),
	COMMAND(XENMEM_reserved_device_memory_map, plain,
		struct xen_reserved_device_memory_map, CMD_ANSWERS),
	COMMAND_OF(XENMEM_acquire_resource, acquire_resource, struct xen_mem_acquire_resource, domid,
		   CMD_ANSWERS),
};

long hc_memory_op(struct vcpu *self, uint64_t cmd, gva_t arg)
{
	uint64_t start = cmd >> MEMOP_EXTENT_SHIFT;
	unsigned op = cmd & MEMOP_CMD_MASK;

	switch (op) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		return reservation(self, op, start, arg);
	case XENMEM_maximum_ram_page: return max_mfn;
	case XENMEM_get_vnumainfo: return -EOPNOTSUPP;
	case XENMEM_get_sharing_freed_pages:
	case XENMEM_get_sharing_shared_pages:
		return 0;
	default: return command_run(commands, ARRAY_SIZE(commands), "memory_op", self, op, arg);
	}
}
