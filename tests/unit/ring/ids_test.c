/* unit: */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Ids of open requests against a model: every stale, doubled and invented one is told apart. */
#include <string.h>

#include "host.h"
#include <mica/ids.h>

#define SLOTS	8

static void against_a_model(void **state)
{
	struct mica_id_slot slots[SLOTS];
	uint64_t open[SLOTS] = { 0 }, old[64] = { 0 }, id;
	struct mica_ids ids;
	unsigned n = 0;

	dice_start();
	mica_ids_init(&ids, slots, SLOTS);
	for (unsigned step = 0; step < 50000; step++) {
		unsigned which = (unsigned)dice(SLOTS);

		if (dice(2)) {
			int rc = mica_ids_take(&ids, &id);

			assert_int_equal(rc, n == SLOTS ? -EBUSY : 0);
			if (rc)
				continue;
			assert_int_not_equal(id, 0);
			assert_true((uint32_t)id < SLOTS);
			assert_int_equal(open[(uint32_t)id], 0);
			open[(uint32_t)id] = id;
			n++;
		} else if (open[which]) {
			assert_int_equal(mica_ids_lookup(&ids, open[which]), which);
			assert_int_equal(mica_ids_return(&ids, open[which]), which);
			assert_int_equal(mica_ids_return(&ids, open[which]), -EEXIST);
			old[step % 64] = open[which];
			open[which] = 0;
			n--;
		}
		assert_int_equal(ids.busy, n);
		for (unsigned i = 0; i < 64; i++)
			if (old[i])
				assert_int_equal(mica_ids_lookup(&ids, old[i]), -EEXIST);
	}
}

static void invented(void **state)
{
	struct mica_id_slot slots[SLOTS];
	struct mica_ids ids;
	uint64_t id;

	mica_ids_init(&ids, slots, SLOTS);
	for (uint64_t i = 0; i < SLOTS * 2; i++) {
		assert_int_equal(mica_ids_lookup(&ids, i), -ENOENT);
		assert_int_equal(mica_ids_lookup(&ids, i | 1ull << 32), -ENOENT);	/* free */
		assert_int_equal(mica_ids_lookup(&ids, i | 2ull << 32), -ENOENT);
	}
	assert_int_equal(mica_ids_lookup(&ids, UINT64_MAX), -ENOENT);
	assert_int_equal(mica_ids_take(&ids, &id), 0);
	assert_int_equal(mica_ids_lookup(&ids, id + (1ull << 32)), -ENOENT);	/* not yet */
	assert_int_equal(mica_ids_return(&ids, id ^ 1), -ENOENT);
	assert_int_equal(ids.busy, 1);
}

static void none_at_all(void **state)
{
	struct mica_ids ids;
	uint64_t id;

	mica_ids_init(&ids, NULL, 0);
	assert_int_equal(mica_ids_take(&ids, &id), -EBUSY);
	assert_int_equal(mica_ids_lookup(&ids, 0), -ENOENT);
}

/* After 2^31 - 1 uses of a slot its ids begin anew; bit 63 stays free for the protocol. */
static void generations_come_round(void **state)
{
	struct mica_id_slot slots[1];
	struct mica_ids ids;
	uint64_t id;

	mica_ids_init(&ids, slots, 1);
	slots[0].generation = MICA_ID_GENERATIONS;
	assert_int_equal(mica_ids_take(&ids, &id), 0);
	assert_int_equal(id, 0x7fffffff00000000);
	assert_int_equal(mica_ids_return(&ids, id), 0);
	assert_int_equal(mica_ids_return(&ids, id), -ENOENT);
	assert_int_equal(mica_ids_take(&ids, &id), 0);
	assert_int_equal(id, 0x100000000);
	assert_int_equal(mica_ids_lookup(&ids, 0x7fffffff00000000), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(against_a_model),
		cmocka_unit_test(invented),
		cmocka_unit_test(none_at_all),
		cmocka_unit_test(generations_come_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
