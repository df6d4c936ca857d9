/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the boot loader said, the same for Multiboot 1 and 2.  Filled by boot/multiboot.c before
 * anything else runs; everything is copied, so the loader's own structures may be overwritten.  The
 * modules themselves stay where the loader put them.
 */
#ifndef BOOT_BOOT_INFO_H
#define BOOT_BOOT_INFO_H

#include "mm/hvmap.h"

#define BOOT_MAX_REGIONS	128
#define BOOT_MAX_MODULES	8
#define BOOT_TEXT_BYTES		6144

/*
 * Access to machine memory while the boot page tables are in use: a pointer to [phys, phys + len),
 * or NULL when it cannot be reached.  A pointer above 4 GiB is valid only until the next call.
 */
typedef const void *boot_at_fn(uint64_t phys, size_t len);

struct boot_module {
	uint64_t start, end;		/* machine addresses, start page aligned */
	const char *string;		/* its command line without the file's name; "" if none */
};

enum boot_screen_kind { SCREEN_NONE, SCREEN_TEXT, SCREEN_LFB };

struct boot_screen {
	enum boot_screen_kind kind;
	uint64_t addr;			/* machine address of the frame buffer or text memory */
	uint32_t pitch;			/* bytes per line */
	uint32_t width, height;		/* pixels, or characters of SCREEN_TEXT */
	uint8_t bpp;
	uint8_t color[6];		/* red, green, blue: lowest bit, number of bits */
};

struct boot_info {
	boot_at_fn *at;
	const char *loader;		/* "Multiboot 1" or "Multiboot 2" */
	const char *cmdline;		/* options; the file's name in front is cut off */
	struct boot_region map[BOOT_MAX_REGIONS];	/* sorted, without overlap */
	unsigned nr_map;
	struct boot_module module[BOOT_MAX_MODULES];
	unsigned nr_modules;
	struct boot_screen screen;
	bool efi;			/* started by UEFI firmware */
	uint64_t efi_system_table;	/* its machine address, 0 if unknown */
	uint8_t rsdp[36];		/* the loader's copy of the ACPI root pointer */
	unsigned rsdp_bytes;		/* 0: none given */
	char text[BOOT_TEXT_BYTES];	/* the strings above point in here */
	unsigned text_used;
};

/* Fills *info from the loader's @magic and information structure.  NULL, or why it cannot. */
const char *multiboot_parse(struct boot_info *info, uint32_t magic, uint64_t mbi, boot_at_fn *at);
/* Adds a region of the firmware's map and, after the last one, brings the map into order. */
void boot_map_add(struct boot_info *info, uint64_t start, uint64_t size, uint32_t type);
void boot_map_sort(struct boot_info *info);

#endif
