/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a frame may be used as: the pure decisions on its word.  tour:mm/3
 *
 *                 take, no check needed              take again        drop, not the last
 *                +---------------------+             +-------+          +-------+
 *                |                     v             |       v          |       v
 *   users 0, kind K -- take as W --> busy checking --ok--> users > 0, kind W ---+
 *        ^   ^          (CHECK)            |                        |
 *        |   |                             | contents bad           | last drop of a table
 *        |   | last drop of other kinds    v                        v
 *        |   +---------------------   busy undoing  <---------------+
 *        |                                 |
 *        +------- all entries undone ------+
 *
 * A check is needed when W is a table (its entries must be checked and their targets taken), when it
 * becomes a page of descriptors (they must be harmless), and when the kind really changes: a CPU may
 * still have translations from the old kind, and busy keeps everybody out until they are flushed.  A
 * frame nobody used since it was allocated (kind none) has no such translations.  With users 0 the
 * kind remembers the last use for just this purpose.
 *
 * The last drop of a writable or descriptor use is busy for a moment, too, while its stamp is written.
 *
 * While a table is busy undoing, its users field counts the leading entries that still hold
 * references; the use's own reference keeps the frame alive until the count is down to zero.
 */
#include "mm/kind.h"

/* Does a use as @want go together with what the frame is used as now?  Shared is for ever, and a
 * writable use of it is counted without changing it. */
static bool fits(union frame_word now, enum frame_kind want)
{
	if (now.kind == KIND_SHARED)
		return want == KIND_WRITABLE;
	return want != KIND_SHARED && (!now.users || now.kind == want);
}

enum verdict kind_ask(union frame_word now, enum frame_kind want, union frame_word *next)
{
	*next = now;
	if (!now.refs || now.refs >= FRAME_REFS_MAX || want == KIND_NONE)
		return REFUSE;
	if (now.busy == BUSY_UNDOING)		/* users does not count users now */
		return WAIT;
	if (!fits(now, want) || now.users >= FRAME_USERS_MAX)
		return REFUSE;
	if (now.busy)
		return WAIT;
	next->users++;
	next->refs++;
	if (now.users || now.kind == KIND_SHARED)
		return GRANT;
	next->kind = want;
	if (!kind_is_table(want) &&
	    (now.kind == want || (now.kind == KIND_NONE && want == KIND_WRITABLE)))
		return GRANT;
	next->busy = BUSY_CHECKING;
	return CHECK;
}

bool kind_drop(union frame_word now, union frame_word *next)
{
	*next = now;
	if (now.users == 1 && kind_is_table(now.kind)) {
		next->users = PT_ENTRIES;
		next->busy = BUSY_UNDOING;
		return true;
	}
	next->users--;
	next->refs--;
	return false;
}
