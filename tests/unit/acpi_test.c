/* unit: boot/acpi.c */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI tables in a made-up memory.  Each access hands out a fresh block of exactly the bytes asked
 * for and frees the one before, so the sanitizer sees a step outside and a pointer kept too long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "boot/acpi.h"
#include "cpu/log.h"

#define BASE	0xe0000ul		/* where BIOS memory is searched */
#define HIGH	0x200000000ul		/* a second block above 4 GiB */
#define BYTES	4096

static uint8_t low[BYTES], high[BYTES];
static struct boot_info boot;
struct acpi_info acpi;
static uint8_t *last;

void log_at(enum log_level level, const char *fmt, ...)
{
}

static const void *reach(uint64_t phys, size_t len)
{
	const uint8_t *from = NULL;

	free(last);
	last = NULL;
	if (phys >= BASE && len <= BYTES && phys - BASE <= BYTES - len)
		from = low + (phys - BASE);
	else if (phys >= HIGH && len <= BYTES && phys - HIGH <= BYTES - len)
		from = high + (phys - HIGH);
	if (!from)
		return NULL;
	last = malloc(len);
	memcpy(last, from, len);
	return last;
}

static void put(uint8_t *at, unsigned bytes, uint64_t v)
{
	memcpy(at, &v, bytes);
}

static void checksum(uint8_t *t, unsigned bytes, unsigned at)
{
	uint8_t sum = 0;

	t[at] = 0;
	for (unsigned i = 0; i < bytes; i++)
		sum = (uint8_t)(sum + t[i]);
	t[at] = (uint8_t)-sum;
}

static void finish(uint8_t *t, const char *signature, unsigned bytes)
{
	memcpy(t, signature, 4);
	put(t + 4, 4, bytes);
	checksum(t, bytes, 9);
}

/* Offsets: RSDP 0x40, RSDT 0x80, XSDT 0x100, MADT 0x200, FADT 0x400, HPET 0x600, MCFG 0x680. */
static unsigned make_madt(uint8_t *t)
{
	unsigned n = 44;

	put(t + 36, 4, 0xfee00000);
	for (unsigned i = 0; i < 3; i++, n += 8) {	/* LAPICs 0, 2, 4; the third disabled */
		t[n] = 0;
		t[n + 1] = 8;
		t[n + 2] = (uint8_t)(i + 1);
		t[n + 3] = (uint8_t)(2 * i);
		put(t + n + 4, 4, i < 2);
	}
	memcpy(t + n, "\x01\x0c\x05\0\0\0\xc0\xfe\x18\0\0\0", 12);
	n += 12;
	memcpy(t + n, "\x02\x0a\0\0\x02\0\0\0\0\0", 10);	/* IRQ 0 is GSI 2 */
	n += 10;
	memcpy(t + n, "\x02\x0a\0\x09\x14\0\0\0\x0f\0", 10);	/* IRQ 9: GSI 20, level, low */
	n += 10;
	memcpy(t + n, "\x09\x10\0\0\x00\x01\0\0\x01\0\0\0\x07\0\0\0", 16);	/* x2APIC id 256 */
	n += 16;
	memcpy(t + n, "\x05\x0c\0\0\0\0\xe0\xfe\x01\0\0\0", 12);	/* LAPIC is at 0x1fee00000 */
	return n + 12;
}

static void make(void)
{
	memset(low, 0, sizeof(low));
	memset(high, 0, sizeof(high));
	memset(&boot, 0, sizeof(boot));
	memcpy(low + 0x40, "RSD PTR ", 8);
	low[0x40 + 15] = 2;
	put(low + 0x40 + 16, 4, BASE + 0x80);
	put(low + 0x40 + 20, 4, 36);
	put(low + 0x40 + 24, 8, BASE + 0x100);
	checksum(low + 0x40, 20, 8);
	finish(low + 0x200, "APIC", make_madt(low + 0x200));
	put(low + 0x400 + 46, 2, 9);
	put(low + 0x400 + 56, 4, 0x600);
	put(low + 0x400 + 64, 4, 0x604);
	put(low + 0x400 + 76, 4, 0x608);
	put(low + 0x400 + 112, 4, 1 << 8 | 1 << 10);
	low[0x400 + 116] = 1;
	low[0x400 + 117] = 8;
	put(low + 0x400 + 120, 8, 0xcf9);
	low[0x400 + 128] = 6;
	low[0x400 + 208] = 1;				/* X_PM_TMR_BLK counts more */
	put(low + 0x400 + 212, 8, 0xb008);
	finish(low + 0x400, "FACP", 244);
	put(low + 0x600 + 44, 8, 0xfed00000);
	finish(low + 0x600, "HPET", 56);
	put(high + 44, 8, 0xb0000000);
	high[44 + 11] = 255;
	put(high + 60, 8, 0xc0000000);
	finish(high, "MCFG", 76);
	put(low + 0x100 + 36, 8, BASE + 0x200);
	put(low + 0x100 + 44, 8, BASE + 0x400);
	put(low + 0x100 + 52, 8, BASE + 0x600);
	put(low + 0x100 + 60, 8, HIGH);
	put(low + 0x100 + 68, 8, ~0ul);			/* out of reach */
	finish(low + 0x100, "XSDT", 76);
	put(low + 0x80 + 36, 4, BASE + 0x200);
	finish(low + 0x80, "RSDT", 40);
}

static void parse(void)
{
	memset(&acpi, 0, sizeof(acpi));
	acpi_parse(&boot, reach);
}

static void reads_all_tables(void **state)
{
	make();
	parse();
	assert_true(acpi.present);
	assert_int_equal(acpi.rsdp_phys, BASE + 0x40);
	assert_int_equal(acpi.nr_cpus, 3);
	assert_int_equal(acpi.cpu[1].apic_id, 2);
	assert_int_equal(acpi.cpu[1].acpi_id, 2);
	assert_int_equal(acpi.cpu[2].apic_id, 256);
	assert_int_equal(acpi.cpu[2].acpi_id, 7);
	assert_int_equal(acpi.nr_ioapics, 1);
	assert_int_equal(acpi.ioapic[0].phys, 0xfec00000);
	assert_int_equal(acpi.ioapic[0].gsi_base, 24);
	assert_int_equal(acpi.isa[0].gsi, 2);
	assert_int_equal(acpi.isa[0].trigger, 0);
	assert_int_equal(acpi.isa[1].gsi, 1);
	assert_int_equal(acpi.isa[9].gsi, 20);
	assert_int_equal(acpi.isa[9].trigger, 1);
	assert_int_equal(acpi.isa[9].polarity, 1);
	assert_int_equal(acpi.pm1a_cnt, 0x604);
	assert_int_equal(acpi.pm_timer, 0xb008);
	assert_true(acpi.reset.valid);
	assert_int_equal(acpi.reset.addr, 0xcf9);
	assert_int_equal(acpi.reset.value, 6);
	assert_int_equal(acpi.hpet_phys, 0xfed00000);
	assert_int_equal(acpi.nr_mcfg, 2);
	assert_int_equal(acpi.mcfg[0].base, 0xb0000000);
	assert_int_equal(acpi.mcfg[0].bus_last, 255);
}

static void falls_back_to_the_rsdt(void **state)
{
	make();
	low[0x100 + 20]++;				/* XSDT's checksum is wrong now */
	parse();
	assert_true(acpi.present);
	assert_int_equal(acpi.nr_cpus, 3);
	assert_int_equal(acpi.hpet_phys, 0);
}

static void leaves_out_what_is_broken(void **state)
{
	make();
	low[0x400 + 30]++;
	low[0x600 + 4] = 20;				/* shorter than its header */
	low[0x200 + 44 + 9] = 0;			/* second MADT entry has length 0 */
	finish(low + 0x200, "APIC", *(uint32_t *)(low + 0x204));
	parse();
	assert_true(acpi.present);
	assert_int_equal(acpi.pm1a_cnt, 0);
	assert_false(acpi.reset.valid);
	assert_int_equal(acpi.hpet_phys, 0);
	assert_int_equal(acpi.nr_cpus, 1);
	make();
	put(low + 0x200 + 4, 4, 0xffffffff);
	parse();
	assert_int_equal(acpi.nr_cpus, 0);
	make();
	low[0x40]++;
	parse();
	assert_false(acpi.present);
}

static void finds_uefi_tables(void **state)
{
	make();
	low[0x40] = 'r';				/* not by scanning */
	memcpy(high + 0x800, "RSD PTR ", 8);
	high[0x800 + 15] = 2;
	put(high + 0x800 + 24, 8, BASE + 0x100);
	checksum(high + 0x800, 20, 8);
	memcpy(high + 0x900, "IBI SYST", 8);
	put(high + 0x900 + 104, 8, 3);
	put(high + 0x900 + 112, 8, HIGH + 0xa00);
	put(high + 0xa00 + 16, 8, 0xbad);
	memcpy(high + 0xa18, "\x30\x2d\x9d\xeb\x88\x2d\xd3\x11\x9a\x16\x00\x90\x27\x3f\xc1\x4d", 16);
	put(high + 0xa28, 8, 0xbad0);
	memcpy(high + 0xa30, "\x71\xe8\x68\x88\xf1\xe4\xd3\x11\xbc\x22\x00\x80\xc7\x3c\x88\x81", 16);
	put(high + 0xa40, 8, HIGH + 0x800);
	boot.efi = true;
	boot.efi_system_table = HIGH + 0x900;
	parse();
	assert_true(acpi.present);
	assert_int_equal(acpi.rsdp_phys, HIGH + 0x800);
	boot.efi_system_table = 0;			/* then the loader's copy is all there is */
	memcpy(boot.rsdp, high + 0x800, 36);
	boot.rsdp_bytes = 36;
	parse();
	assert_true(acpi.present);
	assert_int_equal(acpi.rsdp_phys, 0);
	boot.rsdp_bytes = 0;
	parse();
	assert_false(acpi.present);
}

static void too_many_cpus_are_counted(void **state)
{
	unsigned n = 44;

	make();
	memset(low + 0x800, 0, BYTES - 0x800);
	for (unsigned i = 0; i < MAX_CPUS + 5; i++, n += 8) {
		low[0x800 + n + 1] = 8;
		low[0x800 + n + 3] = (uint8_t)i;
		low[0x800 + n + 4] = 1;
	}
	finish(low + 0x800, "APIC", n);
	put(low + 0x100 + 36, 8, BASE + 0x800);
	finish(low + 0x100, "XSDT", 76);
	parse();
	assert_int_equal(acpi.nr_cpus, MAX_CPUS);
	assert_int_equal(acpi.nr_cpus_ignored, 5);
}

/* Damage behind a right checksum: the parser sees it. */
static void survives_random_damage(void **state)
{
	static const struct { unsigned at, bytes; } part[] = {
		{ 0x100, 76 }, { 0x200, 120 }, { 0x400, 244 }, { 0x600, 56 },
	};
	unsigned present = 0;

	srand(3);
	for (unsigned round = 0; round < 50000; round++) {
		unsigned p = (unsigned)rand() % 4;
		uint32_t length;

		make();
		for (unsigned hits = 1 + (unsigned)rand() % 4; hits; hits--)
			low[part[p].at + (unsigned)rand() % part[p].bytes] =
				(uint8_t)(rand() & 1 ? rand() : 255 * (rand() & 1));
		memcpy(&length, low + part[p].at + 4, 4);
		if (length >= 36 && length <= BYTES - part[p].at)
			checksum(low + part[p].at, length, 9);
		parse();
		assert_true(acpi.nr_cpus <= MAX_CPUS && acpi.nr_ioapics <= ACPI_MAX_IOAPICS);
		present += acpi.present;
	}
	assert_true(present > 1000);
}

static int free_last(void **state)
{
	free(last);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all_tables),
		cmocka_unit_test(falls_back_to_the_rsdt),
		cmocka_unit_test(leaves_out_what_is_broken),
		cmocka_unit_test(finds_uefi_tables),
		cmocka_unit_test(too_many_cpus_are_counted),
		cmocka_unit_test(survives_random_damage),
	};

	return cmocka_run_group_tests(tests, NULL, free_last);
}
