/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * platform_op: what dom0 does for the machine (abi-inventory 4.8).  Wall clock, sleep and the list
 * of physical CPUs are served.  Firmware data ends its loops with -ESRCH; under UEFI dom0 learns
 * where the ACPI tables are from its command line (boot/dom0.c).  Processor power data is accepted
 * and not used: idle CPUs halt, frequency is the firmware's.
 */
#include <mica/platform.h>
#include "call/handlers.h"
#include "cpu/panic.h"
#include "dom/ending.h"
#include "dom/vtime.h"

static long firmware_info(struct xen_platform_op *op)
{
	switch (op->u.firmware_info.type) {
	case XEN_FW_DISK_INFO: case XEN_FW_DISK_MBR_SIGNATURE: case XEN_FW_VBEDDC_INFO:
		return -ESRCH;
	case XEN_FW_KBD_SHIFT_FLAGS:
		op->u.firmware_info.u.kbd_shift_flags = 0;
		return 0;
	case XEN_FW_EFI_INFO: return -ENOSYS;
	default: return refuse(-EINVAL, "firmware_info: type %u", op->u.firmware_info.type);
	}
}

static long enter_sleep(const struct xenpf_enter_acpi_sleep *s)
{
	if (s->sleep_state != 5 || (s->flags & XENPF_ACPI_SLEEP_EXTENDED))
		return refuse(-EINVAL, "sleep state S%u is not offered", s->sleep_state);
	log_info("dom0 powers the machine off");
	ending_audit();
	machine_power_off(s->val_a, s->val_b);
}

static long get_cpuinfo(struct xenpf_pcpuinfo *info)
{
	unsigned id = info->xen_cpuid;

	info->max_present = nr_cpus - 1;
	if (id >= nr_cpus) {
		info->flags = XEN_PCPU_FLAGS_INVALID;
		info->apic_id = info->acpi_id = ~0u;
		return 0;
	}
	info->apic_id = percpu_of(id)->apic_id;
	info->acpi_id = percpu_of(id)->acpi_id;
	info->flags = cpus_online & BIT(id) ? XEN_PCPU_FLAGS_ONLINE : 0;
	return 0;
}

static long run(struct vcpu *self, void *arg)
{
	struct xen_platform_op *op = arg;
	const struct xenpf_settime32 *t32 = &op->u.settime32;
	const struct xenpf_settime64 *t64 = &op->u.settime64;

	switch (op->cmd) {
	case XENPF_settime32:
		vtime_set_wallclock(t32->secs, t32->nsecs, t32->system_time);
		return 0;
	case XENPF_settime64:
		if (t64->mbz)
			return refuse(-EINVAL, "settime: mbz is %x", t64->mbz);
		vtime_set_wallclock(t64->secs, t64->nsecs, t64->system_time);
		return 0;
	case XENPF_firmware_info: return firmware_info(op);
	case XENPF_enter_acpi_sleep: return enter_sleep(&op->u.enter_acpi_sleep);
	case XENPF_get_cpuinfo: return get_cpuinfo(&op->u.pcpu_info);
	case XENPF_set_processor_pminfo:	/* PDC asks what we could do with it: nothing */
		return op->u.set_pminfo.type <= XEN_PM_TX ? 0 : -ENOSYS;
	case XENPF_read_memtype:	/* past the last one: there are none */
		return -EINVAL;
	case XENPF_cpu_online: case XENPF_cpu_offline:
		return refuse(op->u.cpu_ol.cpuid ? -EINVAL : -EOPNOTSUPP,
			      "physical CPUs stay as they are");
	default: return refuse(-ENOSYS, "platform_op %u", op->cmd);
	}
}

long hc_platform_op(struct vcpu *self, gva_t arg)
{
	static const struct control control = {
		"platform_op", XENPF_INTERFACE_VERSION, CONTROL_SIZE(struct xen_platform_op), run,
	};

	return control_op(&control, self, arg);
}
