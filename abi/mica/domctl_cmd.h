/* SPDX-License-Identifier: MIT */
/*
 * Numbers and flags of domctl, apart from the structures (domctl.h) so that each file
 * stays readable.  The command list is the whole shared numbering; domctl.h has a
 * structure for each command that does something here.
 */
#ifndef MICA_ABI_DOMCTL_CMD_H
#define MICA_ABI_DOMCTL_CMD_H

#define XEN_DOMCTL_INTERFACE_VERSION	0x00000015

/* xen_domctl.cmd */
#define XEN_DOMCTL_createdomain			1
#define XEN_DOMCTL_destroydomain		2
#define XEN_DOMCTL_pausedomain			3
#define XEN_DOMCTL_unpausedomain		4
#define XEN_DOMCTL_getdomaininfo		5
#define XEN_DOMCTL_setvcpuaffinity		9
#define XEN_DOMCTL_shadow_op			10
#define XEN_DOMCTL_max_mem			11
#define XEN_DOMCTL_setvcpucontext		12
#define XEN_DOMCTL_getvcpucontext		13
#define XEN_DOMCTL_getvcpuinfo			14
#define XEN_DOMCTL_max_vcpus			15
#define XEN_DOMCTL_scheduler_op			16
#define XEN_DOMCTL_setdomainhandle		17
#define XEN_DOMCTL_setdebugging			18
#define XEN_DOMCTL_irq_permission		19
#define XEN_DOMCTL_iomem_permission		20
#define XEN_DOMCTL_ioport_permission		21
#define XEN_DOMCTL_hypercall_init		22
#define XEN_DOMCTL_settimeoffset		24
#define XEN_DOMCTL_getvcpuaffinity		25
#define XEN_DOMCTL_resumedomain			27
#define XEN_DOMCTL_sendtrigger			28
#define XEN_DOMCTL_subscribe			29
#define XEN_DOMCTL_gethvmcontext		33
#define XEN_DOMCTL_sethvmcontext		34
#define XEN_DOMCTL_set_address_size		35
#define XEN_DOMCTL_get_address_size		36
#define XEN_DOMCTL_assign_device		37
#define XEN_DOMCTL_bind_pt_irq			38
#define XEN_DOMCTL_memory_mapping		39
#define XEN_DOMCTL_ioport_mapping		40
#define XEN_DOMCTL_set_ext_vcpucontext		42
#define XEN_DOMCTL_get_ext_vcpucontext		43
#define XEN_DOMCTL_test_assign_device		45
#define XEN_DOMCTL_set_target			46
#define XEN_DOMCTL_deassign_device		47
#define XEN_DOMCTL_unbind_pt_irq		48
#define XEN_DOMCTL_get_device_group		50
#define XEN_DOMCTL_debug_op			54
#define XEN_DOMCTL_gethvmcontext_partial	55
#define XEN_DOMCTL_vm_event_op			56
#define XEN_DOMCTL_mem_sharing_op		57
#define XEN_DOMCTL_gettscinfo			59
#define XEN_DOMCTL_settscinfo			60
#define XEN_DOMCTL_getpageframeinfo3		61
#define XEN_DOMCTL_setvcpuextstate		62
#define XEN_DOMCTL_getvcpuextstate		63
#define XEN_DOMCTL_set_access_required		64
#define XEN_DOMCTL_audit_p2m			65
#define XEN_DOMCTL_set_virq_handler		66
#define XEN_DOMCTL_set_broken_page_p2m		67
#define XEN_DOMCTL_setnodeaffinity		68
#define XEN_DOMCTL_getnodeaffinity		69
#define XEN_DOMCTL_cacheflush			71
#define XEN_DOMCTL_get_vcpu_msrs		72
#define XEN_DOMCTL_set_vcpu_msrs		73
#define XEN_DOMCTL_setvnumainfo			74
#define XEN_DOMCTL_psr_cmt_op			75
#define XEN_DOMCTL_monitor_op			77
#define XEN_DOMCTL_psr_alloc			78
#define XEN_DOMCTL_soft_reset			79
#define XEN_DOMCTL_vuart_op			81
#define XEN_DOMCTL_get_cpu_policy		82
#define XEN_DOMCTL_set_cpu_policy		83
#define XEN_DOMCTL_vmtrace_op			84
#define XEN_DOMCTL_get_paging_mempool_size	85
#define XEN_DOMCTL_set_paging_mempool_size	86
#define XEN_DOMCTL_gdbsx_guestmemio		1000
#define XEN_DOMCTL_gdbsx_pausevcpu		1001
#define XEN_DOMCTL_gdbsx_unpausevcpu		1002
#define XEN_DOMCTL_gdbsx_domstatus		1003

/* xen_domctl_createdomain.flags; for PV only xs_domain means something */
#define XEN_DOMCTL_CDF_hvm			(1u << 0)
#define XEN_DOMCTL_CDF_hap			(1u << 1)
#define XEN_DOMCTL_CDF_s3_integrity		(1u << 2)
#define XEN_DOMCTL_CDF_oos_off			(1u << 3)
#define XEN_DOMCTL_CDF_xs_domain		(1u << 4)
#define XEN_DOMCTL_CDF_iommu			(1u << 5)
#define XEN_DOMCTL_CDF_nested_virt		(1u << 6)
#define XEN_DOMCTL_CDF_vpmu			(1u << 7)
#define XEN_DOMCTL_CDF_MAX			XEN_DOMCTL_CDF_vpmu

#define XEN_DOMCTL_IOMMU_no_sharept		(1u << 0)
#define XEN_DOMCTL_IOMMU_MAX			XEN_DOMCTL_IOMMU_no_sharept

/* grant_opts */
#define XEN_DOMCTL_GRANT_version_mask		0xf
#define XEN_DOMCTL_GRANT_version(v)		((v) & XEN_DOMCTL_GRANT_version_mask)

/* xen_arch_domainconfig: devices the hypervisor plays for the domain */
#define XEN_X86_EMU_LAPIC			(1u << 0)
#define XEN_X86_EMU_HPET			(1u << 1)
#define XEN_X86_EMU_PM				(1u << 2)
#define XEN_X86_EMU_RTC				(1u << 3)
#define XEN_X86_EMU_IOAPIC			(1u << 4)
#define XEN_X86_EMU_PIC				(1u << 5)
#define XEN_X86_EMU_VGA				(1u << 6)
#define XEN_X86_EMU_IOMMU			(1u << 7)
#define XEN_X86_EMU_PIT				(1u << 8)
#define XEN_X86_EMU_USE_PIRQ			(1u << 9)
#define XEN_X86_EMU_VPCI			(1u << 10)
#define XEN_X86_EMU_ALL				0x7ffu
#define XEN_X86_MSR_RELAXED			(1u << 0)	/* unknown MSRs read 0, no #GP */
#define XEN_X86_MISC_FLAGS_MAX			XEN_X86_MSR_RELAXED

/* xen_domctl_getdomaininfo.flags */
#define XEN_DOMINF_dying			(1u << 0)	/* being torn down */
#define XEN_DOMINF_hvm_guest			(1u << 1)
#define XEN_DOMINF_shutdown			(1u << 2)	/* code in bits 16-23 */
#define XEN_DOMINF_paused			(1u << 3)	/* by the toolstack */
#define XEN_DOMINF_blocked			(1u << 4)	/* every vCPU waits */
#define XEN_DOMINF_running			(1u << 5)	/* some vCPU runs */
#define XEN_DOMINF_debugged			(1u << 6)
#define XEN_DOMINF_xs_domain			(1u << 7)	/* runs the store */
#define XEN_DOMINF_hap				(1u << 8)
#define XEN_DOMINF_shutdownmask			255
#define XEN_DOMINF_shutdownshift		16
#define XEN_INVALID_MAX_VCPU_ID			(~0u)

/* Kinds of frames, getpageframeinfo3 */
#define XEN_DOMCTL_PFINFO_LTAB_SHIFT		28
#define XEN_DOMCTL_PFINFO_NOTAB			(0x0u << 28)
#define XEN_DOMCTL_PFINFO_L1TAB			(0x1u << 28)
#define XEN_DOMCTL_PFINFO_L2TAB			(0x2u << 28)
#define XEN_DOMCTL_PFINFO_L3TAB			(0x3u << 28)
#define XEN_DOMCTL_PFINFO_L4TAB			(0x4u << 28)
#define XEN_DOMCTL_PFINFO_LTABTYPE_MASK		(0x7u << 28)
#define XEN_DOMCTL_PFINFO_LPINTAB		(0x1u << 31)	/* pinned; or-ed to L1-L4 */
#define XEN_DOMCTL_PFINFO_BROKEN		(0xdu << 28)
#define XEN_DOMCTL_PFINFO_XALLOC		(0xeu << 28)	/* allocate only */
#define XEN_DOMCTL_PFINFO_XTAB			(0xfu << 28)	/* not a frame of this domain */
#define XEN_DOMCTL_PFINFO_LTAB_MASK		(0xfu << 28)

/* xen_domctl_shadow_op.op */
#define XEN_DOMCTL_SHADOW_OP_OFF		0
#define XEN_DOMCTL_SHADOW_OP_ENABLE_TEST	1	/* enable with no mode */
#define XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY	2	/* enable with LOG_DIRTY */
#define XEN_DOMCTL_SHADOW_OP_CLEAN		11	/* read and clear the bitmap */
#define XEN_DOMCTL_SHADOW_OP_PEEK		12	/* read the bitmap */
#define XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION	30
#define XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION	31
#define XEN_DOMCTL_SHADOW_OP_ENABLE		32	/* with mode */

/* .mode */
#define XEN_DOMCTL_SHADOW_ENABLE_REFCOUNT	(1 << 1)
#define XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY	(1 << 2)
#define XEN_DOMCTL_SHADOW_ENABLE_TRANSLATE	(1 << 3)
#define XEN_DOMCTL_SHADOW_ENABLE_EXTERNAL	(1 << 4)
#define XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL	(1 << 0)	/* include our own writes */

/* xen_domctl_vcpuaffinity.flags */
#define XEN_VCPUAFFINITY_HARD			(1u << 0)
#define XEN_VCPUAFFINITY_SOFT			(1u << 1)
#define XEN_VCPUAFFINITY_FORCE			(1u << 2)	/* undo SCHEDOP_pin_override */

/* Schedulers */
#define XEN_SCHEDULER_CREDIT			5
#define XEN_SCHEDULER_CREDIT2			6
#define XEN_SCHEDULER_ARINC653			7
#define XEN_SCHEDULER_RTDS			8
#define XEN_SCHEDULER_NULL			9

/* xen_domctl_scheduler_op.cmd */
#define XEN_DOMCTL_SCHEDOP_putinfo		0
#define XEN_DOMCTL_SCHEDOP_getinfo		1
#define XEN_DOMCTL_SCHEDOP_putvcpuinfo		2
#define XEN_DOMCTL_SCHEDOP_getvcpuinfo		3
#define XEN_DOMCTL_SCHEDRT_extra		(1u << 0)	/* may use more than its budget */

/* xen_domctl_sendtrigger.trigger */
#define XEN_DOMCTL_SENDTRIGGER_NMI		0
#define XEN_DOMCTL_SENDTRIGGER_RESET		1
#define XEN_DOMCTL_SENDTRIGGER_INIT		2
#define XEN_DOMCTL_SENDTRIGGER_POWER		3
#define XEN_DOMCTL_SENDTRIGGER_SLEEP		4

/* xen_domctl_assign_device */
#define XEN_DOMCTL_DEV_PCI			0
#define XEN_DOMCTL_DEV_DT			1
#define XEN_DOMCTL_DEV_RDM_RELAXED		1

/* memory_mapping, ioport_mapping */
#define DPCI_REMOVE_MAPPING			0
#define DPCI_ADD_MAPPING			1

#define XEN_DOMCTL_DEBUG_OP_SINGLE_STEP_OFF	0
#define XEN_DOMCTL_DEBUG_OP_SINGLE_STEP_ON	1

/* TSC modes; not in the shared headers, known to toolstacks by number */
#define TSC_MODE_DEFAULT			0	/* native where the host TSC is steady */
#define TSC_MODE_ALWAYS_EMULATE			1
#define TSC_MODE_NEVER_EMULATE			2

#endif /* MICA_ABI_DOMCTL_CMD_H */
