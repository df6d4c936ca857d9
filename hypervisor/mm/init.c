/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory at boot: from the firmware's map to page tables of our own, a frame table, and a heap.
 *
 *   1. RAM minus what is busy gives the ranges memory can be taken from (from their tops).
 *   2. On the boot page tables, which show the first 4 GiB at 0: the new tables, and pages for
 *      everything they map.
 *   3. On the new tables: frame table and M2P get their contents, the rest of RAM goes to the heap.
 *
 * Frame table and M2P are sparse.  A page of them is backed when any frame it describes is RAM; the
 * others show one shared page each, read-only: frames of DOMID_IO, and M2P entries of all ones.  2 MiB
 * of table without RAM share one level-1 table as well.
 *
 * One CPU, once, before anything else of mm/.
 */
#include "cpu/asm.h"
#include "cpu/features.h"
#include "cpu/image.h"
#include "cpu/log.h"
#include "cpu/map_device.h"
#include "cpu/panic.h"
#include "lib/bug.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/hvmap_priv.h"
#include "mm/pt.h"

#define MAX_RANGES	(2 * HOST_MAP_MAX)
#define E820_RAM	1
#define E820_ACPI	3
#define E820_NVS	4
#define LOW_END		(IO_FRAMES << PAGE_SHIFT)
#define TABLES_END	(4ul << 30)	/* page tables must be reachable on the boot tables */
#define VGA_START	0xa0000ul
#define VGA_END		0xc0000ul
#define CHUNK_PAGES	PT_ENTRIES	/* pages of a sparse table under one level-1 table */

static struct range { uint64_t start, end, top; } ranges[MAX_RANGES] boot_bss;	/* [end, top) is taken */
static unsigned nr_ranges boot_bss;

/* --- 1. what is free ------------------------------------------------------------------------------- */

static boot_text void add_range(uint64_t start, uint64_t end)
{
	if (start >= end)
		return;
	if (start < TABLES_END && end > TABLES_END) {
		add_range(start, TABLES_END);
		start = TABLES_END;
	}
	if (nr_ranges < MAX_RANGES)
		ranges[nr_ranges++] = (struct range){ start, end, end };
}

/* RAM of one region, whole frames only, without what is busy (sorted). */
static boot_text void add_region(const struct boot_region *r, const struct boot_region *busy, unsigned n)
{
	uint64_t at = MAX(ALIGN_UP(r->start, PAGE_SIZE), LOW_END), end = r->end & PAGE_MASK;

	for (unsigned i = 0; i < n && at < end; i++) {
		uint64_t first = busy[i].start & PAGE_MASK, last = ALIGN_UP(busy[i].end, PAGE_SIZE);

		if (last <= at || first >= end)
			continue;
		add_range(at, MIN(first, end));
		at = MAX(at, last);
	}
	add_range(at, end);
}

static boot_text void find_ram(const struct boot_region *map, unsigned n, const struct boot_region *busy,
			       unsigned nr_busy)
{
	if (n > HOST_MAP_MAX)
		log_warn("the firmware's memory map has %u entries: only %u are used", n, HOST_MAP_MAX);
	n = MIN(n, HOST_MAP_MAX);
	for (unsigned i = 0; i < n; i++) {
		host_map[host_map_nr++] = map[i];
		if (map[i].type != E820_RAM || map[i].start >= DIRECT_MAP_END - DIRECT_MAP_BASE)
			continue;
		frame_set_max(MAX(max_mfn, MIN(map[i].end, DIRECT_MAP_END - DIRECT_MAP_BASE) / PAGE_SIZE));
		add_region(&map[i], busy, nr_busy);
	}
	if (!nr_ranges)
		boot_fail("the firmware's memory map shows no free memory");
}

/* Is any (or, with @all, every) frame of [first, last) RAM? */
static boot_text bool is_ram(uint64_t first, uint64_t last, bool all)
{
	for (unsigned i = 0; i < host_map_nr; i++) {
		uint64_t s = DIV_UP(host_map[i].start, PAGE_SIZE), e = host_map[i].end / PAGE_SIZE;

		if (host_map[i].type != E820_RAM)
			continue;
		if (all ? s <= first && e >= last : s < last && e > first)
			return true;
	}
	return false;
}

/* Contiguous pages from the top of the highest range below @limit; 0 when there is no such run. */
static boot_text uint64_t take(uint64_t pages, uint64_t limit)
{
	for (unsigned i = nr_ranges; i--;) {
		struct range *r = &ranges[i];

		if (r->end > limit || r->end - r->start < pages * PAGE_SIZE)
			continue;
		r->end -= pages * PAGE_SIZE;
		return r->end;
	}
	return 0;
}

static boot_text uint64_t take_or_stop(uint64_t limit)
{
	uint64_t page = take(1, limit);

	if (!page)
		boot_fail("not enough memory for the hypervisor's own tables");
	return page;
}

static boot_text uint64_t new_table(void)
{
	uint64_t page = take_or_stop(TABLES_END);

	page_clear((void *)page);
	return page;
}

/* --- 2. page tables -------------------------------------------------------------------------------- */

/* Maps [pa, end) of the direct map with the largest pages that fit. */
static boot_text void map_direct(uint64_t pa, uint64_t end)
{
	while (pa < end) {
		unsigned level = 1;
		uint64_t size = PAGE_SIZE, next;

		while (level < (cpu.page1g ? 3 : 2)) {
			next = size * PT_ENTRIES;
			if ((pa & (next - 1)) || end - pa < next)
				break;
			size = next;
			level++;
		}
		*hvmap_entry(DIRECT_MAP_BASE + pa, level) = pa | HV_LEAF_RW | (level > 1 ? PTE_PSE : 0);
		pa += size;
	}
}

/* RAM, ACPI tables, and the first MiB but for the VGA window; neighbours are mapped as one. */
static boot_text void map_all_direct(void)
{
	uint64_t start = VGA_END, end = LOW_END;

	map_direct(0, VGA_START);
	for (unsigned i = 0; i < host_map_nr; i++) {
		const struct boot_region *r = &host_map[i];
		uint64_t s = MAX(r->start & PAGE_MASK, LOW_END), e = ALIGN_UP(r->end, PAGE_SIZE);

		e = MIN(e, DIRECT_MAP_END - DIRECT_MAP_BASE);
		if ((r->type != E820_RAM && r->type != E820_ACPI && r->type != E820_NVS) || e <= s)
			continue;
		if (s > end) {
			map_direct(start, end);
			start = s;
		}
		end = MAX(end, e);
	}
	map_direct(start, end);
}

static boot_text void map_image_part(const void *from, const void *to, uint64_t flags)
{
	for (uint64_t va = (uint64_t)from; va < (uint64_t)to; va += PAGE_SIZE)
		*hvmap_entry(va, 1) = (va - IMAGE_BASE) | flags;
}

static boot_text void map_image(void)
{
	map_image_part(image_start, image_text, HV_LEAF_RW & ~(PTE_NX | PTE_G));	/* boot code and data */
	map_image_part(image_text, image_rodata, HV_LEAF);
	map_image_part(image_rodata, image_data, HV_LEAF | PTE_NX);
	map_image_part(image_data, image_bootmem, HV_LEAF_RW);
	map_image_part(image_bootmem, image_end, HV_LEAF_RW & ~PTE_G);
}

/* A table indexed by frame number: frame table or M2P. */
struct sparse {
	uint64_t base;			/* virtual address */
	uint64_t per_page;		/* frames that one page of it describes */
	uint64_t hole_page, hole_table;	/* what parts without RAM show */
};

static boot_text bool is_backed(const struct sparse *t, uint64_t page)
{
	return is_ram(page * t->per_page, (page + 1) * t->per_page, false);
}

/* Maps the pages of one level-1 table; those with RAM behind them in one run, if there is one. */
static boot_text void map_chunk(const struct sparse *t, uint64_t first)
{
	uint64_t *l1 = hvmap_entry(t->base + first * PAGE_SIZE, 1), backed = 0, run;

	for (unsigned i = 0; i < CHUNK_PAGES; i++)
		backed += is_backed(t, first + i);
	run = take(backed, ~0ul);
	for (unsigned i = 0; i < CHUNK_PAGES; i++) {
		if (!is_backed(t, first + i)) {
			l1[i] = t->hole_page | PTE_P | PTE_US | PTE_A | PTE_NX;
			continue;
		}
		l1[i] = (run ? run : take_or_stop(~0ul)) | HV_LEAF_RW | PTE_US;
		run += run ? PAGE_SIZE : 0;
	}
}

static boot_text void map_sparse(struct sparse *t)
{
	uint64_t pages = DIV_UP(max_mfn, t->per_page);

	t->hole_page = new_table();
	for (uint64_t p = 0; p < pages; p += CHUNK_PAGES) {
		if (is_ram(p * t->per_page, (p + CHUNK_PAGES) * t->per_page, false)) {
			map_chunk(t, p);
			continue;
		}
		if (!t->hole_table) {
			uint64_t *l1 = (uint64_t *)(t->hole_table = new_table());

			for (unsigned i = 0; i < PT_ENTRIES; i++)
				l1[i] = t->hole_page | PTE_P | PTE_US | PTE_A | PTE_NX;
		}
		*hvmap_entry(t->base + p * PAGE_SIZE, 2) =
			t->hole_table | PTE_P | PTE_US | PTE_RW | PTE_A;
	}
}

/* Every slot's level-3 table must exist before the first root is made from these entries. */
static boot_text void make_slots(void)
{
	uint64_t *root = (uint64_t *)hvmap_root;

	(void)hvmap_entry(CPU_AREA_BASE, 3);
	(void)hvmap_entry(DEVICE_BASE, 3);
	root[pt_index(M2P_RO_BASE, PT_LEVELS)] =
		(root[pt_index(M2P_RW_BASE, PT_LEVELS)] & ~PTE_RW) | PTE_US;
	for (unsigned i = 0; i < ARRAY_SIZE(pt_hv_slots); i++)
		pt_hv_slots[i] = root[HV_SLOT_FIRST + i];
}

/* --- 3. contents ----------------------------------------------------------------------------------- */

static boot_text void fill_io(struct frame *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		f[i] = (struct frame){ .owner = DOMID_IO };
}

static boot_text void fill_frame_table(const struct sparse *t)
{
	uint64_t pages = DIV_UP(max_mfn, t->per_page);

	fill_io(maddr_to_virt(maddr(t->hole_page)), t->per_page);
	for (uint64_t p = 0; p < pages; p++)
		if (is_backed(t, p) && !is_ram(p * t->per_page, (p + 1) * t->per_page, true))
			fill_io(&frame_table[p * t->per_page], t->per_page);
	fill_io(frame_table, IO_FRAMES);
}

static boot_text void fill_m2p(const struct sparse *t)
{
	uint64_t pages = DIV_UP(max_mfn, t->per_page);

	memset(maddr_to_virt(maddr(t->hole_page)), 0xff, PAGE_SIZE);	/* M2P_INVALID */
	for (uint64_t p = 0; p < pages; p++)
		if (is_backed(t, p))
			memset((void *)(t->base + p * PAGE_SIZE), 0xff, PAGE_SIZE);
}

/* [start, end) is in use by us for now. */
static boot_text void own(uint64_t start, uint64_t end)
{
	const union frame_word ours = { .refs = 1, .allocated = 1 };

	for (uint64_t n = start / PAGE_SIZE; n < DIV_UP(end, PAGE_SIZE); n++)
		if (n && is_ram(n, n + 1, false))
			*frame_of(mfn(n)) = (struct frame){
				.word = ours, .owner = DOMID_XEN, .flags = FRAME_DIRTY,
			};
}

static boot_text void export_m2p(void)
{
	for (uint64_t p = 0; p < DIV_UP(max_mfn, PT_ENTRIES); p++) {
		mfn_t m = m2p_backing(p);

		if (!mfn_is_none(m))
			frame_of(m)->flags |= FRAME_EXPORTED;
	}
}

static uint64_t table_from_heap(void)
{
	void *page = hv_page_alloc();

	return page ? mfn_maddr(virt_to_mfn(page)).a : 0;
}

boot_text void mm_init(const struct boot_region *map, unsigned n, const struct boot_region *busy,
		       unsigned nr_busy)
{
	struct sparse frames = { FRAME_TABLE_BASE, PAGE_SIZE / sizeof(struct frame), 0, 0 };
	struct sparse m2p = { M2P_RW_BASE, PAGE_SIZE / sizeof(uint64_t), 0, 0 };

	find_ram(map, n, busy, nr_busy);
	hvmap_new_table = new_table;
	hvmap_root = new_table();
	hvmap_empty_page = maddr_mfn(maddr(new_table()));
	map_image();
	map_all_direct();
	map_sparse(&frames);
	map_sparse(&m2p);
	make_slots();

	write_cr3(hvmap_root);
	hvmap_tables_at = DIRECT_MAP_BASE;
	hvmap_new_table = table_from_heap;
	map_device = hvmap_device;
	fill_frame_table(&frames);
	fill_m2p(&m2p);
	for (unsigned i = 0; i < nr_busy; i++)
		own(busy[i].start, busy[i].end);
	for (unsigned i = 0; i < nr_ranges; i++) {
		own(ranges[i].end, ranges[i].top);
		heap_add(maddr_mfn(maddr(ranges[i].start)), maddr_mfn(maddr(ranges[i].end)));
	}
	export_m2p();
	log_info("memory: %lu MiB free, frames up to %lx", heap_total_frames() >> 8, max_mfn);
}
