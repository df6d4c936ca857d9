/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hypervisor's own page tables: direct map, image, frame table, M2P, per-CPU areas, devices
 * (cpu/layout.h).  Built once at boot, then only device and per-CPU mappings are added.
 * Lock RANK_HVMAP inside.
 */
#ifndef MM_HVMAP_H
#define MM_HVMAP_H

#include "cpu/layout.h"
#include "mm/frame.h"

/* Frames below this (the first MiB) are treated as device memory. */
#define IO_FRAMES	256ul
#define HOST_MAP_MAX	128

struct boot_region { uint64_t start, end; uint32_t type; };	/* E820 types: 1 RAM, 2 reserved, 3 ACPI, 4 NVS */

/*
 * boot/start.c, on the boot page tables (which map the first 4 GiB 1:1 and the image): builds everything
 * from the sorted, non-overlapping @map of @n regions, keeping out of the @busy ranges (image, modules),
 * switches to it, and gives the rest of RAM to the heap.  Does not return on failure (boot_fail).
 */
void mm_init(const struct boot_region *map, unsigned n, const struct boot_region *busy, unsigned nr_busy);
/* Machine memory kept busy at boot (modules) is no longer needed: whole frames of it go to the heap;
 * frames below 1 MiB become device memory like their neighbours. */
void mm_free_range(uint64_t start, uint64_t end);
/* The same for a page-aligned part of our image, by virtual address: it is unmapped first. */
void mm_free_image(uint64_t start, uint64_t end);
/* The part [va_start, va_end) of our own image (cpu/image.h, page aligned) is no longer needed: it is
 * unmapped on all CPUs, then its frames go to the heap. */
void mm_free_image(uint64_t va_start, uint64_t va_end);

static inline void *maddr_to_virt(maddr_t m) { return (void *)(DIRECT_MAP_BASE + m.a); }
static inline void *mfn_to_virt(mfn_t m) { return maddr_to_virt(mfn_maddr(m)); }
static inline void *frame_to_virt(const struct frame *f) { return mfn_to_virt(frame_mfn(f)); }
/* Only for direct-map addresses. */
static inline mfn_t virt_to_mfn(const void *p) { return mfn(((uint64_t)p - DIRECT_MAP_BASE) >> PAGE_SHIFT); }

/*
 * Maps one CPU's area (cpu/layout.h): allocates its stack pages, returns what desc_init_cpu needs: the
 * 16 leaf entries of the GDT and of the LDT window (all not present), a new page, and the one page
 * that stays empty.  -ENOMEM.
 */
int hvmap_cpu_area(unsigned cpu, uint64_t **gdt_ptes, uint64_t **ldt_ptes, mfn_t *reserved, mfn_t *empty);
/* Registered as map_device: uncached, supervisor, writable, for ever.  NULL without memory. */
void *hvmap_device(uint64_t phys, size_t bytes);
uint64_t hvmap_idle_cr3(void);		/* a root with the hypervisor's slots only */
/* Fills the 16 hypervisor entries into a root table of the guest's. */
void hvmap_fill_root(uint64_t *root);

/* Machine-to-physical: pfn of a frame as its owner numbers it, ~0 = none.  @m must be
 * RAM (frame_valid); other entries read as ~0 up to max_mfn and are not writable. */
static inline void m2p_set(mfn_t m, uint64_t pfn) { ((volatile uint64_t *)M2P_RW_BASE)[m.n] = pfn; }
static inline uint64_t m2p_get(mfn_t m) { return ((volatile uint64_t *)M2P_RW_BASE)[m.n]; }
#define M2P_INVALID		(~0ul)
/*
 * Frame behind page @page of the M2P (512 entries each); none where nothing is behind it: those pages
 * read as all ones.  The pages behind one 2 MiB chunk are contiguous where memory allowed.
 */
mfn_t m2p_backing(uint64_t page);

/* The host's memory map as given to mm_init, for XENMEM_machine_memory_map. */
extern struct boot_region host_map[];
extern unsigned host_map_nr;

#endif
