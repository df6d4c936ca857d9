/* SPDX-License-Identifier: BSD-2-Clause */
/* Building the hypervisor's page tables: what mm/hvmap.c and mm/init.c share. */
#ifndef MM_HVMAP_PRIV_H
#define MM_HVMAP_PRIV_H

#include "mm/hvmap.h"

#define HV_LEAF		(PTE_P | PTE_A | PTE_G)		/* read-only, executable */
#define HV_LEAF_RW	(PTE_P | PTE_RW | PTE_A | PTE_D | PTE_G | PTE_NX)

/* Where the page tables themselves can be reached: 0 on the boot tables, DIRECT_MAP_BASE after. */
extern uint64_t hvmap_tables_at;
/* A zeroed page for a table, machine address; 0 when there is none. */
extern uint64_t (*hvmap_new_table)(void);
extern uint64_t hvmap_root;		/* machine address of the idle root */
extern mfn_t hvmap_empty_page;		/* stays zero for ever */

/* The entry of @level for @va, making the tables above it; NULL without memory. */
uint64_t *hvmap_entry(uint64_t va, unsigned level);

#endif
