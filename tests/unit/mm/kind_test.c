/* unit: mm/kind.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* kind_ask and kind_drop on every combination of kind, want, busy, pin, allocation and edge counts. */
#include "unit.h"
#include "mm/kind.h"

static const uint32_t users_tried[] = { 0, 1, 2, FRAME_USERS_MAX - 1, FRAME_USERS_MAX };
static const uint32_t refs_tried[] = { 0, 1, 2, FRAME_REFS_MAX - 1, FRAME_REFS_MAX };

/* The rules again, as a list of what must hold, not as code that decides. */
static void check_ask(union frame_word now, enum frame_kind want)
{
	union frame_word next;
	enum verdict v = kind_ask(now, want, &next);
	bool full = now.users >= FRAME_USERS_MAX || now.refs >= FRAME_REFS_MAX;
	bool conflict = now.users && now.kind != want &&
			!(now.kind == KIND_SHARED && want == KIND_WRITABLE);

	assert_int_equal(next.pinned, now.pinned);
	assert_int_equal(next.allocated, now.allocated);
	if (!now.refs || want == KIND_NONE || now.refs >= FRAME_REFS_MAX)
		assert_int_equal(v, REFUSE);
	else if (now.busy == BUSY_UNDOING)
		assert_int_equal(v, WAIT);
	else if (conflict || full)
		assert_int_equal(v, REFUSE);
	if (v == REFUSE || v == WAIT) {
		assert_true(next.raw == now.raw);
		return;
	}
	/* Taken: exactly one more of each, of a kind nobody else contradicts, never while busy. */
	assert_int_equal(now.busy, BUSY_NO);
	assert_int_equal(next.users, now.users + 1);
	assert_int_equal(next.refs, now.refs + 1);
	assert_true(!now.users || next.kind == now.kind);
	assert_true(next.kind == want || (now.kind == KIND_SHARED && want == KIND_WRITABLE));
	assert_true(now.kind != KIND_SHARED || next.kind == KIND_SHARED);
	assert_true(want != KIND_SHARED);
	/* The first user of a table, of descriptors, or of a kind that follows another, gets it busy. */
	bool first = !now.users && now.kind != KIND_SHARED;
	bool checked = first && (kind_is_table(want) || (now.kind != KIND_NONE && now.kind != want) ||
				 (want == KIND_SEGDESC && now.kind != KIND_SEGDESC));

	assert_int_equal(v, checked ? CHECK : GRANT);
	assert_int_equal(next.busy, checked ? BUSY_CHECKING : BUSY_NO);
}

static void every_ask(void **state)
{
	unsigned long tried = 0;

	for (unsigned bits = 0; bits < 8 * 3 * 2 * 2 * 8; bits++)
		for (unsigned u = 0; u < ARRAY_SIZE(users_tried); u++)
			for (unsigned r = 0; r < ARRAY_SIZE(refs_tried); r++) {
				union frame_word w = {
					.kind = bits & 7, .busy = bits >> 3 & 3,
					.pinned = bits >> 5 & 1, .allocated = bits >> 6 & 1,
					.users = users_tried[u], .refs = refs_tried[r],
				};

				for (enum frame_kind want = KIND_NONE; want <= KIND_SHARED; want++, tried++)
					check_ask(w, want);
			}
	printf("# %lu inputs\n", tried);
}

static void every_drop(void **state)
{
	for (unsigned bits = 0; bits < 8 * 2 * 2; bits++)
		for (unsigned u = 1; u < ARRAY_SIZE(users_tried); u++)
			for (unsigned r = 1; r < ARRAY_SIZE(refs_tried); r++) {
				union frame_word w = {
					.kind = bits & 7, .pinned = bits >> 3 & 1,
					.allocated = bits >> 4 & 1,
					.users = users_tried[u], .refs = refs_tried[r],
				}, next;
				bool undo = kind_drop(w, &next);

				assert_int_equal(undo, w.users == 1 && kind_is_table(w.kind));
				assert_int_equal(next.kind, w.kind);
				assert_int_equal(next.allocated, w.allocated);
				if (undo) {
					assert_int_equal(next.busy, BUSY_UNDOING);
					assert_int_equal(next.users, PT_ENTRIES);
					assert_int_equal(next.refs, w.refs);
				} else {
					assert_int_equal(next.busy, BUSY_NO);
					assert_int_equal(next.users, w.users - 1);
					assert_int_equal(next.refs, w.refs - 1);
				}
			}
}

/* The plain-bits view used by the hot paths is the same word. */
static void bits_agree(void **state)
{
	assert_true((union frame_word){ .refs = 1 }.raw == WORD_REF);
	assert_true((union frame_word){ .refs = MASK(29) }.raw == WORD_REFS);
	assert_true((union frame_word){ .users = 1 }.raw == WORD_USE);
	assert_true((union frame_word){ .users = MASK(28) }.raw == WORD_USERS);
	assert_true((union frame_word){ .kind = 7 }.raw == WORD_KIND);
	assert_true((union frame_word){ .kind = KIND_WRITABLE }.raw == WORD_OF(KIND_WRITABLE));
	assert_true((union frame_word){ .pinned = 1 }.raw == WORD_PINNED);
	assert_true((union frame_word){ .busy = 3 }.raw == WORD_BUSY);
	assert_true((union frame_word){ .allocated = 1 }.raw == WORD_ALLOCATED);
	assert_true(((union frame_word){ .refs = FRAME_REFS_MAX, .users = FRAME_USERS_MAX }.raw) ==
		    WORD_FULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_ask),
		cmocka_unit_test(every_drop),
		cmocka_unit_test(bits_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
