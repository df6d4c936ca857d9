/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where everything goes in a new guest's memory, before there is any memory.  Pure arithmetic, the
 * same for every host, so tests/unit/lib tries it without one.
 */
#ifndef MICA_LIB_LAYOUT_H
#define MICA_LIB_LAYOUT_H

#include "lib/image.h"

struct mica_area {
	uint64_t pfn, nr;
};

/*
 * In order of pfn, all mapped at VIRT_BASE: the image, the initrd (if the kernel cannot take it
 * unmapped), the p2m (if it has no place of its own), start_info, store ring, console ring, tables,
 * stack, padding.  Behind that, unmapped there: initrd, p2m, tables that map the p2m.
 */
struct mica_layout {
	struct mica_area initrd, p2m, start_info, store, console, tables, stack, p2m_tables;
	uint64_t mapped;		/* pages mapped at VIRT_BASE */
	uint64_t used;			/* pages with a purpose: the least the domain must have */
	uint64_t p2m_va;
};

int mica_layout_plan(const struct mica_kernel *k, uint64_t nr_pages, uint64_t initrd_bytes,
		     struct mica_layout *l, struct mica_error *e);

#endif
