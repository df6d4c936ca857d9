/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypervisor's own page tables while it runs: CPU areas and device registers are added, boot parts
 * of the image taken away.  mm/init.c builds everything else, once.
 *
 * Every root table, the guests' included, carries the same sixteen level-4 entries (pt_hv_slots), so
 * what is added below them appears everywhere at once, and all tables below level 4 that will ever be
 * needed for a slot hang on an entry made at boot.
 *
 * Lower tables allow everything (RW, US); level 4 takes US away from all slots but the guest's view of
 * the M2P, and RW from that one.
 *
 * Lock: RANK_HVMAP.  Entries go from not present to present, which no TLB remembers, except in
 * mm_free_image().
 */
#include <mica/errno.h>
#include "cpu/image.h"
#include "cpu/lock.h"
#include "cpu/map_device.h"
#include "cpu/smp.h"
#include "cpu/tlb.h"
#include "lib/bug.h"
#include "lib/string.h"
#include "mm/heap.h"
#include "mm/hvmap_priv.h"
#include "mm/pt.h"

#define WINDOW_PAGES	16

struct boot_region host_map[HOST_MAP_MAX];
unsigned host_map_nr;
uint64_t hvmap_tables_at;
uint64_t (*hvmap_new_table)(void);
uint64_t hvmap_root;
mfn_t hvmap_empty_page;

static struct spinlock map_lock = SPINLOCK_INIT(RANK_HVMAP);
static uint64_t device_next = DEVICE_BASE;

uint64_t *hvmap_entry(uint64_t va, unsigned level)
{
	uint64_t table = hvmap_root, *e;

	for (unsigned l = PT_LEVELS;; l--) {
		e = (uint64_t *)(hvmap_tables_at + table) + pt_index(va, l);
		if (l == level)
			return e;
		if (!(*e & PTE_P)) {
			uint64_t new = hvmap_new_table();

			if (!new)
				return NULL;
			*e = new | PTE_P | PTE_RW | PTE_A | (l == PT_LEVELS ? 0 : PTE_US);
		}
		debug_bug_on(l < PT_LEVELS && (*e & PTE_PSE));
		table = *e & PTE_ADDR;
	}
}

uint64_t hvmap_idle_cr3(void)
{
	return hvmap_root;
}

void hvmap_fill_root(uint64_t *root)
{
	for (unsigned i = 0; i < ARRAY_SIZE(pt_hv_slots); i++)
		root[HV_SLOT_FIRST + i] = pt_hv_slots[i];
}

/* A zeroed page at @va. */
static int map_new_page(uint64_t va)
{
	uint64_t *e = hvmap_entry(va, 1);
	void *page = e ? hv_page_alloc() : NULL;

	if (!page)
		return -ENOMEM;
	bug_on(*e & PTE_P);
	write_once(*e, pte_make(virt_to_mfn(page), HV_LEAF_RW).v);
	return 0;
}

/* The pages of the stack block (cpu/layout.h); the others are guards and stay unmapped. */
static int map_stacks(uint64_t block)
{
	static const uint8_t pages[] = { 0, 1, 3, 5, 7, 9, 10, 11, 12, 13, 14, 15 };

	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
		if (map_new_page(block + pages[i] * PAGE_SIZE))
			return -ENOMEM;
	return 0;
}

int hvmap_cpu_area(unsigned cpu, uint64_t **gdt_ptes, uint64_t **ldt_ptes, mfn_t *reserved, mfn_t *empty)
{
	uint64_t area = CPU_AREA_BASE + (uint64_t)cpu * CPU_AREA_SIZE;
	void *page = hv_page_alloc();
	int rc = -ENOMEM;

	if (!page)
		return rc;
	lock_take(&map_lock);
	*gdt_ptes = hvmap_entry(area + CPU_GDT_WINDOW, 1);
	*ldt_ptes = hvmap_entry(area + CPU_LDT_WINDOW, 1);
	if (*gdt_ptes && *ldt_ptes)
		rc = map_stacks(area);
	lock_drop(&map_lock);
	*reserved = virt_to_mfn(page);
	*empty = hvmap_empty_page;
	return rc;				/* what is missing memory at boot stays as it is */
}

void *hvmap_device(uint64_t phys, size_t bytes)
{
	uint64_t first = phys & PAGE_MASK, end = ALIGN_UP(phys + bytes, PAGE_SIZE), va, *e;
	void *at = NULL;

	lock_take(&map_lock);
	va = device_next;
	if (end > first && va + (end - first) <= DIRECT_MAP_BASE) {
		at = (void *)(va + (phys - first));
		for (; first < end; first += PAGE_SIZE, va += PAGE_SIZE) {
			e = hvmap_entry(va, 1);
			if (!e)
				break;
			write_once(*e, first | HV_LEAF_RW | PTE_PCD | PTE_PWT);
		}
		device_next = va;
	}
	lock_drop(&map_lock);
	return first < end ? NULL : at;
}

mfn_t m2p_backing(uint64_t page)
{
	uint64_t *e;

	if (page >= DIV_UP(max_mfn, PAGE_SIZE / sizeof(uint64_t)))
		return mfn_none();
	e = hvmap_entry(M2P_RW_BASE + page * PAGE_SIZE, 1);
	return e && (*e & PTE_RW) ? pte_mfn(pte(*e)) : mfn_none();
}

/* A frame of ours that nobody uses any more. */
static void disown(uint64_t n)
{
	struct frame *f = frame_of(mfn(n));

	bug_on(f->owner != DOMID_XEN || frame_word(f).refs != 1);
	atomic_set(&f->word.raw, 0);
	if (n < IO_FRAMES)
		f->owner = DOMID_IO;
}

void mm_free_range(uint64_t start, uint64_t end)
{
	uint64_t first = DIV_UP(start, PAGE_SIZE), last = end / PAGE_SIZE;

	for (uint64_t n = first; n < last; n++)
		disown(n);
	first = MAX(first, IO_FRAMES);
	if (first < last)
		heap_add(mfn(first), mfn(last));
}

void mm_free_image(uint64_t start, uint64_t end)
{
	lock_take(&map_lock);
	for (uint64_t va = start; va < end; va += PAGE_SIZE)
		write_once(*hvmap_entry(va, 1), 0);
	lock_drop(&map_lock);
	tlb_flush_mask(cpus_online);
	mm_free_range(start - IMAGE_BASE, end - IMAGE_BASE);
}
