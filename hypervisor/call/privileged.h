/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of privileged-instruction emulation (abi-inventory 2.6): ports, model-specific registers,
 * CPUID and the hypercall page.  call/emulate.c decodes the instruction and calls these; each acts
 * for the current vCPU.
 */
#ifndef CALL_PRIVILEGED_H
#define CALL_PRIVILEGED_H

#include "cpu/features.h"
#include "dom/vcpu.h"

/* Does the virtual IOPL give the current mode of @v all ports, CLI and STI? */
bool ports_iopl_ok(const struct vcpu *v);
/* May the current mode of @v use @bytes ports from @port on (IOPL, I/O bitmap)?  No: #GP. */
bool ports_allowed(struct vcpu *v, unsigned port, unsigned bytes);
/* One access of 1, 2 or 4 bytes: @value goes @out, or what comes in is returned.  What the domain may not
 * touch reads all ones; writes are dropped. */
uint32_t port_access(struct vcpu *v, unsigned port, unsigned bytes, bool out, uint32_t value);

/* 0, or -EINVAL: #GP. */
int msr_read(struct vcpu *v, uint32_t msr, uint64_t *value);
int msr_write(struct vcpu *v, uint32_t msr, uint64_t value);

/* What @v sees for leaf/sub.  @forced: asked with the prefix (#UD), not by a faulting CPUID. */
void cpuid_for_guest(struct vcpu *v, uint32_t leaf, uint32_t sub, bool forced, struct cpuid_leaf *out);

/* Writes the 128 hypercall slots into a page. */
void hypercall_page_fill(void *page);
/* The same for frame @gmfn of @d.  -EINVAL not RAM, RESTART, or why it may not be written. */
int hypercall_page_put(struct vcpu *self, struct domain *d, uint64_t gmfn);

#endif
