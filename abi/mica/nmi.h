/* SPDX-License-Identifier: MIT */
/*
 * nmi_op(cmd, arg): the old way to register the NMI handler of vCPU 0, and the reasons
 * dom0 finds in shared_info when an NMI arrives.  callback_op is the new way.
 */
#ifndef MICA_ABI_NMI_H
#define MICA_ABI_NMI_H

#include <mica/types.h>

#define XENNMI_register_callback	0	/* struct xennmi_callback */
#define XENNMI_unregister_callback	1	/* no arg */

/* Bits of arch_shared_info.nmi_reason, set by the hypervisor. */
#define XEN_NMIREASON_io_error		(1u << 0)	/* I/O check, port 0x61 bit 6 */
#define XEN_NMIREASON_pci_serr		(1u << 1)	/* PCI SERR, port 0x61 bit 7 */
#define XEN_NMIREASON_unknown		(1u << 2)

struct xennmi_callback {
	uint64_t handler_address;	/* virtual address */
	uint64_t pad;
};
ABI_SIZE(struct xennmi_callback, 16);

#endif /* MICA_ABI_NMI_H */
