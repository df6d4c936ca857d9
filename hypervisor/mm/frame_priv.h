/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hot paths on a frame's word, inline: one locked operation to take or drop what one page-table
 * entry needs.  Everything unusual goes to the functions in frame.c.
 *
 * Taking checks the owner before and after the locked operation: the first keeps us from touching
 * what is not ours, the second catches a frame that was freed and given to someone else in between.
 * Once the reference is held, the owner cannot change.
 */
#ifndef MM_FRAME_PRIV_H
#define MM_FRAME_PRIV_H

#include "lib/bug.h"
#include "mm/kind.h"
#include "cpu/tlb.h"

/* frame.c: the last reference went; @was is the word before. */
void frame_gone(struct frame *f, uint64_t was);
/*
 * One step of taking a use.  0 granted; 1 granted busy as a table: stale TLB entries are flushed, the
 * contents are to be checked (scan_check); -EINVAL, -EBUSY, RESTART as frame_take.
 */
int frame_ask(struct frame *f, const struct memspace *owner, enum frame_kind want, struct scan *s);

static inline domid_t frame_owner(const struct frame *f)
{
	return read_once(f->owner);
}

static always_inline void frame_put_fast(struct frame *f)
{
	uint64_t was = atomic_sub(&f->word.raw, WORD_REF);

	debug_bug_on(!(was & WORD_REFS));
	if (unlikely((was & WORD_REFS) == 1))
		frame_gone(f, was);
}

static always_inline bool frame_get_fast(struct frame *f, domid_t owner)
{
	uint64_t now = atomic_read(&f->word.raw);

	do {
		if (unlikely(!(now & WORD_REFS) || (now & WORD_FULL & WORD_REFS) ||
			     frame_owner(f) != owner))
			return false;
	} while (!atomic_cmpxchg(&f->word.raw, &now, now + WORD_REF));
	if (likely(frame_owner(f) == owner))
		return true;
	frame_put_fast(f);
	return false;
}

/* Ends a writable use and its reference; the last use leaves a stamp for who wants another kind. */
static always_inline void frame_drop_writable(struct frame *f)
{
	uint64_t now = atomic_read(&f->word.raw);

	do {
		debug_bug_on(!(now & WORD_USERS));
		if ((now & WORD_USERS) == WORD_USE)
			f->link = tlb_now();	/* we hold the only use: nobody else writes it */
	} while (!atomic_cmpxchg(&f->word.raw, &now, now - WORD_TAKEN));
	if (unlikely((now & WORD_REFS) == 1))
		frame_gone(f, now);
}

/* A writable use of a frame that is writable already; false: ask frame_take. */
static always_inline bool frame_write_fast(struct frame *f, domid_t owner)
{
	uint64_t now = atomic_read(&f->word.raw);

	do {
		if (unlikely((now & (WORD_KIND | WORD_BUSY | WORD_FULL)) != WORD_OF(KIND_WRITABLE) ||
			     !(now & WORD_REFS) || frame_owner(f) != owner))
			return false;
	} while (!atomic_cmpxchg(&f->word.raw, &now, now + WORD_TAKEN));
	if (likely(frame_owner(f) == owner))
		return true;
	frame_drop_writable(f);
	return false;
}

#endif
