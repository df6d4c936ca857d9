/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Undoing whole tables: giving back what their entries hold.  tour:mm/6
 *
 * A table that lost its last use is busy undoing and stands on its owner's worklist (memspace.undo_head,
 * RANK_SCAN, linked through frame.link).  Whoever takes it off works on it without the lock, from the
 * last entry down; the word's users field says how many leading entries still hold references, so work
 * that was interrupted goes back on the list and anybody can go on.  A child that loses its last use on
 * the way goes on the same list: no recursion.
 *
 * The reference of the last use keeps the table alive until it is undone.  Contents stay as they are:
 * the frame becomes plain memory of its owner again.
 *
 * In a space that is being destroyed, what only the table and the allocation kept is freed at once.
 */
#include "cpu/lock.h"
#include "cpu/softirq.h"
#include "mm/entry.h"
#include "mm/scan.h"
#include "mm/space.h"
#include "mm/undo.h"

static void push(struct memspace *m, struct frame *f)
{
	lock_take(&m->scan_lock);
	f->link = m->undo_head;
	m->undo_head = frame_nr(f);
	lock_drop(&m->scan_lock);
}

bool scan_undoing(struct memspace *m)
{
	bool undoing;

	lock_take(&m->scan_lock);
	undoing = atomic_read(&m->undoing) || m->undo_head != FRAME_LINK_NONE;
	lock_drop(&m->scan_lock);
	return undoing;
}

static struct frame *pop(struct memspace *m)
{
	struct frame *f = NULL;

	if (read_once(m->undo_head) == FRAME_LINK_NONE)
		return NULL;
	lock_take(&m->scan_lock);
	if (m->undo_head != FRAME_LINK_NONE) {
		f = frame_of(mfn(m->undo_head));
		m->undo_head = f->link;
		atomic_add(&m->undoing, 1);
	}
	lock_drop(&m->scan_lock);
	return f;
}

void scan_queue(struct frame *f)
{
	struct memspace *m = space_of(frame_owner(f));

	bug_on(!m);
	push(m, f);
}

void undo_unfinished(struct frame *f, unsigned taken)
{
	union frame_word now = frame_word(f), next;

	do {
		debug_bug_on(now.busy != BUSY_CHECKING || now.users != 1);
		next = now;
		next.busy = BUSY_UNDOING;
		next.users = taken;
	} while (!atomic_cmpxchg(&f->word.raw, &now.raw, next.raw));
	scan_queue(f);
}

/* Entries [0, n) still hold references. */
static void set_left(struct frame *f, unsigned n)
{
	union frame_word now = frame_word(f), next;

	do {
		next = now;
		next.users = n;
	} while (!atomic_cmpxchg(&f->word.raw, &now.raw, next.raw));
}

static void finish(struct frame *f)
{
	uint64_t now = atomic_read(&f->word.raw), next;

	f->link = tlb_now();
	do {
		next = (now & ~(WORD_BUSY | WORD_USERS)) - WORD_REF;
	} while (!atomic_cmpxchg(&f->word.raw, &now, next));
	if (!(next & WORD_REFS))
		frame_gone(f, next);
}

/* End of the last group of 8 entries below @end (aligned) that is not all zero; or @t. */
static always_inline const uint64_t *skip_empty_down(const uint64_t *t, const uint64_t *end)
{
	for (;; end -= 8) {
		while (!((uint64_t)end & 255) && end > t && !entry_any32(end - 32))
			end -= 32;
		if (end == t || entry_any8(end - 8))
			return end;
	}
}

/* Frames freed on the way that their space's bitmap still has: @bits of the 64 from @first on. */
struct freed { uint64_t first, bits; };

/*
 * A space that is being destroyed gives a frame up with the mapping at @v when only that and the
 * allocation keep it.  Who tears the space down would come by for it later; most frames go here.
 */
static always_inline bool free_target(struct memspace *m, uint64_t v, struct freed *freed)
{
	const union frame_word mapped = { .refs = 2, .users = 1, .kind = KIND_WRITABLE, .allocated = 1 };
	struct frame *f = entry_frame(v);
	uint64_t now = mapped.raw, n = frame_nr(f);

	if (!(v & PTE_RW) || !entry_in_table(f) || frame_owner(f) != m->id ||
	    !atomic_cmpxchg(&f->word.raw, &now, 0))
		return false;
	if (n - freed->first >= 64) {
		space_free_group(m, freed->first, freed->bits);
		*freed = (struct freed){ .first = ALIGN_DOWN(n, 64ul) };
	}
	freed->bits |= BIT(n - freed->first);
	return true;
}

/* What others keep; out of line, so that the loop has its registers to itself. */
static noinline void drop_kept(uint64_t v)
{
	entry_drop_leaf(v);
}

/* Undoes the first @n entries of a level-1 table, from the last down; returns how many are left. */
static always_inline unsigned undo_leaves(struct memspace *m, bool dying, const uint64_t *t, unsigned n,
					  unsigned *budget)
{
	const uint64_t *end = t + n;
	struct freed freed = { 0 };

	for (;;) {
		uint64_t v;

		if (!((uint64_t)end & 63)) {
			if (end == t || unlikely(undo_spend(budget)))
				break;
			if (!end[-1])
				end = skip_empty_down(t, end);
			if (end == t)
				break;
		}
		v = *--end;
		if (!(v & PTE_P))
			continue;
		if (!dying)
			entry_drop_leaf(v);
		else if (!free_target(m, v, &freed))
			drop_kept(v);
	}
	space_free_group(m, freed.first, freed.bits);
	return (unsigned)(end - t);
}

/* The same for a table of @level 2-4. */
static noinline unsigned undo_branches(const uint64_t *t, unsigned level, unsigned n, unsigned *budget)
{
	while (n) {
		uint64_t v;

		if (!(n & 7))
			n = (unsigned)(skip_empty_down(t, t + n) - t);
		if (!n)
			break;
		v = t[--n];
		if (!(v & PTE_P) || entry_is_hv_slot(level, n))
			continue;
		entry_drop_table(v, level);
		if (undo_spend(budget))
			break;
	}
	return n;
}

/* Undoes @f from the last entry down.  False: interrupted, the word says how far it came. */
static bool undo_table(struct memspace *m, struct frame *f, unsigned *budget)
{
	union frame_word w = frame_word(f);
	const uint64_t *t = frame_to_virt(f);
	unsigned level = kind_level(w.kind), n = w.users;

	if (level > 1)
		n = undo_branches(t, level, n, budget);
	else if (read_once(m->dying))
		n = undo_leaves(m, true, t, n, budget);
	else
		n = undo_leaves(m, false, t, n, budget);
	if (n)
		set_left(f, n);
	else
		finish(f);
	return !n;
}

int scan_drain(struct memspace *m)
{
	unsigned budget = SCAN_BUDGET;
	struct frame *f;

	while ((f = pop(m))) {
		bool done = undo_table(m, f, &budget);

		if (!done)
			push(m, f);
		atomic_sub(&m->undoing, 1);	/* after what it left is on the list */
		if (!done)
			return RESTART;
		if (!--budget) {			/* an empty table is work, too */
			budget = SCAN_BUDGET;
			if (preempt_due())
				return read_once(m->undo_head) == FRAME_LINK_NONE ? 0 : RESTART;
		}
	}
	return 0;
}
