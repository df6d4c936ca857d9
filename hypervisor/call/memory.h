/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two halves of memory_op share. */
#ifndef CALL_MEMORY_H
#define CALL_MEMORY_H

#include "call/hypercall.h"

/* Largest extent the caller may ask for. */
unsigned memory_max_order(const struct vcpu *self);
/*
 * Set while a Linux dom0 has not asked for the machine's memory map.  Its first question tells whether it
 * knows that it is dom0: no note of Linux 6.1 does (Debian's cloud kernels claim dom0 support).
 */
extern bool memory_dom0_unproven;
/* hc_exchange.c: command XENMEM_exchange */
long memory_exchange(struct vcpu *self, struct domain *d, unsigned cmd, void *arg, gva_t at);

#endif
