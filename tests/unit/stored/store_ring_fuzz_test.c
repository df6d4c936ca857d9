/* unit: tests/fuzz/store_ring_fuzz.c dom0-tools/lib/confine.c dom0-tools/stored/conn.c dom0-tools/stored/dom.c dom0-tools/stored/journal.c dom0-tools/stored/ops.c dom0-tools/stored/ops_conn.c dom0-tools/stored/ops_dom.c dom0-tools/stored/path.c dom0-tools/stored/perms.c dom0-tools/stored/quota.c dom0-tools/stored/sandbox.c dom0-tools/stored/sock.c dom0-tools/stored/state.c dom0-tools/stored/state_load.c dom0-tools/stored/store.c dom0-tools/stored/tree.c dom0-tools/stored/txn.c dom0-tools/stored/util.c dom0-tools/stored/watch.c dom0-tools/stored/wire.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fuzzer of the store's rings for a bounded number of random inputs; UNIT_SEED repeats a run,
 * UNIT_STEPS=n makes so many.
 */
#include "host.h"

static void random_inputs(void **state)
{
	dice_inputs(dice_steps(400), 400, 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(random_inputs) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
