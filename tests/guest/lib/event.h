/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Event channels, two-level form: the upcall, counters per port, masks.
 *
 * The upcall counts every pending unmasked port in event_count[] and clears it.  Virtual
 * interrupts are off until event_enable().
 */
#ifndef GUEST_EVENT_H
#define GUEST_EVENT_H
#include "abi.h"

#define NR_COUNTED_PORTS 128

extern volatile unsigned long event_count[NR_COUNTED_PORTS];

/* called by the dispatcher; scans the two-level bitmap */
void event_upcall(void);
/* replace the scan, for FIFO ports; NULL restores it */
void event_set_scan(void (*scan)(void));

static inline bool port_test(const volatile uint64_t *map, unsigned int port)
{
	return map[port / 64] >> (port % 64) & 1;
}

static inline void port_set(volatile uint64_t *map, unsigned int port)
{
	asm volatile("lock btsq %1, %0" : "+m"(map[port / 64]) : "r"((uint64_t)port % 64) : "cc");
}

static inline void port_clear(volatile uint64_t *map, unsigned int port)
{
	asm volatile("lock btrq %1, %0" : "+m"(map[port / 64]) : "r"((uint64_t)port % 64) : "cc");
}

/* this vCPU's upcall mask: 1 = no upcalls */
uint8_t event_mask_get(void);
void event_mask_set(uint8_t mask);
/* clear the mask; an upcall that is due arrives before this returns */
void event_enable(void);
void event_disable(void);
/* close, masked or not; new ports for the calling vCPU, masked as the guest left them */
long event_bind_ipi(unsigned int vcpu);
long event_bind_virq(unsigned int virq, unsigned int vcpu);
/* two ports bound to each other inside this domain; 0 or an error */
long event_loop(unsigned int *port_a, unsigned int *port_b);
long event_send(unsigned int port);
long event_close(unsigned int port);
long event_unmask(unsigned int port);
/* system time in ns from this vCPU's time page */
uint64_t time_now_ns(void);
/* wait until *counter leaves @old or @ns passed; true when it changed */
bool wait_change(const volatile unsigned long *counter, unsigned long old, uint64_t ns);

#endif
