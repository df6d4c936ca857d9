/* unit: boot/multiboot.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What loaders pass, in a made-up memory of 64 KiB: both protocols, and the order of the memory
 * map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "boot/boot_info.h"

#define MB1	0x2badb002
#define MB2	0x36d76289

static uint8_t memory[65536] aligned(8);
static struct boot_info info;
static const char *why;
static uint32_t at;			/* next free byte of Multiboot 2's structure */

static const void *reach(uint64_t phys, size_t len)
{
	return phys <= sizeof(memory) && len <= sizeof(memory) - phys ? memory + phys : NULL;
}

static int parse(uint32_t magic, uint64_t phys)
{
	memset(&info, 0, sizeof(info));
	why = multiboot_parse(&info, magic, phys, reach);
	return why ? -1 : 0;
}

static void put32(uint32_t phys, uint32_t v)
{
	memcpy(memory + phys, &v, 4);
}

static void put64(uint32_t phys, uint64_t v)
{
	memcpy(memory + phys, &v, 8);
}

static void put_region(uint32_t phys, uint64_t base, uint64_t len, uint32_t type)
{
	put64(phys, base);
	put64(phys + 8, len);
	put32(phys + 16, type);
}

/* Multiboot 1 as QEMU makes it: structure at 0x1000, strings at 0x2000, modules at 0x3000, map
 * at 0x4000. */
static void make_mb1(const char *cmdline, const char *loader)
{
	memset(memory, 0, sizeof(memory));
	put32(0x1000, 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
	put32(0x1000 + 16, 0x2000);
	strcpy((char *)memory + 0x2000, cmdline);
	put32(0x1000 + 20, 2);
	put32(0x1000 + 24, 0x3000);
	put32(0x3000, 0x200000);
	put32(0x3004, 0x280001);
	put32(0x3008, 0x2400);
	strcpy((char *)memory + 0x2400, "vmlinux console=hvc0  quiet");
	put32(0x3010, 0x290000);
	put32(0x3014, 0x290000);
	put32(0x1000 + 44, 48);
	put32(0x1000 + 48, 0x4000);
	put32(0x4000, 20);
	put_region(0x4004, 0, 0x9f000, 1);
	put32(0x4018, 20);
	put_region(0x401c, 0x100000, 0x7f00000, 1);
	put32(0x1000 + 64, 0x2800);
	strcpy((char *)memory + 0x2800, loader);
}

static void reads_multiboot_1(void **state)
{
	make_mb1("mica.elf console=com1 noreboot", "qemu");
	assert_int_equal(parse(MB1, 0x1000), 0);
	assert_string_equal(info.loader, "Multiboot 1");
	assert_string_equal(info.cmdline, "console=com1 noreboot");
	assert_int_equal(info.nr_modules, 2);
	assert_int_equal(info.module[0].start, 0x200000);
	assert_int_equal(info.module[0].end, 0x280001);
	assert_string_equal(info.module[0].string, "console=hvc0  quiet");
	assert_string_equal(info.module[1].string, "");
	assert_int_equal(info.nr_map, 2);
	assert_int_equal(info.map[1].start, 0x100000);
	assert_int_equal(info.map[1].end, 0x8000000);
	assert_false(info.efi);
	assert_int_equal(info.screen.kind, SCREEN_TEXT);
}

/* The strings survive what happens to the loader's memory. */
static void copies_strings(void **state)
{
	make_mb1("x a=b", "qemu");
	assert_int_equal(parse(MB1, 0x1000), 0);
	memset(memory, 0xff, sizeof(memory));
	assert_string_equal(info.cmdline, "a=b");
	assert_string_equal(info.module[0].string, "console=hvc0  quiet");
}

static void grub_may_leave_names_out(void **state)
{
	make_mb1("console=com1 noreboot", "GRUB 2.06");
	assert_int_equal(parse(MB1, 0x1000), 0);
	assert_string_equal(info.cmdline, "console=com1 noreboot");
	make_mb1("placeholder console=com1", "GRUB 2.06");
	assert_int_equal(parse(MB1, 0x1000), 0);
	assert_string_equal(info.cmdline, "console=com1");
	assert_string_equal(info.module[0].string, "console=hvc0  quiet");
	make_mb1("a=b/mica.elf console=com1", "qemu");
	assert_int_equal(parse(MB1, 0x1000), 0);
	assert_string_equal(info.cmdline, "console=com1");
}

static void refuses_bad_multiboot_1(void **state)
{
	make_mb1("m", "qemu");
	assert_int_not_equal(parse(0x12345678, 0x1000), 0);
	assert_non_null(strstr(why, "neither"));
	assert_int_not_equal(parse(MB1, 65500), 0);
	put32(0x3000, 0x200010);			/* module not on a page boundary */
	assert_int_not_equal(parse(MB1, 0x1000), 0);
	assert_non_null(strstr(why, "page boundaries"));
	make_mb1("m", "qemu");
	put32(0x3004, 0x100000);			/* ends before it starts */
	assert_int_not_equal(parse(MB1, 0x1000), 0);
	make_mb1("m", "qemu");
	put32(0x1000 + 20, 1u << 30);			/* a billion modules */
	assert_int_not_equal(parse(MB1, 0x1000), 0);
	make_mb1("m", "qemu");
	put32(0x1000 + 24, 0xffffff00);			/* list out of reach */
	assert_int_not_equal(parse(MB1, 0x1000), 0);
	make_mb1("m", "qemu");
	memset(memory + 0x2000, 'x', 0x1000);		/* does not end */
	memset(memory + 0x5000, 'x', sizeof(memory) - 0x5000);
	put32(0x1000 + 16, 0x5000);
	assert_int_not_equal(parse(MB1, 0x1000), 0);
	make_mb1("m", "qemu");
	put32(0x1000 + 44, 0);				/* empty map */
	assert_int_not_equal(parse(MB1, 0x1000), 0);
	assert_non_null(strstr(why, "memory map"));
	make_mb1("m", "qemu");
	put32(0x4018, 0);				/* an entry of size 0 must not loop */
	assert_int_equal(parse(MB1, 0x1000), 0);
	assert_int_equal(info.nr_map, 1);
}

static uint32_t begin_tag(uint32_t type, uint32_t bytes)
{
	uint32_t start = at;

	put32(start, type);
	put32(start + 4, bytes + 8);
	at += (bytes + 8 + 7) & ~7u;
	put32(0x1000, at - 0x1000 + 8);
	return start + 8;
}

static void string_tag(uint32_t type, const char *text)
{
	uint32_t n = (uint32_t)strlen(text) + 1;

	memcpy(memory + begin_tag(type, n), text, n);
}

static void make_mb2(void)
{
	uint32_t p;

	memset(memory, 0, sizeof(memory));
	at = 0x1008;
	string_tag(1, "mica.elf console=com1");
	string_tag(2, "GRUB 2.06-13");
	p = begin_tag(3, 8 + 15);
	put32(p, 0x200000);
	put32(p + 4, 0x300000);
	strcpy((char *)memory + p + 8, "vmlinux root=/");
	p = begin_tag(6, 8 + 3 * 24);
	put32(p, 24);
	put_region(p + 8, 0x100000, 0x100000, 1);
	put_region(p + 32, 0, 0xa0000, 1);
	put_region(p + 56, 0x1000000000, 0x1000, 99);
}

static void reads_multiboot_2(void **state)
{
	uint32_t p;

	make_mb2();
	p = begin_tag(12, 8);
	put64(p, 0x7fee0018);
	p = begin_tag(14, 20);
	memcpy(memory + p, "RSD PTR 1", 9);
	p = begin_tag(15, 36);
	memcpy(memory + p, "RSD PTR 2", 9);
	p = begin_tag(14, 20);				/* the old one never replaces the new */
	memcpy(memory + p, "RSD PTR 3", 9);
	p = begin_tag(8, 30);
	put64(p, 0x80000000);
	put32(p + 8, 4096);
	put32(p + 12, 1024);
	put32(p + 16, 768);
	memcpy(memory + p + 20, "\x20\x01\0\0\x10\x08\x08\x08\x00\x08", 10);
	assert_int_equal(parse(MB2, 0x1000), 0);
	assert_string_equal(info.cmdline, "console=com1");
	assert_string_equal(info.module[0].string, "root=/");
	assert_int_equal(info.nr_map, 3);
	assert_int_equal(info.map[0].end, 0xa0000);
	assert_int_equal(info.map[2].type, 2);		/* unknown types are reserved */
	assert_true(info.efi);
	assert_int_equal(info.efi_system_table, 0x7fee0018);
	assert_int_equal(info.rsdp_bytes, 36);
	assert_memory_equal(info.rsdp, "RSD PTR 2", 9);
	assert_int_equal(info.screen.kind, SCREEN_LFB);
	assert_int_equal(info.screen.pitch, 4096);
	assert_int_equal(info.screen.bpp, 32);
	assert_int_equal(info.screen.color[0], 16);
	assert_int_equal(info.screen.color[5], 8);
}

static void refuses_bad_multiboot_2(void **state)
{
	make_mb2();
	put32(0x1000, 0x10000000);
	assert_int_not_equal(parse(MB2, 0x1000), 0);
	make_mb2();
	put32(0x100c, 7);				/* a tag smaller than its head */
	assert_int_not_equal(parse(MB2, 0x1000), 0);
	make_mb2();
	put32(0x100c, 0xfffffff9);
	assert_int_not_equal(parse(MB2, 0x1000), 0);
	make_mb2();
	put32(begin_tag(3, 8), 0x200000);		/* a module without room for its string */
	assert_int_not_equal(parse(MB2, 0x1000), 0);
	make_mb2();
	for (unsigned i = 0; i < 8; i++)
		put32(begin_tag(3, 9) + 4, 0x1000);
	assert_int_not_equal(parse(MB2, 0x1000), 0);
	assert_non_null(strstr(why, "more than 8"));
}

static void map_of(const struct boot_region *r, unsigned n)
{
	memset(&info, 0, sizeof(info));
	for (unsigned i = 0; i < n; i++)
		boot_map_add(&info, r[i].start, r[i].end - r[i].start, r[i].type);
	boot_map_sort(&info);
}

static void overlaps_go_to_the_stricter(void **state)
{
	static const struct boot_region in[] = {
		{ 0x3000, 0x9000, 1 }, { 0x1000, 0x4000, 1 }, { 0x5000, 0x6000, 2 },
		{ 0x5800, 0x7000, 4 }, { 0x8000, 0xa000, 3 }, { 0x8800, 0x8900, 5 },
		{ 0xf000, 0xf000, 1 },
	};
	static const struct boot_region out[] = {
		{ 0x1000, 0x5000, 1 }, { 0x5000, 0x6000, 2 }, { 0x6000, 0x7000, 4 },
		{ 0x7000, 0x8000, 1 }, { 0x8000, 0x8800, 3 }, { 0x8800, 0x8900, 5 },
		{ 0x8900, 0xa000, 3 },
	};

	map_of(in, ARRAY_SIZE(in));
	assert_int_equal(info.nr_map, ARRAY_SIZE(out));
	for (unsigned i = 0; i < ARRAY_SIZE(out); i++) {
		assert_int_equal(info.map[i].start, out[i].start);
		assert_int_equal(info.map[i].end, out[i].end);
		assert_int_equal(info.map[i].type, out[i].type);
	}
}

static void region_to_the_end_of_everything(void **state)
{
	memset(&info, 0, sizeof(info));
	boot_map_add(&info, ~0ul - 0xfff, ~0ul, 2);
	boot_map_sort(&info);
	assert_int_equal(info.nr_map, 1);
	assert_int_equal(info.map[0].end, ~0ul);
}

/* Against the obvious: paint 64 cells with the strictest type that covers each. */
static void random_maps_match_a_painting(void **state)
{
	static const int rank[] = { 0, 1, 4, 2, 3, 5 };

	srand(2);
	for (unsigned round = 0; round < 20000; round++) {
		uint32_t want[64] = { 0 }, got[64] = { 0 };
		struct boot_region in[12];
		unsigned n = 1 + (unsigned)rand() % 12;

		for (unsigned i = 0; i < n; i++) {
			in[i].start = (uint64_t)rand() % 64;
			in[i].end = in[i].start + (uint64_t)rand() % (65 - in[i].start);
			in[i].type = 1 + (uint32_t)rand() % 5;
			for (uint64_t c = in[i].start; c < in[i].end; c++)
				if (rank[in[i].type] > rank[want[c]])
					want[c] = in[i].type;
		}
		map_of(in, n);
		for (unsigned i = 0; i < info.nr_map; i++) {
			assert_true(info.map[i].start < info.map[i].end);
			assert_true(!i || info.map[i - 1].end < info.map[i].start ||
				    (info.map[i - 1].end == info.map[i].start &&
				     info.map[i - 1].type != info.map[i].type));
			for (uint64_t c = info.map[i].start; c < info.map[i].end; c++)
				got[c] = info.map[i].type;
		}
		assert_memory_equal(want, got, sizeof(want));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_multiboot_1),
		cmocka_unit_test(copies_strings),
		cmocka_unit_test(grub_may_leave_names_out),
		cmocka_unit_test(refuses_bad_multiboot_1),
		cmocka_unit_test(reads_multiboot_2),
		cmocka_unit_test(refuses_bad_multiboot_2),
		cmocka_unit_test(overlaps_go_to_the_stricter),
		cmocka_unit_test(region_to_the_end_of_everything),
		cmocka_unit_test(random_maps_match_a_painting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
