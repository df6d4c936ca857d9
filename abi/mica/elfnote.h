/* SPDX-License-Identifier: MIT */
/*
 * ELF notes with owner "Xen" by which a kernel image tells its loader what it wants.
 * Written by the kernel's authors, read by the dom0 builder and the toolstack.
 * "num" notes hold a little-endian integer of 4 or 8 bytes, "str" a C string.
 */
#ifndef MICA_ABI_ELFNOTE_H
#define MICA_ABI_ELFNOTE_H

#define XEN_ELFNOTE_OWNER		"Xen"

#define XEN_ELFNOTE_INFO		0	/* informational, ignored */
#define XEN_ELFNOTE_ENTRY		1	/* num: entry point, virtual; default e_entry */
#define XEN_ELFNOTE_HYPERCALL_PAGE	2	/* num: virtual address of the page to fill */
#define XEN_ELFNOTE_VIRT_BASE		3	/* num: virtual address of pfn 0; default 0 */
#define XEN_ELFNOTE_PADDR_OFFSET	4	/* num: bias of p_paddr; default 0 */
#define XEN_ELFNOTE_XEN_VERSION		5	/* str: must begin "xen-3.0" */
#define XEN_ELFNOTE_GUEST_OS		6	/* str: name of the system */
#define XEN_ELFNOTE_GUEST_VERSION	7	/* str: its version */
#define XEN_ELFNOTE_LOADER		8	/* str: must begin "generic" */
#define XEN_ELFNOTE_PAE_MODE		9	/* str: "yes", "bimodal", "no" */
#define XEN_ELFNOTE_FEATURES		10	/* str: XENFEAT names, '|' between, '!' required */
#define XEN_ELFNOTE_BSD_SYMTAB		11	/* str: "yes": symbol table after the image */
#define XEN_ELFNOTE_HV_START_LOW	12	/* num: lowest address the hypervisor may take */
#define XEN_ELFNOTE_L1_MFN_VALID	13	/* (mask, value) pairs: a live L1 entry */
#define XEN_ELFNOTE_SUSPEND_CANCEL	14	/* num: 1 = understands a cancelled suspend */
#define XEN_ELFNOTE_INIT_P2M		15	/* num: map the p2m at this virtual address */
#define XEN_ELFNOTE_MOD_START_PFN	16	/* num: 1 = takes mod_start as a pfn */
#define XEN_ELFNOTE_SUPPORTED_FEATURES	17	/* num list: bitmap of XENFEAT it can live with */
#define XEN_ELFNOTE_PHYS32_ENTRY	18	/* num: 32-bit physical entry; not for PV */
#define XEN_ELFNOTE_MAX			18

/* Notes in crash and core dumps, never in kernels. */
#define XEN_ELFNOTE_CRASH_INFO			0x1000001
#define XEN_ELFNOTE_CRASH_REGS			0x1000002
#define XEN_ELFNOTE_DUMPCORE_NONE		0x2000000
#define XEN_ELFNOTE_DUMPCORE_HEADER		0x2000001
#define XEN_ELFNOTE_DUMPCORE_XEN_VERSION	0x2000002
#define XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION	0x2000003

#endif /* MICA_ABI_ELFNOTE_H */
