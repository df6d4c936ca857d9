/* unit: lib/elf.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The image reader: a well-formed kernel, each thing that can be wrong with one, and a great many
 * damaged ones, each in a block of exactly its size so that the sanitizer sees any step outside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/elf.h"

struct image {				/* two segments, one PT_NOTE, one SHT_NOTE */
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
	struct {
		uint32_t type, flags;
		uint64_t offset, vaddr, paddr, filesz, memsz, align;
	} ph[4];
	struct {
		uint32_t name, type;
		uint64_t flags, addr, offset, size;
		uint32_t link, info;
		uint64_t addralign, entsize;
	} sh[2];
	struct {
		uint32_t namesz, descsz, type;
		char name[4];
		uint8_t desc[8];
	} notes[4], section_note;
	uint8_t text[64];
};

static void put_note(void *to, const char *owner, uint32_t type, uint32_t len, const void *desc)
{
	struct image *i = NULL;
	typeof(i->notes[0]) n = { 4, len, type, "", "" };

	memcpy(n.name, owner, 4);
	memcpy(n.desc, desc, len);
	memcpy(to, &n, sizeof(n));
}

static struct image good(void)
{
	struct image i = {
		.ident = { 0x7f, 'E', 'L', 'F', 2, 1, 1 }, .type = 2, .machine = 62,
		.entry = 0x1234, .phoff = offsetof(struct image, ph),
		.shoff = offsetof(struct image, sh), .phentsize = 56, .phnum = 4,
		.shentsize = 64, .shnum = 2,
	};

	i.ph[0] = (typeof(i.ph[0])){ 1, 5, offsetof(struct image, text), 0xffffffff81000000,
				     0x1000000, 64, 0x5000, 4096 };
	i.ph[1] = (typeof(i.ph[0])){ 4, 4, offsetof(struct image, notes), 0, 0, sizeof(i.notes),
				     sizeof(i.notes), 4 };
	i.ph[2] = (typeof(i.ph[0])){ 1, 6, 0, 0xffffffff82000000, 0x2000000, 0, 0, 4096 };
	i.ph[3] = (typeof(i.ph[0])){ 1, 6, 64, 0xffffffff82000000, 0x2000000, 16, 16, 4096 };
	i.sh[1] = (typeof(i.sh[0])){ 0, 7, 0, 0, offsetof(struct image, section_note),
				     sizeof(i.section_note), 0, 0, 4, 0 };
	put_note(&i.notes[0], "GNU", 3, 8, "buildid");
	put_note(&i.notes[1], "Xen", 5, 5, "linux\0\0");
	put_note(&i.notes[2], "Xen", 6, 8, "ver 3.0");
	put_note(&i.notes[3], "Xen", 1, 8, "\x88\x77\x66\x55\x44\x33\x22\x11");
	put_note(&i.section_note, "Xen", 9, 2, "\x34\x12");
	return i;
}

/* The image in a block of exactly its size, at an odd address. */
static struct elf opened;
static uint8_t *block;
static const char *why;

static int open_copy(const struct image *i, size_t size)
{
	free(block);
	block = malloc(size + 1);
	memcpy(block + 1, i, size);
	why = NULL;
	return elf_open(&opened, block + 1, size, &why);
}

static void reads_a_kernel(void **state)
{
	struct image i = good();
	struct elf_segment s;

	assert_int_equal(open_copy(&i, sizeof(i)), 0);
	assert_int_equal(opened.entry, 0x1234);
	assert_int_equal(elf_nr_segments(&opened), 2);
	assert_true(elf_segment(&opened, 0, &s));
	assert_int_equal(s.vaddr, 0xffffffff81000000);
	assert_int_equal(s.paddr, 0x1000000);
	assert_int_equal(s.offset, offsetof(struct image, text));
	assert_int_equal(s.filesz, 64);
	assert_int_equal(s.memsz, 0x5000);
	assert_int_equal(s.flags, ELF_R | ELF_X);
	assert_true(elf_segment(&opened, 1, &s));
	assert_int_equal(s.paddr, 0x2000000);
	assert_false(elf_segment(&opened, 2, &s));
}

static void reads_notes(void **state)
{
	struct image i = good();
	struct elf_note_pos pos = { 0 };
	struct elf_note n;
	uint64_t v;
	unsigned count = 0;

	assert_int_equal(open_copy(&i, sizeof(i)), 0);
	while (elf_next_note(&opened, &pos, &n))
		count++;
	assert_int_equal(count, 3);			/* GNU's is not ours */
	assert_true(elf_note_u64(&opened, 1, &v));
	assert_int_equal(v, 0x1122334455667788);
	assert_string_equal(elf_note_str(&opened, 6), "ver 3.0");
	assert_null(elf_note_str(&opened, 5));		/* "linux" without its terminator */
	assert_false(elf_note_u64(&opened, 5, &v));	/* 5 bytes are no number */
	assert_false(elf_note_u64(&opened, 3, &v));
	assert_false(elf_note_u64(&opened, 9, &v));	/* sections do not count: segments had notes */
}

static void falls_back_to_sections(void **state)
{
	struct image i = good();
	uint64_t v;

	i.ph[1].type = 0;
	assert_int_equal(open_copy(&i, sizeof(i)), 0);
	assert_true(elf_note_u64(&opened, 9, &v));
	assert_int_equal(v, 0x1234);
	assert_false(elf_note_u64(&opened, 1, &v));
	i.shoff = sizeof(i);				/* a broken section table means no sections */
	assert_int_equal(open_copy(&i, sizeof(i)), 0);
	assert_false(elf_note_u64(&opened, 9, &v));
}

static void numbers_of_each_size(void **state)
{
	static const unsigned sizes[] = { 1, 2, 4, 8 };
	struct image i = good();

	for (unsigned n = 0; n < 4; n++) {
		uint64_t v;

		i.notes[3].descsz = sizes[n];
		i.ph[1].filesz = offsetof(struct image, notes[3].desc) - i.ph[1].offset + sizes[n];
		assert_int_equal(open_copy(&i, sizeof(i)), 0);
		assert_true(elf_note_u64(&opened, 1, &v));
		assert_int_equal(v, 0x1122334455667788 & (~0ul >> (64 - 8 * sizes[n])));
	}
}

#define REFUSED(change, text) do { \
	struct image i = good(); \
	change; \
	assert_int_not_equal(open_copy(&i, sizeof(i)), 0); \
	assert_non_null(strstr(why, text)); \
} while (0)

static void refuses_what_is_wrong(void **state)
{
	REFUSED(i.ident[0] = 0, "not an ELF");
	REFUSED(i.ident[4] = 1, "32-bit");
	REFUSED(i.ident[5] = 2, "another machine");
	REFUSED(i.machine = 40, "another machine");
	REFUSED(i.type = 1, "not an executable");
	REFUSED(i.phentsize = 32, "wrong size");
	REFUSED(i.phoff = sizeof(i) - 100, "outside the file");
	REFUSED(i.phoff = ~0ul, "outside the file");
	REFUSED(i.phnum = 0xffff, "outside the file");
	REFUSED(i.phnum = 0, "no loadable");
	REFUSED(i.ph[0].filesz = 65, "outside the file");
	REFUSED(i.ph[0].offset = ~0ul - 10, "outside the file");
	REFUSED(i.ph[0].memsz = 63, "more bytes");
	REFUSED(i.ph[0].paddr = ~0ul - 0x1000, "wraps");
	REFUSED(i.ph[0].vaddr = ~0ul - 0x1000, "wraps");
	REFUSED((i.ph[0].type = 0, i.ph[3].type = 0), "no loadable");
}

static void refuses_every_truncation(void **state)
{
	struct image i = good();
	bool ok = false;

	for (size_t n = 0; n <= sizeof(i); n++) {
		ok = open_copy(&i, n) == 0;
		assert_true(ok || why);
	}
	assert_true(ok);
}

/* Notes whose sizes point outside must end the walk, not leave the image. */
static void broken_notes_end_the_walk(void **state)
{
	static const uint32_t sizes[] = { 0xffffffff, 0xfffffffd, 0x7fffffff, 1000, 85, 13 };

	for (unsigned n = 0; n < ARRAY_SIZE(sizes); n++) {
		struct image i = good();
		uint64_t v;

		i.notes[1].namesz = sizes[n];
		assert_int_equal(open_copy(&i, sizeof(i)), 0);
		elf_note_u64(&opened, 1, &v);
		i = good();
		i.notes[1].descsz = sizes[n];
		assert_int_equal(open_copy(&i, sizeof(i)), 0);
		elf_note_u64(&opened, 1, &v);
		elf_note_str(&opened, 5);
	}
}

static void touch_everything(void)
{
	struct elf_note_pos pos = { 0 };
	struct elf_segment s;
	struct elf_note n;
	uint64_t sum = 0;

	for (unsigned i = 0; i < elf_nr_segments(&opened); i++) {
		assert_true(elf_segment(&opened, i, &s));
		for (uint64_t b = 0; b < s.filesz; b++)
			sum += opened.image[s.offset + b];
	}
	while (elf_next_note(&opened, &pos, &n))
		for (size_t b = 0; b < n.len; b++)
			sum += ((const uint8_t *)n.desc)[b];
	*(volatile uint64_t *)&sum;
}

static void survives_random_damage(void **state)
{
	unsigned opens = 0;

	srand(1);
	for (unsigned round = 0; round < 200000; round++) {
		struct image i = good();
		uint8_t *bytes = (uint8_t *)&i;

		for (unsigned hits = 1 + (unsigned)rand() % 6; hits; hits--) {
			size_t at = (size_t)rand() % offsetof(struct image, text);

			bytes[at] = rand() & 1 ? (uint8_t)rand() : (uint8_t)(rand() & 1 ? 0xff : 0);
		}
		if (open_copy(&i, sizeof(i) - (size_t)(rand() % 3 ? 0 : rand() % 100)))
			continue;
		touch_everything();
		opens++;
	}
	assert_true(opens > 1000);
}

static int free_block(void **state)
{
	free(block);
	block = NULL;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_kernel),
		cmocka_unit_test(reads_notes),
		cmocka_unit_test(falls_back_to_sections),
		cmocka_unit_test(numbers_of_each_size),
		cmocka_unit_test(refuses_what_is_wrong),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(broken_notes_end_the_walk),
		cmocka_unit_test(survives_random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, free_block);
}
