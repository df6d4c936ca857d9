/* SPDX-License-Identifier: BSD-2-Clause */
/* A guest's segment descriptors: which are harmless (abi-inventory 3.7), and its GDT and LDT. */
#ifndef DOM_SEGDESC_H
#define DOM_SEGDESC_H

#include "dom/vcpu.h"

/* Is this descriptor one a guest may have in its GDT or LDT?  Its DPL becomes 3.  Pure. */
bool segdesc_fix(uint64_t *desc);
/* All 512 of a page; mm/ asks when a frame becomes KIND_SEGDESC. */
bool segdesc_fix_page(uint64_t *page);
int segdesc_set_gdt(struct vcpu *v, const mfn_t *frames, unsigned nr, unsigned entries);
void segdesc_drop_gdt(struct vcpu *v);
int segdesc_set_ldt(struct vcpu *v, uint64_t base, unsigned entries);
void segdesc_drop_ldt(struct vcpu *v);
/* A fault at byte @offset of the LDT window: map that page.  false: reflect to the guest. */
bool segdesc_ldt_fault(struct vcpu *v, uint32_t offset);
/* HYPERVISOR_update_descriptor: one 8-byte slot at a machine address.  -EINVAL, -EBUSY. */
int segdesc_update(struct vcpu *v, maddr_t slot, uint64_t desc);
/* Fixes a selector so that its RPL is 3 (NUL stays). */
static inline uint16_t selector_rpl3(uint16_t sel) { return sel & ~3 ? sel | 3 : sel; }

#endif
