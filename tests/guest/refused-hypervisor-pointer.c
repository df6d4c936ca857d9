/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: hand the hypervisor pointers into its own memory, to read its secrets (inputs) or to
 * have it overwrite itself (outputs): every call with a pointer, many places.
 */
#include "guest.h"

static const uint64_t places[] = {
	0xffff804000000000, 0xffff808000000000, 0xffff810000000000, 0xffff820000000000,
	0xffff82c000000000, 0xffff82d040000000, 0xffff82d080000000, 0xffff830000000000,
	0xffff830000100000, 0xffff87fffffff000, 0xffff87ffffffffc0,
};

static void refuse(long rc, const char *what, uint64_t at)
{
	if (rc >= 0)
		test_fail("%s with pointer %lx: %ld", what, at, rc);
}

static void try_inputs(uint64_t p)
{
	refuse(hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, 16, p), "console write", p);
	refuse(hypercall(__HYPERVISOR_multicall, p, 1), "multicall", p);
	refuse(hypercall(__HYPERVISOR_mmu_update, p, 1, 0, DOMID_SELF), "mmu_update", p);
	refuse(hypercall(__HYPERVISOR_mmuext_op, p, 1, 0, DOMID_SELF), "mmuext_op", p);
	refuse(hypercall(__HYPERVISOR_set_gdt, p, 1), "set_gdt", p);
	refuse(hypercall(__HYPERVISOR_set_trap_table, p), "set_trap_table", p);
	refuse(hypercall(__HYPERVISOR_callback_op, CALLBACKOP_register, p), "callback_op", p);
	refuse(hc_sched(SCHEDOP_poll, (void *)p), "poll", p);
	refuse(hc_vcpu(VCPUOP_set_singleshot_timer, 0, (void *)p), "singleshot", p);
	refuse(hc_physdev(PHYSDEVOP_set_iopl, (void *)p), "set_iopl", p);
	refuse(hc_evtchn(EVTCHNOP_send, (void *)p), "evtchn send", p);
	refuse(hc_gnttab(GNTTABOP_copy, (void *)p, 1), "grant copy", p);
	refuse(hypercall(__HYPERVISOR_domctl, p), "domctl", p);
	refuse(hypercall(__HYPERVISOR_sysctl, p), "sysctl", p);
	refuse(hypercall(__HYPERVISOR_platform_op, p), "platform_op", p);
}

static void try_outputs(uint64_t p)
{
	struct xen_memory_map map = { .nr_entries = 64, .buffer = p };
	struct xen_machphys_mfn_list ml = { .max_extents = 4, .extent_start = p };
	struct mmuext_op op = { .cmd = MMUEXT_TLB_FLUSH_LOCAL };

	refuse(hc_version(XENVER_extraversion, (void *)p), "extraversion", p);
	refuse(hc_version(XENVER_commandline, (void *)p), "commandline", p);
	refuse(hc_version(XENVER_get_features, (void *)p), "features", p);
	refuse(hc_vcpu(VCPUOP_get_runstate_info, 0, (void *)p), "runstate", p);
	refuse(hc_memory(XENMEM_machphys_mapping, (void *)p), "machphys_mapping", p);
	refuse(hc_memory(XENMEM_machine_memory_map, &map), "memory map", p);
	refuse(hc_memory(XENMEM_machphys_mfn_list, &ml), "mfn list", p);
	/* the done count may be dropped silently, not written */
	hypercall(__HYPERVISOR_mmuext_op, &op, 1, p, DOMID_SELF);
	hypercall(__HYPERVISOR_console_io, CONSOLEIO_read, 16, p);
}

/* XSA-212: the exchange's own output list, also with an offset that wraps. */
static void try_exchange(uint64_t p)
{
	uint64_t in = frame_spare(2);
	struct xen_memory_exchange x = {
		.in = { .extent_start = PTR(&in), .nr_extents = 1, .domid = DOMID_SELF },
		.out = { .extent_start = p, .nr_extents = 1, .domid = DOMID_SELF },
	};

	refuse(hc_memory(XENMEM_exchange, &x), "exchange", p);
	x.out.extent_start = p - (1UL << 40) * 8;
	x.in.nr_extents = x.out.nr_extents = (1UL << 40) + 1;
	x.nr_exchanged = 1UL << 40;
	refuse(hc_memory(XENMEM_exchange, &x), "exchange with an offset", p);
}

void test_main(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		try_inputs(places[i]);
		try_outputs(places[i]);
		try_exchange(places[i]);
	}
	check_equal(hc_version(XENVER_version, NULL), 0x40011);
	/* a direct look does not work either */
	for (unsigned int i = 0; i < ARRAY_SIZE(places); i++) {
		struct fault f;

		FAULT_IN(&f, *(volatile uint8_t *)places[i]);
		check(f.hit && f.vector == 14, "reading %lx: hit %d", places[i], f.hit);
		FAULT_IN(&f, ((void (*)(void))places[i])());
		check(f.hit && f.vector == 14, "executing %lx: hit %d", places[i], f.hit);
	}
}
