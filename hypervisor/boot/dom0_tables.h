/* SPDX-License-Identifier: BSD-2-Clause */
/* Dom0's first page tables and its p2m, as plain memory. */
#ifndef BOOT_DOM0_TABLES_H
#define BOOT_DOM0_TABLES_H

#include "boot/dom0_layout.h"
#include "boot/dom0_mem.h"

/* Writes the tables into their pages: [0, mapped) at VIRT_BASE, the p2m at INIT_P2M.  The root is
 * the first page of l->tables. */
void dom0_build_tables(struct dom0_memory *m, const struct dom0_kernel *k,
		       const struct dom0_layout *l);
/* Fills the p2m and the machine-to-physical table. */
void dom0_build_p2m(struct dom0_memory *m, const struct dom0_layout *l, uint64_t nr_pages);

#endif
