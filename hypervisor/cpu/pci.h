/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * PCI configuration space through ports 0xcf8/0xcfc (segment 0), and the MSI / MSI-X capabilities that
 * we program for dom0.  Lock: RANK_IRQ inside.
 */
#ifndef CPU_PCI_H
#define CPU_PCI_H

#include "cpu/types.h"

/* @bdf is bus << 8 | devfn; @bytes 1, 2 or 4; offsets naturally aligned, below 256. */
uint32_t pci_read(uint16_t bdf, unsigned offset, unsigned bytes);
void pci_write(uint16_t bdf, unsigned offset, unsigned bytes, uint32_t value);
bool pci_present(uint16_t bdf);

struct msi {				/* one programmed message */
	uint16_t bdf;
	uint16_t entry;			/* MSI-X entry number, or index of a multi-message MSI */
	bool msix;
	uint64_t table_phys;		/* MSI-X: machine address of the device's table */
	volatile uint32_t *slot;	/* MSI-X: our mapping of the entry */
	uint8_t cap;			/* offset of the capability */
};

/* Programs the message to raise @vector on @apic_id and unmasks it.  @table_base is what dom0 said the
 * MSI-X table's machine address is (0 = MSI); it is checked against the device's BAR.
 * -ENODEV no such device or capability, -EINVAL bad entry, -ENOMEM. */
int msi_enable(struct msi *m, uint16_t bdf, uint16_t entry, uint64_t table_base, unsigned vector,
	       uint32_t apic_id);
void msi_disable(struct msi *m);
void msi_restore(struct msi *m, unsigned vector, uint32_t apic_id);	/* after dom0 reset the device */
/* Is this frame an MSI-X table of an enabled message?  dom0 may map it read-only only. */
bool msi_table_page(mfn_t mf);

#endif
