/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: can frames be given up, taken back at a pfn, exchanged for contiguous ones, and do the
 * maps and limits read true?
 */
#include "guest.h"

static uint64_t list[8], out_list[8];

static struct xen_memory_reservation reservation(uint64_t *extents, uint64_t n, unsigned int order)
{
	return (struct xen_memory_reservation){
		.extent_start = PTR(extents), .nr_extents = n, .extent_order = order,
		.domid = DOMID_SELF,
	};
}

static void set_p2m(uint64_t pfn, uint64_t mfn)
{
	((uint64_t *)start_info->mfn_list)[pfn] = mfn;
}

static long current(void)
{
	struct xen_memory_domain d = { .domid = DOMID_SELF };

	return hc_memory(XENMEM_current_reservation, &d);
}

static void check_balloon(void)
{
	struct xen_memory_reservation r = reservation(list, 4, 0);
	long before = current();

	for (unsigned int i = 0; i < 4; i++)
		list[i] = frame_spare(i);
	check_equal(hc_memory(XENMEM_decrease_reservation, &r), 4);
	check_equal(current(), before - 4);
	check_equal(M2P[list[0]], ~0UL);
	for (unsigned int i = 0; i < 4; i++)
		list[i] = pfn_spare(i);
	check_equal(hc_memory(XENMEM_populate_physmap, &r), 4);
	check_equal(current(), before);
	for (unsigned int i = 0; i < 4; i++) {
		check_equal(M2P[list[i]], pfn_spare(i));
		set_p2m(pfn_spare(i), list[i]);
		must(hc_map((unsigned long)window(i), make_pte(list[i], PTE_RW_PAGE)));
		*(volatile uint64_t *)window(i) = i;
		must(hc_map((unsigned long)window(i), 0));
	}
	r.extent_start = 0xdead000;
	check_equal(hc_memory(XENMEM_decrease_reservation, &r), 0);
	check_equal(hc_memory(XENMEM_populate_physmap, &r), 0);
}

/* Four single frames for one extent of four. */
static void check_exchange(void)
{
	struct xen_memory_exchange x = { .in = reservation(list, 4, 0),
					 .out = reservation(out_list, 1, 2) };
	long before = current();

	for (unsigned int i = 0; i < 4; i++)
		list[i] = frame_spare(i);
	out_list[0] = pfn_spare(3);
	check_ok(hc_memory(XENMEM_exchange, &x));
	check_equal(x.nr_exchanged, 4);
	check_equal(current(), before);
	check_equal(out_list[0] % 4, 0);
	for (unsigned int i = 0; i < 4; i++) {
		check_equal(M2P[out_list[0] + i], pfn_spare(3) + i);
		set_p2m(pfn_spare(3) + i, out_list[0] + i);
	}
	x.in = reservation(list, 3, 0);
	x.nr_exchanged = 0;
	check_equal(hc_memory(XENMEM_exchange, &x), -EINVAL);
}

static void check_maps(void)
{
	static struct e820entry map[128];
	struct xen_memory_map m = { .nr_entries = 128, .buffer = PTR(map) };
	struct xen_machphys_mapping mp;
	struct xen_machphys_mfn_list ml = { .max_extents = 8, .extent_start = PTR(list) };

	check_ok(hc_memory(XENMEM_machine_memory_map, &m));
	check(m.nr_entries > 2 && map[0].type == E820_RAM, "%u entries", m.nr_entries);
	m.nr_entries = 1;
	check_equal(hc_memory(XENMEM_machine_memory_map, &m), -EINVAL);
	check_ok(hc_memory(XENMEM_machphys_mapping, &mp));
	check_equal(mp.v_start, MACH2PHYS_VIRT_START);
	check(mp.max_mfn >= frame_spare(0), "max_mfn %lx", mp.max_mfn);
	check_ok(hc_memory(XENMEM_machphys_mfn_list, &ml));
	check(ml.nr_extents >= 1 && list[0], "%u extents", ml.nr_extents);
}

void test_main(void)
{
	struct xen_memory_domain d = { .domid = DOMID_SELF };
	struct xen_add_to_physmap add = { .domid = DOMID_SELF };

	window(0);
	check_equal(current(), start_info->nr_pages);
	check(hc_memory(XENMEM_maximum_reservation, &d) >= current(), "limit below the present");
	check(hc_memory(XENMEM_maximum_ram_page, NULL) > (long)frame_spare(0), "max page");
	check_balloon();
	check_exchange();
	check_maps();
	check_refused(hc_memory(XENMEM_add_to_physmap, &add));
	check_refused(hc_memory(XENMEM_add_to_physmap_batch, &add));
	check_equal(hc_memory(63, &d), -ENOSYS);
	check_equal(hc_memory(XENMEM_current_reservation, (void *)0xdead000), -EFAULT);
}
