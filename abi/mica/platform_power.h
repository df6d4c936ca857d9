/* SPDX-License-Identifier: MIT */
/*
 * Processor power data for platform_op(XENPF_set_processor_pminfo): what ACPI says about
 * sleep (Cx) and performance (Px) states, uploaded by dom0 because only dom0 runs ACPI's
 * interpreter.  Everything is written by dom0 and read by the hypervisor.
 */
#ifndef MICA_ABI_PLATFORM_POWER_H
#define MICA_ABI_PLATFORM_POWER_H

#include <mica/types.h>

/* Bits of SIF_PM_MASK: what the hypervisor would like to be given. */
#define XEN_PROCESSOR_PM_CX	1
#define XEN_PROCESSOR_PM_PX	2
#define XEN_PROCESSOR_PM_TX	4

/* xenpf_set_processor_pminfo.type */
#define XEN_PM_CX		0	/* power */
#define XEN_PM_PX		1	/* perf */
#define XEN_PM_TX		2
#define XEN_PM_PDC		3	/* pdc */

/* xen_processor_performance.flags: which ACPI objects are in this upload. */
#define XEN_PX_PCT		1	/* control and status registers */
#define XEN_PX_PSS		2	/* states */
#define XEN_PX_PPC		4	/* platform_limit */
#define XEN_PX_PSD		8	/* domain_info */

/* xen_processor_performance.shared_type */
#define XEN_CPUPERF_SHARED_TYPE_HW	1	/* hardware coordinates */
#define XEN_CPUPERF_SHARED_TYPE_ALL	2	/* every CPU of the group must be set */
#define XEN_CPUPERF_SHARED_TYPE_ANY	3	/* any one CPU of the group will do */

/* An ACPI generic address. */
struct xen_power_register {
	uint32_t space_id;
	uint32_t bit_width;
	uint32_t bit_offset;
	uint32_t access_size;
	uint64_t address;
};
ABI_SIZE(struct xen_power_register, 24);

/* Dependency of one C-state on other processors. */
struct xen_processor_csd {
	uint32_t domain;
	uint32_t coord_type;
	uint32_t num;			/* processors in the group */
};
ABI_SIZE(struct xen_processor_csd, 12);

struct xen_processor_cx {
	struct xen_power_register reg;	/* what to touch to enter it */
	uint8_t type;			/* n of Cn */
	uint8_t _pad0[3];
	uint32_t latency;		/* worst case, us */
	uint32_t power;			/* mW */
	uint32_t dpcnt;			/* entries at dp */
	uint64_t dp;			/* guest pointer to struct xen_processor_csd, or 0 */
};
ABI_SIZE(struct xen_processor_cx, 48);

/* xen_processor_power.flags */
#define XEN_PROCESSOR_FLAG_bm_control		(1u << 0)
#define XEN_PROCESSOR_FLAG_bm_check		(1u << 1)
#define XEN_PROCESSOR_FLAG_has_cst		(1u << 2)
#define XEN_PROCESSOR_FLAG_power_setup_done	(1u << 3)
#define XEN_PROCESSOR_FLAG_bm_rld_set		(1u << 4)

struct xen_processor_power {
	uint32_t count;			/* entries at states */
	uint32_t flags;			/* XEN_PROCESSOR_FLAG_* */
	uint64_t states;		/* guest pointer to struct xen_processor_cx */
};
ABI_SIZE(struct xen_processor_power, 16);

/* An ACPI generic address with its descriptor bytes. */
struct xen_pct_register {
	uint8_t descriptor;
	uint8_t _pad0;
	uint16_t length;
	uint8_t space_id;
	uint8_t bit_width;
	uint8_t bit_offset;
	uint8_t reserved;
	uint64_t address;
};
ABI_SIZE(struct xen_pct_register, 16);

struct xen_processor_px {
	uint64_t core_frequency;	/* MHz */
	uint64_t power;			/* mW */
	uint64_t transition_latency;	/* us */
	uint64_t bus_master_latency;	/* us */
	uint64_t control;		/* written to the control register */
	uint64_t status;		/* expected in the status register */
};
ABI_SIZE(struct xen_processor_px, 48);

struct xen_psd_package {
	uint64_t num_entries;
	uint64_t revision;
	uint64_t domain;
	uint64_t coord_type;
	uint64_t num_processors;
};
ABI_SIZE(struct xen_psd_package, 40);

struct xen_processor_performance {
	uint32_t flags;			/* XEN_PX_* */
	uint32_t platform_limit;	/* fastest state now allowed */
	struct xen_pct_register control_register;
	struct xen_pct_register status_register;
	uint32_t state_count;		/* entries at states */
	uint32_t _pad0;
	uint64_t states;		/* guest pointer to struct xen_processor_px */
	struct xen_psd_package domain_info;
	uint32_t shared_type;		/* XEN_CPUPERF_SHARED_TYPE_* */
	uint32_t _pad1;
};
ABI_SIZE(struct xen_processor_performance, 104);

struct xenpf_set_processor_pminfo {
	uint32_t id;			/* ACPI id of the processor */
	uint32_t type;			/* XEN_PM_* */
	union {
		struct xen_processor_power power;
		struct xen_processor_performance perf;
		uint64_t pdc;		/* guest pointer to u32: revision, count, bits */
	} u;
};
ABI_SIZE(struct xenpf_set_processor_pminfo, 112);

#endif /* MICA_ABI_PLATFORM_POWER_H */
