/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does grant copy move exactly the bytes asked for, both directions, in batches, and does
 * each element carry its own status?
 */
#include "guest.h"

static uint8_t *granted, *own;

static void fill(uint8_t *page, unsigned int seed)
{
	for (unsigned int i = 0; i < PAGE_SIZE; i++)
		page[i] = (uint8_t)(i * 7 + seed);
}

static void check_exact(unsigned int from, unsigned int to, unsigned int len)
{
	fill(granted, 1);
	fill(own, 100);
	check_equal(grant_copy_from(8, from, mfn_of(own), to, len), GNTST_okay);
	for (unsigned int i = 0; i < PAGE_SIZE; i++) {
		uint8_t want = (uint8_t)(i * 7 + 100);

		if (i >= to && i < to + len)
			want = granted[from + i - to];
		if (own[i] != want) {
			test_fail("copy of %u: byte %u is %x, wanted %x", len, i, own[i], want);
			return;
		}
	}
}

static void check_batch(void)
{
	struct gnttab_copy ops[3] = { 0 };

	for (int i = 0; i < 3; i++) {
		ops[i].source.u.ref = i == 1 ? 99 : 8;
		ops[i].dest.u.gmfn = mfn_of(own);
		ops[i].dest.domid = DOMID_SELF;
		ops[i].dest.offset = (uint16_t)(i * 16);
		ops[i].len = 16;
		ops[i].flags = GNTCOPY_source_gref;
	}
	fill(granted, 3);
	memset(own, 0, PAGE_SIZE);
	check_ok(hc_gnttab(GNTTABOP_copy, ops, 3));
	check_equal(ops[0].status, GNTST_okay);
	check(ops[1].status < 0, "an empty entry was copied");
	check_equal(ops[2].status, GNTST_okay);
	check_equal(memcmp(own + 32, granted, 16), 0);
	check_equal(own[16], 0);
}

void test_main(void)
{
	grant_init(1);
	granted = page_alloc();
	own = page_alloc();
	grant_give(8, mfn_of(granted), 0);
	check_exact(0, 0, 4096);
	check_exact(0, 1, 1);
	check_exact(3, 1000, 777);
	check_exact(4095, 4095, 1);
	fill(own, 50);
	check_equal(grant_copy_to(8, 10, mfn_of(own), 20, 100), GNTST_okay);
	check_equal(memcmp(granted + 10, own + 20, 100), 0);
	check_batch();
	check_equal(grant_in_use(8), 0);
	check(grant_take(8), "grant still in use");
}
