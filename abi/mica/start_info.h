/* SPDX-License-Identifier: MIT */
/*
 * The page a PV kernel finds at rsi when it starts: how much memory it has, where
 * its tables, module and shared rings are, and its command line.
 *
 * Written once by whoever builds the domain (the hypervisor for dom0, the toolstack
 * for a guest); the guest owns it from then on.  After save and restore only the
 * fields above `pt_base` are filled in again.
 */
#ifndef MICA_ABI_START_INFO_H
#define MICA_ABI_START_INFO_H

#include <mica/types.h>

#define MAX_GUEST_CMDLINE	1024	/* bytes, with the final NUL */

/* Bits of start_info.flags. */
#define SIF_PRIVILEGED		(1 << 0)	/* may control the machine */
#define SIF_INITDOMAIN		(1 << 1)	/* this is dom0 */
#define SIF_MULTIBOOT_MOD	(1 << 2)	/* the module is a list of multiboot modules */
#define SIF_MOD_START_PFN	(1 << 3)	/* mod_start is a pfn, the module is not mapped */
#define SIF_VIRT_P2M_4TOOLS	(1 << 4)	/* tools can follow a linear p2m */
#define SIF_PM_MASK		(0xFF << 8)	/* which processor power data dom0 should upload */

#ifndef __ASSEMBLER__

struct start_info {
	char magic[32];			/* "xen-3.0-x86_64", NUL padded */
	uint64_t nr_pages;		/* frames the domain owns */
	uint64_t shared_info;		/* machine address (not frame) of struct shared_info */
	uint32_t flags;			/* SIF_* */
	uint32_t _pad0;
	xen_pfn_t store_mfn;		/* mfn of the xenstore ring; dom0: 0 */
	uint32_t store_evtchn;		/* local port of the xenstore ring; dom0: 0 */
	uint32_t _pad1;
	union {
		struct {
			xen_pfn_t mfn;		/* mfn of the console ring */
			uint32_t evtchn;	/* local port of the console ring */
			uint32_t _pad;
		} domU;
		struct {
			uint32_t info_off;	/* bytes from here to dom0_vga_console_info */
			uint32_t info_size;	/* its size in bytes; 0: no screen */
		} dom0;
	} console;
	/* From here on: first boot only. */
	uint64_t pt_base;		/* virtual address of the L4 table */
	uint64_t nr_pt_frames;		/* frames of the initial page tables, L4 first */
	uint64_t mfn_list;		/* virtual address of the p2m: u64 mfn for each pfn */
	uint64_t mod_start;		/* virtual address of the initrd, or its pfn (flags) */
	uint64_t mod_len;		/* bytes; 0: none */
	char cmd_line[MAX_GUEST_CMDLINE];	/* NUL terminated */
	uint64_t first_p2m_pfn;		/* first pfn of the p2m if it lies outside the image */
	uint64_t nr_p2m_frames;		/* frames of that p2m, with the tables that map it */
};
ABI_SIZE(struct start_info, 1168);

/* One entry of the list at mod_start under SIF_MULTIBOOT_MOD.  Physical addresses. */
struct xen_multiboot_mod_list {
	uint32_t mod_start;		/* first byte */
	uint32_t mod_end;		/* last byte, inclusive */
	uint32_t cmdline;		/* NUL-terminated string */
	uint32_t pad;			/* zero */
};
ABI_SIZE(struct xen_multiboot_mod_list, 16);

/* dom0_vga_console_info.video_type */
#define XEN_VGATYPE_TEXT_MODE_3	0x03
#define XEN_VGATYPE_VESA_LFB	0x23
#define XEN_VGATYPE_EFI_LFB	0x70

/* The screen as firmware left it; follows start_info in dom0's page.  Written at boot. */
struct dom0_vga_console_info {
	uint8_t video_type;		/* XEN_VGATYPE_* */
	uint8_t _pad0[3];
	union {
		struct {
			uint16_t font_height;		/* pixels */
			uint16_t cursor_x, cursor_y;	/* column, row */
			uint16_t rows, columns;		/* characters */
		} text_mode_3;
		struct {
			uint16_t width, height;		/* pixels */
			uint16_t bytes_per_line;
			uint16_t bits_per_pixel;
			uint32_t lfb_base;		/* physical address, low 32 bits */
			uint32_t lfb_size;		/* units of 64 KiB */
			uint8_t red_pos, red_size;	/* bit position and width */
			uint8_t green_pos, green_size;
			uint8_t blue_pos, blue_size;
			uint8_t rsvd_pos, rsvd_size;
			uint32_t gbl_caps;		/* VESA capabilities */
			uint16_t mode_attrs;		/* VESA mode attributes */
			uint16_t pad;
			uint32_t ext_lfb_base;		/* physical address, high 32 bits */
		} vesa_lfb;			/* also for EFI_LFB */
	} u;
};
ABI_SIZE(struct dom0_vga_console_info, 40);

#endif /* __ASSEMBLER__ */
#endif /* MICA_ABI_START_INFO_H */
