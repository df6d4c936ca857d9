/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: exchange and reservation calls on frames that are tables, mapped, foreign or listed
 * twice, with orders and counts that overflow.
 */
#include "guest.h"

static uint64_t in[4], out[4];

static struct xen_memory_exchange make(uint64_t n_in, unsigned int order_in, uint64_t n_out,
				       unsigned int order_out)
{
	return (struct xen_memory_exchange){
		.in = { .extent_start = PTR(in), .nr_extents = n_in, .extent_order = order_in,
			.domid = DOMID_SELF },
		.out = { .extent_start = PTR(out), .nr_extents = n_out, .extent_order = order_out,
			 .domid = DOMID_SELF },
	};
}

static void refuse(struct xen_memory_exchange x, const char *what)
{
	long rc = hc_memory(XENMEM_exchange, &x);

	if (rc >= 0)
		test_fail("exchange: %s", what);
}

static void check_shapes(void)
{
	in[0] = frame_spare(0);
	out[0] = pfn_spare(0);
	refuse(make(1, 0, 2, 0), "one for two");
	refuse(make(1, 0, 1, 1), "4 KiB for 8 KiB");
	refuse(make(1, 63, 1, 63), "order 63");
	refuse(make(1, 64, 1, 64), "order 64");
	refuse(make(1, 0xffffffff, 1, 0xffffffff), "order 2^32-1");
	refuse(make(1UL << 63, 1, 1UL << 63, 1), "2^64 frames");
	refuse(make(~0UL, 0, ~0UL, 0), "2^64-1 extents");
}

static void check_frames(void)
{
	in[0] = root_mfn();
	refuse(make(1, 0, 1, 0), "the root");
	in[0] = mfn_of(window_l1());
	refuse(make(1, 0, 1, 0), "an L1");
	in[0] = ~0UL;
	refuse(make(1, 0, 1, 0), "no frame");
	in[0] = 0xffffffffff;
	refuse(make(1, 0, 1, 0), "no frame");
	in[0] = start_info->shared_info / PAGE_SIZE;
	refuse(make(1, 0, 1, 0), "shared_info");
}

/* One frame listed twice: the second time it is gone.  What was done before is reported, and for each frame
 * given the one got in return is ours; for none given, the old one (Xen loses it). */
static void check_twice(void)
{
	struct xen_memory_exchange x = make(2, 0, 2, 0);

	in[0] = in[1] = frame_spare(1);
	out[0] = out[1] = pfn_spare(1);
	if (hc_memory(XENMEM_exchange, &x) >= 0)
		test_fail("exchange: one frame twice");
	if (!on_mica())
		return;
	check(x.nr_exchanged <= 1, "%lu of one frame exchanged", x.nr_exchanged);
	check_ok(hc_mmu_update((x.nr_exchanged ? out[0] : in[0]) * PAGE_SIZE | MMU_MACHPHYS_UPDATE,
			       pfn_spare(1)));
}

static long reserve(unsigned int cmd, uint64_t *list, uint64_t n, unsigned int order)
{
	struct xen_memory_reservation r = { .extent_start = PTR(list), .nr_extents = n,
					    .extent_order = order, .domid = DOMID_SELF };

	return hc_memory(cmd, &r);
}

static void check_reservations(void)
{
	struct xen_memory_reservation foreign = { .extent_start = PTR(in), .nr_extents = 1,
						  .domid = 77 };

	in[0] = ~0UL;
	check(reserve(XENMEM_decrease_reservation, in, 1, 0) <= 0, "gave back no frame");
	in[0] = start_info->shared_info / PAGE_SIZE;
	check(reserve(XENMEM_decrease_reservation, in, 1, 0) <= 1, "shared_info");
	in[0] = pte_mfn(pte_get(HOLE_START, 4));
	check(reserve(XENMEM_decrease_reservation, in, 1, 0) <= 0, "gave back a foreign frame");
	in[0] = pfn_spare(0);
	check(reserve(XENMEM_populate_physmap, in, 1, 60) <= 0, "order 60");
	check(reserve(XENMEM_populate_physmap, in, 1, 0xffffffff) <= 0, "order 2^32-1");
	check(reserve(XENMEM_increase_reservation, in, 1, 40) <= 0, "order 40");
	check(reserve(XENMEM_decrease_reservation, in, 1, 52) <= 0, "order 52");
	check(hc_memory(XENMEM_decrease_reservation, &foreign) <= 0, "foreign domain");
	check(hc_memory(XENMEM_populate_physmap, &foreign) <= 0, "foreign domain");
	/* the continuation index in the command, forged */
	check(hc_memory(XENMEM_decrease_reservation | 5 << MEMOP_EXTENT_SHIFT, &foreign) <= 5,
	      "forged start index");
}

void test_main(void)
{
	window(0);
	check_shapes();
	check_frames();
	check_twice();
	check_reservations();
}
