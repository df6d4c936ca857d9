/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: can every callback be registered, old and new way, only the NMI's unregistered, and is
 * an NMI delivered once until iret?
 */
#include "guest.h"

static volatile unsigned int nmis, depth, nested;

static bool on_nmi(struct regs *regs)
{
	if (regs->vector != VEC_NMI && regs->vector != 2)
		return false;
	nmis++;
	if (depth++)
		nested = 1;
	if (nmis == 1)
		hc_vcpu(VCPUOP_send_nmi, 0, NULL);	/* waits for our iret */
	depth--;
	return true;
}

static long unregister(unsigned int type)
{
	struct callback_unregister op = { .type = (uint16_t)type };

	return hypercall(__HYPERVISOR_callback_op, CALLBACKOP_unregister, &op);
}

static void check_register(void)
{
	static const unsigned int types[] = { CALLBACKTYPE_event, CALLBACKTYPE_failsafe,
		CALLBACKTYPE_syscall, CALLBACKTYPE_sysenter, CALLBACKTYPE_syscall32 };

	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++) {
		check_ok(hc_callback(types[i], 0, (unsigned long)entry_event));
		check_equal(unregister(types[i]), -EINVAL);
		check_equal(hc_callback(types[i], 0, NONCANONICAL), -EINVAL);
	}
	check_equal(hc_callback(99, 0, (unsigned long)entry_event), -ENOSYS);
	check_equal(unregister(99), -ENOSYS);
	check_equal(hypercall(__HYPERVISOR_callback_op, 99, 0), -ENOSYS);
	check_ok(hypercall(__HYPERVISOR_set_callbacks, entry_event, entry_failsafe,
			   entry_syscall));
	trap_install();
}

static void check_nmi(void)
{
	struct xennmi_callback cb = { .handler_address = (uint64_t)entry_nmi };

	check_ok(hc_callback(CALLBACKTYPE_nmi, 0, (unsigned long)entry_nmi));
	this_cpu()->hook = on_nmi;
	check_ok(hc_vcpu(VCPUOP_send_nmi, 0, NULL));
	hc_version(XENVER_version, NULL);
	check_equal(nmis, 2);
	check_equal(nested, 0);
	check_ok(unregister(CALLBACKTYPE_nmi));
	check_ok(hypercall(__HYPERVISOR_nmi_op, XENNMI_register_callback, &cb));
	check_ok(hypercall(__HYPERVISOR_nmi_op, XENNMI_unregister_callback, NULL));
	check_equal(hypercall(__HYPERVISOR_nmi_op, 9, NULL), -ENOSYS);
	this_cpu()->hook = NULL;
}

void test_main(void)
{
	check_register();
	check_nmi();
}
