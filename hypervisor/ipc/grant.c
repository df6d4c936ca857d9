/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grants: reading and marking the entries that the guest writes.
 *
 * The guest writes entries at any time; we decide on one 32-bit read of {flags, domid} and make
 * that decision stick:
 *   version 1   cmpxchg of the same word sets GTF_reading / GTF_writing: it fails if the guest
 *               changed it meanwhile
 *   version 2   the marks go into the status page first, then the word is read again
 * Either way a guest that takes an entry back (clears flags, then looks at the marks) and we cannot
 * both win.  After that struct active says what is in use; the entry is not read again until it is
 * idle.
 *
 * The table's pages and versions are in ipc/grant_table.c, mappings in ipc/grant_map.c, copies in
 * ipc/grant_copy.c; drawing and locks in ipc/grant_priv.h.
 */
#include "ipc/grant_priv.h"
#include "mm/heap.h"

#define MARK_TRIES		5

void grant_count_refs(struct grant_table *gt)
{
	gt->nr_refs = (uint32_t)(gt->nr_frames * (gt->version == 1 ? V1_PER_FRAME : V2_PER_FRAME));
}

uint32_t *grant_word(struct grant_table *gt, uint32_t ref)
{
	struct grant_entry_v1 *e1;
	union grant_entry_v2 *e2;

	if (gt->version == 1) {
		e1 = gt->frame[ref / V1_PER_FRAME];
		return (uint32_t *)&e1[ref % V1_PER_FRAME];
	}
	e2 = gt->frame[ref / V2_PER_FRAME];
	return (uint32_t *)&e2[ref % V2_PER_FRAME];
}

/* Version 1 has the marks in flags, version 2 in the status page. */
static uint16_t *entry_marks(struct grant_table *gt, uint32_t ref)
{
	if (gt->version == 1)
		return (uint16_t *)grant_word(gt, ref);
	return &gt->status[ref / STATUS_PER_FRAME][ref % STATUS_PER_FRAME];
}

struct active *active_of(struct grant_table *gt, uint32_t ref)
{
	struct active **page = &gt->active[ref / ACTIVE_PER_PAGE];

	if (unlikely(!*page))
		*page = hv_page_alloc();
	return *page ? &(*page)[ref % ACTIVE_PER_PAGE] : NULL;
}

/* Does the guest's word allow @user this?  GNTST_*. */
static int word_allows(uint32_t word, domid_t user, bool write)
{
	if ((word & GTF_type_mask) != GTF_permit_access || word >> 16 != user)
		return refuse(GNTST_general_error, "grant: flags %x for d%u, asked by d%u",
			      word & 0xffff, word >> 16, user);
	if (write && (word & GTF_readonly))
		return refuse(GNTST_general_error, "grant: read-only");
	return GNTST_okay;
}

/* Marks the entry in use if its word allows it, see above.  *word: what was decided on. */
static int entry_mark(struct grant_table *gt, uint32_t ref, domid_t user, bool write,
			  bool was_idle, uint32_t *word)
{
	uint32_t *p = grant_word(gt, ref), now = atomic_read(p);
	uint16_t marks = write ? MARKS : GTF_reading;
	int rc;

	for (unsigned i = 0; i < MARK_TRIES; i++) {
		*word = now;
		rc = word_allows(now, user, write);
		if (rc)
			return rc;
		if (gt->version == 1) {
			if (atomic_cmpxchg(p, &now, now | marks))
				return GNTST_okay;
			continue;
		}
		atomic_or(entry_marks(gt, ref), marks);
		now = atomic_read(p);
		if (now == *word)
			return GNTST_okay;
		atomic_and(entry_marks(gt, ref), (uint16_t)~(was_idle ? MARKS : GTF_writing));
	}
	return refuse(GNTST_general_error, "grant: entry %u keeps changing", ref);
}

static void entry_unmark(struct grant_table *gt, uint32_t ref, uint16_t marks)
{
	if (ref < gt->nr_refs)			/* else the pages are given back already */
		atomic_and(entry_marks(gt, ref), (uint16_t)~marks);
}

/* Which frame, and which part of it, a marked entry is about. */
static int entry_frame(struct grant_table *gt, uint32_t ref, uint32_t word, struct active *a)
{
	union grant_entry_v2 *e2;
	uint64_t frame;

	a->off = 0;
	a->len = PAGE_SIZE;
	if (gt->version == 1) {
		a->mfn = read_once(((struct grant_entry_v1 *)grant_word(gt, ref))->frame);
		return GNTST_okay;
	}
	e2 = (union grant_entry_v2 *)grant_word(gt, ref);
	frame = read_once(e2->full_page.frame);
	if (word & GTF_sub_page) {
		a->off = read_once(e2->sub_page.page_off);
		a->len = read_once(e2->sub_page.length);
	}
	a->mfn = (uint32_t)frame;
	if (frame >> 32 || a->off + a->len > PAGE_SIZE)
		return refuse(GNTST_general_error, "grant: frame %lx part %u+%u", frame, a->off,
			      a->len);
	return GNTST_okay;
}

int grant_pin_other(struct grant_table *gt, uint32_t ref, domid_t user, bool write,
		    const struct active **out)
{
	struct active *a;
	uint32_t word;
	bool idle;
	int rc;

	if (ref >= gt->nr_refs)
		return refuse(GNTST_bad_gntref, "grant: no reference %u", ref);
	a = active_of(gt, ref);
	if (!a)
		return GNTST_general_error;
	idle = !a->uses;
	if (!idle && (a->user != user || a->readers == UINT16_MAX || a->writers == UINT16_MAX))
		return refuse(GNTST_general_error, "grant: %u is in use by d%u", ref, a->user);
	if (idle || (write && !a->writers)) {
		rc = entry_mark(gt, ref, user, write, idle, &word);
		if (rc)
			return rc;
	}
	if (idle) {
		rc = entry_frame(gt, ref, word, a);
		if (rc) {
			entry_unmark(gt, ref, MARKS);
			return rc;
		}
		a->user = user;
	}
	a->uses += write ? ONE_WRITER : ONE_READER;
	*out = a;
	return GNTST_okay;
}

void grant_unpin_other(struct grant_table *gt, uint32_t ref, bool write)
{
	struct active *a = active_of(gt, ref);	/* there since the pin */

	a->uses -= write ? ONE_WRITER : ONE_READER;
	if (!a->uses)
		entry_unmark(gt, ref, MARKS);
	else if (!a->writers)
		entry_unmark(gt, ref, GTF_writing);
}
