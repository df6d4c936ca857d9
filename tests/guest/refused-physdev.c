/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: physdev_op with values out of range - interrupts, devices, I/O APIC addresses,
 * bitmaps - and the same through the old call.
 */
#include "guest.h"

static void check_irqs(void)
{
	static const uint32_t bad[] = { 100000, 0x7fffffff, 0x80000000, 0xffffffff };

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
		struct physdev_eoi eoi = { .irq = bad[i] };
		struct physdev_irq_status_query query = { .irq = bad[i] };
		struct physdev_unmap_pirq unmap = { .domid = DOMID_SELF, .pirq = (int32_t)bad[i] };
		struct physdev_setup_gsi gsi = { .gsi = (int32_t)bad[i], .triggering = 1 };
		struct physdev_map_pirq map = { .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI,
						.index = (int32_t)bad[i], .pirq = -1 };

		check_refused(hc_physdev(PHYSDEVOP_eoi, &eoi));
		check_refused(hc_physdev(PHYSDEVOP_irq_status_query, &query));
		check_refused(hc_physdev(PHYSDEVOP_unmap_pirq, &unmap));
		check_refused(hc_physdev(PHYSDEVOP_setup_gsi, &gsi));
		check_refused(hc_physdev(PHYSDEVOP_map_pirq, &map));
	}
}

static void check_maps(void)
{
	struct physdev_map_pirq map = { .domid = DOMID_SELF, .type = 99, .pirq = -1 };

	check_refused(hc_physdev(PHYSDEVOP_map_pirq, &map));
	map.type = MAP_PIRQ_TYPE_MSI_SEG;
	map.bus = 200;
	map.devfn = 255;
	check_refused(hc_physdev(PHYSDEVOP_map_pirq, &map));
	map.bus = -1;
	map.devfn = -1;
	check_refused(hc_physdev(PHYSDEVOP_map_pirq, &map));
	map.type = MAP_PIRQ_TYPE_GSI;
	map.index = 5;
	map.pirq = 0x7fffffff;
	check_refused(hc_physdev(PHYSDEVOP_map_pirq, &map));
	map.domid = 77;
	map.pirq = -1;
	check_equal(hc_physdev(PHYSDEVOP_map_pirq, &map), -ESRCH);
}

static void check_apic(void)
{
	struct physdev_apic apic = { .apic_physbase = 0x1000, .reg = 0x10, .value = 0 };

	check_refused(hc_physdev(PHYSDEVOP_apic_read, &apic));
	check_refused(hc_physdev(PHYSDEVOP_apic_write, &apic));
	apic.apic_physbase = 0xfee00000;
	check_refused(hc_physdev(PHYSDEVOP_apic_write, &apic));
}

/* A bitmap in the hypervisor must not make its bytes decide who may use ports. */
static void check_bitmap(void)
{
	struct physdev_set_iobitmap op = { .bitmap = HOLE_START, .nr_ports = 65536 };
	struct fault f;

	hc_physdev(PHYSDEVOP_set_iobitmap, &op);
	FAULT_IN(&f, asm volatile("inb $0x71, %%al" : : : "al"));
	check(f.hit && f.vector == 13, "port allowed by a bitmap in the M2P");
	op.bitmap = 0xdead000;
	hc_physdev(PHYSDEVOP_set_iobitmap, &op);
	FAULT_IN(&f, asm volatile("inb $0x71, %%al" : : : "al"));
	check(f.hit && f.vector == 13, "port allowed by an unmapped bitmap");
}

void test_main(void)
{
	struct physdev_set_iopl iopl = { .iopl = 4 };
	struct physdev_pirq_eoi_gmfn gmfn = { .gmfn = root_mfn() };

	check_irqs();
	check_maps();
	check_apic();
	check_bitmap();
	check_equal(hc_physdev(PHYSDEVOP_set_iopl, &iopl), -EINVAL);
	iopl.iopl = 0xffffffff;
	check_equal(hc_physdev(PHYSDEVOP_set_iopl, &iopl), -EINVAL);
	check_refused(hc_physdev(PHYSDEVOP_pirq_eoi_gmfn_v2, &gmfn));
	gmfn.gmfn = ~0UL;
	check_refused(hc_physdev(PHYSDEVOP_pirq_eoi_gmfn_v2, &gmfn));
	check_equal(hc_physdev(1234, &iopl), -ENOSYS);
}
