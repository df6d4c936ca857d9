/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checking whole tables.  tour:mm/5
 *
 * A check walks down from the root with one cursor per level:
 *
 *   at[4] L4 busy, entries [0, next) taken          Every table on the path is busy, with one user:
 *     at[3] L3 busy, entries [0, next) taken        the entry above it that is about to be taken (for
 *       at[2] ...                                   the root: the caller).  A table that is done is
 *                                                   settled, and the cursor above moves on.
 *
 * Two vCPUs never wait for each other: who waits for a busy table waits for one below all of its own
 * path, so the lowest path always moves.  A failed check turns every table of the path into one that
 * is being undone (mm/undo.c), each with just the entries it had taken.
 *
 * A struct scan belongs to whoever runs its vCPU: no lock.
 */
#include <mica/errno.h>
#include "cpu/log.h"
#include "mm/entry.h"
#include "mm/scan.h"
#include "mm/undo.h"

#define DESCEND		1		/* check_tables: a child must be checked first */

void scan_init(struct scan *s, struct memspace *home)
{
	*s = (struct scan){ .home = home };
}

static uint64_t *table_entries(struct frame *f)
{
	return frame_to_virt(f);
}

/* First group of 8 entries from @e (aligned) on that is not all zero; or @end. */
static always_inline uint64_t *skip_empty(uint64_t *e, uint64_t *end)
{
	while (e < end && !*e) {
		if (!((uint64_t)e & 255) && !entry_any32(e))
			e += 32;
		else if (!entry_any8(e))
			e += 8;
		else
			break;
	}
	return e;
}

static int bad_flags(const struct scan *s, unsigned level, uint64_t v, uint64_t forbidden, unsigned index)
{
	return refuse(-EINVAL, "entry %u of L%u table %x is %lx: forbidden bits %lx", index, level,
		      frame_nr(s->at[level].table), v, v & forbidden);
}

/* The entry at @e of a level-1 table that is not an ordinary one. */
static noinline int check_odd_leaf(const struct scan *s, uint64_t *e, unsigned index)
{
	const struct entry_rights rights = {
		.tables = s->space, .frames = s->space, .owner = s->space->id,
	};
	uint64_t v = entry_adjust(*e, 1), forbidden = entry_forbidden(s->space, 1);
	int rc;

	if (*e & forbidden)
		return bad_flags(s, 1, *e, forbidden, index);
	rc = entry_take_leaf(&rights, &v, NULL);
	if (rc == -EBUSY && s->space == s->home) {	/* a table of a fallen tree?  see frame_ask */
		if (scan_undoing(s->home)) {
			(void)scan_drain(s->home);
			return RESTART;
		}
		rc = entry_take_leaf(&rights, &v, NULL);
	}
	if (!rc)
		*e = v;
	return rc;
}

/* Takes the targets of the level-1 table at the end of the path.  0, RESTART, -errno. */
static noinline int check_leaves(struct scan *s, unsigned *budget)
{
	const uint64_t odd = entry_forbidden(s->space, 1) | PTE_G | PTE_US;
	const domid_t owner = s->space->id;
	uint64_t *t = table_entries(s->at[1].table), *e = t + s->at[1].next, *end = t + PT_ENTRIES, v;
	int rc = 0;

	for (;; e++) {
		if (!((uint64_t)e & 63)) {
			if (unlikely(undo_spend(budget))) {
				rc = RESTART;
				break;
			}
			e = skip_empty(e, end);
			if (e == end)
				break;
		}
		v = *e;
		if (!(v & PTE_P))
			continue;
		if (likely((v & odd) == PTE_US && entry_take_fast(v, owner)))
			continue;
		rc = check_odd_leaf(s, e, (unsigned)(e - t));
		if (unlikely(rc))
			break;
	}
	s->at[1].next = (uint16_t)(e - t);
	return rc;
}

/* One present entry of a table of level 2-4.  0 taken, DESCEND, RESTART, -errno. */
static int check_branch(struct scan *s, uint64_t v, unsigned index)
{
	unsigned level = s->level;
	uint64_t forbidden = entry_forbidden(s->space, level);
	mfn_t m = pte_mfn(pte(v));
	int rc;

	if (v & forbidden)
		return bad_flags(s, level, v, forbidden, index);
	if (!frame_valid(m) || frame_of(m) == s->at[level].table)
		return refuse(-EINVAL, "entry %u of L%u table %x names %lx", index, level,
			      frame_nr(s->at[level].table), m.n);
	rc = frame_ask(frame_of(m), s->space, (enum frame_kind)(level - 1), NULL, s->home);
	if (rc != 1)
		return rc;
	s->at[level - 1].table = frame_of(m);
	s->at[level - 1].next = 0;
	s->level--;
	return DESCEND;
}

/* Takes the children of the table at the end of the path.  0, DESCEND, RESTART, -errno. */
static noinline int check_tables(struct scan *s, unsigned *budget)
{
	unsigned level = s->level, i = s->at[level].next;
	uint64_t *t = table_entries(s->at[level].table);
	int rc = 0;

	for (; i < PT_ENTRIES; i++) {
		if (!(i & 7))
			i = (unsigned)(skip_empty(t + i, t + PT_ENTRIES) - t);
		if (i == PT_ENTRIES)
			break;
		if (entry_is_hv_slot(level, i) || !(t[i] & PTE_P))
			continue;
		rc = check_branch(s, t[i], i);
		if (rc)
			break;
		if (t[i] != entry_adjust(t[i], level))
			t[i] = entry_adjust(t[i], level);
		if (undo_spend(budget)) {
			rc = RESTART;
			i++;
			break;
		}
	}
	s->at[level].next = (uint16_t)i;
	return rc;
}

/* The table at the end of the path is good: others may use it, and the cursor above moves on. */
static void finish_table(struct scan *s)
{
	unsigned level = s->level;
	struct frame *f = s->at[level].table;

	if (level == PT_LEVELS)
		hvmap_fill_root(table_entries(f));
	atomic_and(&f->word.raw, ~WORD_BUSY);
	if (level == s->root_level) {
		s->level = 0;
		return;
	}
	s->level++;
	level++;
	table_entries(s->at[level].table)[s->at[level].next] |= PTE_US;
	s->at[level].next++;
}

/* Every table of the path is undone, as far as it had come. */
static void fail(struct scan *s)
{
	for (unsigned level = s->level; level <= s->root_level; level++)
		undo_unfinished(s->at[level].table, s->at[level].next);
	s->level = 0;
}

/* Goes on until the root is checked (0), found bad (-errno), or it is time for others (RESTART). */
static int run(struct scan *s)
{
	unsigned budget = SCAN_BUDGET;
	int rc;

	while (s->level) {
		rc = s->level == 1 ? check_leaves(s, &budget) : check_tables(s, &budget);
		if (rc == DESCEND)
			continue;
		if (rc == RESTART)
			return RESTART;
		if (rc) {			/* why was said where it was found */
			fail(s);
			return -EINVAL;
		}
		finish_table(s);
		if (s->level && undo_spend(&budget))
			return RESTART;
	}
	return 0;
}

static void forget_result(struct scan *s)
{
	if (s->done && !s->rc)
		frame_drop(s->root, (enum frame_kind)s->root_level);
	s->done = false;
}

int scan_check(struct scan *s, struct frame *f, unsigned level, const struct memspace *space)
{
	bug_on(s->level);
	forget_result(s);
	s->root = f;
	s->space = space;
	s->level = s->root_level = (uint8_t)level;
	s->at[level].table = f;
	s->at[level].next = 0;
	return run(s);
}

bool scan_consume(struct scan *s, struct frame *f, unsigned level, int *rc)
{
	if (!s->done || s->root != f || s->root_level != level)
		return false;
	s->done = false;
	*rc = s->rc;
	return true;
}

int scan_continue(struct scan *s)
{
	int rc;

	if (!s->level)
		return 0;
	rc = run(s);
	if (rc == RESTART)
		return RESTART;
	s->done = true;
	s->rc = rc;
	return 0;
}

void scan_abort(struct scan *s)
{
	if (s->level)
		fail(s);
	forget_result(s);
}
