/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vectors to handlers.  One table serves all CPUs; an entry is written under the lock before its source
 * is switched on and cleared after it was switched off, so dispatch reads it without the lock.
 *
 * The two 8259s that PCs still have are masked for good: every interrupt comes through a local APIC.
 */
#include <mica/errno.h>
#include "cpu/apic.h"
#include "cpu/asm.h"
#include "cpu/irq.h"
#include "cpu/lock.h"
#include "cpu/log.h"
#include "cpu/percpu.h"

#define PIC1_DATA	0x21
#define PIC2_DATA	0xa1

static struct {
	irq_fn *fn;			/* NULL: free */
	void *data;
} handlers[256];
static struct spinlock lock = SPINLOCK_INIT(RANK_IRQ);

boot_text void irq_init(void)
{
	outb(PIC1_DATA, 0xff);
	outb(PIC2_DATA, 0xff);
}

static void bind(unsigned vector, irq_fn *fn, void *data)
{
	handlers[vector].data = data;
	atomic_release(&handlers[vector].fn, fn);
}

void irq_vector_set(unsigned vector, irq_fn *fn, void *data)
{
	lock_take(&lock);
	bind(vector, fn, data);
	lock_drop(&lock);
}

int irq_vector_alloc(irq_fn *fn, void *data)
{
	int vector;

	lock_take(&lock);
	for (vector = VECTOR_DYN_FIRST; vector <= VECTOR_DYN_LAST; vector++)
		if (vector != VECTOR_GUEST_INT80 && !handlers[vector].fn)
			break;
	if (vector <= VECTOR_DYN_LAST)
		bind((unsigned)vector, fn, data);
	else
		vector = -ENOSPC;
	lock_drop(&lock);
	return vector;
}

void irq_vector_free(unsigned vector)
{
	irq_vector_set(vector, NULL, NULL);
}

void irq_dispatch(unsigned vector)
{
	irq_fn *fn = atomic_acquire(&handlers[vector].fn);

	this_cpu()->nr_irqs++;
	if (fn)
		fn(vector, handlers[vector].data);
	else if (vector != VECTOR_SPURIOUS)
		log_guest(LOG_WARN, "interrupt without handler: vector %x", vector);
	if (vector != VECTOR_SPURIOUS)		/* the one that wants no EOI (SDM vol. 3, 10.9) */
		apic_eoi();
}
