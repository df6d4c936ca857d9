/* SPDX-License-Identifier: MIT */
/*
 * domctl(op): how the toolstack makes, changes, saves and ends domains.  op is a guest
 * pointer to struct xen_domctl at the end of this file; the structures before it are the
 * members of its union, each named after the command it belongs to.
 *
 * interface_version must be XEN_DOMCTL_INTERFACE_VERSION (else -EACCES), the caller dom0
 * (else -EPERM), `domain` an existing domain (else -ESRCH).  Commands of the shared
 * numbering that have no structure here are not offered: -ENOSYS or -EOPNOTSUPP.
 * "in" fields are written by the caller, "out" fields by the hypervisor.
 */
#ifndef MICA_ABI_DOMCTL_H
#define MICA_ABI_DOMCTL_H

#include <mica/types.h>
#include <mica/domctl_cmd.h>

/* Bit n of a byte array: CPU, or node, n. */
struct xenctl_bitmap {
	uint64_t bitmap;		/* guest pointer */
	uint32_t nr_bits;		/* bits of room */
	uint32_t _pad;
};
ABI_SIZE(struct xenctl_bitmap, 16);

/* The x86 part of a domain's configuration. */
struct xen_arch_domainconfig {
	uint32_t emulation_flags;	/* XEN_X86_EMU_*; PV: 0 or PIT */
	uint32_t misc_flags;		/* XEN_X86_MSR_RELAXED */
};
ABI_SIZE(struct xen_arch_domainconfig, 8);

/* createdomain: `domain` is in: the wanted number, or 0 for any; out: the number. */
struct xen_domctl_createdomain {
	uint32_t ssidref;		/* zero */
	xen_domain_handle_t handle;
	uint32_t flags;			/* XEN_DOMCTL_CDF_* */
	uint32_t iommu_opts;		/* XEN_DOMCTL_IOMMU_* */
	uint32_t max_vcpus;		/* at least 1 */
	uint32_t max_evtchn_port;	/* highest port it may have */
	int32_t max_grant_frames;	/* -1: the default */
	int32_t max_maptrack_frames;	/* -1: the default */
	uint32_t grant_opts;		/* bits 0-3: highest grant table version */
	uint32_t vmtrace_size;		/* zero */
	uint32_t cpupool_id;
	struct xen_arch_domainconfig arch;
};
ABI_SIZE(struct xen_domctl_createdomain, 64);

/* getdomaininfo (of the first domain numbered `domain` or higher), getdomaininfolist; out */
struct xen_domctl_getdomaininfo {
	domid_t domain;
	uint16_t pad1;
	uint32_t flags;			/* XEN_DOMINF_* and the shutdown code */
	uint64_t tot_pages;		/* frames it owns */
	uint64_t max_pages;		/* frames it may own */
	uint64_t outstanding_pages;	/* frames claimed and not yet allocated */
	uint64_t shr_pages;		/* frames shared copy-on-write: 0 */
	uint64_t paged_pages;		/* frames paged out: 0 */
	uint64_t shared_info_frame;	/* mfn of struct shared_info */
	uint64_t cpu_time;		/* ns, all vCPUs together */
	uint32_t nr_online_vcpus;
	uint32_t max_vcpu_id;		/* or XEN_INVALID_MAX_VCPU_ID */
	uint32_t ssidref;
	xen_domain_handle_t handle;
	uint32_t cpupool;
	uint8_t gpaddr_bits;		/* width of its physical addresses */
	uint8_t pad2[7];
	struct xen_arch_domainconfig arch_config;
};
ABI_SIZE(struct xen_domctl_getdomaininfo, 112);

/* getpageframeinfo3: kinds of up to 1024 frames. */
struct xen_domctl_getpageframeinfo3 {
	uint64_t num;			/* in: entries */
	uint64_t array;			/* guest pointer to u64; mfn in, XEN_DOMCTL_PFINFO_* out */
};
ABI_SIZE(struct xen_domctl_getpageframeinfo3, 16);

struct xen_domctl_shadow_op_stats {
	uint32_t fault_count;		/* write faults taken since the last clean */
	uint32_t dirty_count;		/* frames found dirty since the last clean */
};
ABI_SIZE(struct xen_domctl_shadow_op_stats, 8);

/* shadow_op: log which frames are written, for live migration. */
struct xen_domctl_shadow_op {
	uint32_t op;			/* in: XEN_DOMCTL_SHADOW_OP_* */
	uint32_t mode;			/* in: XEN_DOMCTL_SHADOW_ENABLE_* or _LOGDIRTY_* */
	uint32_t mb;			/* in/out: allocation in MiB */
	uint32_t _pad;
	uint64_t dirty_bitmap;		/* guest pointer, out: bit n is pfn n */
	uint64_t pages;			/* in: bits of room, out: bits written */
	struct xen_domctl_shadow_op_stats stats;	/* out */
};
ABI_SIZE(struct xen_domctl_shadow_op, 40);

struct xen_domctl_max_mem {
	uint64_t max_memkb;		/* in: KiB */
};
ABI_SIZE(struct xen_domctl_max_mem, 8);

/* setvcpucontext, getvcpucontext */
struct xen_domctl_vcpucontext {
	uint32_t vcpu;			/* in */
	uint32_t _pad;
	uint64_t ctxt;			/* guest pointer to vcpu_guest_context; set: 0 resets */
};
ABI_SIZE(struct xen_domctl_vcpucontext, 16);

struct xen_domctl_getvcpuinfo {
	uint32_t vcpu;			/* in */
	uint8_t online;			/* out: up */
	uint8_t blocked;		/* out: waiting for an event */
	uint8_t running;		/* out: on a physical CPU now */
	uint8_t _pad0;
	uint64_t cpu_time;		/* out: ns */
	uint32_t cpu;			/* out: where it runs or last ran */
	uint32_t _pad1;
};
ABI_SIZE(struct xen_domctl_getvcpuinfo, 24);

/* setnodeaffinity, getnodeaffinity */
struct xen_domctl_nodeaffinity {
	struct xenctl_bitmap nodemap;
};
ABI_SIZE(struct xen_domctl_nodeaffinity, 16);

/* setvcpuaffinity (maps come back as they take effect), getvcpuaffinity */
struct xen_domctl_vcpuaffinity {
	uint32_t vcpu;			/* in */
	uint32_t flags;			/* in: XEN_VCPUAFFINITY_* */
	struct xenctl_bitmap cpumap_hard;	/* CPUs it may run on */
	struct xenctl_bitmap cpumap_soft;	/* CPUs it should run on */
};
ABI_SIZE(struct xen_domctl_vcpuaffinity, 40);

struct xen_domctl_max_vcpus {
	uint32_t max;			/* in: the number given to createdomain */
};
ABI_SIZE(struct xen_domctl_max_vcpus, 4);

struct xen_domctl_sched_credit {
	uint16_t weight;		/* share; put: 0 keeps it */
	uint16_t cap;			/* percent of one CPU; 0: none */
};
ABI_SIZE(struct xen_domctl_sched_credit, 4);

struct xen_domctl_sched_credit2 {
	uint16_t weight;		/* share; put: 0 keeps it */
	uint16_t cap;			/* percent of one CPU; 0: none */
};
ABI_SIZE(struct xen_domctl_sched_credit2, 4);

struct xen_domctl_sched_rtds {
	uint32_t period;		/* us */
	uint32_t budget;		/* us */
	uint32_t flags;			/* XEN_DOMCTL_SCHEDRT_extra */
};
ABI_SIZE(struct xen_domctl_sched_rtds, 12);

struct xen_domctl_schedparam_vcpu {
	union {
		struct xen_domctl_sched_credit credit;
		struct xen_domctl_sched_credit2 credit2;
		struct xen_domctl_sched_rtds rtds;
	} u;
	uint32_t vcpuid;
};
ABI_SIZE(struct xen_domctl_schedparam_vcpu, 16);

struct xen_domctl_scheduler_op {
	uint32_t sched_id;		/* in: XEN_SCHEDULER_*, must be the pool's */
	uint32_t cmd;			/* in: XEN_DOMCTL_SCHEDOP_* */
	union {
		struct xen_domctl_sched_credit credit;
		struct xen_domctl_sched_credit2 credit2;
		struct xen_domctl_sched_rtds rtds;
		struct {
			uint64_t vcpus;		/* guest pointer to schedparam_vcpu */
			uint32_t nr_vcpus;	/* in: entries, out: done */
			uint32_t padding;
		} v;
	} u;
};
ABI_SIZE(struct xen_domctl_scheduler_op, 24);

struct xen_domctl_setdomainhandle {
	xen_domain_handle_t handle;	/* in */
};
ABI_SIZE(struct xen_domctl_setdomainhandle, 16);

struct xen_domctl_setdebugging {
	uint8_t enable;			/* in */
};
ABI_SIZE(struct xen_domctl_setdebugging, 1);

/* irq_permission, iomem_permission, ioport_permission: give or take hardware. */
struct xen_domctl_irq_permission {
	uint32_t pirq;			/* in: the caller's pirq */
	uint8_t allow_access;		/* in */
	uint8_t pad[3];
};
ABI_SIZE(struct xen_domctl_irq_permission, 8);

struct xen_domctl_iomem_permission {
	uint64_t first_mfn;		/* in */
	uint64_t nr_mfns;		/* in */
	uint8_t allow_access;		/* in */
	uint8_t _pad[7];
};
ABI_SIZE(struct xen_domctl_iomem_permission, 24);

struct xen_domctl_ioport_permission {
	uint32_t first_port;		/* in */
	uint32_t nr_ports;		/* in */
	uint8_t allow_access;		/* in */
	uint8_t _pad[3];
};
ABI_SIZE(struct xen_domctl_ioport_permission, 12);

struct xen_domctl_hypercall_init {
	uint64_t gmfn;			/* in: frame to fill with the hypercall page */
};
ABI_SIZE(struct xen_domctl_hypercall_init, 8);

struct xen_domctl_settimeoffset {
	int64_t time_offset_seconds;	/* in: added to its wall clock */
};
ABI_SIZE(struct xen_domctl_settimeoffset, 8);

/* gethvmcontext, sethvmcontext; refused for PV */
struct xen_domctl_hvmcontext {
	uint32_t size;
	uint32_t _pad;
	uint64_t buffer;		/* guest pointer */
};
ABI_SIZE(struct xen_domctl_hvmcontext, 16);

/* set_address_size, get_address_size */
struct xen_domctl_address_size {
	uint32_t size;			/* 64 */
};
ABI_SIZE(struct xen_domctl_address_size, 4);

struct xen_domctl_sendtrigger {
	uint32_t trigger;		/* in: XEN_DOMCTL_SENDTRIGGER_* */
	uint32_t vcpu;			/* in */
};
ABI_SIZE(struct xen_domctl_sendtrigger, 8);

/* assign_device, test_assign_device, deassign_device */
struct xen_domctl_assign_device {
	uint32_t dev;			/* in: XEN_DOMCTL_DEV_* */
	uint32_t flags;			/* in */
	union {
		struct {
			uint32_t machine_sbdf;	/* segment << 16 | bus << 8 | devfn */
		} pci;
		struct {
			uint32_t size;		/* bytes of path */
			uint32_t _pad;
			uint64_t path;		/* guest pointer */
		} dt;
	} u;
};
ABI_SIZE(struct xen_domctl_assign_device, 24);

struct xen_domctl_get_device_group {
	uint32_t machine_sbdf;		/* in */
	uint32_t max_sdevs;		/* in: room */
	uint32_t num_sdevs;		/* out */
	uint32_t _pad;
	uint64_t sdev_array;		/* guest pointer to u32, out */
};
ABI_SIZE(struct xen_domctl_get_device_group, 24);

/* memory_mapping, ioport_mapping; for translated guests, refused for PV */
struct xen_domctl_memory_mapping {
	uint64_t first_gfn;
	uint64_t first_mfn;
	uint64_t nr_mfns;
	uint32_t add_mapping;		/* 1 add, 0 remove */
	uint32_t padding;
};
ABI_SIZE(struct xen_domctl_memory_mapping, 32);

struct xen_domctl_ioport_mapping {
	uint32_t first_gport;
	uint32_t first_mport;
	uint32_t nr_ports;
	uint32_t add_mapping;		/* 1 add, 0 remove */
};
ABI_SIZE(struct xen_domctl_ioport_mapping, 16);

/* Virtual machine-check state, part of ext_vcpucontext. */
struct hvm_vmce_vcpu {
	uint64_t caps;			/* MCG_CAP */
	uint64_t mci_ctl2_bank0;
	uint64_t mci_ctl2_bank1;
	uint64_t mcg_ext_ctl;
};
ABI_SIZE(struct hvm_vmce_vcpu, 32);

/* set_ext_vcpucontext, get_ext_vcpucontext: what vcpu_guest_context has no room for. */
struct xen_domctl_ext_vcpucontext {
	uint32_t vcpu;			/* in */
	uint32_t size;			/* set: in, get: out: bytes that count, from vcpu on */
	uint64_t syscall32_callback_eip;
	uint64_t sysenter_callback_eip;
	uint16_t syscall32_callback_cs;
	uint16_t sysenter_callback_cs;
	uint8_t syscall32_disables_events;
	uint8_t sysenter_disables_events;
	uint16_t _pad;
	struct hvm_vmce_vcpu vmce;
};
ABI_SIZE(struct xen_domctl_ext_vcpucontext, 64);

struct xen_domctl_set_target {
	domid_t target;			/* in: domain it may act on */
};
ABI_SIZE(struct xen_domctl_set_target, 2);

/* get_cpu_policy, set_cpu_policy: what CPUID and MSRs tell the domain. */
struct xen_domctl_cpu_policy {
	uint32_t nr_leaves;		/* in: entries, out: used */
	uint32_t nr_msrs;		/* in: entries, out: used */
	uint64_t leaves;		/* guest pointer to struct xen_cpuid_leaf */
	uint64_t msrs;			/* guest pointer to struct xen_msr_entry */
	uint32_t err_leaf, err_subleaf;	/* out, set: the leaf that was refused, or ~0 */
	uint32_t err_msr;		/* out, set: the MSR that was refused, or ~0 */
	uint32_t _pad;
};
ABI_SIZE(struct xen_domctl_cpu_policy, 40);

struct xen_domctl_subscribe {
	uint32_t port;			/* in: of the domain, signalled when it suspends; 0 takes it back */
};
ABI_SIZE(struct xen_domctl_subscribe, 4);

struct xen_domctl_debug_op {
	uint32_t op;			/* in: single step off 0, on 1 */
	uint32_t vcpu;			/* in */
};
ABI_SIZE(struct xen_domctl_debug_op, 8);

/* gettscinfo, settscinfo */
struct xen_domctl_tsc_info {
	uint32_t tsc_mode;		/* 0 default, 1 always emulate, 2 never emulate */
	uint32_t gtsc_khz;		/* rate the guest sees */
	uint32_t incarnation;		/* times it was restored */
	uint32_t pad;
	uint64_t elapsed_nsec;		/* guest TSC, in ns */
};
ABI_SIZE(struct xen_domctl_tsc_info, 24);

struct xen_domctl_set_virq_handler {
	uint32_t virq;			/* in: VIRQ_* of the G kind, from now on to `domain` */
};
ABI_SIZE(struct xen_domctl_set_virq_handler, 4);

/* setvcpuextstate, getvcpuextstate: XCR0, XCR0 ever used, then the XSAVE area. */
struct xen_domctl_vcpuextstate {
	uint32_t vcpu;			/* in */
	uint32_t _pad;
	uint64_t xfeature_mask;		/* get: out */
	uint64_t size;			/* in/out: bytes; get with buffer 0: bytes needed */
	uint64_t buffer;		/* guest pointer */
};
ABI_SIZE(struct xen_domctl_vcpuextstate, 32);

/* get_paging_mempool_size, set_paging_mempool_size; refused for PV */
struct xen_domctl_paging_mempool {
	uint64_t size;			/* bytes */
};
ABI_SIZE(struct xen_domctl_paging_mempool, 8);

struct xen_domctl_vcpu_msr {
	uint32_t index;
	uint32_t reserved;		/* zero */
	uint64_t value;
};
ABI_SIZE(struct xen_domctl_vcpu_msr, 16);

/* get_vcpu_msrs, set_vcpu_msrs */
struct xen_domctl_vcpu_msrs {
	uint32_t vcpu;			/* in */
	uint32_t msr_count;		/* in: entries, out: used; set: index of a bad one */
	uint64_t msrs;			/* guest pointer to struct xen_domctl_vcpu_msr */
};
ABI_SIZE(struct xen_domctl_vcpu_msrs, 16);

/* setvnumainfo; all in */
struct xen_domctl_vnuma {
	uint32_t nr_vnodes;
	uint32_t nr_vmemranges;
	uint32_t nr_vcpus;
	uint32_t pad;
	uint64_t vdistance;		/* guest pointer to u32, nr_vnodes squared */
	uint64_t vcpu_to_vnode;		/* guest pointer to u32, one per vCPU */
	uint64_t vnode_to_pnode;	/* guest pointer to u32, one per virtual node */
	uint64_t vmemrange;		/* guest pointer to struct xen_vmemrange */
};
ABI_SIZE(struct xen_domctl_vnuma, 48);

struct xen_domctl {
	uint32_t cmd;			/* XEN_DOMCTL_* in lower case */
	uint32_t interface_version;	/* XEN_DOMCTL_INTERFACE_VERSION */
	domid_t domain;			/* which one; createdomain, getdomaininfo: also out */
	uint16_t _pad[3];
	union {
		struct xen_domctl_createdomain createdomain;
		struct xen_domctl_getdomaininfo getdomaininfo;
		struct xen_domctl_getpageframeinfo3 getpageframeinfo3;
		struct xen_domctl_nodeaffinity nodeaffinity;
		struct xen_domctl_vcpuaffinity vcpuaffinity;
		struct xen_domctl_shadow_op shadow_op;
		struct xen_domctl_max_mem max_mem;
		struct xen_domctl_vcpucontext vcpucontext;
		struct xen_domctl_getvcpuinfo getvcpuinfo;
		struct xen_domctl_max_vcpus max_vcpus;
		struct xen_domctl_scheduler_op scheduler_op;
		struct xen_domctl_setdomainhandle setdomainhandle;
		struct xen_domctl_setdebugging setdebugging;
		struct xen_domctl_irq_permission irq_permission;
		struct xen_domctl_iomem_permission iomem_permission;
		struct xen_domctl_ioport_permission ioport_permission;
		struct xen_domctl_hypercall_init hypercall_init;
		struct xen_domctl_settimeoffset settimeoffset;
		struct xen_domctl_tsc_info tsc_info;
		struct xen_domctl_hvmcontext hvmcontext;
		struct xen_domctl_address_size address_size;
		struct xen_domctl_sendtrigger sendtrigger;
		struct xen_domctl_get_device_group get_device_group;
		struct xen_domctl_assign_device assign_device;
		struct xen_domctl_memory_mapping memory_mapping;
		struct xen_domctl_ioport_mapping ioport_mapping;
		struct xen_domctl_ext_vcpucontext ext_vcpucontext;
		struct xen_domctl_set_target set_target;
		struct xen_domctl_subscribe subscribe;
		struct xen_domctl_debug_op debug_op;
		struct xen_domctl_cpu_policy cpu_policy;
		struct xen_domctl_vcpuextstate vcpuextstate;
		struct xen_domctl_vcpu_msrs vcpu_msrs;
		struct xen_domctl_set_virq_handler set_virq_handler;
		struct xen_domctl_vnuma vnuma;
		struct xen_domctl_paging_mempool paging_mempool;
		uint8_t pad[128];
	} u;
};
ABI_SIZE(struct xen_domctl, 144);
ABI_OFFSET(struct xen_domctl, u, 16);

#endif /* MICA_ABI_DOMCTL_H */
