/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two halves of memory_op share. */
#ifndef CALL_MEMORY_H
#define CALL_MEMORY_H

#include "call/hypercall.h"

/* Largest extent the caller may ask for. */
unsigned memory_max_order(const struct vcpu *self);
/* The domain gives one frame up.  -EINVAL: not its own, or given up already. */
int memory_release_frame(struct domain *d, mfn_t m);
/* hc_exchange.c */
long memory_exchange(struct vcpu *self, gva_t arg);

#endif
