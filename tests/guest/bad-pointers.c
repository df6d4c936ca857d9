/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: does every hypercall that takes a pointer answer a bad one - null, unmapped,
 * non-canonical, straddling into an unmapped page - with -EFAULT (or its documented error), and
 * change nothing?
 */
#include "guest.h"

/* Last 4 bytes before an unmapped page. */
static uint64_t edge;

static void fault(long rc, const char *what, uint64_t p)
{
	if (rc != -EFAULT)
		test_fail("%s with pointer %lx: %ld", what, p, rc);
}

/* calls whose documented answer is another error, or no error, for some of these */
static void no_crash(long rc)
{
}

static void try_lists(uint64_t p)
{
	fault(hypercall(__HYPERVISOR_mmu_update, p, 1, 0, DOMID_SELF), "mmu_update", p);
	fault(hypercall(__HYPERVISOR_mmuext_op, p, 1, 0, DOMID_SELF), "mmuext_op", p);
	fault(hypercall(__HYPERVISOR_multicall, p, 1), "multicall", p);
	fault(hypercall(__HYPERVISOR_set_gdt, p, 16), "set_gdt", p);
	fault(hc_gnttab(GNTTABOP_map_grant_ref, (void *)p, 1), "map_grant_ref", p);
	fault(hc_gnttab(GNTTABOP_unmap_grant_ref, (void *)p, 1), "unmap_grant_ref", p);
	fault(hc_gnttab(GNTTABOP_copy, (void *)p, 1), "grant copy", p);
	fault(hc_gnttab(GNTTABOP_query_size, (void *)p, 1), "query_size", p);
	fault(hc_gnttab(GNTTABOP_setup_table, (void *)p, 1), "setup_table", p);
	fault(hc_gnttab(GNTTABOP_get_version, (void *)p, 1), "get_version", p);
	fault(hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, 16, p), "console write", p);
}

static void try_structs(uint64_t p)
{
	void *v = (void *)p;

	fault(hc_version(XENVER_extraversion, v), "extraversion", p);
	fault(hc_version(XENVER_compile_info, v), "compile_info", p);
	fault(hc_version(XENVER_capabilities, v), "capabilities", p);
	fault(hc_version(XENVER_platform_parameters, v), "platform_parameters", p);
	fault(hc_version(XENVER_get_features, v), "get_features", p);
	fault(hc_version(XENVER_guest_handle, v), "guest_handle", p);
	fault(hc_memory(XENMEM_machphys_mapping, v), "machphys_mapping", p);
	fault(hc_memory(XENMEM_machine_memory_map, v), "machine_memory_map", p);
	fault(hc_memory(XENMEM_exchange, v), "exchange", p);
	fault(hc_memory(XENMEM_machphys_mfn_list, v), "machphys_mfn_list", p);
	fault(hc_sched(SCHEDOP_poll, v), "poll", p);
	fault(hc_vcpu(VCPUOP_get_runstate_info, 0, v), "runstate", p);
	fault(hc_vcpu(VCPUOP_set_singleshot_timer, 0, v), "singleshot", p);
	fault(hc_vcpu(VCPUOP_register_vcpu_info, 0, v), "register_vcpu_info", p);
	fault(hypercall(__HYPERVISOR_callback_op, CALLBACKOP_register, p), "callback_op", p);
	fault(hypercall(__HYPERVISOR_nmi_op, XENNMI_register_callback, p), "nmi_op", p);
	fault(hypercall(__HYPERVISOR_platform_op, p), "platform_op", p);
	fault(hypercall(__HYPERVISOR_domctl, p), "domctl", p);
	fault(hypercall(__HYPERVISOR_sysctl, p), "sysctl", p);
	fault(hc_physdev(PHYSDEVOP_set_iobitmap, v), "set_iobitmap", p);
	fault(hc_physdev(PHYSDEVOP_map_pirq, v), "map_pirq", p);
	no_crash(hc_memory(XENMEM_decrease_reservation, v));
	no_crash(hc_memory(XENMEM_populate_physmap, v));
}

static void try_small(uint64_t p)
{
	void *v = (void *)p;

	fault(hc_evtchn(EVTCHNOP_alloc_unbound, v), "alloc_unbound", p);
	fault(hc_evtchn(EVTCHNOP_bind_virq, v), "bind_virq", p);
	fault(hc_evtchn(EVTCHNOP_bind_ipi, v), "bind_ipi", p);
	fault(hc_evtchn(EVTCHNOP_status, v), "status", p);
	fault(hc_evtchn(EVTCHNOP_init_control, v), "init_control", p);
	fault(hc_evtchn(EVTCHNOP_expand_array, v), "expand_array", p);
	if (p != edge) {
		fault(hc_evtchn(EVTCHNOP_send, v), "send", p);
		fault(hc_evtchn(EVTCHNOP_close, v), "close", p);
		fault(hc_memory(XENMEM_current_reservation, v), "current_reservation", p);
		fault(hc_physdev(PHYSDEVOP_set_iopl, v), "set_iopl", p);
	}
}

/* Results cannot be written: the work is undone or reported, never half kept. */
static void check_outputs(void)
{
	struct mmu_update req = { .ptr = mfn_of(window_l1()) * PAGE_SIZE, .val = 0 };

	no_crash(hypercall(__HYPERVISOR_mmu_update, &req, 1, 0xdead000, DOMID_SELF));
	fault(hc_evtchn(EVTCHNOP_bind_ipi, (void *)start_info->pt_base), "bind_ipi into a table",
	      start_info->pt_base);
	fault(hc_version(XENVER_extraversion, (void *)start_info->pt_base), "version into a table",
	      start_info->pt_base);
}

void test_main(void)
{
	static const uint64_t bad[] = { 0xdead000, 0x7ffffffff000, NONCANONICAL, 0x8000000000000000,
					HOLE_START - 8, HOLE_END, ~0UL - 7, ~0UL };
	uint8_t *page = window(20);

	must(hc_map((unsigned long)page, make_pte(frame_spare(0), PTE_RW_PAGE)));
	memset(page, 0xff, PAGE_SIZE);
	edge = (uint64_t)page + PAGE_SIZE - 4;
	for (unsigned int i = 0; i <= ARRAY_SIZE(bad); i++) {
		uint64_t p = i < ARRAY_SIZE(bad) ? bad[i] : edge;

		try_lists(p);
		try_structs(p);
		try_small(p);
	}
	check_outputs();
}
