/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * physdev_op(cmd, arg): interrupts, I/O privilege and PCI notes.  Interrupt numbers and pins are
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

#define require_hardware(self, what) \
	do { \
		if (!(self)->dom->hardware) \
			return refuse(-EPERM, "%s: not the hardware domain", what); \
	} while (0)

static long irq_status_query(struct vcpu *self, gva_t arg)
{
	struct physdev_irq_status_query op;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = pirq_status(self->dom, op.irq, &op.flags);
	return rc ? rc : copy_to_guest(arg, &op, sizeof(op));
}

static long set_iopl(struct vcpu *self, gva_t arg)
{
	struct physdev_set_iopl op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.iopl > 3)
		return refuse(-EINVAL, "set_iopl %u", op.iopl);
	self->iopl = (uint8_t)op.iopl;
	return 0;
}

/* The bitmap itself is read when a port is used. */
static long set_iobitmap(struct vcpu *self, gva_t arg)
{
	struct physdev_set_iobitmap op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.nr_ports > 65536 ||
	    (op.nr_ports && !guest_range_ok(gva(op.bitmap), DIV_UP(op.nr_ports, 8))))
		return refuse(-EINVAL, "set_iobitmap: %u ports at %lx", op.nr_ports, op.bitmap);
	self->iobitmap = gva(op.bitmap);
	self->iobitmap_ports = op.nr_ports;
	return 0;
}

static long apic_read(struct vcpu *self, gva_t arg)
{
	struct physdev_apic op;
	int rc;

	require_hardware(self, "apic_read");
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = ioapic_read_reg(op.apic_physbase, op.reg, &op.value);
	return rc ? refuse(rc, "apic_read: %lx register %x", op.apic_physbase, op.reg) :
		    copy_to_guest(arg, &op, sizeof(op));
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
static long apic_write(struct vcpu *self, gva_t arg)
{
	struct physdev_map_pirq map = { .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI };
	struct physdev_apic op;
	int base, rc;

	require_hardware(self, "apic_write");
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	base = gsi_base(op.apic_physbase);
	if (base < 0 || op.reg < 0x10 || op.reg > 0xff)
		return refuse(-EINVAL, "apic_write: %lx register %x", op.apic_physbase, op.reg);
	if (op.reg & 1 || !(op.value & 0xff))
		return 0;			/* destination, or a pin without interrupt */
	map.index = base + (int)(op.reg - 0x10) / 2;
	map.pirq = (int32_t)(op.value & 0xff);
	rc = pirq_map(self->dom, &map);
	if (rc)
		return rc;
	rc = pirq_setup_gsi(self->dom, (unsigned)map.index, op.value >> 15 & 1, op.value >> 13 & 1);
	return rc == -EEXIST ? 0 : rc;
}

/* The number a domain uses is the pirq; vectors are none of its business. */
static long alloc_irq_vector(struct vcpu *self, gva_t arg)
{
	struct physdev_irq op;

	require_hardware(self, "alloc_irq_vector");
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.irq >= pirq_count(self->dom))
		return refuse(-EINVAL, "alloc_irq_vector: irq %u", op.irq);
	op.vector = op.irq;
	return copy_to_guest(arg, &op, sizeof(op));
}

static long eoi(struct vcpu *self, gva_t arg)
{
	struct physdev_eoi op;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	return pirq_eoi(self->dom, op.irq);
}

/* entry_nr goes back on failure too: it says how many messages would have worked. */
static long map_pirq(struct vcpu *self, gva_t arg)
{
	struct physdev_map_pirq op;
	struct domain *d;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	require_hardware(self, "map_pirq");
	d = domain_get_target(self, op.domid, &rc);
	if (!d)
		return rc;
	rc = pirq_map(d, &op);
	if ((!rc || rc == -EOPNOTSUPP) && copy_to_guest(arg, &op, sizeof(op))) {
		if (!rc && op.type != MAP_PIRQ_TYPE_GSI) /* a GSI may have been mapped before */
			(void)pirq_unmap(d, op.pirq);
		rc = -EFAULT;
	}
	domain_put(d);
	return rc;
}

static long unmap_pirq(struct vcpu *self, gva_t arg)
{
	struct physdev_unmap_pirq op;
	struct domain *d;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	d = domain_get_target(self, op.domid, &rc);
	if (!d)
		return rc;
	rc = pirq_unmap(d, op.pirq);
	domain_put(d);
	return rc;
}

static long eoi_page(struct vcpu *self, gva_t arg, int version)
{
	struct physdev_pirq_eoi_gmfn op;
	int rc;

	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = pirq_set_eoi_page(self, op.gmfn, version);
	return rc == RESTART ? hypercall_again(self, 0) : rc;
}

static long setup_gsi(struct vcpu *self, gva_t arg)
{
	struct physdev_setup_gsi op;

	require_hardware(self, "setup_gsi");
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.gsi < 0)
		return refuse(-EINVAL, "setup_gsi: GSI %d", op.gsi);
	return pirq_setup_gsi(self->dom, (unsigned)op.gsi, op.triggering, op.polarity);
}

/* dom0 found a configuration window; does the firmware's table agree?  -EIO it lies elsewhere,
 * -ENODEV the table has none. */
static long pci_mmcfg_reserved(struct vcpu *self, gva_t arg)
{
	struct physdev_pci_mmcfg_reserved op;

	require_hardware(self, "pci_mmcfg_reserved");
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	for (unsigned i = 0; i < acpi.nr_mcfg; i++)
		if (acpi.mcfg[i].segment == op.segment && acpi.mcfg[i].bus_first == op.start_bus &&
		    acpi.mcfg[i].bus_last >= op.end_bus)
			return acpi.mcfg[i].base == op.address ? 0 :
				refuse(-EIO, "MCFG of segment %u is at %lx, not %lx", op.segment,
				       acpi.mcfg[i].base, op.address);
	return refuse(-ENODEV, "no MCFG for segment %u bus %u", op.segment, op.start_bus);
}

/* Devices outside segment 0 exist for dom0, but their MSIs cannot be mapped. */
static long check_device(uint16_t seg, uint8_t bus, uint8_t devfn)
{
	uint16_t bdf = (uint16_t)(bus << 8 | devfn);

	return seg || pci_present(bdf) ? 0 : refuse(-ENODEV, "no PCI device %04x", bdf);
}

static long device_add(struct vcpu *self, gva_t arg)
{
	struct physdev_pci_device_add op;
	uint32_t node;

	require_hardware(self, "pci_device_add");
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if ((op.flags & XEN_PCI_DEV_PXM) &&
	    copy_from_guest(&node, gva_add(arg, sizeof(op)), sizeof(node)))
		return -EFAULT;
	return check_device(op.seg, op.bus, op.devfn);
}

/* The operations that name a device and nothing else. */
static long device_op(struct vcpu *self, uint64_t cmd, gva_t arg)
{
	struct physdev_pci_device op;

	require_hardware(self, "PCI device");
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	switch (cmd) {
	case PHYSDEVOP_pci_device_remove:
		return 0;
	case PHYSDEVOP_restore_msi_ext:
		return op.seg ? refuse(-ENODEV, "restore_msi: segment %u", op.seg) :
				pirq_restore_msi(self->dom, (uint16_t)(op.bus << 8 | op.devfn));
	default:
		return check_device(op.seg, op.bus, op.devfn);
	}
}

/* The same before segments: {bus, devfn} begins all three structures. */
static long device_op_old(struct vcpu *self, uint64_t cmd, gva_t arg)
{
	struct physdev_manage_pci op;

	require_hardware(self, "PCI device");
	if (copy_from_guest(&op, arg, sizeof(op)))
		return -EFAULT;
	if (cmd == PHYSDEVOP_restore_msi)
		return pirq_restore_msi(self->dom, (uint16_t)(op.bus << 8 | op.devfn));
	return cmd == PHYSDEVOP_manage_pci_remove ? 0 : check_device(0, op.bus, op.devfn);
}

long hc_physdev_op(struct vcpu *self, uint64_t cmd, gva_t arg)
{
	switch (cmd) {
	case PHYSDEVOP_eoi:
		return eoi(self, arg);
	case PHYSDEVOP_set_iopl:
		return set_iopl(self, arg);
	case PHYSDEVOP_set_iobitmap:
		return set_iobitmap(self, arg);
	case PHYSDEVOP_IRQ_UNMASK_NOTIFY:
		pirq_eoi_all(self->dom);
		return 0;
	case PHYSDEVOP_irq_status_query:
		return irq_status_query(self, arg);
	case PHYSDEVOP_apic_read:
		return apic_read(self, arg);
	case PHYSDEVOP_apic_write:
		return apic_write(self, arg);
	case PHYSDEVOP_alloc_irq_vector:
		return alloc_irq_vector(self, arg);
	case PHYSDEVOP_map_pirq:
		return map_pirq(self, arg);
	case PHYSDEVOP_unmap_pirq:
		return unmap_pirq(self, arg);
	case PHYSDEVOP_pirq_eoi_gmfn_v1:
		return eoi_page(self, arg, 1);
	case PHYSDEVOP_pirq_eoi_gmfn_v2:
		return eoi_page(self, arg, 2);
	case PHYSDEVOP_setup_gsi:
		return setup_gsi(self, arg);
	case PHYSDEVOP_pci_mmcfg_reserved:
		return pci_mmcfg_reserved(self, arg);
	case PHYSDEVOP_pci_device_add:
		return device_add(self, arg);
	case PHYSDEVOP_pci_device_remove:
	case PHYSDEVOP_restore_msi_ext:
	case PHYSDEVOP_prepare_msix:
	case PHYSDEVOP_release_msix:
		return device_op(self, cmd, arg);
	case PHYSDEVOP_manage_pci_add:
	case PHYSDEVOP_manage_pci_add_ext:
	case PHYSDEVOP_manage_pci_remove:
	case PHYSDEVOP_restore_msi:
		return device_op_old(self, cmd, arg);
	default:
		return refuse(-ENOSYS, "physdev_op %lu", cmd);
	}
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
