/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Coroutines over ucontext, and what the address sanitizer must be told about them.  A fiber
 * that was left for good is started again with fiber_start() on the same stack.
 */
#ifndef MICA_SIM_FIBER_H
#define MICA_SIM_FIBER_H

#include <stdbool.h>
#include <stddef.h>
#include <ucontext.h>

struct fiber {
	ucontext_t context;
	void *stack;			/* null: the thread's own */
	size_t stack_bytes;
	const void *bottom;		/* as the sanitizer knows it */
	size_t bottom_bytes;
	void *fake;			/* the sanitizer's, while another runs */
	void (*main)(void *arg);
	void *arg;
};

/* @main never returns. */
void fiber_start(struct fiber *f, void (*main)(void *arg), void *arg);
/* From @from, which runs, to @to; returns when somebody switches to @from. */
void fiber_switch(struct fiber *from, struct fiber *to);
/* The same, and @from is never continued. */
void fiber_leave(struct fiber *from, struct fiber *to) __attribute__((noreturn));

#endif
