/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Question: do the small sched_op and vm_assist commands answer as documented, and does block
 * return at once when an event waits?
 */
#include "guest.h"

static void check_watchdog(void)
{
	struct sched_watchdog dog = { .id = 0, .timeout = 1000 };
	long id = hc_sched(SCHEDOP_watchdog, &dog);

	check(id >= 1 && id <= 2, "watchdog id %ld", id);
	dog.id = (uint32_t)id;
	check_ok(hc_sched(SCHEDOP_watchdog, &dog));
	dog.timeout = 0;
	check_ok(hc_sched(SCHEDOP_watchdog, &dog));
	dog.id = 99;
	check_equal(hc_sched(SCHEDOP_watchdog, &dog), -EINVAL);
}

static void check_block(void)
{
	long port = event_bind_ipi(0);

	must(port);
	event_disable();
	check_ok(event_send((unsigned int)port));
	check_ok(hc_sched(SCHEDOP_block, NULL));
	check_equal(event_count[port], 1);
	check_equal(event_mask_get(), 0);
	event_disable();
}

static void check_assist(void)
{
	long rc;

	for (unsigned int type = 0; type < 4; type++)
		check_ok(hc_vm_assist(VMASST_CMD_enable, type));
	check_ok(hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag));
	check_ok(hc_vm_assist(VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag));
	/* optional: nobody we know of uses it */
	rc = hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_m2p_strict);
	check(!rc || rc == -EINVAL, "m2p_strict: %ld", rc);
	check_equal(hc_vm_assist(VMASST_CMD_enable, 33), -EINVAL);
	check_equal(hc_vm_assist(VMASST_CMD_enable, 6), -EINVAL);
	check_equal(hc_vm_assist(VMASST_CMD_enable, 0xffffffff), -EINVAL);
	check_equal(hc_vm_assist(2, VMASST_TYPE_writable_pagetables), -ENOSYS);
}

void test_main(void)
{
	struct sched_shutdown code = {
		.reason = on_mica() ? SHUTDOWN_poweroff : SHUTDOWN_reboot,
	};
	struct sched_remote_shutdown remote = { .domain_id = 77 };
	char c;

	check_ok(hc_sched(SCHEDOP_yield, NULL));
	check_ok(hypercall(__HYPERVISOR_sched_op_compat, 0, 0));
	check_block();
	check_watchdog();
	check_assist();
	check_equal(hc_sched(SCHEDOP_remote_shutdown, &remote), -ESRCH);
	check_equal(hc_sched(99, NULL), -ENOSYS);
	check_ok(hc_sched(SCHEDOP_shutdown_code, &code));
	check_equal(hypercall(__HYPERVISOR_console_io, CONSOLEIO_read, 1, &c), 0);
	check_ok(hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, 0, "x"));
	check_equal(hypercall(__HYPERVISOR_console_io, 99, 0, 0), -ENOSYS);
}
