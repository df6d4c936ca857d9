/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a 64-bit x86 ELF image that lies in memory: its loadable segments and the notes of a guest
 * kernel (owner "Xen").  The image is not trusted: every offset and length is checked against its
 * size before use, once, in elf_open() and elf_segment().  Nothing is allocated or copied.
 *
 * Notes come from the PT_NOTE segments; an image that has none there is searched by its SHT_NOTE
 * sections.
 */
#ifndef LIB_ELF_H
#define LIB_ELF_H

#include "lib/util.h"

struct elf {
	const uint8_t *image;
	size_t size;
	uint64_t entry;			/* virtual address of the first instruction */
	uint64_t ph_offset, sh_offset;	/* tables of program and section headers */
	unsigned nr_ph, nr_sh;
	unsigned nr_segments;		/* PT_LOAD among the program headers */
	bool notes_in_sections;
};

struct elf_segment {
	uint64_t paddr, vaddr;		/* where it wants to be */
	uint64_t offset, filesz;	/* its bytes in the image; the rest up to memsz is zero */
	uint64_t memsz;
	uint32_t flags;			/* ELF_X | ELF_W | ELF_R */
};

#define ELF_X	1
#define ELF_W	2
#define ELF_R	4

/* One Xen note; @desc points into the image and has no alignment. */
struct elf_note {
	uint32_t type;
	const void *desc;
	size_t len;
};

/* Where an iteration stands: start with all zeroes. */
struct elf_note_pos {
	unsigned table_index;
	uint64_t offset, end;		/* what is left of the present segment or section */
};

/* Checks @image of @size bytes.  0, or -EINVAL with *why = the rest of a sentence that starts with
 * the image's name ("is not an ELF image"). */
int elf_open(struct elf *e, const void *image, size_t size, const char **why);
/* The @i-th loadable segment, in the order of the program headers; false past the last one. */
bool elf_segment(const struct elf *e, unsigned i, struct elf_segment *seg);
static inline unsigned elf_nr_segments(const struct elf *e) { return e->nr_segments; }

/* The next note owned by "Xen", whatever its type; false at the end. */
bool elf_next_note(const struct elf *e, struct elf_note_pos *pos, struct elf_note *note);
/* The first note of @type. */
bool elf_note(const struct elf *e, uint32_t type, const void **desc, size_t *len);
/* A numeric note of 1, 2, 4 or 8 bytes; false when it is missing or of another size. */
bool elf_note_u64(const struct elf *e, uint32_t type, uint64_t *value);
/* A text note: terminated within its length; NULL when it is missing or not terminated. */
const char *elf_note_str(const struct elf *e, uint32_t type);

#endif
