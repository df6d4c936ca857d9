/* SPDX-License-Identifier: BSD-2-Clause */
/* What entry.S calls, and what it offers to C. */
#ifndef CALL_TRAP_H
#define CALL_TRAP_H

#include "cpu/regs.h"
#include "cpu/switch.h"
#include "dom/vcpu.h"

/* entry.S -> trap.c, hc_trap.c, hypercall.c */
void trap_from_guest(struct regs *r);
void trap_from_hypervisor(struct regs *r);
void trap_debug_in_hypervisor(struct regs *r);
void trap_ist(struct regs *r);
void exit_work(void);
void iret_slow(struct vcpu *v);
long hypercall_unknown(struct vcpu *v, uint64_t nr);

/* hc_trap.c: a debug register (0-3, 6, 7) of a vCPU that is the current one or runs nowhere.  -EPERM not
 * an address or a trap the guest may ask for, -EINVAL, -ENODEV. */
long debugreg_set(struct vcpu *v, uint64_t reg, uint64_t value);

/* entry.S */
extern const uint64_t entry_table[256];		/* address of each vector's stub */
extern const char syscall_stubs[];	/* 64 bytes a CPU (call/syscall_stubs.S) */
void entry_syscall64(void);
void entry_syscall32(void);
void entry_sysenter(void);
void ret_to_guest(void);

#endif
