/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Further vCPUs, for IPIs and for races.
 *
 * smp_start(fn) builds a context that shares the boot vCPU's root, trap table and callbacks and
 * runs fn() on vCPU 1; smp_start_on() does so on any below MAX_VCPUS.  When fn returns the vCPU
 * takes itself down; brought up again it runs fn() once more.
 */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H
#include "abi.h"

/* fill *ctx for a vCPU that starts @rip on @rsp in kernel mode */
void smp_context(struct vcpu_guest_context *ctx, unsigned long rip, unsigned long rsp);
/* skips the test when the domain has no such vCPU */
void smp_start(void (*fn)(void));
void smp_start_on(unsigned int vcpu, void (*fn)(void));
/* one that was started and is down */
void smp_again(unsigned int vcpu, void (*fn)(void));
/* wait until vCPU 1 is down again; test_error after 20 s */
void smp_wait(void);
void smp_wait_on(unsigned int vcpu);
/* two sides call it: returns when both arrived */
void smp_meet(void);
void smp_entry(void);

#endif
