/* SPDX-License-Identifier: BSD-2-Clause */
/* The local APIC in xAPIC or x2APIC mode (SDM vol. 3 ch. 11): IPIs, EOI, the one-shot timer. */
#ifndef CPU_APIC_H
#define CPU_APIC_H

#include "cpu/types.h"

extern bool apic_x2;			/* x2APIC mode is on */
extern uint64_t apic_phys;		/* machine address of the registers */

void apic_init_bsp(void);		/* after time_init: maps, enables, calibrates the timer (2 ms) */
void apic_init_ap(void);
uint32_t apic_read_id(void);
void apic_eoi(void);
void apic_send_ipi(uint32_t apic_id, unsigned vector);
void apic_send_nmi(uint32_t apic_id);
void apic_send_init(uint32_t apic_id);
void apic_send_startup(uint32_t apic_id, unsigned page);
/* Arms this CPU's timer for an absolute hypervisor time; ~0 disarms.  Uses the TSC deadline where the
 * CPU has it. */
void apic_timer_arm(uint64_t deadline_ns);

#endif
