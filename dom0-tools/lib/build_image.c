/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a new domain finds in its memory: kernel, initrd, list of its frames, start_info, two empty
 * rings.  Pages are mapped in windows, so that the size of a domain costs no address space here.
 */
#include <stdlib.h>
#include <string.h>
#include <mica/start_info.h>

#include "lib/build_priv.h"

#define PAGE		MICA_PAGE_BYTES
#define WINDOW_PAGES	2048ull
#define PIECE		(512 * PAGE)	/* of an initrd: what is read at once */

int build_refused(struct build *b, int rc, const char *step)
{
	return mica_fail_errno(b->e, rc, "cannot %s", step);
}

int build_map(struct build *b, uint64_t pfn, uint64_t nr, void **p)
{
	int rc;

	if (pfn > b->r->pages || nr > b->r->pages - pfn)
		return mica_fail(b->e, "MICA-MEM-002", "page %llu lies outside the domain",
				 (unsigned long long)(pfn + nr));
	rc = mica_map(b->m, b->b->id, nr, b->mfn + pfn, p);
	return rc ? build_refused(b, rc, "map the domain's memory") : 0;
}

static bool is_zero(const uint8_t *p, uint64_t bytes)
{
	const uint64_t *w = (const uint64_t *)(const void *)p;
	uint64_t any = 0;

	/* Whole words of a whole page, without a branch each. */
	if (bytes != PAGE || (uintptr_t)p % sizeof(*w))
		return false;
	for (unsigned i = 0; i < PAGE / sizeof(*w) && !any; i += 8)
		any = w[i] | w[i + 1] | w[i + 2] | w[i + 3] | w[i + 4] | w[i + 5] | w[i + 6] |
			w[i + 7];
	return !any;
}

/* Bytes of @data from @done on that share a page of the domain. */
static uint64_t piece(uint64_t to, uint64_t done, uint64_t bytes)
{
	uint64_t now = PAGE - (to + done) % PAGE;

	return now < bytes - done ? now : bytes - done;
}

/* Copy @bytes of @data, all of one run of pages that fits a window. */
static int copy_run(struct build *b, uint64_t to, const uint8_t *data, uint64_t bytes)
{
	uint64_t nr = (to % PAGE + bytes + PAGE - 1) / PAGE;
	void *window;
	int rc = build_map(b, to / PAGE, nr, &window);

	if (rc)
		return rc;
	memcpy((uint8_t *)window + to % PAGE, data, bytes);
	mica_unmap(b->m, window, nr);
	return 0;
}

/*
 * Copy @bytes of @data to pseudo-physical @to.  What a new domain owns is zero - the hypervisor
 * hands nobody what another one left - so neither what lies behind the data nor zero pages in it
 * are mapped: mapping costs more than all else here.
 */
static int place(struct build *b, uint64_t to, const uint8_t *data, uint64_t bytes)
{
	uint64_t done = 0, from;
	int rc = 0;

	while (!rc && done < bytes) {
		while (done < bytes && is_zero(data + done, piece(to, done, bytes)))
			done += piece(to, done, bytes);
		from = done;
		while (done < bytes && done - from < (WINDOW_PAGES - 1) * PAGE &&
		       !is_zero(data + done, piece(to, done, bytes)))
			done += piece(to, done, bytes);
		if (done > from)
			rc = copy_run(b, to + from, data + from, done - from);
	}
	return rc;
}

static int place_kernel(struct build *b)
{
	const struct mica_kernel *k = b->r->kernel;
	struct elf_segment s;
	int rc;

	for (unsigned i = 0; elf_segment(&k->elf, i, &s); i++) {
		rc = place(b, s.paddr - k->paddr_offset, k->image + s.offset, s.filesz);
		if (rc)
			return rc;
	}
	return 0;
}

/* In pieces, so that it takes little memory here. */
static int place_initrd(struct build *b)
{
	const struct mica_source *f = b->r->initrd;
	uint64_t to = b->b->layout.initrd.pfn * PAGE, now;
	uint8_t *piece = aligned_alloc(PAGE, PIECE);
	int rc = 0;

	if (!piece)
		return mica_fail(b->e, "MICA-HOST-002", "out of memory");
	for (uint64_t done = 0; !rc && done < f->bytes; done += now) {
		now = f->bytes - done < PIECE ? f->bytes - done : PIECE;
		rc = mica_source_read(f, done, piece, now, b->e);
		if (!rc)
			rc = place(b, to + done, piece, now);
	}
	free(piece);
	return rc;
}

static int place_p2m(struct build *b)
{
	const struct mica_area *p2m = &b->b->layout.p2m;
	uint64_t bytes = b->r->pages * 8;
	int rc = place(b, p2m->pfn * PAGE, (const uint8_t *)b->mfn, bytes);
	void *last;

	if (rc || bytes % PAGE == 0)
		return rc;
	/* Entries behind the end: no frame. */
	rc = build_map(b, p2m->pfn + p2m->nr - 1, 1, &last);
	if (rc)
		return rc;
	memset((uint8_t *)last + bytes % PAGE, 0xff, PAGE - bytes % PAGE);
	mica_unmap(b->m, last, 1);
	return 0;
}

static uint64_t va_of(const struct build *b, uint64_t pfn)
{
	return b->r->kernel->virt_base + pfn * PAGE;
}

static void fill_start_info(const struct build *b, struct start_info *si)
{
	const struct mica_layout *l = &b->b->layout;
	const struct mica_kernel *k = b->r->kernel;

	memcpy(si->magic, "xen-3.0-x86_64", 14);
	if (k->pae_note)
		si->magic[14] = 'p';
	si->nr_pages = b->r->pages;
	si->shared_info = b->shared_info * PAGE;
	si->flags = SIF_VIRT_P2M_4TOOLS;
	si->store_mfn = b->b->store_mfn;
	si->store_evtchn = b->b->store_port;
	si->console.domU.mfn = b->b->console_mfn;
	si->console.domU.evtchn = b->b->console_port;
	si->pt_base = va_of(b, l->tables.pfn);
	si->nr_pt_frames = l->tables.nr;
	si->mfn_list = l->p2m_va;
	if (b->r->initrd) {
		si->mod_len = b->r->initrd->bytes;
		si->mod_start = k->mod_start_pfn ? l->initrd.pfn : va_of(b, l->initrd.pfn);
		si->flags |= k->mod_start_pfn ? SIF_MOD_START_PFN : 0;
	}
	strncpy(si->cmd_line, b->r->cmdline ? b->r->cmdline : "", sizeof(si->cmd_line) - 1);
	if (k->has_init_p2m) {
		si->first_p2m_pfn = l->p2m.pfn;
		si->nr_p2m_frames = l->p2m.nr + l->p2m_tables.nr;
	}
}

int build_contents(struct build *b)
{
	const struct mica_layout *l = &b->b->layout;
	uint8_t *pages;
	int rc = place_kernel(b);

	if (!rc && b->r->initrd)
		rc = place_initrd(b);
	if (!rc)
		rc = place_p2m(b);
	if (rc)
		return rc;
	/* start_info, store and console are neighbours. */
	rc = build_map(b, l->start_info.pfn, 3, (void **)&pages);
	if (rc)
		return rc;
	fill_start_info(b, (struct start_info *)pages);
	mica_unmap(b->m, pages, 3);
	return 0;
}
