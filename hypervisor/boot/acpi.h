/* SPDX-License-Identifier: BSD-2-Clause */
/* The static ACPI tables (ACPI 6.4 ch. 5): from firmware memory to acpi (cpu/acpi_info.h). */
#ifndef BOOT_ACPI_H
#define BOOT_ACPI_H

#include "boot/boot_info.h"
#include "cpu/acpi_info.h"

/*
 * Finds the root pointer (UEFI system table, the loader's copy, or by scanning BIOS memory) and
 * reads MADT, FADT, HPET and MCFG.  A table with a wrong checksum or length is ignored with a
 * warning. Leaves acpi.present false when there are no usable tables.
 */
void acpi_parse(const struct boot_info *boot, boot_at_fn *at);

#endif
