/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: are all flush operations accepted with good and with harmless odd arguments, do clear
 * and copy work, and do those not offered say so?
 */
#include "guest.h"

static void check_flushes(void)
{
	static uint64_t vcpus[2] = { 1, 0 }, all[2] = { -1UL, -1UL };

	check_ok(hc_mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0));
	check_ok(hc_mmuext(MMUEXT_TLB_FLUSH_ALL, 0, 0));
	check_ok(hc_mmuext(MMUEXT_INVLPG_LOCAL, (unsigned long)vcpus, 0));
	check_ok(hc_mmuext(MMUEXT_INVLPG_ALL, (unsigned long)vcpus, 0));
	check_ok(hc_mmuext(MMUEXT_INVLPG_LOCAL, NONCANONICAL, 0));
	check_ok(hc_mmuext(MMUEXT_TLB_FLUSH_MULTI, 0, PTR(vcpus)));
	check_ok(hc_mmuext(MMUEXT_TLB_FLUSH_MULTI, 0, PTR(all)));
	check_ok(hc_mmuext(MMUEXT_INVLPG_MULTI, (unsigned long)all, PTR(all)));
	check_refused(hc_mmuext(MMUEXT_TLB_FLUSH_MULTI, 0, 0xdead000));
}

static void check_clear_copy(void)
{
	uint64_t *a = page_alloc(), *b = page_alloc();

	a[0] = 1;
	a[511] = 2;
	check_ok(hc_mmuext(MMUEXT_COPY_PAGE, mfn_of(b), mfn_of(a)));
	check_equal(b[0] + b[511], 3);
	check_ok(hc_mmuext(MMUEXT_CLEAR_PAGE, mfn_of(a), 0));
	check_equal(a[0] | a[511], 0);
	/* never onto a live table */
	check_refused(hc_mmuext(MMUEXT_CLEAR_PAGE, mfn_of(window_l1()), 0));
	check_refused(hc_mmuext(MMUEXT_COPY_PAGE, mfn_of(window_l1()), mfn_of(a)));
	check_refused(hc_mmuext(MMUEXT_CLEAR_PAGE, root_mfn(), 0));
	check_refused(hc_mmuext(MMUEXT_CLEAR_PAGE, 0xffffffffff, 0));
	check_refused(hc_mmuext(MMUEXT_COPY_PAGE, mfn_of(b), 0xffffffffff));
}

void test_main(void)
{
	check_flushes();
	check_clear_copy();
	check_refused(hc_mmuext(MMUEXT_MARK_SUPER, frame_spare(0), 0));
	check_refused(hc_mmuext(MMUEXT_UNMARK_SUPER, frame_spare(0), 0));
	check_equal(hc_mmuext(99, 0, 0), -ENOSYS);
	check_equal(hc_mmuext(14, 0, 0), -ENOSYS);
}
