/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * physdev_op(cmd, arg): interrupts, I/O privilege and PCI notes, as a table of commands (command.c
 * copies the argument in once and checks who may).  Interrupt numbers and pins are
 * ipc/pirq.c's business; I/O privilege is two fields of the vCPU that the emulator reads.  What
 * dom0 tells about PCI devices is checked against the machine and otherwise not needed:
 * configuration space is asked when an MSI is mapped.
 */
#include <mica/physdev.h>
#include "call/handlers.h"
#include "cpu/acpi_info.h"
#include "cpu/ioapic.h"
#include "cpu/pci.h"
#include "ipc/pirq.h"

/* The bitmap itself is read when a port is used. */
static long set_iobitmap(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	struct physdev_set_iobitmap *op = arg;

	if (op->nr_ports > 65536 || !guest_range_ok(gva(op->bitmap), DIV_UP(op->nr_ports, 8)))
		return refuse(-EINVAL, "set_iobitmap: %u ports at %lx", op->nr_ports, op->bitmap);
	self->iobitmap = gva(op->bitmap);
	self->iobitmap_ports = op->nr_ports;
	return 0;
}

/* First GSI of the IO-APIC at @phys, or -EINVAL. */
static int gsi_base(uint64_t phys)
{
	for (unsigned i = 0; i < acpi.nr_ioapics; i++)
		if (acpi.ioapic[i].phys == phys)
			return (int)acpi.ioapic[i].gsi_base;
	return -EINVAL;
}

/*
 * NetBSD's way to claim a pin: it writes the low half of the pin's redirection entry, with the pirq
 * in the vector field.  We take the wiring and map the pirq; the pin itself is programmed at bind.
 */
static long apic_write(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	struct physdev_map_pirq map = { .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI };
	struct physdev_apic *op = arg;
	int base = gsi_base(op->apic_physbase), rc;

	if (base < 0 || op->reg < 0x10 || op->reg > 0xff)
		return refuse(-EINVAL, "apic_write: %lx register %x", op->apic_physbase, op->reg);
	if (op->reg & 1 || !(op->value & 0xff))
		return 0;			/* destination, or a pin without interrupt */
	map.index = base + (int)(op->reg - 0x10) / 2;
	map.pirq = (int32_t)(op->value & 0xff);
	rc = pirq_map(d, &map);
	if (rc)
		return rc;
	rc = pirq_setup_gsi(d, (unsigned)map.index, op->value >> 15 & 1, op->value >> 13 & 1);
	return rc == -EEXIST ? 0 : rc;
}

/* entry_nr goes back on failure too: it says how many messages would have worked. */
static long map_pirq(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	struct physdev_map_pirq *op = arg;
	int rc = pirq_map(d, op);

	if ((!rc || rc == -EOPNOTSUPP) && copy_to_guest(at, op, sizeof(*op))) {
		if (!rc && op->type != MAP_PIRQ_TYPE_GSI) /* a GSI may have been mapped before */
			(void)pirq_unmap(d, op->pirq);
		rc = -EFAULT;
	}
	return rc;
}

/* dom0 found a configuration window; does the firmware's table agree?  -EIO it lies elsewhere,
 * -ENODEV the table has none. */
static long mmcfg_reserved(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	struct physdev_pci_mmcfg_reserved *op = arg;

	for (unsigned i = 0; i < acpi.nr_mcfg; i++)
		if (acpi.mcfg[i].segment == op->segment && acpi.mcfg[i].bus_first == op->start_bus &&
		    acpi.mcfg[i].bus_last >= op->end_bus)
			return acpi.mcfg[i].base == op->address ? 0 :
				refuse(-EIO, "MCFG of segment %u is at %lx, not %lx", op->segment,
				       acpi.mcfg[i].base, op->address);
	return refuse(-ENODEV, "no MCFG for segment %u bus %u", op->segment, op->start_bus);
}

/* Is it there?  Devices outside segment 0 exist for dom0, but their MSIs cannot be mapped. */
static long pci_device(unsigned seg, uint8_t bus, uint8_t devfn)
{
	uint16_t bdf = (uint16_t)(bus << 8 | devfn);

	return seg || pci_present(bdf) ? 0 : refuse(-ENODEV, "no PCI device %04x", bdf);
}

static long pci_device_add(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	struct physdev_pci_device_add *op = arg;
	uint32_t node;

	if ((op->flags & XEN_PCI_DEV_PXM) &&
	    copy_from_guest(&node, gva_add(at, sizeof(*op)), sizeof(node)))
		return -EFAULT;
	return pci_device(op->seg, op->bus, op->devfn);
}

/* What is a line or two; nothing is to be done when a device is removed.  Before there were segments,
 * structures began with {bus, devfn}. */
static long plain(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at)
{
	const struct physdev_pirq_eoi_gmfn *page = arg;
	const struct physdev_pci_device *dev = arg;
	const struct physdev_manage_pci *old = arg;
	struct physdev_irq_status_query *query = arg;
	const struct physdev_setup_gsi *gsi = arg;
	const struct physdev_set_iopl *set = arg;
	struct physdev_apic *apic = arg;
	struct physdev_irq *irq = arg;
	int rc;

	switch (cmd) {
	case PHYSDEVOP_IRQ_UNMASK_NOTIFY:
		pirq_eoi_all(d);
		return 0;
	case PHYSDEVOP_irq_status_query: return pirq_status(d, query->irq, &query->flags);
	case PHYSDEVOP_set_iopl:
		if (set->iopl > 3)
			return refuse(-EINVAL, "set_iopl %u", set->iopl);
		self->iopl = (uint8_t)set->iopl;
		return 0;
	case PHYSDEVOP_apic_read:
		rc = ioapic_read_reg(apic->apic_physbase, apic->reg, &apic->value);
		return rc ? refuse(rc, "apic_read: %lx register %x", apic->apic_physbase, apic->reg) : 0;
	case PHYSDEVOP_alloc_irq_vector:	/* its number is the pirq; vectors are not its business */
		irq->vector = irq->irq;
		return irq->irq < pirq_count(d) ? 0 : refuse(-EINVAL, "alloc_irq_vector: irq %u", irq->irq);
	case PHYSDEVOP_eoi: return pirq_eoi(d, ((struct physdev_eoi *)arg)->irq);
	case PHYSDEVOP_unmap_pirq: return pirq_unmap(d, ((struct physdev_unmap_pirq *)arg)->pirq);
	case PHYSDEVOP_pirq_eoi_gmfn_v1: return pirq_set_eoi_page(self, page->gmfn, 1);
	case PHYSDEVOP_pirq_eoi_gmfn_v2: return pirq_set_eoi_page(self, page->gmfn, 2);
	case PHYSDEVOP_setup_gsi:
		if (gsi->gsi < 0)
			return refuse(-EINVAL, "setup_gsi: GSI %d", gsi->gsi);
		return pirq_setup_gsi(d, (unsigned)gsi->gsi, gsi->triggering, gsi->polarity);
	case PHYSDEVOP_manage_pci_add: case PHYSDEVOP_manage_pci_add_ext:
		return pci_device(0, old->bus, old->devfn);
	case PHYSDEVOP_prepare_msix: case PHYSDEVOP_release_msix:
		return pci_device(dev->seg, dev->bus, dev->devfn);
	case PHYSDEVOP_restore_msi: return pirq_restore_msi(d, (uint16_t)(old->bus << 8 | old->devfn));
	case PHYSDEVOP_restore_msi_ext:
		if (dev->seg)
			return refuse(-ENODEV, "restore_msi: segment %u", dev->seg);
		return pirq_restore_msi(d, (uint16_t)(dev->bus << 8 | dev->devfn));
	default: return 0;
	}
}

static const struct command commands[] = {
	[PHYSDEVOP_IRQ_UNMASK_NOTIFY] = { .fn = plain },
	COMMAND(PHYSDEVOP_irq_status_query, plain, struct physdev_irq_status_query, CMD_ANSWERS),
	COMMAND(PHYSDEVOP_set_iopl, plain, struct physdev_set_iopl, 0),
	COMMAND(PHYSDEVOP_set_iobitmap, set_iobitmap, struct physdev_set_iobitmap, 0),
	COMMAND(PHYSDEVOP_apic_read, plain, struct physdev_apic, CMD_HARDWARE | CMD_ANSWERS),
	COMMAND(PHYSDEVOP_apic_write, apic_write, struct physdev_apic, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_alloc_irq_vector, plain, struct physdev_irq, CMD_HARDWARE | CMD_ANSWERS),
	COMMAND(PHYSDEVOP_eoi, plain, struct physdev_eoi, 0),
	COMMAND_OF(PHYSDEVOP_map_pirq, map_pirq, struct physdev_map_pirq, domid, CMD_HARDWARE),
	COMMAND_OF(PHYSDEVOP_unmap_pirq, plain, struct physdev_unmap_pirq, domid, 0),
	COMMAND(PHYSDEVOP_manage_pci_add, plain, struct physdev_manage_pci, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_manage_pci_remove, plain, struct physdev_manage_pci, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_pirq_eoi_gmfn_v1, plain, struct physdev_pirq_eoi_gmfn, 0),
	COMMAND(PHYSDEVOP_restore_msi, plain, struct physdev_restore_msi, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_manage_pci_add_ext, plain, struct physdev_manage_pci, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_setup_gsi, plain, struct physdev_setup_gsi, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_pci_mmcfg_reserved, mmcfg_reserved, struct physdev_pci_mmcfg_reserved,
		CMD_HARDWARE),
	COMMAND(PHYSDEVOP_pci_device_add, pci_device_add, struct physdev_pci_device_add,
		CMD_HARDWARE),
	COMMAND(PHYSDEVOP_pci_device_remove, plain, struct physdev_pci_device, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_restore_msi_ext, plain, struct physdev_pci_device, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_pirq_eoi_gmfn_v2, plain, struct physdev_pirq_eoi_gmfn, 0),
	COMMAND(PHYSDEVOP_prepare_msix, plain, struct physdev_pci_device, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_release_msix, plain, struct physdev_pci_device, CMD_HARDWARE),
};

long hc_physdev_op(struct vcpu *self, uint64_t cmd, gva_t arg)
{
	return command_run(commands, ARRAY_SIZE(commands), "physdev_op", self, cmd, arg);
}

/* The old form, {cmd, structure} in guest memory. */
long hc_physdev_op_compat(struct vcpu *self, gva_t op)
{
	uint32_t cmd;

	if (copy_from_guest(&cmd, op, sizeof(cmd)))
		return -EFAULT;
	if (cmd < PHYSDEVOP_IRQ_UNMASK_NOTIFY || cmd > PHYSDEVOP_alloc_irq_vector)
		return refuse(-ENOSYS, "physdev_op_compat %u", cmd);
	return hc_physdev_op(self, cmd, gva_add(op, offsetof(struct physdev_op, u)));
}
