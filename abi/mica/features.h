/* SPDX-License-Identifier: MIT */
/*
 * Feature bits: reported by xen_version(XENVER_get_features) and named in a kernel's
 * FEATURES and SUPPORTED_FEATURES notes.  The numbers are bit positions in submap 0.
 * The column says what a PV guest of ours is told.
 */
#ifndef MICA_ABI_FEATURES_H
#define MICA_ABI_FEATURES_H

#define XENFEAT_writable_page_tables		0	/* 0: page tables are read-only */
#define XENFEAT_writable_descriptor_tables	1	/* 0: so are GDT and LDT */
#define XENFEAT_auto_translated_physmap		2	/* 0: the guest sees machine frames */
#define XENFEAT_supervisor_mode_kernel		3	/* 0: the guest kernel is in ring 3 */
#define XENFEAT_pae_pgdir_above_4gb		4	/* 1 when asked for */
#define XENFEAT_mmu_pt_update_preserve_ad	5	/* 1: MMU_PT_UPDATE_PRESERVE_AD exists */
#define XENFEAT_highmem_assist			6	/* 1: MMUEXT_CLEAR_PAGE, COPY_PAGE exist */
#define XENFEAT_gnttab_map_avail_bits		7	/* 1: GNTMAP avail bits reach the PTE */
#define XENFEAT_hvm_callback_vector		8	/* 0: not a PV matter */
#define XENFEAT_hvm_safe_pvclock		9	/* 0: not a PV matter */
#define XENFEAT_hvm_pirqs			10	/* 0: not a PV matter */
#define XENFEAT_dom0				11	/* 1 for dom0 */
#define XENFEAT_grant_map_identity		12	/* 0: withdrawn, only the number is kept */
#define XENFEAT_memory_op_vnode_supported	13	/* 1: XENMEMF_vnode is understood */
#define XENFEAT_ARM_SMCCC_supported		14	/* 0: other architectures */
#define XENFEAT_linux_rsdp_unrestricted		15	/* 0: only ever set by a kernel's note */
#define XENFEAT_not_direct_mapped		16	/* 0 */
#define XENFEAT_direct_mapped			17	/* 1: bus addresses are machine addresses */

#define XENFEAT_NR_SUBMAPS			1

#endif /* MICA_ABI_FEATURES_H */
