/* SPDX-License-Identifier: BSD-2-Clause */
/* Dom0's memory while it is built: which machine frames stand behind its pseudo-physical pages. */
#ifndef BOOT_DOM0_MEM_H
#define BOOT_DOM0_MEM_H

#include "mm/space.h"

struct mem_run { uint32_t pfn, mfn, nr; };	/* consecutive in both numberings */

struct dom0_memory {
	struct memspace *space;
	struct mem_run *run;		/* sorted by pfn, no overlap */
	unsigned nr, max;
	unsigned last;			/* where the last look-up ended */
};

/* Frames [mf, mf + nr) of a boot module become dom0's pages from @pfn on, as they are.  False:
 * nothing changed, the caller copies. */
bool dom0_mem_adopt(struct dom0_memory *m, uint64_t pfn, uint64_t mf, uint64_t nr);
/* Allocates everything below @nr_pages that has no frame yet, in pieces as large as there are. */
bool dom0_mem_fill(struct dom0_memory *m, uint64_t nr_pages);
/* Our pointer to page @pfn; *nr = pages from there on that follow each other. */
void *dom0_mem_va(struct dom0_memory *m, uint64_t pfn, uint64_t *nr);
mfn_t dom0_mem_mfn(struct dom0_memory *m, uint64_t pfn);	/* none if not there */

#endif
