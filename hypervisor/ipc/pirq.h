/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical interrupts as event channels, for the hardware domain (abi-inventory 4.7, 8.3).  A pirq
 * is a number the domain knows; behind it a GSI pin or an MSI.  Level-triggered pins are masked
 * when they fire and unmasked by the domain's EOI.  Lock RANK_PHYSDEV, then RANK_IRQ.
 */
#ifndef IPC_PIRQ_H
#define IPC_PIRQ_H

#include <mica/physdev.h>
#include "dom/vcpu.h"

int pirq_map(struct domain *d, struct physdev_map_pirq *map);
int pirq_unmap(struct domain *d, int pirq);
/* -EEXIST is normal. */
int pirq_setup_gsi(struct domain *d, unsigned gsi, int trigger, int polarity);
int pirq_status(struct domain *d, unsigned pirq, uint32_t *flags);
int pirq_eoi(struct domain *d, unsigned pirq);
int pirq_set_eoi_page(struct vcpu *v, uint64_t mfn, int version);
/* evtchn.c: the port that wants it, and that it wants it no more. */
int pirq_bind(struct domain *d, unsigned pirq, uint32_t flags, uint32_t port);
void pirq_unbind(struct domain *d, unsigned pirq, uint32_t port);
int pirq_restore_msi(struct domain *d, uint16_t bdf);
unsigned pirq_count(const struct domain *d);
/* Old interface of PHYSDEVOP_IRQ_UNMASK_NOTIFY: eoi for all. */
void pirq_eoi_all(struct domain *d);

#endif
