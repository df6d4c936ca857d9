/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dom0's memory as a sorted list of runs: first those of the boot modules that can stay where the
 * loader put them (the kernel's segments, the initrd: no copy), then the gaps between, filled from
 * the heap in blocks as large as it has.  The heap gives high memory first, so what is left is low:
 * the DMA memory that dom0's drivers exchange pages for later.
 *
 * Nothing is cleared: dom0 may see whatever the firmware left in RAM.  Single-threaded, boot only.
 */
#include "boot/dom0_mem.h"
#include "cpu/panic.h"
#include "lib/bug.h"
#include "mm/heap.h"
#include "mm/hvmap.h"

/* Index of the first run that ends after @pfn. */
static boot_text unsigned find(struct dom0_memory *m, uint64_t pfn)
{
	unsigned i = m->last < m->nr && m->run[m->last].pfn <= pfn ? m->last : 0;

	while (i < m->nr && (uint64_t)m->run[i].pfn + m->run[i].nr <= pfn)
		i++;
	m->last = i;
	return i;
}

/* Records a run.  False: it overlaps one that is there, or the list is full. */
static boot_text bool add(struct dom0_memory *m, uint64_t pfn, uint64_t mf, uint64_t nr)
{
	unsigned i = find(m, pfn);
	struct mem_run *r = &m->run[i];

	if (i < m->nr && r->pfn < pfn + nr)
		return false;
	if (i && r[-1].pfn + r[-1].nr == pfn && r[-1].mfn + r[-1].nr == mf) {
		r[-1].nr += nr;
		return true;
	}
	if (m->nr == m->max)
		return false;
	for (unsigned j = m->nr++; j > i; j--)
		m->run[j] = m->run[j - 1];
	*r = (struct mem_run){ pfn, mf, nr };
	return true;
}

static boot_text bool all_ours(uint64_t mf, uint64_t nr)
{
	for (uint64_t i = 0; i < nr; i++) {
		mfn_t m = mfn(mf + i);

		if (!frame_valid(m) || frame_of(m)->owner != DOMID_XEN ||
		    frame_word(frame_of(m)).refs != 1)
			return false;
	}
	return true;
}

boot_text bool dom0_mem_adopt(struct dom0_memory *m, uint64_t pfn, uint64_t mf, uint64_t nr)
{
	if (!all_ours(mf, nr) || !add(m, pfn, mf, nr))
		return false;
	for (uint64_t i = 0; i < nr; i++) {
		struct frame *f = frame_of(mfn(mf + i));

		*f = (struct frame){ .owner = DOMID_INVALID };	/* as from the heap */
		if (space_assign(m->space, f))
			boot_fail("there is no memory for the list of dom0's frames");
	}
	return true;
}

boot_text bool dom0_mem_fill(struct dom0_memory *m, uint64_t nr_pages)
{
	unsigned order = HEAP_MAX_ORDER;
	uint64_t pfn = 0;

	while (pfn < nr_pages) {
		unsigned i = find(m, pfn);
		uint64_t gap_end = i < m->nr ? MIN((uint64_t)m->run[i].pfn, nr_pages) : nr_pages;
		struct frame *f = NULL;
		unsigned o = order;

		if (i < m->nr && m->run[i].pfn <= pfn) {
			pfn = (uint64_t)m->run[i].pfn + m->run[i].nr;
			continue;
		}
		while (BIT(o) > gap_end - pfn)
			o--;
		while (!(f = space_alloc(m->space, o, SPACE_NO_SCRUB)) && o)
			order = --o;
		if (!f || !add(m, pfn, frame_mfn(f).n, BIT(o)))
			return false;
		pfn += BIT(o);
	}
	return true;
}

boot_text mfn_t dom0_mem_mfn(struct dom0_memory *m, uint64_t pfn)
{
	unsigned i = find(m, pfn);

	if (i == m->nr || m->run[i].pfn > pfn)
		return mfn_none();
	return mfn(m->run[i].mfn + (pfn - m->run[i].pfn));
}

boot_text void *dom0_mem_va(struct dom0_memory *m, uint64_t pfn, uint64_t *nr)
{
	mfn_t mf = dom0_mem_mfn(m, pfn);

	bug_on(mfn_is_none(mf));
	if (nr)
		*nr = m->run[m->last].pfn + (uint64_t)m->run[m->last].nr - pfn;
	return mfn_to_virt(mf);
}
