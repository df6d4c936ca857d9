/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Static ACPI tables (ACPI 6.4 chapter 5; HPET specification 3.2.4; PCI firmware specification
 * 4.1.2). Only what the hypervisor itself needs; the rest, and all of AML, is dom0's.
 *
 * Runs on the boot page tables, so nothing stays mapped.  The firmware is not trusted to be right:
 * signatures, lengths and checksums are checked, every entry is bounded by its table, and a broken
 * table is left out with a warning.  A table is read where it lies; two are never held at once,
 * because a pointer above 4 GiB lives only until the next access.
 */
#include "boot/acpi.h"
#include "cpu/log.h"
#include "lib/string.h"

#define MAX_TABLE_BYTES	(1u << 20)
#define MAX_TABLES	128

struct sdt {				/* System Description Table header, 5.2.6 */
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem_id[6], oem_table_id[8];
	uint32_t oem_revision, creator_id, creator_revision;
};
_Static_assert(sizeof(struct sdt) == 36, "struct sdt");

struct rsdp {				/* 5.2.5.3 */
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt;
	uint32_t length;		/* from here on only with revision 2 */
	uint64_t xsdt;
	uint8_t checksum2, reserved[3];
} packed;
_Static_assert(sizeof(struct rsdp) == 36, "struct rsdp");
#define RSDP_V1_BYTES	20

static boot_text bool sums_to_zero(const void *p, size_t n)
{
	const uint8_t *b = p;
	uint8_t sum = 0;

	while (n--)
		sum = (uint8_t)(sum + *b++);
	return !sum;
}

static boot_text bool rsdp_valid(const struct rsdp *r)
{
	return r && !memcmp(r->signature, "RSD PTR ", 8) && sums_to_zero(r, RSDP_V1_BYTES);
}

/* The table's bytes, whole and checked, or NULL. */
static boot_text const struct sdt *get_table(uint64_t phys, boot_at_fn *at)
{
	const struct sdt *t = phys ? at(phys, sizeof(*t)) : NULL;
	uint32_t length = t ? t->length : 0;

	if (!t)
		return NULL;
	if (length < sizeof(*t) || length > MAX_TABLE_BYTES) {
		log_warn("ACPI: table at %lx has length %u, ignored", phys, length);
		return NULL;
	}
	t = at(phys, length);
	if (t && !sums_to_zero(t, length)) {
		log_warn("ACPI: table %.4s at %lx has a wrong checksum, ignored", t->signature,
			 phys);
		return NULL;
	}
	return t;
}

static boot_text uint64_t scan(uint64_t start, uint64_t end, boot_at_fn *at)
{
	for (; start < end; start += 16)
		if (rsdp_valid(at(start, RSDP_V1_BYTES)))
			return start;
	return 0;
}

/* 5.2.5.1: the first KiB of the extended BIOS data area, then the BIOS ROM. */
static boot_text uint64_t scan_bios(boot_at_fn *at)
{
	const uint16_t *ebda = at(0x40e, 2);
	uint64_t start = ebda ? (uint64_t)*ebda << 4 : 0, found = 0;

	if (start >= 0x400 && start < 0xa0000)
		found = scan(start, start + 1024, at);
	return found ? found : scan(0xe0000, 0x100000, at);
}

/* UEFI 2.9, 4.3: the system table's configuration tables, by GUID. */
struct efi_config {
	uint8_t guid[16];
	uint64_t table;
};
#define EFI_SIGNATURE		0x5453595320494249ul	/* "IBI SYST" */
#define EFI_NR_CONFIG		104			/* byte offsets in the system table */
#define EFI_CONFIG		112
#define EFI_MAX_CONFIG		256

static boot_text uint64_t scan_efi(uint64_t system_table, boot_at_fn *at)
{
	static const uint8_t acpi20[16] = { 0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11,
					    0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81 };
	static const uint8_t acpi10[16] = { 0x30, 0x2d, 0x9d, 0xeb, 0x88, 0x2d, 0xd3, 0x11,
					    0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d };
	const uint8_t *st = system_table ? at(system_table, EFI_CONFIG + 8) : NULL;
	uint64_t n, list, old = 0;

	if (!st || *(const uint64_t *)st != EFI_SIGNATURE)
		return 0;
	n = *(const uint64_t *)(st + EFI_NR_CONFIG);
	list = *(const uint64_t *)(st + EFI_CONFIG);
	for (uint64_t i = 0; i < MIN(n, (uint64_t)EFI_MAX_CONFIG); i++) {
		const struct efi_config *c = at(list + i * sizeof(*c), sizeof(*c));

		if (!c)
			break;
		if (!memcmp(c->guid, acpi20, 16))
			return c->table;
		if (!memcmp(c->guid, acpi10, 16))
			old = c->table;
	}
	return old;
}

/* Copies the root pointer to *rsdp; its machine address goes to acpi.rsdp_phys when it is known. */
static boot_text bool find_rsdp(const struct boot_info *boot, struct rsdp *rsdp, boot_at_fn *at)
{
	uint64_t phys = scan_efi(boot->efi_system_table, at);
	const struct rsdp *r;

	memset(rsdp, 0, sizeof(*rsdp));
	if (!phys && !boot->efi)
		phys = scan_bios(at);
	r = phys ? at(phys, RSDP_V1_BYTES) : NULL;
	if (!rsdp_valid(r)) {
		memcpy(rsdp, boot->rsdp, MIN((size_t)boot->rsdp_bytes, sizeof(*rsdp)));
		return boot->rsdp_bytes >= RSDP_V1_BYTES && rsdp_valid(rsdp);
	}
	acpi.rsdp_phys = phys;
	memcpy(rsdp, r, RSDP_V1_BYTES);
	r = rsdp->revision >= 2 ? at(phys, sizeof(*r)) : NULL;
	if (r)
		memcpy(rsdp, r, sizeof(*rsdp));
	return true;
}

/* Fields that may be unaligned within a table; 0 beyond its end. */
static boot_text uint64_t field(const struct sdt *t, unsigned offset, unsigned bytes)
{
	uint64_t v = 0;

	if (offset + bytes <= t->length)
		memcpy(&v, (const uint8_t *)t + offset, bytes);
	return v;
}

enum { MADT_LAPIC = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2, MADT_X2APIC = 9, MADT_TYPES };
#define MADT_HEADER	44
#define MADT_ENABLED	1

static boot_text void add_cpu(uint64_t apic_id, uint64_t acpi_id, uint64_t flags)
{
	if (!(flags & MADT_ENABLED))
		return;
	for (unsigned i = 0; i < acpi.nr_cpus; i++)	/* listed as LAPIC and as x2APIC */
		if (acpi.cpu[i].apic_id == apic_id)
			return;
	if (acpi.nr_cpus == MAX_CPUS) {
		acpi.nr_cpus_ignored++;
		return;
	}
	acpi.cpu[acpi.nr_cpus].apic_id = (uint32_t)apic_id;
	acpi.cpu[acpi.nr_cpus++].acpi_id = (uint32_t)acpi_id;
}

static boot_text void add_ioapic(uint64_t id, uint64_t phys, uint64_t gsi_base)
{
	if (acpi.nr_ioapics == ACPI_MAX_IOAPICS || !phys || phys & 0xf) {
		log_warn("ACPI: IO-APIC %lu at %lx ignored", id, phys);
		return;
	}
	acpi.ioapic[acpi.nr_ioapics].phys = phys;
	acpi.ioapic[acpi.nr_ioapics++].gsi_base = (uint32_t)gsi_base;
}

/* 5.2.12.5; flags: bits 0-1 polarity, 2-3 trigger: 0 as the bus has it (for ISA edge and high),
 * 1 that too, 3 level and low. */
static boot_text void add_override(uint64_t irq, uint64_t gsi, uint64_t flags)
{
	if (irq >= ARRAY_SIZE(acpi.isa))
		return;
	acpi.isa[irq].gsi = (uint32_t)gsi;
	acpi.isa[irq].polarity = (flags & 3) == 3;
	acpi.isa[irq].trigger = (flags >> 2 & 3) == 3;
	acpi.isa[irq].overridden = true;
}

/* One entry of @type with its bytes from @at on. */
static boot_text void madt_entry(const struct sdt *t, uint64_t type, unsigned at)
{
	switch (type) {
	case MADT_LAPIC:
		add_cpu(field(t, at + 3, 1), field(t, at + 2, 1), field(t, at + 4, 4));
		break;
	case MADT_X2APIC:
		add_cpu(field(t, at + 4, 4), field(t, at + 12, 4), field(t, at + 8, 4));
		break;
	case MADT_IOAPIC:
		add_ioapic(field(t, at + 2, 1), field(t, at + 4, 4), field(t, at + 8, 4));
		break;
	case MADT_OVERRIDE:
		add_override(field(t, at + 3, 1), field(t, at + 4, 4), field(t, at + 8, 2));
	}
}

static boot_text void parse_madt(const struct sdt *t)
{
	static const uint8_t bytes[MADT_TYPES] = {	/* of an entry, at least; 0: passed over */
		[MADT_LAPIC] = 8, [MADT_IOAPIC] = 12, [MADT_OVERRIDE] = 10, [MADT_X2APIC] = 16,
	};
	unsigned len;

	for (unsigned at = MADT_HEADER; at + 2 <= t->length; at += len) {
		uint64_t type = field(t, at, 1);

		len = (unsigned)field(t, at + 1, 1);
		if (len < 2 || len > t->length - at) {
			log_warn("ACPI: MADT is broken at byte %u", at);
			return;
		}
		if (type < MADT_TYPES && len >= bytes[type])
			madt_entry(t, type, at);
	}
}

#define GAS_IO		1		/* Generic Address Structure, 5.2.3.2: space 1 is ports */

/* A PM block: the extended address (byte @xgas) if that is a port, else the old one (byte @old). */
static boot_text uint16_t pm_port(const struct sdt *t, unsigned old, unsigned xgas)
{
	uint64_t port = field(t, xgas + 4, 8);

	if (field(t, xgas, 1) == GAS_IO && port && port <= 0xffff)
		return (uint16_t)port;
	port = field(t, old, 4);
	return port <= 0xffff ? (uint16_t)port : 0;
}

/* 5.2.9, table 5-33; the numbers are byte offsets in it. */
static boot_text void parse_fadt(const struct sdt *t)
{
	acpi.pm1a_cnt = pm_port(t, 64, 172);
	acpi.pm1b_cnt = pm_port(t, 68, 184);
	acpi.pm_timer = pm_port(t, 76, 208);
	acpi.reset.space = (uint8_t)field(t, 116, 1);
	acpi.reset.addr = field(t, 120, 8);
	acpi.reset.value = (uint8_t)field(t, 128, 1);
	acpi.reset.valid = (field(t, 112, 4) >> 10 & 1) && t->length > 128 && acpi.reset.addr;
}

static boot_text void parse_mcfg(const struct sdt *t)
{
	for (unsigned at = 44; at + 16 <= t->length; at += 16) {
		uint8_t first = (uint8_t)field(t, at + 10, 1), last = (uint8_t)field(t, at + 11, 1);

		if (first > last || acpi.nr_mcfg == ARRAY_SIZE(acpi.mcfg))
			continue;
		acpi.mcfg[acpi.nr_mcfg].base = field(t, at, 8);
		acpi.mcfg[acpi.nr_mcfg].segment = (uint16_t)field(t, at + 8, 2);
		acpi.mcfg[acpi.nr_mcfg].bus_first = first;
		acpi.mcfg[acpi.nr_mcfg++].bus_last = last;
	}
}

/* Memory-mapped HPET only: address space 0. */
static boot_text void parse_hpet(const struct sdt *t)
{
	if (!field(t, 40, 1))
		acpi.hpet_phys = field(t, 44, 8);
}

static boot_text void parse_table(uint64_t phys, boot_at_fn *at)
{
	static const struct {
		char signature[5];
		void (*parse)(const struct sdt *t);
	} known[] = {
		{ "APIC", parse_madt }, { "FACP", parse_fadt },
		{ "HPET", parse_hpet }, { "MCFG", parse_mcfg },
	};
	const struct sdt *t = phys ? at(phys, sizeof(*t)) : NULL;

	for (unsigned i = 0; t && i < ARRAY_SIZE(known); i++) {
		if (memcmp(t->signature, known[i].signature, 4))
			continue;
		t = get_table(phys, at);
		if (t)
			known[i].parse(t);
		return;
	}
}

/* The addresses in the root table: 4 bytes each in the RSDT, 8 in the XSDT. */
static boot_text bool parse_root(uint64_t root, unsigned width, const char *name, boot_at_fn *at)
{
	uint64_t address[MAX_TABLES];
	const struct sdt *t = get_table(root, at);
	unsigned n;

	if (!t || memcmp(t->signature, name, 4))
		return false;
	n = MIN((unsigned)(t->length - sizeof(*t)) / width, (unsigned)MAX_TABLES);
	for (unsigned i = 0; i < n; i++)
		address[i] = field(t, (unsigned)sizeof(*t) + i * width, width);
	for (unsigned i = 0; i < n; i++)
		parse_table(address[i], at);
	return true;
}

boot_text void acpi_parse(const struct boot_info *boot, boot_at_fn *at)
{
	struct rsdp rsdp;

	for (unsigned i = 0; i < ARRAY_SIZE(acpi.isa); i++)
		acpi.isa[i].gsi = i;
	if (!find_rsdp(boot, &rsdp, at)) {
		log_warn("ACPI: no root pointer found");
		return;
	}
	acpi.present = (rsdp.revision >= 2 && parse_root(rsdp.xsdt, 8, "XSDT", at)) ||
			parse_root(rsdp.rsdt, 4, "RSDT", at);
	if (!acpi.present)
		log_warn("ACPI: no root table found");
}
