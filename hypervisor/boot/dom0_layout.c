/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first address space of dom0 (abi-inventory 1.3), as numbers.
 *
 *	VIRT_BASE                                                        v_end
 *	| image | initrd? | p2m? | start_info | tables | stack | 512 KiB+ | initrd | p2m | tables |
 *	'------------------- mapped, writable but for the tables ---------'  '-- not mapped there --'
 *
 * v_end is a multiple of 4 MiB.  The tables map themselves, so their number is found by iteration:
 * it only grows, and stops when the tables needed are the tables there are.
 */
#include "boot/dom0_layout.h"
#include "cpu/layout.h"
#include "cpu/types.h"
#include "lib/string.h"

#define END_ALIGN	(4ul << 20)
#define END_ROOM	(512ul << 10)

/* Tables of levels 1 to 3 that map [first, last]. */
static boot_text uint64_t tables_for(uint64_t first, uint64_t last)
{
	uint64_t n = 0;

	for (unsigned level = 1; level <= 3; level++) {
		unsigned shift = PAGE_SHIFT + 9 * level;

		n += (last >> shift) - (first >> shift) + 1;
	}
	return n;
}

/* May a guest have [first, last] mapped? */
static boot_text bool range_ok(uint64_t first, uint64_t last)
{
	return last >= first && va_canonical(first) && va_canonical(last) &&
	       first >> 63 == last >> 63 && (last < HV_START || first >= HV_END);
}

static boot_text void place(struct dom0_area *a, uint64_t *pfn, uint64_t nr)
{
	a->pfn = *pfn;
	a->nr = nr;
	*pfn += nr;
}

/* Tables, stack, padding, from *pfn on.  Returns the last virtual address mapped; 0: they wrap. */
static boot_text uint64_t place_tables(const struct dom0_kernel *k, struct dom0_layout *l,
				       uint64_t *pfn)
{
	uint64_t need = 1, nr, end, v_end;

	do {
		nr = need;
		end = k->virt_base + (*pfn + nr + 1) * PAGE_SIZE;
		v_end = ALIGN_UP(end, END_ALIGN);
		if (v_end - end < END_ROOM)
			v_end += END_ALIGN;
		if (v_end - 1 < k->virt_base)
			return 0;
		need = 1 + tables_for(k->virt_base, v_end - 1);
	} while (need > nr);
	place(&l->tables, pfn, nr);
	place(&l->stack, pfn, 1);
	l->mapped = *pfn = (v_end - k->virt_base) / PAGE_SIZE;
	return v_end - 1;
}

static boot_text void place_p2m(const struct dom0_kernel *k, uint64_t nr, uint64_t last_mapped,
				struct dom0_layout *l, uint64_t *pfn)
{
	uint64_t last = k->init_p2m + nr * PAGE_SIZE - 1;

	if (!range_ok(k->init_p2m, last))
		kernel_fail("wants its p2m at %lx, which it cannot have", k->init_p2m);
	/* Its tables are counted and given back apart: share none with the image. */
	if (pt_index(k->init_p2m, 4) <= pt_index(last_mapped, 4) &&
	    pt_index(last, 4) >= pt_index(k->virt_base, 4))
		kernel_fail("wants its p2m at %lx, beside its image at %lx", k->init_p2m,
			  k->virt_base);
	place(&l->p2m, pfn, nr);
	place(&l->p2m_tables, pfn, tables_for(k->init_p2m, last));
	l->p2m_va = k->init_p2m;
}

static boot_text void check_room(uint64_t used, uint64_t nr_pages)
{
	if (used > nr_pages)
		kernel_fail("with its initrd and tables needs %lu MiB, "
			  "but dom0 would get %lu MiB", (used >> 8) + 1, nr_pages >> 8);
}

boot_text void dom0_layout_plan(const struct dom0_kernel *k, uint64_t nr_pages,
				uint64_t initrd_bytes, struct dom0_layout *l)
{
	uint64_t pfn = DIV_UP(k->end, PAGE_SIZE), last;
	uint64_t initrd = DIV_UP(initrd_bytes, PAGE_SIZE);
	uint64_t p2m = DIV_UP(nr_pages * sizeof(uint64_t), PAGE_SIZE);

	memset(l, 0, sizeof(*l));
	if (!k->mod_start_pfn)
		place(&l->initrd, &pfn, initrd);
	if (!k->has_init_p2m) {
		place(&l->p2m, &pfn, p2m);
		l->p2m_va = k->virt_base + l->p2m.pfn * PAGE_SIZE;
	}
	place(&l->start_info, &pfn, 1);
	check_room(pfn, nr_pages);
	last = place_tables(k, l, &pfn);
	if (!range_ok(k->virt_base, last))
		kernel_fail("cannot have its image at %lx to %lx", k->virt_base, last);
	if (k->mod_start_pfn)
		place(&l->initrd, &pfn, initrd);
	if (k->has_init_p2m)
		place_p2m(k, p2m, last, l, &pfn);
	check_room(pfn, nr_pages);
	l->used = pfn;
}
