/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decision: may a frame with this word take one more use as @want?  Pure, so that the unit tests
 * try every input.  The drawing of the states is in mm/kind.c.
 */
#ifndef MM_KIND_H
#define MM_KIND_H

#include "mm/frame.h"

enum verdict {
	GRANT,				/* take it: *next is the word to store */
	CHECK,				/* take it busy: the caller must flush stale TLB entries, check a table's
					 * contents, then settle (clear busy) */
	WAIT,				/* being checked or undone: call again */
	REFUSE,
};

/* The same word as plain bits, for the hot paths that do one locked operation. */
#define WORD_REF		1ul
#define WORD_REFS		MASK(29)
#define WORD_USE		(1ul << 29)
#define WORD_USERS		(MASK(28) << 29)
#define WORD_KIND_SHIFT		57
#define WORD_KIND		(7ul << WORD_KIND_SHIFT)
#define WORD_PINNED		BIT(60)
#define WORD_BUSY		(3ul << 61)
#define WORD_CHECKING		(1ul << 61)
#define WORD_ALLOCATED		BIT(63)
#define WORD_FULL		(FRAME_REFS_MAX | FRAME_USERS_MAX << 29)
#define WORD_TAKEN		(WORD_USE | WORD_REF)
#define WORD_OF(kind)		((uint64_t)(kind) << WORD_KIND_SHIFT)

static inline bool kind_is_table(enum frame_kind k) { return k >= KIND_L1 && k <= KIND_L4; }
static inline unsigned kind_level(enum frame_kind k) { return (unsigned)k; }

enum verdict kind_ask(union frame_word now, enum frame_kind want, union frame_word *next);
/*
 * One use and its reference fewer.  Returns true when it was the last use of a table: *next is then
 * busy undoing, keeps the reference until that is done, and its users field counts the leading
 * entries that still hold references (all 512).
 */
bool kind_drop(union frame_word now, union frame_word *next);

#endif
