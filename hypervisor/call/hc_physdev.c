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

static long irq_status_query(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct physdev_irq_status_query *op = arg;

	return pirq_status(d, op->irq, &op->flags);
}

static long set_iopl(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct physdev_set_iopl *op = arg;

	if (op->iopl > 3)
		return refuse(-EINVAL, "set_iopl %u", op->iopl);
	self->iopl = (uint8_t)op->iopl;
	return 0;
}

/* The bitmap itself is read when a port is used. */
static long set_iobitmap(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct physdev_set_iobitmap *op = arg;

	if (op->nr_ports > 65536 || !guest_range_ok(gva(op->bitmap), DIV_UP(op->nr_ports, 8)))
		return refuse(-EINVAL, "set_iobitmap: %u ports at %lx", op->nr_ports, op->bitmap);
	self->iobitmap = gva(op->bitmap);
	self->iobitmap_ports = op->nr_ports;
	return 0;
}

static long apic_read(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct physdev_apic *op = arg;
	int rc = ioapic_read_reg(op->apic_physbase, op->reg, &op->value);

	return rc ? refuse(rc, "apic_read: %lx register %x", op->apic_physbase, op->reg) : 0;
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
static long apic_write(struct vcpu *self, struct domain *d, void *arg, gva_t at)
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

/* The number a domain uses is the pirq; vectors are none of its business. */
static long alloc_irq_vector(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct physdev_irq *op = arg;

	op->vector = op->irq;
	return op->irq < pirq_count(d) ? 0 : refuse(-EINVAL, "alloc_irq_vector: irq %u", op->irq);
}

static long eoi(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	return pirq_eoi(d, ((struct physdev_eoi *)arg)->irq);
}

static long eoi_all(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	pirq_eoi_all(d);
	return 0;
}

/* entry_nr goes back on failure too: it says how many messages would have worked. */
static long map_pirq(struct vcpu *self, struct domain *d, void *arg, gva_t at)
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

static long unmap_pirq(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	return pirq_unmap(d, ((struct physdev_unmap_pirq *)arg)->pirq);
}

static long eoi_page_v1(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	return pirq_set_eoi_page(self, ((struct physdev_pirq_eoi_gmfn *)arg)->gmfn, 1);
}

static long eoi_page_v2(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	return pirq_set_eoi_page(self, ((struct physdev_pirq_eoi_gmfn *)arg)->gmfn, 2);
}

static long setup_gsi(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct physdev_setup_gsi *op = arg;

	if (op->gsi < 0)
		return refuse(-EINVAL, "setup_gsi: GSI %d", op->gsi);
	return pirq_setup_gsi(d, (unsigned)op->gsi, op->triggering, op->polarity);
}

/* dom0 found a configuration window; does the firmware's table agree?  -EIO it lies elsewhere,
 * -ENODEV the table has none. */
static long pci_mmcfg_reserved(struct vcpu *self, struct domain *d, void *arg, gva_t at)
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
static long pci_device(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct physdev_pci_device *op = arg;
	uint16_t bdf = (uint16_t)(op->bus << 8 | op->devfn);

	return op->seg || pci_present(bdf) ? 0 : refuse(-ENODEV, "no PCI device %04x", bdf);
}

/* Begins as physdev_pci_device does. */
static long pci_device_add(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct physdev_pci_device_add *op = arg;
	uint32_t node;

	if ((op->flags & XEN_PCI_DEV_PXM) &&
	    copy_from_guest(&node, gva_add(at, sizeof(*op)), sizeof(node)))
		return -EFAULT;
	return pci_device(self, d, arg, at);
}

static long restore_msi(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct physdev_pci_device *op = arg;

	return op->seg ? refuse(-ENODEV, "restore_msi: segment %u", op->seg) :
			 pirq_restore_msi(d, (uint16_t)(op->bus << 8 | op->devfn));
}

/* The same before segments: {bus, devfn} begins the structures. */
static long old_device(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct physdev_manage_pci *op = arg;
	struct physdev_pci_device device = { .bus = op->bus, .devfn = op->devfn };

	return pci_device(self, d, &device, at);
}

static long old_restore_msi(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	struct physdev_restore_msi *op = arg;

	return pirq_restore_msi(d, (uint16_t)(op->bus << 8 | op->devfn));
}

static long nothing_to_do(struct vcpu *self, struct domain *d, void *arg, gva_t at)
{
	return 0;
}

static const struct command commands[] = {
	[PHYSDEVOP_IRQ_UNMASK_NOTIFY] = { .fn = eoi_all },
	COMMAND(PHYSDEVOP_irq_status_query, irq_status_query, struct physdev_irq_status_query,
		CMD_ANSWERS),
	COMMAND(PHYSDEVOP_set_iopl, set_iopl, struct physdev_set_iopl, 0),
	COMMAND(PHYSDEVOP_set_iobitmap, set_iobitmap, struct physdev_set_iobitmap, 0),
	COMMAND(PHYSDEVOP_apic_read, apic_read, struct physdev_apic, CMD_HARDWARE | CMD_ANSWERS),
	COMMAND(PHYSDEVOP_apic_write, apic_write, struct physdev_apic, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_alloc_irq_vector, alloc_irq_vector, struct physdev_irq,
		CMD_HARDWARE | CMD_ANSWERS),
	COMMAND(PHYSDEVOP_eoi, eoi, struct physdev_eoi, 0),
	COMMAND_OF(PHYSDEVOP_map_pirq, map_pirq, struct physdev_map_pirq, domid, CMD_HARDWARE),
	COMMAND_OF(PHYSDEVOP_unmap_pirq, unmap_pirq, struct physdev_unmap_pirq, domid, 0),
	COMMAND(PHYSDEVOP_manage_pci_add, old_device, struct physdev_manage_pci, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_manage_pci_remove, nothing_to_do, struct physdev_manage_pci, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_pirq_eoi_gmfn_v1, eoi_page_v1, struct physdev_pirq_eoi_gmfn, 0),
	COMMAND(PHYSDEVOP_restore_msi, old_restore_msi, struct physdev_restore_msi, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_manage_pci_add_ext, old_device, struct physdev_manage_pci, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_setup_gsi, setup_gsi, struct physdev_setup_gsi, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_pci_mmcfg_reserved, pci_mmcfg_reserved, struct physdev_pci_mmcfg_reserved,
		CMD_HARDWARE),
	COMMAND(PHYSDEVOP_pci_device_add, pci_device_add, struct physdev_pci_device_add,
		CMD_HARDWARE),
	COMMAND(PHYSDEVOP_pci_device_remove, nothing_to_do, struct physdev_pci_device, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_restore_msi_ext, restore_msi, struct physdev_pci_device, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_pirq_eoi_gmfn_v2, eoi_page_v2, struct physdev_pirq_eoi_gmfn, 0),
	COMMAND(PHYSDEVOP_prepare_msix, pci_device, struct physdev_pci_device, CMD_HARDWARE),
	COMMAND(PHYSDEVOP_release_msix, pci_device, struct physdev_pci_device, CMD_HARDWARE),
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
