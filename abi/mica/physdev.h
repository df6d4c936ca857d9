/* SPDX-License-Identifier: MIT */
/*
 * physdev_op(cmd, arg): interrupts, PCI devices and I/O privilege, for the domain that
 * drives the hardware.  arg is a guest pointer to the structure named with the command.
 *
 * A pirq is a domain's own number for a machine interrupt: map_pirq makes one from a
 * GSI or an MSI, an event channel (bind_pirq) delivers it, eoi ends it.
 */
#ifndef MICA_ABI_PHYSDEV_H
#define MICA_ABI_PHYSDEV_H

#include <mica/types.h>

#define PHYSDEVOP_IRQ_UNMASK_NOTIFY	4	/* compat: no arg, unmask every pirq */
#define PHYSDEVOP_irq_status_query	5	/* physdev_irq_status_query */
#define PHYSDEVOP_set_iopl		6	/* physdev_set_iopl */
#define PHYSDEVOP_set_iobitmap		7	/* physdev_set_iobitmap */
#define PHYSDEVOP_apic_read		8	/* physdev_apic */
#define PHYSDEVOP_apic_write		9	/* physdev_apic */
#define PHYSDEVOP_alloc_irq_vector	10	/* physdev_irq */
#define PHYSDEVOP_free_irq_vector	11	/* physdev_irq */
#define PHYSDEVOP_eoi			12	/* physdev_eoi */
#define PHYSDEVOP_map_pirq		13	/* physdev_map_pirq */
#define PHYSDEVOP_unmap_pirq		14	/* physdev_unmap_pirq */
#define PHYSDEVOP_manage_pci_add	15	/* physdev_manage_pci */
#define PHYSDEVOP_manage_pci_remove	16	/* physdev_manage_pci */
#define PHYSDEVOP_pirq_eoi_gmfn_v1	17	/* physdev_pirq_eoi_gmfn */
#define PHYSDEVOP_restore_msi		19	/* physdev_restore_msi */
#define PHYSDEVOP_manage_pci_add_ext	20	/* physdev_manage_pci_ext */
#define PHYSDEVOP_setup_gsi		21	/* physdev_setup_gsi */
#define PHYSDEVOP_get_free_pirq		23	/* physdev_get_free_pirq */
#define PHYSDEVOP_pci_mmcfg_reserved	24	/* physdev_pci_mmcfg_reserved */
#define PHYSDEVOP_pci_device_add	25	/* physdev_pci_device_add */
#define PHYSDEVOP_pci_device_remove	26	/* physdev_pci_device */
#define PHYSDEVOP_restore_msi_ext	27	/* physdev_pci_device */
#define PHYSDEVOP_pirq_eoi_gmfn_v2	28	/* physdev_pirq_eoi_gmfn; eoi stays explicit */
#define PHYSDEVOP_dbgp_op		29	/* physdev_dbgp_op */
#define PHYSDEVOP_prepare_msix		30	/* physdev_pci_device */
#define PHYSDEVOP_release_msix		31	/* physdev_pci_device */

struct physdev_eoi {
	uint32_t irq;			/* in: pirq */
};
ABI_SIZE(struct physdev_eoi, 4);

/* A page with one bit per pirq, set by the hypervisor while that pirq needs an eoi. */
struct physdev_pirq_eoi_gmfn {
	xen_pfn_t gmfn;			/* in */
};
ABI_SIZE(struct physdev_pirq_eoi_gmfn, 8);

#define XENIRQSTAT_needs_eoi	(1u << 0)
#define XENIRQSTAT_shared	(1u << 1)	/* with another domain */

struct physdev_irq_status_query {
	uint32_t irq;			/* in: pirq */
	uint32_t flags;			/* out: XENIRQSTAT_* */
};
ABI_SIZE(struct physdev_irq_status_query, 8);

struct physdev_set_iopl {
	uint32_t iopl;			/* in: 0-3, for this vCPU */
};
ABI_SIZE(struct physdev_set_iopl, 4);

struct physdev_set_iobitmap {
	uint64_t bitmap;		/* in: guest pointer; a clear bit allows the port */
	uint32_t nr_ports;		/* in: bits, at most 65536 */
	uint32_t _pad;
};
ABI_SIZE(struct physdev_set_iobitmap, 16);

struct physdev_apic {
	uint64_t apic_physbase;		/* in: address of the IO-APIC */
	uint32_t reg;			/* in */
	uint32_t value;			/* write: in; read: out */
};
ABI_SIZE(struct physdev_apic, 16);

struct physdev_irq {
	uint32_t irq;			/* in */
	uint32_t vector;		/* alloc: out; free: in */
};
ABI_SIZE(struct physdev_irq, 8);

/* physdev_map_pirq.type */
#define MAP_PIRQ_TYPE_MSI	0	/* one MSI or MSI-X entry, segment 0 */
#define MAP_PIRQ_TYPE_GSI	1
#define MAP_PIRQ_TYPE_UNKNOWN	2
#define MAP_PIRQ_TYPE_MSI_SEG	3	/* one MSI or MSI-X entry, segment in bus */
#define MAP_PIRQ_TYPE_MULTI_MSI	4	/* entry_nr MSI vectors in a row */

struct physdev_map_pirq {
	domid_t domid;			/* in */
	uint16_t _pad0;
	int32_t type;			/* in: MAP_PIRQ_TYPE_* */
	int32_t index;			/* in: GSI */
	int32_t pirq;			/* in: wanted, or -1; out: given */
	int32_t bus;			/* in: segment << 16 | bus */
	int32_t devfn;			/* in: device << 3 | function */
	int32_t entry_nr;		/* in: MSI-X entry or count; out: count possible */
	uint32_t _pad1;
	uint64_t table_base;		/* in: address of the MSI-X table; 0: MSI */
};
ABI_SIZE(struct physdev_map_pirq, 40);

struct physdev_unmap_pirq {
	domid_t domid;
	uint16_t _pad;
	int32_t pirq;			/* in */
};
ABI_SIZE(struct physdev_unmap_pirq, 8);

struct physdev_manage_pci {
	uint8_t bus;			/* in */
	uint8_t devfn;			/* in */
};
ABI_SIZE(struct physdev_manage_pci, 2);

struct physdev_restore_msi {
	uint8_t bus;			/* in */
	uint8_t devfn;			/* in */
};
ABI_SIZE(struct physdev_restore_msi, 2);

struct physdev_manage_pci_ext {
	uint8_t bus;			/* in */
	uint8_t devfn;			/* in */
	uint16_t _pad0;
	uint32_t is_extfn;		/* in: more than 8 functions */
	uint32_t is_virtfn;		/* in: virtual function of physfn */
	struct {
		uint8_t bus;
		uint8_t devfn;
	} physfn;
	uint16_t _pad1;
};
ABI_SIZE(struct physdev_manage_pci_ext, 16);

struct physdev_setup_gsi {
	int32_t gsi;			/* in */
	uint8_t triggering;		/* in: 0 edge, 1 level */
	uint8_t polarity;		/* in: 0 high, 1 low */
	uint16_t _pad;
};
ABI_SIZE(struct physdev_setup_gsi, 8);

struct physdev_get_free_pirq {
	int32_t type;			/* in: MAP_PIRQ_TYPE_* */
	uint32_t pirq;			/* out */
};
ABI_SIZE(struct physdev_get_free_pirq, 8);

#define XEN_PCI_MMCFG_RESERVED	0x1	/* firmware reserves the window */

struct physdev_pci_mmcfg_reserved {
	uint64_t address;		/* in: physical address of the configuration window */
	uint16_t segment;		/* in */
	uint8_t start_bus;		/* in */
	uint8_t end_bus;		/* in */
	uint32_t flags;			/* in: XEN_PCI_MMCFG_* */
};
ABI_SIZE(struct physdev_pci_mmcfg_reserved, 16);

/* physdev_pci_device_add.flags */
#define XEN_PCI_DEV_EXTFN	0x1	/* one of more than 8 functions */
#define XEN_PCI_DEV_VIRTFN	0x2	/* physfn names its physical function */
#define XEN_PCI_DEV_PXM		0x4	/* a u32 proximity domain follows the structure */

/* Followed by u32 words that flags announce. */
struct physdev_pci_device_add {
	uint16_t seg;			/* in */
	uint8_t bus;			/* in */
	uint8_t devfn;			/* in */
	uint32_t flags;			/* in: XEN_PCI_DEV_* */
	struct {
		uint8_t bus;
		uint8_t devfn;
	} physfn;			/* in */
	uint16_t _pad;
};
ABI_SIZE(struct physdev_pci_device_add, 12);

struct physdev_pci_device {
	uint16_t seg;			/* in */
	uint8_t bus;			/* in */
	uint8_t devfn;			/* in */
};
ABI_SIZE(struct physdev_pci_device, 4);

#define PHYSDEVOP_DBGP_RESET_PREPARE	1
#define PHYSDEVOP_DBGP_RESET_DONE	2
#define PHYSDEVOP_DBGP_BUS_UNKNOWN	0
#define PHYSDEVOP_DBGP_BUS_PCI		1

/* dom0 is about to reset (has reset) the USB controller of the debug port. */
struct physdev_dbgp_op {
	uint8_t op;			/* in: PHYSDEVOP_DBGP_RESET_* */
	uint8_t bus;			/* in: PHYSDEVOP_DBGP_BUS_* */
	union {
		struct physdev_pci_device pci;
	} u;
};
ABI_SIZE(struct physdev_dbgp_op, 6);

/* Argument of physdev_op_compat: command and structure in one. */
struct physdev_op {
	uint32_t cmd;			/* PHYSDEVOP_* below 12 */
	uint32_t _pad;
	union {
		struct physdev_irq_status_query irq_status_query;
		struct physdev_set_iopl set_iopl;
		struct physdev_set_iobitmap set_iobitmap;
		struct physdev_apic apic_op;
		struct physdev_irq irq_op;
	} u;
};
ABI_SIZE(struct physdev_op, 24);

#endif /* MICA_ABI_PHYSDEV_H */
