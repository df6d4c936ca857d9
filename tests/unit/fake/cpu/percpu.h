/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real struct percpu, found through a thread-local pointer: each test thread is a CPU.  A test
 * moves to another CPU with fake_run_on() (fake.h).
 */
#ifndef FAKE_PERCPU_H
#define FAKE_PERCPU_H

#define this_cpu	real_this_cpu
#define percpu_of	real_percpu_of
#define guest_regs	real_guest_regs
#include "../../../../hypervisor/cpu/percpu.h"
#undef this_cpu
#undef percpu_of
#undef guest_regs

extern struct percpu fake_percpus[MAX_CPUS];
extern struct regs fake_guest_regs[MAX_CPUS];
extern __thread struct percpu *fake_this_cpu;

static inline struct percpu *this_cpu(void)
{
	return fake_this_cpu;
}

static inline struct percpu *percpu_of(unsigned n)
{
	return &fake_percpus[n];
}

static inline struct regs *guest_regs(void)
{
	return &fake_guest_regs[this_cpu()->id];
}

#endif
