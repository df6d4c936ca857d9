/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads what a Multiboot 1 or Multiboot 2 boot loader left (specifications 0.6.96, section 3.3, and
 * 2.0, section 3.6) into one struct boot_info, and brings the firmware's memory map into order.
 *
 * Pure: all access goes through the caller's boot_at_fn, so the unit tests feed it made-up memory.
 * Strings are copied and numbers checked; a structure that does not hold together is refused.
 */
#include "boot/boot_info.h"
#include "cpu/image.h"
#include "lib/string.h"

#define MAGIC_MB1	0x2badb002
#define MAGIC_MB2	0x36d76289

/* Multiboot 1: bits of flags, byte offsets of the information structure. */
enum { MB1_HAS_CMDLINE = 1 << 2, MB1_HAS_MODS = 1 << 3, MB1_HAS_MMAP = 1 << 6,
       MB1_HAS_LOADER = 1 << 9, MB1_HAS_SCREEN = 1 << 12 };

/* The screen, but for the colour fields: the same in both. */
struct mb_screen {
	uint64_t addr;
	uint32_t pitch, width, height;
	uint8_t bpp, type;
} packed;

struct mb1_info {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline, mods_count, mods_addr, syms[4],
		 mmap_length, mmap_addr, drives_length, drives_addr, config_table, loader_name,
		 apm_table, vbe[4];
	struct mb_screen screen;
	uint8_t color[6];
} packed;
_Static_assert(offsetof(struct mb1_info, screen) == 88, "mb1_info");

struct mb1_mod {
	uint32_t start, end, string, reserved;
};

struct mb_region {			/* of both: in 1 after its size, in 2 four bytes follow */
	uint64_t base, len;
	uint32_t type;
} packed;

/* Multiboot 2: tags. */
enum { TAG_END = 0, TAG_CMDLINE = 1, TAG_LOADER = 2, TAG_MODULE = 3, TAG_MMAP = 6, TAG_SCREEN = 8,
       TAG_EFI32 = 11, TAG_EFI64 = 12, TAG_ACPI_OLD = 14, TAG_ACPI_NEW = 15 };

struct mb2_tag {
	uint32_t type, size;
};

struct mb2_screen {
	struct mb_screen screen;
	uint16_t reserved;
	uint8_t color[6];
} packed;

#define SCREEN_TYPE_RGB		1
#define SCREEN_TYPE_TEXT	2
#define MB2_MAX_BYTES		(1u << 20)

static const char unreadable[] = "the boot loader's information cannot be read";
static const char unreadable_modules[] = "the boot loader's list of modules cannot be read";

/* Copies the string at @phys, at most @max bytes with its terminator; NULL: no room. */
static boot_text const char *keep_string(struct boot_info *info, uint64_t phys, size_t max)
{
	char *start = info->text + info->text_used;
	size_t room = MIN(max, (size_t)(BOOT_TEXT_BYTES - info->text_used));

	for (size_t n = 0; n < room; n++) {
		const char *c = info->at(phys + n, 1);

		if (!c)
			return NULL;
		start[n] = *c;
		if (!*c) {
			info->text_used += (unsigned)n + 1;
			return start;
		}
	}
	return NULL;
}

/* Cuts off the first word, unless it is an option with a value and @keep_options. */
static boot_text const char *cut_name(const char *s, bool keep_options)
{
	const char *end = s;

	while (*end && *end != ' ') {
		if (*end++ == '=' && keep_options)
			return s;
	}
	while (*end == ' ')
		end++;
	return end;
}

/*
 * By Multiboot's custom a command line begins with the file's name.  GRUB 2 leaves that to whoever
 * writes its configuration; most write a name or "placeholder", as for other hypervisors.
 */
static boot_text void cut_names(struct boot_info *info, const char *loader)
{
	bool grub = !strncmp(loader, "GRUB 2", 6) || !strncmp(loader, "GRUB 1.9", 8);

	info->cmdline = cut_name(info->cmdline, grub);
	for (unsigned i = 0; i < info->nr_modules; i++)
		info->module[i].string = cut_name(info->module[i].string, grub);
}

static boot_text const char *add_module(struct boot_info *info, uint64_t start, uint64_t end,
					const char *string)
{
	if (info->nr_modules == BOOT_MAX_MODULES)
		return "the boot loader passed more than 8 modules";
	if (!string)
		return "the boot loader's command lines are too long";
	if (start & ~PAGE_MASK || end < start)
		return "the boot loader did not put the modules on page boundaries";
	info->module[info->nr_modules++] = (struct boot_module){ start, end, string };
	return NULL;
}

static boot_text void set_screen(struct boot_info *info, const struct mb_screen *s,
				 const uint8_t *color)
{
	if (s->type != SCREEN_TYPE_RGB && s->type != SCREEN_TYPE_TEXT)
		return;
	info->screen = (struct boot_screen){
		.kind = s->type == SCREEN_TYPE_TEXT ? SCREEN_TEXT : SCREEN_LFB,
		.addr = s->addr, .pitch = s->pitch, .bpp = s->bpp,
		.width = s->width, .height = s->height,
	};
	if (s->type == SCREEN_TYPE_RGB)
		memcpy(info->screen.color, color, sizeof(info->screen.color));
}

static boot_text const char *mb1_modules(struct boot_info *info, const struct mb1_info *mbi)
{
	const char *bad = NULL, *string;

	for (uint32_t i = 0; i < mbi->mods_count && !bad; i++) {
		const struct mb1_mod *m = info->at(mbi->mods_addr + i * sizeof(*m), sizeof(*m));

		if (!m)
			return unreadable_modules;
		string = m->string ? keep_string(info, m->string, BOOT_TEXT_BYTES) : "";
		bad = add_module(info, m->start, m->end, string);
	}
	return bad;
}

/* The regions from @at to @end, @step bytes apart; 0: each comes after its size, which leaves out itself. */
static boot_text void add_regions(struct boot_info *info, uint64_t at, uint64_t end, uint64_t step)
{
	const uint64_t head = step ? 0 : 4, least = head + sizeof(struct mb_region);

	for (uint64_t n; at + least <= end; at += n) {
		const uint32_t *size = info->at(at, 4);
		const struct mb_region *r;

		n = step ? step : size ? *size + head : 0;
		r = info->at(at + head, sizeof(*r));
		if (!r || n < least || n > end - at)
			return;
		boot_map_add(info, r->base, r->len, r->type);
	}
}

static boot_text const char *parse_mb1(struct boot_info *info, uint64_t phys)
{
	const struct mb1_info *mbi = info->at(phys, sizeof(*mbi));
	const char *loader = "", *bad;

	info->loader = "Multiboot 1";
	if (!mbi)
		return unreadable;
	if (mbi->flags & MB1_HAS_CMDLINE)
		info->cmdline = keep_string(info, mbi->cmdline, BOOT_TEXT_BYTES);
	if (mbi->flags & MB1_HAS_LOADER)
		loader = keep_string(info, mbi->loader_name, 64);
	if (!info->cmdline || !loader)
		return "the boot loader's command line is too long";
	bad = mbi->flags & MB1_HAS_MODS ? mb1_modules(info, mbi) : NULL;
	if (bad)
		return bad;
	if (mbi->flags & MB1_HAS_MMAP)
		add_regions(info, mbi->mmap_addr, (uint64_t)mbi->mmap_addr + mbi->mmap_length, 0);
	if (mbi->flags & MB1_HAS_SCREEN)
		set_screen(info, &mbi->screen, mbi->color);
	cut_names(info, loader);
	return NULL;
}

static boot_text const char *mb2_tag(struct boot_info *info, uint32_t type, uint64_t phys,
				     uint32_t len, const char **loader)
{
	const void *data = info->at(phys, len);
	const uint32_t *word = data;
	const struct mb2_screen *s = data;

	if (!data)
		return unreadable;
	switch (type) {
	case TAG_CMDLINE:
		info->cmdline = keep_string(info, phys, len);
		return info->cmdline ? NULL : "the boot loader's command line is too long";
	case TAG_LOADER:
		*loader = keep_string(info, phys, len);
		return *loader ? NULL : "the boot loader's name is too long";
	case TAG_MODULE:
		if (len <= 8)
			return unreadable_modules;
		return add_module(info, word[0], word[1], keep_string(info, phys + 8, len - 8));
	case TAG_MMAP:
		if (len > 8 && word[0])
			add_regions(info, phys + 8, phys + len, word[0]);
		break;
	case TAG_SCREEN:
		if (len >= (s->screen.type == SCREEN_TYPE_RGB ? sizeof(*s) :
			    offsetof(struct mb2_screen, color)))
			set_screen(info, &s->screen, s->color);
		break;
	case TAG_EFI32: case TAG_EFI64:
		info->efi = true;
		if (type == TAG_EFI64 && len >= 8)
			memcpy(&info->efi_system_table, data, 8);
		break;
	case TAG_ACPI_OLD: case TAG_ACPI_NEW:
		if (len < 20 || len < info->rsdp_bytes)
			break;
		info->rsdp_bytes = (unsigned)MIN((size_t)len, sizeof(info->rsdp));
		memcpy(info->rsdp, data, info->rsdp_bytes);
	}
	return NULL;
}

static boot_text const char *parse_mb2(struct boot_info *info, uint64_t phys)
{
	const uint32_t *total = info->at(phys, 8);
	const char *loader = "", *bad = NULL;
	uint32_t bytes = total ? *total : ~0u;

	info->loader = "Multiboot 2";
	if (bytes > MB2_MAX_BYTES || !info->at(phys, bytes))
		return unreadable;
	for (uint32_t done = 8; done + sizeof(struct mb2_tag) <= bytes && !bad;) {
		struct mb2_tag tag = *(const struct mb2_tag *)info->at(phys + done, sizeof(tag));

		if (tag.type == TAG_END)
			break;
		if (tag.size < sizeof(tag) || tag.size > bytes - done)
			return "the boot loader's information is broken";
		bad = mb2_tag(info, tag.type, phys + done + 8, tag.size - 8, &loader);
		done += ALIGN_UP(tag.size, 8u);
	}
	cut_names(info, loader);
	return bad;
}

boot_text const char *multiboot_parse(struct boot_info *info, uint32_t magic, uint64_t mbi,
				      boot_at_fn *at)
{
	/* as the BIOS starts it */
	static const struct mb_screen text = { 0xb8000, 160, 80, 25, 16, SCREEN_TYPE_TEXT };
	const char *bad = "the boot loader speaks neither Multiboot 1 nor Multiboot 2";

	info->cmdline = "";
	info->at = at;
	if (magic == MAGIC_MB1)
		bad = parse_mb1(info, mbi);
	else if (magic == MAGIC_MB2)
		bad = parse_mb2(info, mbi);
	if (bad)
		return bad;
	if (info->screen.kind == SCREEN_NONE && !info->efi)
		set_screen(info, &text, NULL);
	boot_map_sort(info);
	return info->nr_map ? NULL : "the boot loader passed no memory map";
}

boot_text void boot_map_add(struct boot_info *info, uint64_t start, uint64_t size, uint32_t type)
{
	uint64_t end;

	if (!size || info->nr_map == BOOT_MAX_REGIONS)
		return;
	if (__builtin_add_overflow(start, size, &end))
		end = ~0ul;
	if (type < 1 || type > 5)
		type = 2;
	info->map[info->nr_map++] = (struct boot_region){ start, end, type };
}

/* Where regions overlap the one that allows less counts: bad, reserved, NVS, ACPI, RAM. */
static boot_text unsigned severity(uint32_t type)
{
	static const uint8_t of[6] = { 0, 1, 4, 2, 3, 5 };

	return of[type];
}

/* Goes from edge to edge through the address space and asks which region there counts most. */
boot_text void boot_map_sort(struct boot_info *info)
{
	static boot_bss struct boot_region sorted[BOOT_MAX_REGIONS];
	uint64_t next;
	unsigned n = 0;

	for (uint64_t at = 0; at != ~0ul; at = next) {
		uint32_t type = 0;

		next = ~0ul;
		for (unsigned i = 0; i < info->nr_map; i++) {
			const struct boot_region *r = &info->map[i];

			if (r->start > at)
				next = MIN(next, r->start);
			else if (r->end > at && severity(r->type) > severity(type))
				type = r->type;
			if (r->end > at)
				next = MIN(next, r->end);
		}
		if (type && n && sorted[n - 1].end == at && sorted[n - 1].type == type)
			sorted[n - 1].end = next;
		else if (type && n < BOOT_MAX_REGIONS)
			sorted[n++] = (struct boot_region){ at, next, type };
	}
	memcpy(info->map, sorted, n * sizeof(sorted[0]));
	info->nr_map = n;
}
