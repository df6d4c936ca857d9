/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building the frames that a guest kernel sees for exceptions, events and callbacks (abi-inventory
 * 2.3): pushed on the guest kernel stack, registers set so that the way back enters the handler.
 * All act on the current vCPU and guest_regs().  A guest whose stack cannot take the frame crashes.
 */
#ifndef DOM_BOUNCE_H
#define DOM_BOUNCE_H

#include "dom/vcpu.h"

#define NO_ERROR_CODE		(~0u)

/* Exception @vector with @error_code (ignored for vectors that have none) through the trap table. */
void bounce_exception(struct vcpu *v, unsigned vector, uint32_t error_code);
void bounce_page_fault(struct vcpu *v, uint64_t cr2, uint32_t error_code);
void bounce_event(struct vcpu *v);		/* the event callback; masks */
void bounce_failsafe(struct vcpu *v);
/* The guest's own system call that entry.S did not bounce itself: 64-bit, 32-bit, sysenter. */
void bounce_syscall(struct vcpu *v);
void bounce_syscall32(struct vcpu *v);
void bounce_sysenter(struct vcpu *v);

#endif
