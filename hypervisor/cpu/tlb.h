/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The flush clock.  Every full TLB flush of a CPU stamps that CPU with the clock's value; a frame
 * that leaves a use (writable, page table, owner) is stamped with the clock as well.  A CPU may hold
 * a stale translation of the frame only if it has not flushed since: tlb_flush_since() asks just
 * those.  The clock is 32 bits in a frame; when it would wrap, every CPU flushes and all stamps of
 * earlier rounds compare as "older", which only costs spare flushes.
 */
#ifndef CPU_TLB_H
#define CPU_TLB_H

#include "cpu/types.h"

/* The stamp to put on a frame now. */
uint32_t tlb_now(void);
/* What CR3 holds for a guest's root at machine address @root: the address, and a tag of its own where there are tags. */
uint64_t tlb_cr3(uint64_t root, bool user);
/* Loads CR3 with a full flush, of every tag: advances the clock, stamps this CPU. */
void tlb_load_cr3(uint64_t cr3);
void tlb_flush_local(void);
/* The current guest's root that is not loaded becomes @cr3: nothing of the old one is left under its tag. */
void tlb_drop_tag(uint64_t cr3);
/* Full flush of each CPU in @mask; returns when done.  Only our own pages are global, and they never change. */
void tlb_flush_mask(cpumask_t mask);
/* Full flush of those CPUs in @mask that have not flushed since @stamp; returns when done. */
void tlb_flush_since(cpumask_t mask, uint32_t stamp);
/* INVLPG of @va, under both roots of the guest, here or on each CPU of @mask; ignores non-canonical addresses. */
void tlb_invlpg_local(uint64_t va);
void tlb_invlpg_mask(cpumask_t mask, uint64_t va);

#endif
