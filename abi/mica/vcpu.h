/* SPDX-License-Identifier: MIT */
/*
 * vcpu_op(cmd, vcpu, arg): start and stop vCPUs of the calling domain, set their timers
 * and say where their shared areas lie.  arg is a guest pointer to the structure named
 * with the command.  A vCPU number the domain cannot have answers -ENOENT.
 */
#ifndef MICA_ABI_VCPU_H
#define MICA_ABI_VCPU_H

#include <mica/types.h>

#define VCPUOP_initialise			0	/* vcpu_guest_context (regs.h) */
#define VCPUOP_up				1	/* no arg */
#define VCPUOP_down				2	/* no arg */
#define VCPUOP_is_up				3	/* no arg; returns 0 or 1 */
#define VCPUOP_get_runstate_info		4	/* vcpu_runstate_info, out */
#define VCPUOP_register_runstate_memory_area	5	/* vcpu_register_runstate_memory_area */
#define VCPUOP_set_periodic_timer		6	/* vcpu_set_periodic_timer */
#define VCPUOP_stop_periodic_timer		7	/* no arg */
#define VCPUOP_set_singleshot_timer		8	/* vcpu_set_singleshot_timer */
#define VCPUOP_stop_singleshot_timer		9	/* no arg */
#define VCPUOP_register_vcpu_info		10	/* vcpu_register_vcpu_info; once */
#define VCPUOP_send_nmi				11	/* no arg */
#define VCPUOP_get_physid			12	/* vcpu_get_physid; pinned dom0 */
#define VCPUOP_register_vcpu_time_memory_area	13	/* vcpu_register_time_memory_area */

/* vcpu_runstate_info.state */
#define RUNSTATE_running	0	/* on a physical CPU */
#define RUNSTATE_runnable	1	/* waiting for one */
#define RUNSTATE_blocked	2	/* waiting for an event */
#define RUNSTATE_offline	3	/* stopped or paused */

/* In state_entry_time while the hypervisor writes (with VMASST_TYPE_runstate_update_flag). */
#define XEN_RUNSTATE_UPDATE	(1ULL << 63)

/* Written by the hypervisor; the four times add up to the vCPU's age. */
struct vcpu_runstate_info {
	int32_t state;			/* RUNSTATE_* */
	uint32_t _pad;
	uint64_t state_entry_time;	/* system time, ns */
	uint64_t time[4];		/* ns spent in each RUNSTATE_* */
};
ABI_SIZE(struct vcpu_runstate_info, 48);

struct vcpu_register_runstate_memory_area {
	uint64_t addr;			/* guest pointer to vcpu_runstate_info, kept up to date */
};
ABI_SIZE(struct vcpu_register_runstate_memory_area, 8);

struct vcpu_set_periodic_timer {
	uint64_t period_ns;		/* at least 1 ms */
};
ABI_SIZE(struct vcpu_set_periodic_timer, 8);

/* vcpu_set_singleshot_timer.flags */
#define VCPU_SSHOTTMR_future	(1u << 0)	/* may answer -ETIME if already past */

struct vcpu_set_singleshot_timer {
	uint64_t timeout_abs_ns;	/* system time */
	uint32_t flags;			/* VCPU_SSHOTTMR_* */
	uint32_t _pad;
};
ABI_SIZE(struct vcpu_set_singleshot_timer, 16);

/* Move a vCPU's vcpu_info out of shared_info to a place of the guest's choice. */
struct vcpu_register_vcpu_info {
	uint64_t mfn;
	uint32_t offset;		/* bytes; the 64 bytes must stay in the frame */
	uint32_t rsvd;
};
ABI_SIZE(struct vcpu_register_vcpu_info, 16);

struct vcpu_get_physid {
	uint64_t phys_id;		/* out: APIC id low, ACPI id high */
};
ABI_SIZE(struct vcpu_get_physid, 8);

#define xen_vcpu_physid_to_x86_apicid(physid)	((uint32_t)(physid))
#define xen_vcpu_physid_to_x86_acpiid(physid)	((uint32_t)((physid) >> 32))

struct vcpu_register_time_memory_area {
	uint64_t addr;			/* guest pointer to vcpu_time_info, kept up to date */
};
ABI_SIZE(struct vcpu_register_time_memory_area, 8);

#endif /* MICA_ABI_VCPU_H */
