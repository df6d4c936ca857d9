/* SPDX-License-Identifier: BSD-2-Clause */
/* The local APIC in xAPIC or x2APIC mode (SDM vol. 3 ch. 11): IPIs, EOI, the one-shot timer. */
#ifndef CPU_APIC_H
#define CPU_APIC_H

#include "cpu/types.h"

extern bool apic_x2;			/* x2APIC mode is on */
extern uint64_t apic_phys;		/* machine address of the registers */

void apic_init_bsp(void);		/* after time_init: maps, enables, calibrates the timer (2 ms) */
void apic_init_cpu(void);		/* from whatever the firmware left to our state */
void apic_eoi(void);
/* What arrives at another CPU: a vector, an NMI, or the two steps of starting it. */
#define APIC_NMI		(4u << 8)
#define APIC_INIT		(5u << 8)
#define APIC_STARTUP		(6u << 8)	/* | number of the page where it starts */
void apic_send(uint32_t apic_id, uint32_t what);
/* Arms this CPU's timer for an absolute hypervisor time; ~0 disarms.  Uses the TSC deadline where the
 * CPU has it. */
void apic_timer_arm(uint64_t deadline_ns);

#endif
