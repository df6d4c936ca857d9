/* SPDX-License-Identifier: BSD-2-Clause */
/* Every hypercall handler, and the fault handlers trap.c calls.  See abi-inventory 4 for each call. */
#ifndef CALL_HANDLERS_H
#define CALL_HANDLERS_H

#include "call/hypercall.h"

/* hc_trap.c */
long hc_set_trap_table(struct vcpu *self, gva_t table);
long hc_set_callbacks(struct vcpu *self, uint64_t event, uint64_t failsafe, uint64_t syscall);
long hc_callback_op(struct vcpu *self, uint64_t cmd, gva_t arg);
long hc_nmi_op(struct vcpu *self, uint64_t cmd, gva_t arg);
long hc_stack_switch(struct vcpu *self, uint64_t ss, uint64_t sp);
long hc_fpu_taskswitch(struct vcpu *self, uint64_t set);
long hc_set_debugreg(struct vcpu *self, uint64_t reg, uint64_t value);
long hc_get_debugreg(struct vcpu *self, uint64_t reg);
long hc_set_segment_base(struct vcpu *self, uint64_t which, uint64_t base);
long hc_iret(struct vcpu *self);
long hc_set_gdt(struct vcpu *self, gva_t frames, uint64_t entries);
long hc_update_descriptor(struct vcpu *self, uint64_t maddr, uint64_t desc);
/* hc_mmu.c */
long hc_mmu_update(struct vcpu *self, gva_t list, uint64_t n, gva_t done_out, uint64_t whose);
long hc_mmuext_op(struct vcpu *self, gva_t list, uint64_t n, gva_t done_out, uint64_t whose);
long hc_update_va_mapping(struct vcpu *self, uint64_t va, uint64_t val, uint64_t flags);
long hc_update_va_mapping_otherdomain(struct vcpu *self, uint64_t va, uint64_t val, uint64_t flags,
				      uint64_t domid);
/* hypercall.c */
long hc_multicall(struct vcpu *self, gva_t list, uint64_t n);
/* hc_memory.c */
long hc_memory_op(struct vcpu *self, uint64_t cmd, gva_t arg);
/* hc_sched.c */
long hc_sched_op(struct vcpu *self, uint64_t cmd, gva_t arg, uint64_t extra);
long hc_sched_op_compat(struct vcpu *self, uint64_t cmd, uint64_t arg);
long hc_set_timer_op(struct vcpu *self, uint64_t timeout);
long hc_vcpu_op(struct vcpu *self, uint64_t cmd, uint64_t vcpuid, gva_t arg);
/* hc_evtchn.c */
long hc_event_channel_op(struct vcpu *self, uint64_t cmd, gva_t arg);
long hc_event_channel_op_compat(struct vcpu *self, gva_t op);
/* hc_grant.c */
long hc_grant_table_op(struct vcpu *self, uint64_t cmd, gva_t ops, uint64_t count);
/* hc_physdev.c */
long hc_physdev_op(struct vcpu *self, uint64_t cmd, gva_t arg);
long hc_physdev_op_compat(struct vcpu *self, gva_t op);
/* hc_platform.c */
long hc_platform_op(struct vcpu *self, gva_t op);
/* hc_misc.c: version, console, vm_assist, the calls that answer with one error, mica_op */
long hc_xen_version(struct vcpu *self, uint64_t cmd, gva_t arg);
long hc_console_io(struct vcpu *self, uint64_t cmd, uint64_t count, gva_t buffer);
long hc_vm_assist(struct vcpu *self, uint64_t cmd, uint64_t type);
long hc_hvm_op(struct vcpu *self, uint64_t cmd, gva_t arg);
long hc_mica_op(struct vcpu *self, uint64_t cmd, gva_t arg);
/* hc_domctl.c, hc_sysctl.c */
long hc_domctl(struct vcpu *self, gva_t op);
long hc_sysctl(struct vcpu *self, gva_t op);

/* pagefault.c: a #PF of the guest.  Handles what is ours (writable tables, LDT, read-only MMIO); false:
 * reflect it. */
bool pagefault_handle(struct vcpu *v, struct regs *r, uint64_t cr2);
/* emulate.c: a #GP (or #UD with the forced prefix) of the guest.  True: done, RIP is past it. */
bool emulate_privileged(struct vcpu *v, struct regs *r);
bool emulate_forced_cpuid(struct vcpu *v, struct regs *r);

#endif
