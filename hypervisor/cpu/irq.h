/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vectors: from an interrupt vector to the function that handles it.
 *
 *   0x00-0x1f exceptions   0x20-0xdf handed out to devices, the same on every CPU   0x80 guest int 0x80
 *   0xf0-0xff local APIC: spurious 0xff, IPI 0xfb, timer 0xfa, error 0xf9
 * Handlers run with interrupts off, on the interrupted CPU's stack, and always return.  irq_dispatch()
 * acknowledges the local APIC after the handler: an edge that comes meanwhile is kept by the APIC, and
 * a level-triggered pin was masked by its handler by then (ioapic_mask), so it does not fire again.
 * Lock: RANK_IRQ inside.
 */
#ifndef CPU_IRQ_H
#define CPU_IRQ_H

#define VECTOR_GUEST_INT80	0x80
#define VECTOR_DYN_FIRST	0x20
#define VECTOR_DYN_LAST		0xdf
#define VECTOR_APIC_ERROR	0xf9
#define VECTOR_APIC_TIMER	0xfa
#define VECTOR_IPI		0xfb
#define VECTOR_SPURIOUS		0xff

#ifndef __ASSEMBLY__
#include "cpu/types.h"

typedef void irq_fn(unsigned vector, void *data);

void irq_init(void);			/* also silences the 8259s */
/* A free device vector bound to fn(data), or -ENOSPC. */
int irq_vector_alloc(irq_fn *fn, void *data);
/* The source was silenced first.  A handler may still be running on another CPU: what its @data points
 * to must live on, or the caller makes sure by smp_call(). */
void irq_vector_free(unsigned vector);
/* Binds one of the fixed vectors. */
void irq_vector_set(unsigned vector, irq_fn *fn, void *data);
/* entry.S: vector in 0x20..0xff, not 0x80. */
void irq_dispatch(unsigned vector);

#endif
#endif
