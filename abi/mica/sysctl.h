/* SPDX-License-Identifier: MIT */
/*
 * sysctl(op): what the toolstack asks about the host as a whole.  op is a guest pointer
 * to struct xen_sysctl at the end of this file; the structures before it are the members
 * of its union.  interface_version must be XEN_SYSCTL_INTERFACE_VERSION (else -EACCES),
 * the caller dom0 (else -EPERM).  Commands without a structure here are not offered.
 *
 * Lists follow one rule: with a null pointer the call only reports how many entries
 * there are.
 */
#ifndef MICA_ABI_SYSCTL_H
#define MICA_ABI_SYSCTL_H

#include <mica/types.h>
#include <mica/domctl.h>

#define XEN_SYSCTL_INTERFACE_VERSION		0x00000015

/* xen_sysctl.cmd */
#define XEN_SYSCTL_readconsole			1
#define XEN_SYSCTL_tbuf_op			2
#define XEN_SYSCTL_physinfo			3
#define XEN_SYSCTL_sched_id			4
#define XEN_SYSCTL_perfc_op			5
#define XEN_SYSCTL_getdomaininfolist		6
#define XEN_SYSCTL_debug_keys			7
#define XEN_SYSCTL_getcpuinfo			8
#define XEN_SYSCTL_availheap			9
#define XEN_SYSCTL_get_pmstat			10
#define XEN_SYSCTL_cpu_hotplug			11
#define XEN_SYSCTL_pm_op			12
#define XEN_SYSCTL_page_offline_op		14
#define XEN_SYSCTL_lockprof_op			15
#define XEN_SYSCTL_cputopoinfo			16
#define XEN_SYSCTL_numainfo			17
#define XEN_SYSCTL_cpupool_op			18
#define XEN_SYSCTL_scheduler_op			19
#define XEN_SYSCTL_coverage_op			20
#define XEN_SYSCTL_psr_cmt_op			21
#define XEN_SYSCTL_pcitopoinfo			22
#define XEN_SYSCTL_psr_alloc			23
#define XEN_SYSCTL_get_cpu_levelling_caps	25
#define XEN_SYSCTL_get_cpu_featureset		26
#define XEN_SYSCTL_livepatch_op			27
#define XEN_SYSCTL_get_cpu_policy		29

/* The hypervisor's log. */
struct xen_sysctl_readconsole {
	uint8_t clear;			/* in: forget what was read */
	uint8_t incremental;		/* in: start at index, not at the oldest byte */
	uint8_t pad0, pad1;
	uint32_t index;			/* in: where to start, out: where it stopped */
	uint64_t buffer;		/* guest pointer */
	uint32_t count;			/* in: bytes of room, out: bytes stored */
	uint32_t _pad;
};
ABI_SIZE(struct xen_sysctl_readconsole, 24);

/* xen_sysctl_physinfo.capabilities */
#define XEN_SYSCTL_PHYSCAP_hvm			(1u << 0)
#define XEN_SYSCTL_PHYSCAP_pv			(1u << 1)
#define XEN_SYSCTL_PHYSCAP_directio		(1u << 2)	/* IOMMU in use */
#define XEN_SYSCTL_PHYSCAP_hap			(1u << 3)
#define XEN_SYSCTL_PHYSCAP_shadow		(1u << 4)
#define XEN_SYSCTL_PHYSCAP_iommu_hap_pt_share	(1u << 5)
#define XEN_SYSCTL_PHYSCAP_vmtrace		(1u << 6)
#define XEN_SYSCTL_PHYSCAP_vpmu			(1u << 7)
#define XEN_SYSCTL_PHYSCAP_gnttab_v1		(1u << 8)
#define XEN_SYSCTL_PHYSCAP_gnttab_v2		(1u << 9)
#define XEN_SYSCTL_PHYSCAP_MAX			XEN_SYSCTL_PHYSCAP_gnttab_v2

/* All out. */
struct xen_sysctl_physinfo {
	uint32_t threads_per_core;
	uint32_t cores_per_socket;
	uint32_t nr_cpus;		/* online now */
	uint32_t max_cpu_id;
	uint32_t nr_nodes;		/* online now */
	uint32_t max_node_id;
	uint32_t cpu_khz;
	uint32_t capabilities;		/* XEN_SYSCTL_PHYSCAP_* */
	uint32_t arch_capabilities;	/* none on x86 */
	uint32_t pad;
	uint64_t total_pages;		/* frames of RAM */
	uint64_t free_pages;
	uint64_t scrub_pages;		/* waiting to be cleaned */
	uint64_t outstanding_pages;	/* claimed and not yet allocated */
	uint64_t max_mfn;
	uint32_t hw_cap[8];		/* first words of the host's featureset */
};
ABI_SIZE(struct xen_sysctl_physinfo, 112);

struct xen_sysctl_sched_id {
	uint32_t sched_id;		/* out: XEN_SCHEDULER_* */
};
ABI_SIZE(struct xen_sysctl_sched_id, 4);

struct xen_sysctl_getdomaininfolist {
	domid_t first_domain;		/* in */
	uint16_t _pad0;
	uint32_t max_domains;		/* in: room */
	uint64_t buffer;		/* guest pointer to xen_domctl_getdomaininfo */
	uint32_t num_domains;		/* out: entries stored */
	uint32_t _pad1;
};
ABI_SIZE(struct xen_sysctl_getdomaininfolist, 24);

struct xen_sysctl_debug_keys {
	uint64_t keys;			/* guest pointer to characters */
	uint32_t nr_keys;		/* in */
	uint32_t _pad;
};
ABI_SIZE(struct xen_sysctl_debug_keys, 16);

struct xen_sysctl_cpuinfo {
	uint64_t idletime;		/* ns */
};
ABI_SIZE(struct xen_sysctl_cpuinfo, 8);

struct xen_sysctl_getcpuinfo {
	uint32_t max_cpus;		/* in: room */
	uint32_t _pad0;
	uint64_t info;			/* guest pointer to struct xen_sysctl_cpuinfo */
	uint32_t nr_cpus;		/* out */
	uint32_t _pad1;
};
ABI_SIZE(struct xen_sysctl_getcpuinfo, 24);

struct xen_sysctl_availheap {
	uint32_t min_bitwidth;		/* in: lowest address width; 0: any */
	uint32_t max_bitwidth;		/* in: highest address width; 0: any */
	int32_t node;			/* in: NUMA node; -1: any */
	uint32_t _pad;
	uint64_t avail_bytes;		/* out */
};
ABI_SIZE(struct xen_sysctl_availheap, 24);

#define XEN_SYSCTL_CPU_HOTPLUG_ONLINE		0
#define XEN_SYSCTL_CPU_HOTPLUG_OFFLINE		1
#define XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE	2
#define XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE	3

struct xen_sysctl_cpu_hotplug {
	uint32_t cpu;			/* in */
	uint32_t op;			/* in: XEN_SYSCTL_CPU_HOTPLUG_* */
};
ABI_SIZE(struct xen_sysctl_cpu_hotplug, 8);

/* What stands for "unknown" in the answers below. */
#define XEN_INVALID_CORE_ID		(~0u)
#define XEN_INVALID_SOCKET_ID		(~0u)
#define XEN_INVALID_NODE_ID		(~0u)
#define XEN_INVALID_MEM_SZ		(~0u)
#define XEN_INVALID_NODE_DIST		(~0u)
#define XEN_INVALID_DEV			(XEN_INVALID_NODE_ID - 1)

struct xen_sysctl_cputopo {
	uint32_t core;
	uint32_t socket;
	uint32_t node;
};
ABI_SIZE(struct xen_sysctl_cputopo, 12);

struct xen_sysctl_cputopoinfo {
	uint32_t num_cpus;		/* in: room, out: entries */
	uint32_t _pad;
	uint64_t cputopo;		/* guest pointer to struct xen_sysctl_cputopo */
};
ABI_SIZE(struct xen_sysctl_cputopoinfo, 16);

struct xen_sysctl_meminfo {
	uint64_t memsize;		/* bytes */
	uint64_t memfree;		/* bytes */
};
ABI_SIZE(struct xen_sysctl_meminfo, 16);

struct xen_sysctl_numainfo {
	uint32_t num_nodes;		/* in: room, out: entries */
	uint32_t _pad;
	uint64_t meminfo;		/* guest pointer to struct xen_sysctl_meminfo */
	uint64_t distance;		/* guest pointer to u32, i * num_nodes + j */
};
ABI_SIZE(struct xen_sysctl_numainfo, 24);

struct xen_sysctl_pcitopoinfo {
	uint32_t num_devs;		/* in: entries, out: done */
	uint32_t _pad;
	uint64_t devs;			/* guest pointer to struct physdev_pci_device */
	uint64_t nodes;			/* guest pointer to u32, out */
};
ABI_SIZE(struct xen_sysctl_pcitopoinfo, 24);

#define XEN_SYSCTL_CPUPOOL_OP_CREATE		1
#define XEN_SYSCTL_CPUPOOL_OP_DESTROY		2
#define XEN_SYSCTL_CPUPOOL_OP_INFO		3	/* of the first pool from cpupool_id on */
#define XEN_SYSCTL_CPUPOOL_OP_ADDCPU		4
#define XEN_SYSCTL_CPUPOOL_OP_RMCPU		5
#define XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN	6
#define XEN_SYSCTL_CPUPOOL_OP_FREEINFO		7	/* CPUs of no pool */
#define XEN_SYSCTL_CPUPOOL_PAR_ANY		0xFFFFFFFF

struct xen_sysctl_cpupool_op {
	uint32_t op;			/* in: XEN_SYSCTL_CPUPOOL_OP_* */
	uint32_t cpupool_id;		/* in, info and create: also out */
	uint32_t sched_id;		/* create: in, info: out */
	uint32_t domid;			/* movedomain: in */
	uint32_t cpu;			/* addcpu, rmcpu: in */
	uint32_t n_dom;			/* info: out */
	struct xenctl_bitmap cpumap;	/* info, freeinfo: out */
};
ABI_SIZE(struct xen_sysctl_cpupool_op, 40);

/* scheduler_op: parameters of a pool's scheduler. */
#define XEN_SYSCTL_SCHEDOP_putinfo	0
#define XEN_SYSCTL_SCHEDOP_getinfo	1
#define XEN_SYSCTL_SCHED_RATELIMIT_MAX	500000	/* us */
#define XEN_SYSCTL_SCHED_RATELIMIT_MIN	100
#define XEN_SYSCTL_CSCHED_TSLICE_MAX	1000	/* ms */
#define XEN_SYSCTL_CSCHED_TSLICE_MIN	1
#define XEN_SYSCTL_CSCHED_MGR_DLY_MAX_US 100000

struct xen_sysctl_credit_schedule {
	uint32_t tslice_ms;
	uint32_t ratelimit_us;		/* shortest run before preemption; 0: none */
	uint32_t vcpu_migr_delay_us;	/* how long a vCPU counts as cache-hot */
};
ABI_SIZE(struct xen_sysctl_credit_schedule, 12);

struct xen_sysctl_credit2_schedule {
	uint32_t ratelimit_us;
};
ABI_SIZE(struct xen_sysctl_credit2_schedule, 4);

struct xen_sysctl_scheduler_op {
	uint32_t cpupool_id;		/* in */
	uint32_t sched_id;		/* in: must be the pool's */
	uint32_t cmd;			/* in: XEN_SYSCTL_SCHEDOP_* */
	uint32_t _pad;
	union {
		struct {
			uint64_t schedule;	/* guest pointer */
		} sched_arinc653;
		struct xen_sysctl_credit_schedule sched_credit;
		struct xen_sysctl_credit2_schedule sched_credit2;
		uint64_t _pad[2];
	} u;
};
ABI_SIZE(struct xen_sysctl_scheduler_op, 32);

/* xen_sysctl_cpu_levelling_caps.caps: how a PV guest's bare CPUID can be changed. */
#define XEN_SYSCTL_CPU_LEVELCAP_faulting	(1u << 0)
#define XEN_SYSCTL_CPU_LEVELCAP_ecx		(1u << 1)	/* leaf 1 */
#define XEN_SYSCTL_CPU_LEVELCAP_edx		(1u << 2)
#define XEN_SYSCTL_CPU_LEVELCAP_extd_ecx	(1u << 3)	/* leaf 0x80000001 */
#define XEN_SYSCTL_CPU_LEVELCAP_extd_edx	(1u << 4)
#define XEN_SYSCTL_CPU_LEVELCAP_xsave_eax	(1u << 5)	/* leaf 0xd.1 */
#define XEN_SYSCTL_CPU_LEVELCAP_thermal_ecx	(1u << 6)	/* leaf 6 */
#define XEN_SYSCTL_CPU_LEVELCAP_l7s0_eax	(1u << 7)	/* leaf 7.0 */
#define XEN_SYSCTL_CPU_LEVELCAP_l7s0_ebx	(1u << 8)

struct xen_sysctl_cpu_levelling_caps {
	uint32_t caps;			/* out */
};
ABI_SIZE(struct xen_sysctl_cpu_levelling_caps, 4);

#define XEN_SYSCTL_cpu_featureset_raw		0	/* as the processor says */
#define XEN_SYSCTL_cpu_featureset_host		1	/* as the hypervisor uses it */
#define XEN_SYSCTL_cpu_featureset_pv		2	/* default of a PV guest */
#define XEN_SYSCTL_cpu_featureset_hvm		3
#define XEN_SYSCTL_cpu_featureset_pv_max	4	/* most a PV guest can be given */
#define XEN_SYSCTL_cpu_featureset_hvm_max	5

struct xen_sysctl_cpu_featureset {
	uint32_t index;			/* in: XEN_SYSCTL_cpu_featureset_* */
	uint32_t nr_features;		/* in: words of room, out: words */
	uint64_t features;		/* guest pointer to u32 */
};
ABI_SIZE(struct xen_sysctl_cpu_featureset, 16);

#define XEN_SYSCTL_cpu_policy_raw		0
#define XEN_SYSCTL_cpu_policy_host		1
#define XEN_SYSCTL_cpu_policy_pv_max		2
#define XEN_SYSCTL_cpu_policy_hvm_max		3
#define XEN_SYSCTL_cpu_policy_pv_default	4
#define XEN_SYSCTL_cpu_policy_hvm_default	5

struct xen_sysctl_cpu_policy {
	uint32_t index;			/* in: XEN_SYSCTL_cpu_policy_* */
	uint32_t nr_leaves;		/* in: room, out: entries */
	uint32_t nr_msrs;		/* in: room, out: entries */
	uint32_t _rsvd;			/* zero */
	uint64_t leaves;		/* guest pointer to struct xen_cpuid_leaf */
	uint64_t msrs;			/* guest pointer to struct xen_msr_entry */
};
ABI_SIZE(struct xen_sysctl_cpu_policy, 32);

struct xen_sysctl {
	uint32_t cmd;			/* XEN_SYSCTL_* in lower case */
	uint32_t interface_version;	/* XEN_SYSCTL_INTERFACE_VERSION */
	union {
		struct xen_sysctl_readconsole readconsole;
		struct xen_sysctl_physinfo physinfo;
		struct xen_sysctl_cputopoinfo cputopoinfo;
		struct xen_sysctl_pcitopoinfo pcitopoinfo;
		struct xen_sysctl_numainfo numainfo;
		struct xen_sysctl_sched_id sched_id;
		struct xen_sysctl_getdomaininfolist getdomaininfolist;
		struct xen_sysctl_debug_keys debug_keys;
		struct xen_sysctl_getcpuinfo getcpuinfo;
		struct xen_sysctl_availheap availheap;
		struct xen_sysctl_cpu_hotplug cpu_hotplug;
		struct xen_sysctl_cpupool_op cpupool_op;
		struct xen_sysctl_scheduler_op scheduler_op;
		struct xen_sysctl_cpu_levelling_caps cpu_levelling_caps;
		struct xen_sysctl_cpu_featureset cpu_featureset;
		struct xen_sysctl_cpu_policy cpu_policy;
		uint8_t pad[128];
	} u;
};
ABI_SIZE(struct xen_sysctl, 136);
ABI_OFFSET(struct xen_sysctl, u, 8);

#endif /* MICA_ABI_SYSCTL_H */
