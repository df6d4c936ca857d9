/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory as a test sees it: a pool of mapped pages, spare unmapped frames, and page tables.
 *
 * page_alloc() pages are part of the image, so their virtual address, frame number and PTE are
 * always found by arithmetic.  frame_spare() gives frames of the domain that nothing maps.
 * window() gives virtual addresses whose L1 exists and is empty.
 */
#ifndef GUEST_MM_H
#define GUEST_MM_H
#include "abi.h"

#define PAGE_SIZE	4096UL
#define VIRT_BASE	0xffffffff80000000UL
#define HOLE_START	0xffff800000000000UL	/* the hypervisor's part: L4 slots 256-271 */
#define HOLE_END	0xffff880000000000UL
#define M2P		((const volatile uint64_t *)HOLE_START)
#define NONCANONICAL	0x0000800000000000UL
#define HOLE_SLOT	256
#define HOLE_SLOT_END	272
#define WINDOW_BASE	0xffff960000000000UL	/* L4 slot 300 */
#define WINDOW_PAGES	512

#define PTE_P		0x001UL
#define PTE_RW		0x002UL
#define PTE_US		0x004UL
#define PTE_PWT		0x008UL
#define PTE_PCD		0x010UL
#define PTE_A		0x020UL
#define PTE_D		0x040UL
#define PTE_PSE		0x080UL
#define PTE_G		0x100UL
#define PTE_AVAIL	0xe00UL
#define PTE_NX		(1UL << 63)
#define PTE_GUEST_KERNEL (1UL << 52)
#define PTE_MFN_MASK	0x000ffffffffff000UL
/* what tests map pages with: leaves ready to use, so that reading back compares equal */
#define PTE_RO_PAGE	(PTE_P | PTE_US | PTE_A)
#define PTE_RW_PAGE	(PTE_P | PTE_US | PTE_A | PTE_D | PTE_RW)
#define PTE_TABLE	(PTE_P | PTE_US | PTE_A | PTE_D | PTE_RW)

extern const struct start_info *start_info;
extern struct shared_info *shared_info;

static inline uint64_t make_pte(uint64_t mfn, uint64_t flags)
{
	return mfn << 12 | flags;
}

static inline uint64_t pte_mfn(uint64_t pte)
{
	return (pte & PTE_MFN_MASK) >> 12;
}

void mm_init(void);
const uint64_t *p2m(void);
/* frame behind an address of the initial mapping */
uint64_t mfn_of(const void *va);
/* address of a frame inside the initial mapping */
void *va_of_mfn(uint64_t mfn);
/* a zeroed page of the pool, mapped read-write; never fails (test_error) */
void *page_alloc(void);
/* n contiguous ones */
void *pages_alloc(unsigned int n);
/* a frame of the domain beyond the initial mapping, zero-based; each call gives the same */
uint64_t frame_spare(unsigned int n);
uint64_t pfn_spare(unsigned int n);
/* frame of the kernel's root */
uint64_t root_mfn(void);
/* machine address of the entry of @level that maps @va in the current root; 0 = none */
uint64_t pte_maddr(unsigned long va, unsigned int level);
/* that entry's value; 0 if there is none */
uint64_t pte_get(unsigned long va, unsigned int level);
/* change how a pool page is mapped; test_error when refused */
void page_readonly(void *page);
void page_writable(void *page);
/* the @n-th address of the window, nothing mapped there; window tables are built on first use */
void *window(unsigned int n);
/* L1 page behind the window (mapped read-only) */
uint64_t *window_l1(void);
/*
 * An L4 that shares every mapping of the kernel's root, read-only mapped and filled, neither
 * pinned nor used.  Returns its page.
 */
uint64_t *root_clone(void);
/*
 * A four-level tree of private, read-only mapped, unpinned tables, with @leaves mapped leaves of
 * frame_spare() from address 0 on.
 */
struct tree {
	uint64_t *page[5];	/* by level, 1..4 */
	uint64_t mfn[5];
};
void tree_build(struct tree *t, unsigned int leaves, uint64_t leaf_flags);
/* The same with @tables (at most 512) level-1 tables, all full, leaves read-only: long to check. */
void tree_build_big(struct tree *t, unsigned int tables);
static inline uint64_t *tree_l1(const struct tree *t, unsigned int i)
{
	return t->page[1] + i * 512;
}

#endif
