/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for everyone: the buddy allocator for frames, kmalloc for the hypervisor's own small objects.
 * Locks RANK_HEAP inside.
 */
#ifndef MM_HEAP_H
#define MM_HEAP_H

#include "mm/frame.h"

#define HEAP_MAX_ORDER		18		/* 1 GiB blocks */

/* The smallest order whose blocks have @bytes. */
static inline unsigned heap_order(uint64_t bytes)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

/* boot: gives the frames [start, end) to the heap and initialises their struct frame. */
void heap_add(mfn_t start, mfn_t end);
/*
 * 2^order frames, naturally aligned, all below 2^@addr_bits (0 = any; high memory is used first).
 * refs 0, owner DOMID_INVALID, no stale TLB entry anywhere, contents zero.  NULL when empty.
 * What is below an odd limit is looked for in the next lower zone (2^32, 2^30, 2^24).
 */
struct frame *heap_alloc(unsigned order, unsigned addr_bits);
/* The same with contents as they are: FRAME_DIRTY marks frames that may hold somebody's secrets. */
struct frame *heap_alloc_dirty(unsigned order, unsigned addr_bits);
/* Zeroes those frames of the block that are dirty. */
void heap_scrub(struct frame *f, unsigned order);
/* Gives back a block (refs 0): guests may still have it in a TLB, so it waits in a quarantine for
 * all CPUs to flush.  Frames must be marked FRAME_DIRTY by who let others write to them. */
void heap_free(struct frame *f, unsigned order);
/* The same where words are 0, owners DOMID_INVALID and flags FRAME_DIRTY already. */
void heap_free_dirty(struct frame *f, unsigned order);
uint64_t heap_free_frames(void);
uint64_t heap_total_frames(void);
/* Idle CPUs: scrubs one dirty block of at most 64 frames; false when there is none. */
bool heap_scrub_some(void);

/* Whole zeroed pages for the hypervisor: owner DOMID_XEN, refs 1.  NULL when empty. */
void *hv_page_alloc(void);
void *hv_pages_alloc(unsigned order);
void hv_page_free(void *page);
void hv_pages_free(void *p, unsigned order);

/* Small objects, zeroed, 16-byte aligned (64 from 64 bytes up); up to 512 KiB.  NULL when empty. */
void *kmalloc(size_t bytes);
void kfree(void *p);			/* NULL is fine */
uint64_t kmalloc_pages(void);		/* pages kmalloc holds now */

#endif
