/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What dom0's kernel asks for in its notes, and where everything goes in its first address space.
 * Pure: nothing here touches the machine, so tests/unit runs it on the build host.
 *
 * Pseudo-physical address = p_paddr - PADDR_OFFSET; virtual = pseudo-physical + VIRT_BASE.  p_vaddr
 * is never used: Linux's per-CPU segment has p_vaddr 0.
 */
#ifndef BOOT_DOM0_LAYOUT_H
#define BOOT_DOM0_LAYOUT_H

#include "cpu/panic.h"
#include "lib/elf.h"

struct dom0_kernel {
	uint64_t entry;			/* virtual */
	uint64_t virt_base;		/* virtual address of pfn 0 */
	uint64_t paddr_offset;
	uint64_t start, end;		/* pseudo-physical bytes the image occupies */
	uint64_t hypercall_page;	/* virtual; valid if has_hypercall_page */
	uint64_t init_p2m;		/* virtual; valid if has_init_p2m */
	bool has_hypercall_page, has_init_p2m;
	bool mod_start_pfn;		/* takes the initrd unmapped, by pfn */
	bool is_linux;			/* says so in GUEST_OS */
	bool pae_note;			/* has a PAE_MODE note, or asks for pae_pgdir_above_4gb */
};

struct dom0_area { uint64_t pfn, nr; };

/*
 * In order of pfn: image, initrd (if it must be mapped), p2m (if no INIT_P2M), start_info, tables,
 * stack, padding - all mapped from VIRT_BASE on - then, unmapped there: initrd, p2m and the tables
 * that map it.
 */
struct dom0_layout {
	struct dom0_area initrd, p2m, p2m_tables, start_info, tables, stack;
	uint64_t mapped;		/* pages mapped at VIRT_BASE */
	uint64_t used;			/* pages that have a purpose: the least dom0 must have */
	uint64_t p2m_va;
};

/* The end, in a sentence that starts "dom0's kernel ...". */
#define kernel_fail(...)	boot_fail("dom0's kernel " __VA_ARGS__)
/* Reads the notes and checks them against the image and each other; kernel_fail()s. */
void dom0_kernel_read(const struct elf *e, struct dom0_kernel *k);
/* Lays out a dom0 of @nr_pages pages; kernel_fail()s, saying what does not fit where. */
void dom0_layout_plan(const struct dom0_kernel *k, uint64_t nr_pages, uint64_t initrd_bytes,
		      struct dom0_layout *l);

#endif
