/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF64 images (System V ABI, chapters 4 and 5; x86-64 supplement) read in place.
 *
 * What it owns: nothing.  elf_open() checks the header, that both tables lie inside the image, and
 * every loadable segment; after that the accessors cannot leave the image.  Headers are copied out
 * before use, because an image in a boot module or in dom0's memory need not be aligned.
 */
#include <mica/errno.h>
#include "lib/elf.h"
#include "lib/string.h"

struct ehdr {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
_Static_assert(sizeof(struct ehdr) == 64, "Elf64_Ehdr");

struct phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
_Static_assert(sizeof(struct phdr) == 56, "Elf64_Phdr");

struct shdr {
	uint32_t name, type;
	uint64_t flags, addr, offset, size;
	uint32_t link, info;
	uint64_t addralign, entsize;
};
_Static_assert(sizeof(struct shdr) == 64, "Elf64_Shdr");

struct nhdr {
	uint32_t namesz, descsz, type;
};

enum { PT_LOAD = 1, PT_NOTE = 4, SHT_NOTE = 7 };
enum { CLASS_32 = 1, CLASS_64 = 2, DATA_LITTLE = 1, ET_EXEC = 2, ET_DYN = 3, MACHINE_X86_64 = 62 };

/* Is [offset, offset + len) inside the image? */
static bool inside(const struct elf *e, uint64_t offset, uint64_t len)
{
	return offset <= e->size && len <= e->size - offset;
}

static const char *check_header(const struct ehdr *h)
{
	if (memcmp(h->ident, "\177ELF", 4))
		return "is not an ELF image";
	if (h->ident[4] == CLASS_32)
		return "is a 32-bit ELF image, not a 64-bit one";
	if (h->ident[4] != CLASS_64 || h->ident[5] != DATA_LITTLE || h->machine != MACHINE_X86_64)
		return "is an ELF image for another machine";
	if (h->type != ET_EXEC && h->type != ET_DYN)
		return "is an ELF file but not an executable";
	if (h->phnum && h->phentsize != sizeof(struct phdr))
		return "has program headers of a wrong size";
	return NULL;
}

/* The @i-th program header; elf_open() has checked that the table is inside. */
static void get_phdr(const struct elf *e, unsigned i, struct phdr *p)
{
	memcpy(p, e->image + e->ph_offset + i * sizeof(*p), sizeof(*p));
}

static const char *check_segment(const struct elf *e, const struct phdr *p)
{
	uint64_t end;

	if (!inside(e, p->offset, p->filesz))
		return "has a segment that lies outside the file (truncated?)";
	if (p->filesz > p->memsz)
		return "has a segment with more bytes in the file than in memory";
	if (__builtin_add_overflow(p->paddr, p->memsz, &end) ||
	    __builtin_add_overflow(p->vaddr, p->memsz, &end))
		return "has a segment that wraps around the end of memory";
	return NULL;
}

static const char *check_image(struct elf *e, const struct ehdr *h)
{
	const char *bad;
	struct phdr p;

	if (!inside(e, h->phoff, (uint64_t)h->phnum * sizeof(struct phdr)))
		return "has program headers outside the file (truncated?)";
	e->entry = h->entry;
	e->ph_offset = h->phoff;
	e->nr_ph = h->phnum;
	for (unsigned i = 0; i < e->nr_ph; i++) {
		get_phdr(e, i, &p);
		if (p.type != PT_LOAD || !p.memsz)
			continue;
		bad = check_segment(e, &p);
		if (bad)
			return bad;
		e->nr_segments++;
	}
	if (!e->nr_segments)
		return "has no loadable segment";
	/* A stripped image may have no section table, or a broken one: then it has no sections. */
	if (h->shentsize == sizeof(struct shdr) &&
	    inside(e, h->shoff, (uint64_t)h->shnum * sizeof(struct shdr))) {
		e->sh_offset = h->shoff;
		e->nr_sh = h->shnum;
	}
	return NULL;
}

int elf_open(struct elf *e, const void *image, size_t size, const char **why)
{
	struct elf_note_pos pos = { 0 };
	struct elf_note note;
	struct ehdr h;

	*e = (struct elf){ .image = image, .size = size };
	if (size < sizeof(h)) {
		*why = "is too short for an ELF image";
		return -EINVAL;
	}
	memcpy(&h, image, sizeof(h));
	*why = check_header(&h);
	if (!*why)
		*why = check_image(e, &h);
	if (*why)
		return -EINVAL;
	e->notes_in_sections = !elf_next_note(e, &pos, &note);
	return 0;
}

bool elf_segment(const struct elf *e, unsigned i, struct elf_segment *seg)
{
	struct phdr p;

	for (unsigned n = 0; n < e->nr_ph; n++) {
		get_phdr(e, n, &p);
		if (p.type != PT_LOAD || !p.memsz || i--)
			continue;
		*seg = (struct elf_segment){
			.paddr = p.paddr, .vaddr = p.vaddr, .offset = p.offset,
			.filesz = p.filesz, .memsz = p.memsz, .flags = p.flags,
		};
		return true;
	}
	return false;
}

/* Entry @i of the table that says where notes are, as a program header. */
static void get_place(const struct elf *e, unsigned i, struct phdr *p)
{
	struct shdr s;

	if (!e->notes_in_sections) {
		get_phdr(e, i, p);
		return;
	}
	memcpy(&s, e->image + e->sh_offset + i * sizeof(s), sizeof(s));
	*p = (struct phdr){ s.type == SHT_NOTE ? PT_NOTE : 0, .offset = s.offset, .filesz = s.size };
}

/* Finds the next place that holds notes, starting with @pos->table_index; false if there is none. */
static bool next_place(const struct elf *e, struct elf_note_pos *pos)
{
	struct phdr p;

	while (pos->table_index < (e->notes_in_sections ? e->nr_sh : e->nr_ph)) {
		get_place(e, pos->table_index++, &p);
		if (p.type != PT_NOTE || !inside(e, p.offset, p.filesz))
			continue;
		pos->offset = p.offset;
		pos->end = p.offset + p.filesz;
		return true;
	}
	return false;
}

/* Takes one note off the place at @pos; false when the place is used up or what is left is no
 * note. */
static bool take_note(const struct elf *e, struct elf_note_pos *pos, struct elf_note *note,
		      bool *xen)
{
	uint64_t name, desc, next;
	struct nhdr h;

	if (pos->end - pos->offset < sizeof(h))
		return false;
	memcpy(&h, e->image + pos->offset, sizeof(h));
	name = pos->offset + sizeof(h);
	desc = name + ALIGN_UP((uint64_t)h.namesz, 4);
	next = desc + ALIGN_UP((uint64_t)h.descsz, 4);
	if (desc + h.descsz > pos->end)
		return false;
	/* The last description may lack its padding. */
	pos->offset = MIN(next, pos->end);
	*xen = h.namesz == 4 && !memcmp(e->image + name, "Xen", 4);
	*note = (struct elf_note){ .type = h.type, .desc = e->image + desc, .len = h.descsz };
	return true;
}

bool elf_next_note(const struct elf *e, struct elf_note_pos *pos, struct elf_note *note)
{
	bool xen;

	do {
		while (take_note(e, pos, note, &xen))
			if (xen)
				return true;
	} while (next_place(e, pos));
	return false;
}

bool elf_note(const struct elf *e, uint32_t type, const void **desc, size_t *len)
{
	struct elf_note_pos pos = { 0 };
	struct elf_note note;

	while (elf_next_note(e, &pos, &note)) {
		if (note.type != type)
			continue;
		*desc = note.desc;
		*len = note.len;
		return true;
	}
	return false;
}

bool elf_note_u64(const struct elf *e, uint32_t type, uint64_t *value)
{
	const void *desc;
	size_t len;

	if (!elf_note(e, type, &desc, &len) || (len != 1 && len != 2 && len != 4 && len != 8))
		return false;
	*value = 0;
	memcpy(value, desc, len);	/* little endian, like us */
	return true;
}

const char *elf_note_str(const struct elf *e, uint32_t type)
{
	const void *desc;
	size_t len;

	if (!elf_note(e, type, &desc, &len) || !len || ((const char *)desc)[len - 1])
		return NULL;
	return desc;
}
