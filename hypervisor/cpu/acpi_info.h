/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the static ACPI tables said, as plain data.  boot/acpi.c fills it in once; the floors below
 * boot/ only read it.
 */
#ifndef CPU_ACPI_INFO_H
#define CPU_ACPI_INFO_H

#include "cpu/types.h"

#define ACPI_MAX_IOAPICS	16

struct acpi_info {
	bool present;
	uint64_t rsdp_phys;
	/* MADT */
	unsigned nr_cpus;			/* usable entries below, boot CPU anywhere among them */
	struct { uint32_t apic_id, acpi_id; } cpu[MAX_CPUS];
	unsigned nr_cpus_ignored;		/* enabled ones beyond MAX_CPUS */
	unsigned nr_ioapics;
	struct { uint64_t phys; uint32_t gsi_base; } ioapic[ACPI_MAX_IOAPICS];
	struct { uint32_t gsi; uint8_t trigger, polarity; bool overridden; } isa[16];
	/* FADT */
	uint16_t pm1a_cnt, pm1b_cnt, pm_timer;	/* ports; 0: none */
	struct { uint8_t space; uint64_t addr; uint8_t value; bool valid; } reset;
	/* HPET */
	uint64_t hpet_phys;
	/* MCFG */
	unsigned nr_mcfg;
	struct { uint64_t base; uint16_t segment; uint8_t bus_first, bus_last; } mcfg[4];
};

extern struct acpi_info acpi;			/* defined in cpu/ioapic.c */

#endif
