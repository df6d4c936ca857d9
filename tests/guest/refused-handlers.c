/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Break-in: entry points the hypervisor would have to jump to or push through - non-canonical trap
 * handlers and callbacks, a trap table that ends in the hole - must be refused or end in the guest.
 */
#include "guest.h"

static void check_traps(void)
{
	struct trap_info list[3] = {
		{ .vector = 6, .cs = FLAT_KERNEL_CS64, .address = trap_stubs[6] },
		{ .vector = 3, .cs = FLAT_KERNEL_CS64, .address = NONCANONICAL },
	};
	struct fault f;

	check_equal(trap_set(3, 3, NONCANONICAL), -EINVAL);
	check_equal(trap_set(14, 0, 0xffff7fffffffffff), -EINVAL);
	check_equal(trap_set(0x80, 3, 0x8000000000000000), -EINVAL);
	check_equal(hypercall(__HYPERVISOR_set_trap_table, list), -EINVAL);
	/* the vectors still work */
	FAULT_IN(&f, asm volatile("int3"));
	check_fault(&f, 3, 0);
	FAULT_IN(&f, *(volatile char *)0x1000);
	check_fault(&f, 14, 0);
}

/* The selector of a handler is the guest's wish only: entry is always on the flat one. */
static void check_selector(void)
{
	static const uint16_t wish[] = { 0, 0x08, 0x10, 0xe008, 0xe010, 0xe023, 0x1233 };
	struct trap_info list[2] = { { .vector = 3, .flags = 3, .address = trap_stubs[3] } };
	struct fault f;

	for (unsigned int i = 0; i < ARRAY_SIZE(wish); i++) {
		list[0].cs = wish[i];
		if (hypercall(__HYPERVISOR_set_trap_table, list) < 0)
			continue;
		FAULT_IN(&f, asm volatile("int3"));
		check_fault(&f, 3, 0);
	}
}

/* Entry in the hypervisor's range: fetching there faults in the guest, at the handler of #PF. */
static void check_hole(void)
{
	struct fault f;

	if (trap_set(3, 3, HOLE_START + 0x1000) >= 0) {
		FAULT_IN(&f, asm volatile("int3"));
		check(f.hit && f.vector == 14, "vector %lu", f.vector);
	}
	trap_install();
}

static void check_callbacks(void)
{
	static const unsigned int types[] = { CALLBACKTYPE_event, CALLBACKTYPE_failsafe,
		CALLBACKTYPE_syscall, CALLBACKTYPE_nmi, CALLBACKTYPE_sysenter,
		CALLBACKTYPE_syscall32 };

	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++) {
		check_equal(hc_callback(types[i], 0, NONCANONICAL), -EINVAL);
		check_equal(hc_callback(types[i], 0, 0xffff7fffffffffff), -EINVAL);
	}
}

/* The old call may report or not (Xen does not); the good callback must stay in force. */
static void check_old_call(void)
{
	long port = event_bind_ipi(0);

	must(port);
	hypercall(__HYPERVISOR_set_callbacks, NONCANONICAL, NONCANONICAL, NONCANONICAL);
	event_enable();
	check_ok(event_send((unsigned int)port));
	check_equal(event_count[port], 1);
	event_disable();
	trap_install();
}

void test_main(void)
{
	struct fault f;

	check_traps();
	check_selector();
	check_hole();
	check_callbacks();
	check_old_call();
	FAULT_IN(&f, asm volatile("ud2"));
	check_fault(&f, 6, 0);
}
