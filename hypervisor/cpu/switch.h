/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leaving without returning.  Each CPU has one stack, not each vCPU: who switches to another vCPU
 * forgets the present C stack and starts again at its top.
 */
#ifndef CPU_SWITCH_H
#define CPU_SWITCH_H

#include "lib/util.h"

/* Goes to the guest whose struct regs is at the top of the main stack. */
void noreturn exit_reset(void);
/* Runs @fn, which must not return, on an empty main stack. */
void noreturn stack_reset_call(void (*fn)(void));
/* Where exit_reset() goes: entry.S's ret_to_guest, a floor above; boot sets it. */
extern void (*guest_exit)(void);

/* Loads a data segment register; false (and NUL loaded) when the selector faults. */
bool load_ds(uint16_t sel);
bool load_es(uint16_t sel);
bool load_fs(uint16_t sel);
bool load_gs(uint16_t sel);

#endif
