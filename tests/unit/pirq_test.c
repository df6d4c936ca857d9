/* unit: ipc/pirq_map.c mm/frame.c mm/kind.c mm/buddy.c mm/kmalloc.c mm/space.c mm/scan.c mm/undo.c mm/entry.c mm/pt.c mm/pt_pin.c mm/pt_foreign.c mm/audit.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical interrupts over a fake IO-APIC and a fake MSI device: what is masked when, what reaches
 * the event channel, and each refusal.
 */
#include "ipc_world.h"
#include "cpu/acpi_info.h"
#include "cpu/uart.h"
#include "../../hypervisor/ipc/pirq.c"

struct acpi_info acpi;
static struct domain *const d = &world[0];
static const struct domain_config cfg = { .max_vcpus = WORLD_VCPUS, .hardware = true };

/* ---- the machine ---- */
static struct { bool masked, level, low; unsigned vector; } pin[24];
static unsigned raised[64], msi_enabled, msi_restored;
static bool uart_ours;
static int msi_answer;

int ioapic_set(unsigned gsi, unsigned vector, uint32_t dest, int trigger, int polarity)
{
	pin[gsi].masked = true;
	pin[gsi].vector = vector;
	pin[gsi].level = trigger;
	pin[gsi].low = polarity;
	return 0;
}

void ioapic_mask(unsigned gsi, bool masked) { pin[gsi].masked = masked; }
bool pci_present(uint16_t bdf) { return bdf == 0x0018; }
bool uart_owns_port(uint16_t port) { return uart_ours && port == 0x3f8; }

int msi_enable(struct msi *m, uint16_t bdf, uint16_t entry, uint64_t table_base, unsigned vector,
	       uint32_t apic_id)
{
	*m = (struct msi){ .bdf = bdf, .entry = entry, .msix = table_base != 0 };
	msi_enabled += !msi_answer;
	return msi_answer;
}

void msi_disable(struct msi *m) { msi_enabled--; }
void msi_restore(struct msi *m, unsigned vector, uint32_t apic_id) { msi_restored++; }
void evtchn_raise_port(struct domain *of, uint32_t port) { raised[port]++; }
int evtchn_unmask(struct domain *of, uint32_t port) { raised[port] += 100; return 0; }

static void begin(void)
{
	memset(pin, 0, sizeof(pin));
	memset(raised, 0, sizeof(raised));
	acpi.isa[9].gsi = 9;
	acpi.isa[9].trigger = TRIGGER_LEVEL;
	acpi.isa[9].overridden = true;
	world_make(&pirq_service, &cfg);
}

static int map_gsi_to(int gsi, int nr)
{
	struct physdev_map_pirq map = { .type = MAP_PIRQ_TYPE_GSI, .index = gsi, .pirq = nr };
	int rc = pirq_map(d, &map);

	return rc ? rc : map.pirq;
}

static struct physdev_map_pirq msix(int entry)
{
	return (struct physdev_map_pirq){ .type = MAP_PIRQ_TYPE_MSI_SEG, .pirq = -1, .devfn = 0x18,
					  .entry_nr = entry, .table_base = 0xfe000000 };
}

static bool in_flight(unsigned nr)
{
	return d->pirq->pirq[nr]->in_flight;
}

/* ---- tests ---- */

static void level_pin_waits_for_eoi(void **state)
{
	begin();
	assert_int_equal(map_gsi_to(16, -1), 16);
	assert_int_equal(map_gsi_to(16, 16), 16);		/* again: fine */
	assert_int_equal(pirq_bind(d, 16, 0, 3), 0);
	assert_true(pin[16].level && pin[16].low && !pin[16].masked);
	irq_dispatch(pin[16].vector);
	assert_true(pin[16].masked && in_flight(16));
	irq_dispatch(pin[16].vector);
	assert_int_equal(raised[3], 1);
	assert_int_equal(pirq_eoi(d, 16), 0);
	assert_false(pin[16].masked || in_flight(16));
	assert_int_equal(pirq_eoi(d, 16), 0);
	irq_dispatch(pin[16].vector);
	assert_int_equal(raised[3], 2);
	pirq_unbind(d, 16, 4);					/* not its port */
	assert_true(in_flight(16));
	pirq_unbind(d, 16, 3);
	assert_true(pin[16].masked && !in_flight(16));
	irq_dispatch(pin[16].vector);				/* was on its way */
	assert_int_equal(pirq_eoi(d, 16), 0);
	assert_true(pin[16].masked);
	assert_int_equal(pirq_bind(d, 16, 0, 5), 0);
	assert_int_equal(raised[5], 0);				/* level: it will come again */
	assert_false(pin[16].masked);
	world_end(&pirq_service);
	assert_true(pin[16].masked);
}

static void edge_pin_needs_none(void **state)
{
	begin();
	assert_int_equal(map_gsi_to(1, 1), 1);
	assert_int_equal(map_gsi_to(9, 9), 9);
	assert_int_equal(pirq_bind(d, 1, 0, 1), 0);
	assert_int_equal(pirq_bind(d, 9, 0, 2), 0);
	assert_true(!pin[1].level && !pin[1].low && pin[9].level && !pin[9].low);
	for (unsigned i = 0; i < 3; i++)
		irq_dispatch(pin[1].vector);
	assert_int_equal(raised[1], 3);
	assert_false(pin[1].masked);
	assert_int_equal(pirq_setup_gsi(d, 1, TRIGGER_LEVEL, POLARITY_LOW),
			 0); /* dom0 knows better */
	assert_true(pin[1].level && pin[1].low && !pin[1].masked);
	assert_int_equal(pirq_setup_gsi(d, 1, TRIGGER_EDGE, POLARITY_LOW), -EEXIST);
	irq_dispatch(pin[1].vector);
	assert_true(pin[1].masked);
	pirq_eoi_all(d);
	assert_false(pin[1].masked);
	world_end(&pirq_service);
}

static void msi_before_bind_is_kept(void **state)
{
	struct physdev_map_pirq map = msix(2), same = msix(2);
	uint32_t flags;

	begin();
	assert_int_equal(pirq_map(d, &map), 0);
	assert_int_equal(map.pirq, 24);
	assert_int_equal(msi_enabled, 1);
	irq_dispatch((unsigned)d->pirq->pirq[24]->vector);
	assert_int_equal(pirq_bind(d, 24, 0, 7), 0);
	assert_int_equal(raised[7], 1);
	irq_dispatch((unsigned)d->pirq->pirq[24]->vector);
	assert_int_equal(raised[7], 2);
	assert_int_equal(pirq_status(d, 24, &flags), 0);
	assert_int_equal(flags, 0);
	assert_int_equal(pirq_map(d, &same), -EEXIST);
	assert_int_equal(pirq_restore_msi(d, 0x18), 0);
	assert_int_equal(msi_restored, 1);
	assert_int_equal(pirq_restore_msi(d, 0x19), -ENODEV);
	assert_int_equal(pirq_unmap(d, 24), 0);
	assert_int_equal(msi_enabled, 0);
	assert_int_equal(pirq_unmap(d, 24), -EINVAL);
	pirq_unbind(d, 24, 7);
	msi_answer = -EINVAL;
	assert_int_equal(pirq_map(d, &same), -EINVAL);
	msi_answer = 0;
	assert_int_equal(pirq_map(d, &same), 0);
	assert_int_equal(same.pirq, 24);
	world_end(&pirq_service);
	assert_int_equal(msi_enabled, 0);
}

static void refusals(void **state)
{
	struct physdev_map_pirq map = msix(0);
	struct pirq_state *theirs;
	uint32_t flags;

	begin();
	assert_int_equal(map_gsi_to(24, -1), -EINVAL);
	assert_int_equal(map_gsi_to(-1, -1), -EINVAL);
	assert_int_equal(map_gsi_to(5, 5000), -EINVAL);
	assert_int_equal(map_gsi_to(5, -2), -EINVAL);
	assert_int_equal(map_gsi_to(5, 5), 5);
	assert_int_equal(map_gsi_to(6, 5), -EBUSY);
	assert_int_equal(map_gsi_to(5, 6), -EEXIST);
	map.type = 9;
	assert_int_equal(pirq_map(d, &map), -EINVAL);
	map = msix(5000);
	assert_int_equal(pirq_map(d, &map), -EINVAL);
	map = msix(0);
	map.devfn = 0x20;
	assert_int_equal(pirq_map(d, &map), -ENODEV);
	map = msix(0);
	map.bus = 1 << 16;
	assert_int_equal(pirq_map(d, &map), -ENODEV);
	map = (struct physdev_map_pirq){
		.type = MAP_PIRQ_TYPE_MULTI_MSI, .pirq = -1, .devfn = 0x18, .entry_nr = 4
	};
	assert_int_equal(pirq_map(d, &map), -EOPNOTSUPP);
	assert_int_equal(map.entry_nr, 1);
	assert_int_equal(pirq_bind(d, 7, 0, 1), -EINVAL);
	assert_int_equal(pirq_bind(d, 70000, 0, 1), -EINVAL);
	assert_int_equal(pirq_bind(d, 5, 0, 1), 0);
	assert_int_equal(pirq_bind(d, 5, 0, 2), -EEXIST);
	assert_int_equal(pirq_eoi(d, 7), -EINVAL);
	assert_int_equal(pirq_eoi(d, 70000), -EINVAL);
	assert_int_equal(pirq_status(d, pirq_count(d), &flags), -EINVAL);
	assert_int_equal(pirq_status(d, 7, &flags), 0);
	assert_int_equal(flags, XENIRQSTAT_needs_eoi);
	assert_int_equal(pirq_setup_gsi(d, 24, 0, 0), -EINVAL);
	assert_int_equal(pirq_setup_gsi(d, 3, 2, 0), -EINVAL);
	uart_ours = true;
	assert_int_equal(map_gsi_to(4, 4), 4);
	assert_int_equal(pirq_bind(d, 4, 0, 3), -EBUSY);
	uart_ours = false;
	theirs = world[1].pirq;
	world[1].pirq = NULL;
	assert_int_equal(pirq_bind(&world[1], 4, 0, 3), -EPERM);
	world[1].pirq = theirs;
	world_end(&pirq_service);
}

static void eoi_page(void **state)
{
	uint64_t *bits;
	mfn_t m;
	uint32_t flags;

	begin();
	m = world_page(d, (void **)&bits);
	assert_int_equal(pirq_set_eoi_page(d->vcpu[0], ~0ul, 2), -EINVAL);
	assert_int_equal(pirq_set_eoi_page(d->vcpu[0], m.n, 1), 0);
	assert_int_equal(pirq_set_eoi_page(d->vcpu[0], m.n, 2), -EBUSY);
	assert_int_equal(frame_of(m)->word.users, 1);
	assert_int_equal(map_gsi_to(20, 20), 20);
	assert_int_equal(pirq_status(d, 20, &flags), 0);
	assert_int_equal(flags, 0);
	assert_int_equal(pirq_bind(d, 20, 0, 3), 0);
	irq_dispatch(pin[20].vector);
	assert_int_equal(bits[0], BIT(20));
	assert_int_equal(pirq_eoi(d, 20), 0);
	assert_int_equal(bits[0], 0);
	assert_int_equal(raised[3], 101);		/* version 1 unmasks the port as well */
	world_end(&pirq_service);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(level_pin_waits_for_eoi),
		cmocka_unit_test(edge_pin_needs_none),
		cmocka_unit_test(msi_before_bind_is_kept),
		cmocka_unit_test(refusals),
		cmocka_unit_test(eoi_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
