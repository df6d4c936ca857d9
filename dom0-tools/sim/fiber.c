/* SPDX-License-Identifier: BSD-2-Clause */
/* See fiber.h. */
#include <stdint.h>
#include <stdlib.h>

#include "sim/fiber.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>

static void about_to_switch(void **fake, const struct fiber *to)
{
	__sanitizer_start_switch_fiber(fake, to->bottom, to->bottom_bytes);
}

static void have_switched(struct fiber *to, struct fiber *from)
{
	const void *bottom;
	size_t bytes;

	__sanitizer_finish_switch_fiber(to->fake, &bottom, &bytes);
	if (from && !from->stack) {		/* the thread's own stack: now it is known */
		from->bottom = bottom;
		from->bottom_bytes = bytes;
	}
}

static void forget_stack(struct fiber *f)
{
	__asan_unpoison_memory_region(f->stack, f->stack_bytes);
}
#else
static void about_to_switch(void **fake, const struct fiber *to) { }
static void have_switched(struct fiber *to, struct fiber *from) { }
static void forget_stack(struct fiber *f) { }
#endif

static struct fiber *came_from;

static void entry(unsigned low, unsigned high)
{
	struct fiber *f = (struct fiber *)((uintptr_t)low | (uintptr_t)high << 32);

	have_switched(f, came_from);
	f->main(f->arg);
	abort();
}

void fiber_start(struct fiber *f, void (*main)(void *arg), void *arg)
{
	uintptr_t p = (uintptr_t)f;

	f->main = main;
	f->arg = arg;
	f->bottom = f->stack;
	f->bottom_bytes = f->stack_bytes;
	f->fake = NULL;
	forget_stack(f);
	getcontext(&f->context);
	f->context.uc_stack.ss_sp = f->stack;
	f->context.uc_stack.ss_size = f->stack_bytes;
	f->context.uc_link = NULL;
	makecontext(&f->context, (void (*)(void))entry, 2, (unsigned)p, (unsigned)(p >> 32));
}

void fiber_switch(struct fiber *from, struct fiber *to)
{
	came_from = from;
	about_to_switch(&from->fake, to);
	swapcontext(&from->context, &to->context);
	have_switched(from, came_from);
}

void fiber_leave(struct fiber *from, struct fiber *to)
{
	came_from = from;
	about_to_switch(NULL, to);
	setcontext(&to->context);
	abort();
}
