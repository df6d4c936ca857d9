/* SPDX-License-Identifier: BSD-2-Clause */
/* See kernel_image.h. */
#include <stdlib.h>
#include <string.h>
#include <mica/elfnote.h>

#include "kernel_image.h"

#define NOTES_AT	0x200u
#define CODE_AT		0x1000u
#define SIZE		(CODE_AT + KERNEL_IMAGE_FILE_BYTES)

struct ehdr {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

static uint8_t *add_note(uint8_t *at, uint32_t type, const void *desc, uint32_t bytes)
{
	const uint32_t head[3] = { 4, bytes, type };

	memcpy(at, head, sizeof(head));
	memcpy(at + 12, "Xen", 4);
	memcpy(at + 16, desc, bytes);
	return at + 16 + ((bytes + 3) & ~3u);
}

static uint8_t *add_number(uint8_t *at, uint32_t type, uint64_t n)
{
	return add_note(at, type, &n, sizeof(n));
}

static uint8_t *add_text(uint8_t *at, uint32_t type, const char *text)
{
	return add_note(at, type, text, (uint32_t)strlen(text) + 1);
}

static uint8_t *add_notes(uint8_t *at, const struct kernel_image_options *o, uint64_t base)
{
	if (!o->no_version)
		at = add_text(at, XEN_ELFNOTE_XEN_VERSION, "xen-3.0");
	if (!o->no_loader)
		at = add_text(at, XEN_ELFNOTE_LOADER, "generic");
	at = add_text(at, XEN_ELFNOTE_GUEST_OS, "test");
	if (base)
		at = add_number(at, XEN_ELFNOTE_VIRT_BASE, base);
	if (o->init_p2m)
		at = add_number(at, XEN_ELFNOTE_INIT_P2M, 0x8000000000);
	if (o->mod_start_pfn)
		at = add_number(at, XEN_ELFNOTE_MOD_START_PFN, 1);
	if (o->hypercall_page)
		at = add_number(at, XEN_ELFNOTE_HYPERCALL_PAGE, base + KERNEL_IMAGE_PADDR + 0x3000);
	if (o->bad_entry)
		at = add_number(at, XEN_ELFNOTE_ENTRY, 0x1234);
	return add_text(at, XEN_ELFNOTE_FEATURES, o->wants_translated ?
			"writable_page_tables|!auto_translated_physmap" : "!writable_page_tables");
}

void kernel_image_make(struct mica_kernel *k, const struct kernel_image_options *o)
{
	uint64_t base = o->base_zero ? 0 : 0xffffffff80000000;
	struct ehdr h = {
		.ident = "\177ELF\2\1\1", .type = 2, .machine = 62, .version = 1,
		.entry = base + KERNEL_IMAGE_PADDR + 0x10, .phoff = 64, .ehsize = 64,
		.phentsize = 56, .phnum = 2, .shentsize = 64,
	};
	struct phdr p[2] = {
		/* the virtual address lies: only the physical one counts */
		{ 1, 7, CODE_AT, 0, KERNEL_IMAGE_PADDR, KERNEL_IMAGE_FILE_BYTES,
		  KERNEL_IMAGE_MEM_BYTES, 4096 },
		{ .type = 4, .flags = 4, .offset = NOTES_AT, .align = 4 },
	};
	const char *why;

	memset(k, 0, sizeof(*k));
	k->bytes = SIZE;
	k->image = calloc(1, SIZE);
	strcpy(k->packing, "none");
	if (!o->no_notes)
		p[1].filesz = (uint64_t)(add_notes(k->image + NOTES_AT, o, base) - k->image) -
			NOTES_AT;
	memcpy(k->image, &h, sizeof(h));
	memcpy(k->image + 64, p, sizeof(p));
	memset(k->image + CODE_AT, 0xc1, KERNEL_IMAGE_FILE_BYTES);
	if (elf_open(&k->elf, k->image, k->bytes, &why))
		abort();
}
