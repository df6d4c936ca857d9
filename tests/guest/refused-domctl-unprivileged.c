/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: what does a domain that is not dom0 get for an answer to everything that is dom0's?
 * It tries every number of domctl, sysctl, platform_op and physdev_op, and foreign memory; dom0 reads
 * the answers.
 */
#include <mica/platform.h>
#include "domu.h"
#include "guest.h"

#define NR_DOMCTL	90
#define NR_SYSCTL	32
#define NR_PLATFORM	70
#define NR_PHYSDEV	34

static struct domu d;
static uint64_t theirs __attribute__((section(".data")));	/* a frame of dom0's, page aligned */

static volatile struct {
	long domctl[NR_DOMCTL], gdbsx, sysctl[NR_SYSCTL], platform[NR_PLATFORM], physdev[NR_PHYSDEV];
	long version[3];
	long map, map_io, map_xen, write_tables, pin, clear, populate, decrease, exchange, claim, mfn_list;
	long machine_map, set_map, acquire, acquire_self, alloc_unbound, console_write, console_read;
	long setup_table, remote_shutdown, commandline, audit, port, pin_override, other_reservation, machphys;
} r __attribute__((aligned(4096)));

static void try_controls(void)
{
	for (unsigned int i = 0; i < NR_DOMCTL; i++)
		r.domctl[i] = domctl_simple(i, i & 1 ? domu_number() : 0);
	r.gdbsx = domctl_simple(XEN_DOMCTL_gdbsx_guestmemio, 0);
	for (unsigned int i = 0; i < NR_SYSCTL; i++) {
		struct xen_sysctl op = { .cmd = i };

		r.sysctl[i] = sysctl(&op);
	}
	for (unsigned int i = 0; i < NR_PLATFORM; i++) {
		struct xen_platform_op op = { .cmd = i, .interface_version = XENPF_INTERFACE_VERSION };

		r.platform[i] = hypercall(__HYPERVISOR_platform_op, &op);
	}
	for (unsigned int i = 0; i < NR_PHYSDEV; i++) {
		static char arg[128];

		memset(arg, 0, sizeof(arg));
		r.physdev[i] = hc_physdev(i, arg);
	}
}

static void try_versions(void)
{
	struct xen_domctl dom = { .interface_version = 1 };
	struct xen_sysctl sys = { .interface_version = 1 };
	struct xen_platform_op plat = { .interface_version = 1 };

	r.version[0] = hypercall(__HYPERVISOR_domctl, &dom);
	r.version[1] = hypercall(__HYPERVISOR_sysctl, &sys);
	r.version[2] = hypercall(__HYPERVISOR_platform_op, &plat);
}

static long ext(unsigned int cmd, uint64_t mfn, unsigned int whose)
{
	struct mmuext_op op = { .cmd = cmd, .arg1.mfn = mfn };

	return hypercall(__HYPERVISOR_mmuext_op, &op, 1, 0, whose);
}

static long reserve(unsigned int cmd, uint64_t *list)
{
	struct xen_memory_reservation res = {
		.extent_start = PTR(list), .nr_extents = list ? 1 : 0, .domid = 0,
	};

	return hc_memory(cmd, &res);
}

static void try_memory(void)
{
	uint64_t slot = pte_maddr((unsigned long)window(0), 1), pte = make_pte(theirs, PTE_RW_PAGE);
	struct xen_mem_acquire_resource acquire = { .domid = 0, .type = XENMEM_resource_grant_table };
	struct xen_machphys_mfn_list list = { .max_extents = 1, .extent_start = PTR(&pte) };
	struct xen_memory_exchange ex = { .in.domid = 0, .out.domid = 0 };
	struct xen_foreign_memory_map fm = { .domid = DOMID_SELF };
	struct xen_memory_map map = { .nr_entries = 0 };
	struct xen_memory_domain md = { .domid = 0 };

	r.map = hc_mmu_update_from(slot, pte, 0);
	r.map_io = hc_mmu_update_from(slot, make_pte(0xfee00, PTE_RW_PAGE), DOMID_IO);
	r.map_xen = hc_mmu_update_from(slot, pte, DOMID_XEN);
	r.write_tables = hc_mmu_update_from(slot, pte, DOMID_SELF | 1 << 16);
	r.pin = ext(MMUEXT_PIN_L1_TABLE, theirs, 0);
	r.clear = ext(MMUEXT_CLEAR_PAGE, theirs, 0);
	r.populate = reserve(XENMEM_populate_physmap, &pte);
	pte = theirs;
	r.decrease = reserve(XENMEM_decrease_reservation, &pte);
	r.claim = reserve(XENMEM_claim_pages, NULL);
	r.exchange = hc_memory(XENMEM_exchange, &ex);
	r.mfn_list = hc_memory(XENMEM_machphys_mfn_list, &list);
	r.machine_map = hc_memory(XENMEM_machine_memory_map, &map);
	r.set_map = hc_memory(XENMEM_set_memory_map, &fm);
	r.acquire = hc_memory(XENMEM_acquire_resource, &acquire);
	acquire.domid = DOMID_SELF;
	r.acquire_self = hc_memory(XENMEM_acquire_resource, &acquire);
	r.other_reservation = hc_memory(XENMEM_current_reservation, &md);
	r.machphys = hc_mmu_update(theirs * 4096 | MMU_MACHPHYS_UPDATE, 1);
}

static void try_rest(void)
{
	struct evtchn_alloc_unbound alloc = { .dom = 0, .remote_dom = DOMID_SELF };
	struct gnttab_setup_table setup = { .dom = 0, .nr_frames = 0 };
	struct sched_remote_shutdown shut = { .domain_id = 0, .reason = SHUTDOWN_crash };
	struct sched_pin_override pin = { .pcpu = 0 };
	struct mica_port port = { .dom = DOMID_SELF, .port = 1, .flags = MICA_PORT_RAISE };
	static char text[1024];

	r.alloc_unbound = hc_evtchn(EVTCHNOP_alloc_unbound, &alloc);
	r.console_write = hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, 1, text);
	r.console_read = hypercall(__HYPERVISOR_console_io, CONSOLEIO_read, 1, text);
	hc_gnttab(GNTTABOP_setup_table, &setup, 1);
	r.setup_table = setup.status;
	r.remote_shutdown = hc_sched(SCHEDOP_remote_shutdown, &shut);
	r.pin_override = hc_sched(SCHEDOP_pin_override, &pin);
	r.commandline = hc_version(XENVER_commandline, text);
	r.audit = hypercall(__HYPERVISOR_mica_op, MICA_OP_audit, 0);
	r.port = hypercall(__HYPERVISOR_mica_op, MICA_OP_port, &port);
}

static void payload(void)
{
	try_controls();
	try_versions();
	try_memory();
	try_rest();
}

/* what a domain may do to itself, and what nobody offers */
static long physdev_wanted(unsigned int cmd)
{
	switch (cmd) {
	case PHYSDEVOP_set_iopl:
	case PHYSDEVOP_set_iobitmap:
	case PHYSDEVOP_IRQ_UNMASK_NOTIFY:
		return 0;
	case PHYSDEVOP_eoi:				/* a domain without interrupts */
	case PHYSDEVOP_irq_status_query:
	case PHYSDEVOP_unmap_pirq:			/* its own: it has none; dom0's: below */
	case PHYSDEVOP_pirq_eoi_gmfn_v1:
	case PHYSDEVOP_pirq_eoi_gmfn_v2:
		return -EINVAL;
	case PHYSDEVOP_manage_pci_add:
	case PHYSDEVOP_manage_pci_remove:
	case PHYSDEVOP_manage_pci_add_ext:
	case PHYSDEVOP_apic_read:
	case PHYSDEVOP_apic_write:
	case PHYSDEVOP_alloc_irq_vector:
	case PHYSDEVOP_map_pirq:
	case PHYSDEVOP_setup_gsi:
	case PHYSDEVOP_pci_mmcfg_reserved:
	case PHYSDEVOP_pci_device_add:
	case PHYSDEVOP_pci_device_remove:
	case PHYSDEVOP_restore_msi:
	case PHYSDEVOP_restore_msi_ext:
	case PHYSDEVOP_prepare_msix:
	case PHYSDEVOP_release_msix:
		return -EPERM;
	default:
		return -ENOSYS;
	}
}

static void check_controls(void)
{
	for (unsigned int i = 0; i < NR_DOMCTL; i++)
		check(r.domctl[i] == -EPERM, "domctl %u: %ld", i, r.domctl[i]);
	check_equal(r.gdbsx, -EPERM);
	for (unsigned int i = 0; i < NR_SYSCTL; i++)
		check(r.sysctl[i] == -EPERM, "sysctl %u: %ld", i, r.sysctl[i]);
	for (unsigned int i = 0; i < NR_PLATFORM; i++)
		check(r.platform[i] == -EPERM, "platform_op %u: %ld", i, r.platform[i]);
	for (unsigned int i = 0; i < NR_PHYSDEV; i++) {
		long want = physdev_wanted(i);

		check(r.physdev[i] == want || (want == -EINVAL && r.physdev[i] < 0),
		      "physdev_op %u: %ld, wanted %ld", i, r.physdev[i], want);
	}
	for (int i = 0; i < 3; i++)
		check_equal(r.version[i], -EACCES);
}

static void check_memory(void)
{
	check_equal(r.map, -EPERM);
	check_equal(r.map_io, -EPERM);
	check_equal(r.map_xen, -EPERM);
	check_equal(r.write_tables, -EPERM);
	check_equal(r.pin, -EPERM);
	check_equal(r.clear, -EPERM);
	check_equal(r.populate, 0);			/* counts, not errors */
	check_equal(r.decrease, 0);
	check_equal(r.claim, -EPERM);
	check_equal(r.exchange, -EPERM);
	check_equal(r.mfn_list, -EPERM);
	check_equal(r.machine_map, -EPERM);
	check_equal(r.set_map, -EPERM);
	check_equal(r.acquire, -EPERM);
	check_equal(r.acquire_self, -EPERM);
	check_equal(r.other_reservation, -EPERM);
	check_refused(r.machphys);
}

static void check_rest(void)
{
	check_equal(r.alloc_unbound, -EPERM);
	check_equal(r.console_write, -EPERM);
	check_equal(r.console_read, -EPERM);
	check_equal(r.setup_table, GNTST_permission_denied);
	check_equal(r.remote_shutdown, -EPERM);
	check_equal(r.pin_override, -EPERM);
	check_equal(r.commandline, -EPERM);
	check_equal(r.audit, -EPERM);
	check_equal(r.port, -EPERM);
}

void test_main(void)
{
	theirs = frame_spare(0);
	domu_build(&d, payload);
	domu_run(&d);
	check_equal(domu_wait_shutdown(&d), SHUTDOWN_poweroff);
	memcpy((void *)&r, domu_map_va(&d, &r, DOMU_SLOT + 1), sizeof(r));
	domu_unmap(DOMU_SLOT + 1);
	check_controls();
	check_memory();
	check_rest();
	check(domu_destroy(d.id), "the domain is still there");
}
