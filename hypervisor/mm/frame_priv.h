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
 * contents are to be checked (scan_check); -EINVAL, -EBUSY, RESTART as frame_take.  A frame of @home is
 * only refused when nothing in that space is being undone: it may belong to a tree that has fallen.
 */
int frame_ask(struct frame *f, const struct memspace *owner, enum frame_kind want, struct scan *s,
	      const struct memspace *home);

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

/*
 * Subtracting one before testing folds "no references" into "full": a zero refs field borrows and sets
 * its top bit.
 */
static always_inline bool frame_get_fast(struct frame *f, domid_t owner)
{
	uint64_t now = atomic_read(&f->word.raw);

	do {
		if (unlikely(((now - WORD_REF) & FRAME_REFS_MAX) || frame_owner(f) != owner))
			return false;
	} while (unlikely(!atomic_cmpxchg(&f->word.raw, &now, now + WORD_REF)));
	if (likely(frame_owner(f) == owner))
		return true;
	frame_put_fast(f);
	return false;
}

/*
 * Takes @less (uses, perhaps with their references) off @now, the word of a frame with as many users.  The
 * last use leaves a stamp for whoever wants the frame as another kind, and keeps everybody out meanwhile:
 * otherwise others could take, map and drop it between our stamp and our exchange, which would not
 * notice, and the stamp would be older than their translations.  False: the word is not @now any more.
 */
bool frame_end_last_use(struct frame *f, uint64_t now, uint64_t less);

/* Ends a use, or some, of something that is no table. */
static always_inline void frame_end_use(struct frame *f, uint64_t less)
{
	uint64_t now = atomic_read(&f->word.raw);

	for (;;) {
		debug_bug_on((now & WORD_USERS) < (less & WORD_USERS));
		if (unlikely((now & WORD_USERS) == (less & WORD_USERS))) {
			if (frame_end_last_use(f, now, less))
				return;
			now = atomic_read(&f->word.raw);
		} else if (likely(atomic_cmpxchg(&f->word.raw, &now, now - less))) {
			return;		/* the others keep it: no reference can have been the last */
		}
	}
}

/* Ends a writable use and its reference. */
static always_inline void frame_drop_writable(struct frame *f)
{
	frame_end_use(f, WORD_TAKEN);
}

/* One more use of a frame that is writable already; false: ask frame_take. */
static always_inline bool frame_write_fast(struct frame *f, domid_t owner)
{
	const uint64_t mask = WORD_KIND | WORD_BUSY | WORD_FULL;
	uint64_t now = atomic_read(&f->word.raw);

	do {
		if (unlikely(((now - WORD_REF) & mask) != WORD_OF(KIND_WRITABLE) ||
			     frame_owner(f) != owner))
			return false;
	} while (unlikely(!atomic_cmpxchg(&f->word.raw, &now, now + WORD_TAKEN)));
	if (likely(frame_owner(f) == owner))
		return true;
	frame_drop_writable(f);
	return false;
}

/* One more use of a table in use, whatever its level: its kind, or KIND_NONE: ask frame_take. */
static always_inline enum frame_kind frame_table_fast(struct frame *f, domid_t owner)
{
	uint64_t now = atomic_read(&f->word.raw);
	enum frame_kind kind;

	do {
		kind = (enum frame_kind)((now & WORD_KIND) >> WORD_KIND_SHIFT);
		if (unlikely(((now - WORD_REF) & (WORD_BUSY | WORD_FULL)) || !(now & WORD_USERS) ||
			     !kind_is_table(kind) || frame_owner(f) != owner))
			return KIND_NONE;
	} while (unlikely(!atomic_cmpxchg(&f->word.raw, &now, now + WORD_TAKEN)));
	if (likely(frame_owner(f) == owner))
		return kind;
	frame_drop(f, kind);
	return KIND_NONE;
}

/* Ends a use of a table that has other users; false: ask frame_drop. */
static always_inline bool frame_drop_fast(struct frame *f)
{
	uint64_t now = atomic_read(&f->word.raw);

	do {
		if (unlikely((now & WORD_USERS) == WORD_USE))
			return false;
	} while (unlikely(!atomic_cmpxchg(&f->word.raw, &now, now - WORD_TAKEN)));
	return true;
}

#endif
