/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which machine addresses that are not RAM the hardware domain may map: all but the interrupt
 * controllers, which are ours.  MSI-X tables and the HPET it may read: we program the ones, and the
 * other may be our calibration source.  Registered with mm/ as pt_io_check.  No state, no lock.
 */
#include "cpu/acpi_info.h"
#include "cpu/apic.h"
#include "cpu/ioapic.h"
#include "cpu/pci.h"
#include "dom/domain.h"
#include "mm/pt.h"

/* The window a device writes to raise an MSI (SDM vol. 3, 10.11.1): the local APIC is inside. */
#define MSI_FIRST	(0xfee00000ul >> PAGE_SHIFT)
#define MSI_LAST	(0xfeefffff >> PAGE_SHIFT)

static enum io_verdict io_check(mfn_t m)
{
	if ((m.n >= MSI_FIRST && m.n <= MSI_LAST) || m.n == apic_phys >> PAGE_SHIFT || ioapic_page(m))
		return IO_DENY;
	if (msi_table_page(m) || (acpi.hpet_phys && m.n == acpi.hpet_phys >> PAGE_SHIFT))
		return IO_READONLY;
	return IO_ALLOW;
}

void iomem_init(void)
{
	pt_io_check = io_check;
}
