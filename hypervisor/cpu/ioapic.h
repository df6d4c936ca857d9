/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IO-APICs: which pin raises which vector on which CPU.  A GSI is the ACPI-wide number of a pin.
 * Each pin starts masked.  Lock: RANK_IRQ inside.
 */
#ifndef CPU_IOAPIC_H
#define CPU_IOAPIC_H

#include "cpu/types.h"

enum { TRIGGER_EDGE = 0, TRIGGER_LEVEL = 1, POLARITY_HIGH = 0, POLARITY_LOW = 1 };

void ioapic_init(void);			/* from acpi_info (cpu/acpi_info.h) */
extern unsigned ioapic_nr_gsis;		/* one past the highest GSI */
bool ioapic_gsi_valid(unsigned gsi);
/* Trigger and polarity of an ISA interrupt by MADT override, or the ISA default; and its GSI. */
unsigned ioapic_isa_gsi(unsigned isa_irq);
/* Programs the pin, masked.  -EINVAL for a GSI without pin. */
int ioapic_set(unsigned gsi, unsigned vector, uint32_t dest_apic_id, int trigger, int polarity);
void ioapic_mask(unsigned gsi, bool masked);
/* Reads a register of the IO-APIC at @phys for dom0's PHYSDEVOP_apic_read; -EINVAL if none. */
int ioapic_read_reg(uint64_t phys, uint32_t reg, uint32_t *value);
bool ioapic_page(mfn_t m);		/* is this frame an IO-APIC's register page? */

#endif
